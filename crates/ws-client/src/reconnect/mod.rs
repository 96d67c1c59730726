//! A connection that comes back.

mod backoff;

pub use self::backoff::Backoff;
