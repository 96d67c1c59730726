//! What is told of handshakes and connections: to `tracing`, to `metrics`, or to nobody.
//!
//! A [`Handshaking`] goes along with a handshake from its checks on. If a connection comes of it, an [`Observer`] goes along with
//! its transport: so it is there however the connection is driven, and sees it end wherever it is dropped. Without the
//! features both are nothing at all.

#[cfg(not(any(feature = "metrics", feature = "tracing")))]
mod off;
#[cfg(any(feature = "metrics", feature = "tracing"))]
mod on;

#[cfg(not(any(feature = "metrics", feature = "tracing")))]
pub(crate) use self::off::{Handshaking, Observer};
#[cfg(any(feature = "metrics", feature = "tracing"))]
pub(crate) use self::on::{Handshaking, Observer};
#[cfg(any(feature = "metrics", feature = "tracing"))]
pub use self::policy::Observe;

#[cfg(any(feature = "metrics", feature = "tracing"))]
mod close;
#[cfg(feature = "metrics")]
mod metrics;
#[cfg(any(feature = "metrics", feature = "tracing"))]
mod policy;
#[cfg(feature = "tracing")]
mod tracing;
