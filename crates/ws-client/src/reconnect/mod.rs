//! A connection that comes back: dials, dials again when it is lost, and keeps what is to be sent meanwhile.
//!
//! ```no_run
//! use ws_client::{
//!     Dialer, Message,
//!     reconnect::{Event, Reconnecting},
//! };
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let mut client = Reconnecting::new(Dialer::new(), "wss://example.com/prices")?.setup(|mut conn| async move {
//!     // On every new connection, before anything that is queued.
//!     conn.write_message("subscribe EUR").await?;
//!     Ok(conn)
//! });
//!
//! // Sends from anywhere, whether the connection is up or not.
//! let outbox = client.outbox();
//! tokio::spawn(async move { outbox.send("hello").await });
//!
//! while let Some(event) = client.next().await {
//!     match event {
//!         Event::Up { .. } => eprintln!("connected"),
//!         Event::Message(Message::Text(text)) => println!("{text}"),
//!         Event::Down { cause, retry_in, .. } => eprintln!("{cause}; next attempt in {retry_in:?}"),
//!         Event::Failed { cause, retry_in, .. } => eprintln!("{cause}; next attempt in {retry_in:?}"),
//!         _ => {}
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! [`Reconnecting`] is driven by its caller: there is no task behind it, and nothing is dialed, sent or received but while
//! [`next`](Reconnecting::next) is awaited. Dropping it drops the connection without a closing handshake;
//! [`Outbox::close`] ends it well.
//!
//! # When it tries again
//!
//! [`Reconnecting::retry`] decides by the [`Cause`], and [`Cause::default_retry`] does unless it is set: an end that was meant, or
//! that would happen again, is the last; everything else is tried again. [`Backoff`] says when: after a time that is drawn
//! from zero to a ceiling that doubles with each attempt that fails, so that a server which comes back is not overrun.
//! A connection has to be up for [a while](Backoff::reset_after) before the ceiling is taken back.
//!
//! # A peer that is gone without a word
//!
//! TCP alone does not notice. [`Reconnecting::new`] turns keep-alive on unless the dialer's [`Config`](crate::Config) has it: a ping every
//! 30 seconds, and the connection is lost if nothing arrives for 10 seconds after one. With [`Reconnecting::from_fn`] the connections are
//! yours, and so is their keep-alive.
//!
//! # What may be lost
//!
//! **Every message is sent at most once, in the order it was queued.**
//!
//! * A message that no connection has taken stays in the queue, over any number of connections.
//! * A message that a connection has taken is never sent again. It may be lost with the connection: on the way, or in one of the buffers
//!   before it, of which the connection's own holds [64 KiB](ws_core::Config::high_water_mark) and one message at the most. That
//!   [`Outbox::send`] is done says nothing about it.
//! * Messages of the server that were sent while nobody was connected are the server's to keep: ask for them in
//!   [`setup`](Reconnecting::setup), with the number of the last one that arrived.
//!
//! Where each message has to arrive, the application has to acknowledge it: number the messages, keep them until the server has
//! acknowledged their number, send them by [`Outbox::try_send_now`], and begin with the first of them anew after each [`Event::Down`].
//! Then a message arrives **at least** once, and a server that remembers the last number of each client drops those that it has
//! seen, which makes it once. The page "Stay connected" of the documentation has such a list.

mod cause;
mod client;
mod drive;
mod event;
mod link;
mod outbox;
mod queue;

pub use ws_core::reconnect::{Backoff, Retry};

pub use self::{
    cause::Cause,
    client::Reconnecting,
    event::Event,
    outbox::{Outbox, SendError, SendErrorKind},
};
