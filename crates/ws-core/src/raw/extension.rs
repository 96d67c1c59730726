//! Extensions of the user's own: who sets the reserved bits, and who understands them (RFC 6455, 5.2 and 9).

use crate::{
    ProtocolError,
    frame::{FrameHeader, ReservedBits},
};

/// The receiving side of an extension: which reserved bits of a frame it gives a meaning.
///
/// A [`FrameReader`](super::FrameReader) asks for every data frame, before it checks the header; control frames have no
/// reserved bits. A bit that no extension claims fails the connection. Closures are extensions:
///
/// ```
/// use ws_core::{
///     ProtocolError, Role,
///     frame::{FrameHeader, Opcode, ReservedBits},
///     raw::FrameReader,
/// };
///
/// // RSV2 marks a whole message, so only its first frame may bear it.
/// let marks = |header: &FrameHeader| {
///     if header.opcode == Opcode::CONTINUATION {
///         return Ok(ReservedBits::NONE);
///     }
///     Ok(ReservedBits::RSV2)
/// };
/// let reader = FrameReader::new(tokio::io::empty(), Role::Server).extension(marks);
/// # let _ = reader;
/// ```
pub trait ReceiveExtension {
    /// The bits that this extension understands in the header of a data frame, set there or not.
    ///
    /// The header may yet prove wrong in other ways.
    ///
    /// # Errors
    /// What the bits violate by the rules of the extension; the reader fails with it.
    fn claim(&mut self, header: &FrameHeader) -> Result<ReservedBits, ProtocolError>;
}

impl<F> ReceiveExtension for F
where
    F: FnMut(&FrameHeader) -> Result<ReservedBits, ProtocolError>,
{
    fn claim(&mut self, header: &FrameHeader) -> Result<ReservedBits, ProtocolError> {
        self(header)
    }
}

/// The sending side of an extension: which reserved bits it sets in a frame.
///
/// A [`FrameWriter`](super::FrameWriter) asks for every data frame that it is about to send. Closures are extensions:
///
/// ```
/// use ws_core::{
///     MessageKind, Role,
///     frame::{FrameHeader, Opcode, ReservedBits},
///     raw::FrameWriter,
/// };
///
/// let mark = |header: &FrameHeader| {
///     if header.opcode == Opcode::CONTINUATION { ReservedBits::NONE } else { ReservedBits::RSV2 }
/// };
/// let writer = FrameWriter::new(tokio::io::sink(), Role::Server, MessageKind::Binary).extension(mark);
/// # let _ = writer;
/// ```
pub trait SendExtension {
    /// The bits to set in a frame with this header. What extensions before this one have set is set there.
    fn reserved_bits(&mut self, header: &FrameHeader) -> ReservedBits;
}

impl<F> SendExtension for F
where
    F: FnMut(&FrameHeader) -> ReservedBits,
{
    fn reserved_bits(&mut self, header: &FrameHeader) -> ReservedBits {
        self(header)
    }
}
