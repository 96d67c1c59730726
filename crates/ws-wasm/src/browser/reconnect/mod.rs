//! A connection of a browser that comes back; [`crate::reconnect`] is its page.

mod backoff;
mod cause;
mod client;
mod event;
mod link;
mod outbox;
mod queue;
mod retry;
#[cfg(test)]
mod tests;

pub use self::{
    backoff::Backoff,
    cause::Cause,
    client::Reconnecting,
    event::Event,
    outbox::{Outbox, SendError, SendErrorKind},
    retry::Retry,
};
