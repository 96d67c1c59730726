//! The wire format of frames (RFC 6455, section 5).
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-------+-+-------------+-------------------------------+
//! |F|R|R|R| opcode|M| payload len |  16 or 64 bits of length,     |
//! |I|S|S|S|  (4)  |A|     (7)     |  when the 7 bits say 126, 127 |
//! |N|V|V|V|       |S|             |                               |
//! | |1|2|3|       |K|             |                               |
//! +-+-+-+-+-------+-+-------------+-------------------------------+
//! |  masking key (32 bits), when MASK is set      |  payload ...  |
//! +-----------------------------------------------+---------------+
//! ```

mod header;
mod mask;
mod opcode;
mod rules;

pub use self::{
    header::{EncodedHeader, FrameHeader, ReservedBits},
    mask::{MaskingKey, apply_mask},
    opcode::Opcode,
};
pub(crate) use self::{mask::unmask_short, rules::Expected};

/// The most bytes that the payload of a control frame may have (RFC 6455, 5.5).
pub const MAX_CONTROL_PAYLOAD: usize = 125;

/// The most bytes that a frame header has: two, eight of length, four of masking key.
pub const MAX_HEADER_LEN: usize = 14;
