//! A connection of a browser that comes back; [`crate::reconnect`] is its page.

mod cause;
mod client;
mod event;
mod link;
mod outbox;
mod queue;
#[cfg(test)]
mod tests;

pub use ws_core::reconnect::{Backoff, Retry};

pub use self::{
    cause::Cause,
    client::Reconnecting,
    event::Event,
    outbox::{Outbox, SendError, SendErrorKind},
};
