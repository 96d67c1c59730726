//! What a reverse proxy tells of the client: [`TrustedProxy`], and the headers it reads.

mod forwarded;
mod range;
mod trusted;

pub use self::{
    range::{AddressRange, InvalidAddressRange},
    trusted::TrustedProxy,
};
