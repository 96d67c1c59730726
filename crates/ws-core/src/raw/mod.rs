//! The level below `Conn`: frames on buffers of the caller's, and the opening handshake without an HTTP server.

pub mod handshake;
