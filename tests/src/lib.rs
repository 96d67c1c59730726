//! Support library of the whole-stack tests: servers on loopback, raw sockets, frames by hand, echoes, a proxy that does harm.

pub mod echo;
pub mod fault;
pub mod raw;
pub mod serve;
pub mod sources;
pub mod tls;
