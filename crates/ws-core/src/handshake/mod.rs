//! Opening handshake.
