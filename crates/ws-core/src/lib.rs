//! WebSocket core.
#[cfg(feature = "handshake")]
pub mod handshake;
