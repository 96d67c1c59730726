//! Connections that are harmed at every byte of a short conversation, in each phase and direction: each ends in the error that
//! docs/reference/errors.md has for it, within its bound, and leaves no task, file or byte behind (LIF-1 to LIF-3).

#![cfg(target_os = "linux")]

mod bytes;
mod heap;
mod host;
mod http2;
mod lifecycle;
mod script;
mod settled;
mod stalls;
mod tls;

type Error = Box<dyn std::error::Error + Send + Sync>;
type Result<T = ()> = std::result::Result<T, Error>;
