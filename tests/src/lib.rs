//! Support library of the whole-stack tests: servers on loopback, raw sockets, frames by hand, echoes.

pub mod echo;
pub mod raw;
pub mod serve;
pub mod sources;
