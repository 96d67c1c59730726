//! WebSockets over HTTP/2 (RFC 8441): servers that are nothing but h2, and that misbehave as told.
#![cfg(feature = "http2")]
#![allow(unreachable_pub, reason = "the modules use what is in the others")]

#[path = "../support/mod.rs"]
mod support;

mod fallback;
mod frames;
mod handshake;
mod life;
mod server;
mod sharing;
