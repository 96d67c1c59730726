//! What carries messages, presence and history from one node to the others.
//!
//! A node is one process with one hub. A [`Backplane`] connects it to a server that all nodes share; there is no protocol
//! between the nodes themselves. [`Memory`] joins several hubs of one process, for tests and for a single machine.
//!
//! # What is promised
//!
//! * **At most once.** A publication reaches each node once or never. What may have been lost is told: to the publisher
//!   by the [`Reply`] of [`publish`](Backplane::publish), to the receivers by [`Event::Up`] with `missed` and by
//!   [`Event::Lagged`], and within a room with history by the [`Placement`] of the next message.
//! * **Ordered.** What one node publishes to one topic arrives in that order. What is retained in a room's history arrives
//!   in the order of its offsets, at every node the same, the origin among them.
//! * **Bounded.** What waits to be published is bounded by count and by bytes, and so is what waits to be taken as an
//!   event. Beyond that publications fail at once with [`ErrorKind::Full`], and events are dropped and counted.
//! * **Nothing hangs.** Each [`Reply`] comes within [`Config::timeout`], and a lost server is looked for again and again
//!   with growing, jittered pauses.
//! * **Dropping the handle ends it.** Queued publications fail with [`ErrorKind::Closed`], tasks end, the node's presence is
//!   taken back where the server can still be told, and expires where not.

mod config;
mod error;
mod events;
mod history;
#[cfg(any(feature = "nats", feature = "redis"))]
mod link;
mod memory;
mod message;
#[cfg(feature = "nats")]
mod nats;
mod node;
mod plane;
mod presence;
#[cfg(feature = "redis")]
mod redis;
mod reply;
mod topic;

pub use config::{Config, HistoryLimits};
pub use error::{BackplaneError, ErrorKind};
pub use events::{Event, Events};
pub use history::{Epoch, History, ParsePositionError, Placement, Position, Retained};
pub use memory::{Memory, MemoryBus};
pub use message::{Message, Publication};
#[cfg(feature = "nats")]
pub use nats::{Nats, NatsOptions};
pub use node::NodeId;
pub use plane::Backplane;
pub use presence::{Member, PresenceChange};
#[cfg(feature = "redis")]
pub use redis::Redis;
pub use reply::Reply;
pub use topic::Topic;
