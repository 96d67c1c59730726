//! Sessions, rooms, presence, recovery and broadcast for WebSocket servers, on one machine or on many.
//!
//! A [`Hub`] has a [`Session`] over each connection that it is given: any [`Conn`](ws_core::Conn), whatever server made it. An
//! application implements [`Handler`] and sends to sessions that it names:
//!
//! ```
//! use ws_core::{CloseFrame, Utf8Bytes};
//! use ws_hub::{Disconnect, Handler, Hub, Session};
//!
//! struct Chat;
//!
//! impl Handler for Chat {
//!     async fn connect(&self, session: &Session<Self>) -> Result<(), CloseFrame> {
//!         session.hub().room("lobby").join(session).map_err(|error| CloseFrame::new(4000, error.to_string()))?;
//!         Ok(())
//!     }
//!
//!     async fn text(&self, session: &Session<Self>, text: Utf8Bytes) {
//!         session.hub().room("lobby").except(session).send(text);
//!     }
//!
//!     fn disconnect(&self, session: &Session<Self>, end: &Disconnect) {
//!         println!("{} left: {}", session.id(), end.code);
//!     }
//! }
//!
//! let hub = Hub::new(Chat);
//! # let _ = hub;
//! // For each connection: hub.serve(conn).await
//! ```
//!
//! # How it is built
//!
//! | Part | What it does |
//! |---|---|
//! | [`Hub`] | knows the sessions, by number, room and user; shards of each, so that they come and go without much waiting |
//! | [`Handler`] | is the application: its state, and what it does about sessions; called in order for each of them |
//! | [`Session`] | stands for a connection: a bounded queue, a close frame beside it, what is kept of it |
//! | [`Target`], [`Room`] | name sessions, on all nodes |
//! | [`Envelope`], [`Sending`], [`Delivery`] | a message, what becomes of it, what came of it |
//! | [`backplane`] | joins the hubs of several nodes, and keeps histories and presence |
//!
//! **Sending never waits.** A message goes into the queue of each session that it is for, and each session's own task writes
//! what waits for it in one go. A session that does not take what it is sent has its queue filled, and then the
//! [`Overflow`] policy decides about that session alone; all others have gone on. The sender is told of every outcome.
//!
//! **A message is encoded once.** Its receivers share one frame, and one for each class of compression, whatever their
//! number; a queue takes a pointer.
//!
//! **A close always gets through.** It is no message in the queue but a state beside it.
//!
//! **Nothing is partly recovered.** A session that comes back to a room is sent exactly what it missed, or nothing and told so.
//!
//! **A session is a future.** [`Hub::serve`] runs in the task of whoever calls it: the hub starts no task for it, and a
//! session that is idle holds no buffer. However that future ends, the session is taken back and
//! [`Handler::disconnect`] is called once.
//!
//! No lock is held while an application's code runs, so handlers, filters and hooks may use the hub in every way.
//!
//! # Features
//!
//! | Feature | Default | What it adds |
//! |---|---|---|
//! | `json` | | [`json`]: a protocol for browsers, with rooms, history, presence and acknowledgements |
//! | `metrics` | | counters and gauges, by the `metrics` crate |
//! | `nats` | | a backplane over NATS; needs Rust 1.89 |
//! | `redis` | | a backplane over Redis |
//! | `tracing` | | events of sessions and of the backplane |

#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(not(feature = "json"), allow(rustdoc::broken_intra_doc_links))]
#![forbid(unsafe_code)]

pub mod backplane;
#[cfg(feature = "json")]
#[cfg_attr(docsrs, doc(cfg(feature = "json")))]
pub mod json;

mod address;
mod admission;
mod cluster;
mod config;
mod delivery;
mod disconnect;
mod drain;
mod envelope;
mod extensions;
mod groups;
mod handler;
mod hub;
mod limit;
mod members;
mod observe;
mod pin;
mod presence;
mod queue;
mod request;
mod room;
mod serve;
mod session;
mod session_id;
mod stream;
mod target;

pub use crate::{
    admission::{Admission, Refusal, Seat},
    config::{Config, Overflow, Rate},
    delivery::{Delivery, Remote, Sending},
    disconnect::{Cause, Disconnect},
    drain::{Drain, Drained},
    envelope::{Envelope, Payload},
    handler::Handler,
    hub::{Builder, Hub},
    presence::{PresenceEvent, Present},
    request::{RequestError, UnknownRequest},
    room::{Publishing, Recovery, Room, RoomHistory, RoomMessage, Since},
    session::{JoinError, Session},
    session_id::{ParseSessionIdError, SessionId},
    target::Target,
};
