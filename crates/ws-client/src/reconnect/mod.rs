//! A connection that comes back.

mod backoff;
mod cause;
mod retry;

pub use self::{backoff::Backoff, cause::Cause, retry::Retry};
