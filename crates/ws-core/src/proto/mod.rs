//! One connection as a state machine, without I/O, clock or randomness.
//!
//! A [`Receiver`] turns bytes into [`Event`]s and never writes: what an event obliges this endpoint to send is told by
//! [`Event::owed`]. A [`Sender`] turns messages into the bytes of an [`Outbox`] and never waits: a frame is queued whole
//! or not at all. A [`Protocol`] joins the two for a driver that holds both ends, as [`Conn`](crate::Conn) does and as a
//! blocking program or a test can do:
//!
//! 1. hand what was read to [`Protocol::receive`] until it gives no more events; when there is nothing more to read for now,
//!    say so with [`Protocol::caught_up`];
//! 2. write what [`Protocol::outbox`] holds, and tell it with [`Outbox::advance`];
//! 3. half-close the transport once [`Protocol::wants_shutdown`] says so; at its end, call nothing further.
//!
//! Control frames are answered by [`Protocol::receive`]; a driver that wants a say in that uses
//! [`Protocol::receive_unanswered`] and [`Protocol::answer`]. [`Protocol::send_fragment`] sends a message piece by piece, and
//! [`Heartbeat`] says when to ping. Where permessage-deflate was negotiated, `with_deflate` of each type lets it compress and
//! decompress (feature `deflate`). Nothing here waits: timeouts are the driver's.
//!
//! ```
//! use ws_core::{
//!     Config, Message, Role,
//!     frame::MaskingKey,
//!     proto::{Event, Protocol},
//! };
//!
//! // Masking keys must be unpredictable; this one is for the example.
//! let keys = || MaskingKey::new([1, 2, 3, 4]);
//! let mut client = Protocol::new(Role::Client, &Config::new(), keys);
//! let mut server = Protocol::new(Role::Server, &Config::new(), keys);
//!
//! client.send(Message::text("hi"))?;
//! let mut wire = client.outbox().to_vec();
//! let mut input = &mut wire[..];
//! let event = server.receive(&mut input)?;
//! assert!(matches!(event, Some(Event::Data { payload: b"hi", last: true, .. })));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod closing;
mod event;
mod heartbeat;
mod held;
mod outbox;
mod protocol;
mod receive;
mod send;
mod short_frame;
#[cfg(feature = "deflate")]
mod tally;

#[cfg(all(feature = "deflate", feature = "io"))]
pub(crate) use self::tally::Tally;
pub use self::{
    closing::Closing,
    event::{Event, Owed},
    heartbeat::Heartbeat,
    outbox::Outbox,
    protocol::Protocol,
    receive::Receiver,
    send::{MaskSource, Sender},
};
#[cfg(feature = "io")]
pub(crate) use self::{heartbeat::later, receive::Found};
pub(crate) use self::{held::Held, short_frame::ShortFrame};

/// What a short way comes to where it leaves everything to the long way. A call of its own, and a cold one: so the compiler knows
/// which way is gone most.
#[cold]
#[inline(never)]
pub(crate) fn long_way<T>() -> Option<T> {
    None
}
