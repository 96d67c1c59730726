//! When a client that lost its connection dials again: decisions alone, for loops of your own and for the clients that come back of the crates
//! above.

mod backoff;
mod retry;

pub use self::{backoff::Backoff, retry::Retry};
