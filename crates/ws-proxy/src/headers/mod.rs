//! What passes of headers, and what is changed on the way.

mod forwarded;
mod hop_by_hop;
mod path;
mod policy;

pub use self::{
    forwarded::ForwardedHeaders,
    policy::{HostPolicy, OriginPolicy},
};
pub(crate) use self::{
    hop_by_hop::{HopByHop, remove_hop_by_hop},
    path::Path,
};
