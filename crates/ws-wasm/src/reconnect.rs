//! A connection that comes back: dials, dials again when it is lost, and keeps what is to be sent meanwhile.
//!
//! ```no_run
//! use ws_wasm::{Dialer, Message, reconnect::Event};
//!
//! async fn prices(url: &str) -> Result<(), Box<dyn std::error::Error>> {
//!     let mut client = Dialer::new().reconnecting(url)?.setup(|mut socket| async move {
//!         // On every new connection, before anything that is queued.
//!         socket.write_message("subscribe EUR").await?;
//!         Ok(socket)
//!     });
//!     // Sends from elsewhere, whether the connection is up or not.
//!     let outbox = client.outbox();
//!     outbox.try_send("hello")?;
//!
//!     while let Some(event) = client.next().await {
//!         match event {
//!             Event::Up { .. } => println!("connected"),
//!             Event::Message(Message::Text(text)) => println!("{text}"),
//!             Event::Down { cause, retry_in, .. } | Event::Failed { cause, retry_in, .. } => {
//!                 println!("{cause}; next attempt in {retry_in:?}");
//!             }
//!             _ => {}
//!         }
//!     }
//!     Ok(())
//! }
//! ```
//!
//! A client is driven by its caller: nothing is dialed or sent but while its next event is awaited. Dropping it drops the connection;
//! [`Outbox::close`] ends it well.
//!
//! * **When it tries again**, the [`Cause`] decides, or a function of yours; [`Backoff`] says after which time. In a browser, a network that comes
//!   back and a page that is looked at again end that wait.
//! * **Every message is sent at most once, in the order it was queued.** One that no connection has taken stays in the queue. One that was taken
//!   is never sent again, and may be lost with its connection.
//! * **A server that is gone without a word** is noticed outside of browsers by pings. Browsers have none; there,
//!   [`idle_timeout`](crate::browser::reconnect::Reconnecting::idle_timeout) notices a server that sends nothing for too long.

use std::{error, future::Future};

#[cfg(target_family = "wasm")]
pub use crate::browser::reconnect::{Backoff, Cause, Event, Outbox, Retry, SendError, SendErrorKind};
#[cfg(not(target_family = "wasm"))]
#[doc(no_inline)]
pub use ws_client::reconnect::{Backoff, Cause, Event, Outbox, Retry, SendError, SendErrorKind};

use crate::WebSocket;

/// A client that dials again; [`Dialer::reconnecting`](crate::Dialer::reconnecting) and [`from_fn`] make one.
#[cfg(target_family = "wasm")]
pub type Reconnecting = crate::browser::reconnect::Reconnecting<crate::web::Web>;
/// A client that dials again; [`Dialer::reconnecting`](crate::Dialer::reconnecting) and [`from_fn`] make one.
#[cfg(not(target_family = "wasm"))]
pub type Reconnecting = ws_client::reconnect::Reconnecting;

/// A client whose connections come from a function: with a token that is fetched for each attempt, or by another address each time.
///
/// The function is given the number of the attempt since a connection lasted, from 1, and its future is dropped when the client is closed or
/// dropped. It has to bound its time itself: a dial does, what is done before may not.
#[cfg(target_family = "wasm")]
pub fn from_fn<F, Fut>(dial: F) -> Reconnecting
where
    F: FnMut(u32) -> Fut + 'static,
    Fut: Future<Output = Result<WebSocket, Box<dyn error::Error + Send + Sync>>> + 'static,
{
    Reconnecting::from_fn(dial)
}

/// A client whose connections come from a function: with a token that is fetched for each attempt, or by another address each time.
///
/// The function is given the number of the attempt since a connection lasted, from 1, and its future is dropped when the client is closed or
/// dropped. It has to bound its time itself: a dial does, what is done before may not. So it is with keep-alive.
#[cfg(not(target_family = "wasm"))]
pub fn from_fn<F, Fut>(mut dial: F) -> Reconnecting
where
    F: FnMut(u32) -> Fut + Send + 'static,
    Fut: Future<Output = Result<WebSocket, Box<dyn error::Error + Send + Sync>>> + Send + 'static,
{
    Reconnecting::from_fn(move |attempt| {
        let dialed = dial(attempt);
        async { Ok((dialed.await?, ws_client::http::Response::default())) }
    })
}
