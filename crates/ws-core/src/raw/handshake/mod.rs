//! The opening handshake on any byte stream, without an HTTP server.
