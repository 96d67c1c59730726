//! WebSocket over HTTP/2 (RFC 8441): servers of hyper and axum, and a client that is nothing but h2.
#![cfg(feature = "http2")]
#![allow(unreachable_pub, reason = "the modules use what is in the others")]

#[path = "../support/mod.rs"]
mod support;

mod client;
#[cfg(feature = "axum")]
mod extractor;
mod floods;
mod handshake;
mod life;
mod sharing;
mod stream;
