//! The targets, each a function over any bytes.

pub(crate) mod extensions;
pub(crate) mod frame_header;
pub(crate) mod handshake_request;
pub(crate) mod handshake_response;
pub(crate) mod http2;
pub(crate) mod mask;
pub(crate) mod operations;
pub(crate) mod origin;
pub(crate) mod raw;
pub(crate) mod receiver;
pub(crate) mod receiver_deflate;
pub(crate) mod round_trip;
pub(crate) mod utf8;
