//! The bit that marks compressed messages (RFC 7692, 6).

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use super::super::{ReceiveExtension, SendExtension};
use crate::{
    ProtocolError,
    frame::{FrameHeader, Opcode, ReservedBits},
};

/// Tells whether the message at hand is compressed: RSV1 in its first frame, and in no other (RFC 7692, 6).
///
/// Given to a [`FrameWriter`](super::super::FrameWriter) as an [extension](super::super::FrameWriter::extension), a clone
/// of it says for each message whether the bit [is to be set](Self::set). Given to a
/// [`FrameReader`](super::super::FrameReader), it permits the bit where it may stand, and a clone of it tells whether it
/// [was set](Self::is_set). One is for one direction: clones share what they know.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// use tokio::io::AsyncWriteExt;
/// use ws_core::{
///     DeflateConfig, MessageKind, NegotiatedDeflate, Role,
///     raw::{
///         self, FrameWriter,
///         deflate::{CompressedBit, Deflater, Inflater},
///     },
/// };
///
/// let (near, mut far) = tokio::io::duplex(4096);
/// let bit = CompressedBit::new();
/// let mut writer = FrameWriter::new(near, Role::Server, MessageKind::Text).extension(bit.clone());
/// let (negotiated, config) = (NegotiatedDeflate::new(), DeflateConfig::new());
/// let mut deflater = Deflater::new(Role::Server, &negotiated, &config);
///
/// let text = "over and over ".repeat(100);
/// let compressed = deflater.compress(text.as_bytes());
/// bit.set(compressed.is_some());
/// writer.write_all(compressed.as_deref().unwrap_or(text.as_bytes())).await?;
/// writer.finish().await?;
///
/// let frame = raw::read_frame(&mut far, 1024).await?.ok_or("no frame")?;
/// let mut inflater = Inflater::new(Role::Client, &negotiated, &config);
/// assert_eq!(inflater.decompress_frame(frame, 2048)?.payload(), text.as_bytes());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct CompressedBit(Arc<AtomicBool>);

impl CompressedBit {
    /// For messages that are not compressed, until it is [set](Self::set).
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Says whether the messages from now on are compressed. A writer asks when the first frame of a message leaves, so say
    /// it before anything of the message is written.
    pub fn set(&self, is_compressed: bool) {
        self.0.store(is_compressed, Ordering::Relaxed);
    }

    /// Whether the message at hand is compressed. A control frame between its fragments changes nothing about that.
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl SendExtension for CompressedBit {
    fn reserved_bits(&mut self, header: &FrameHeader) -> ReservedBits {
        if self.is_set() && header.opcode != Opcode::CONTINUATION {
            ReservedBits::RSV1
        } else {
            ReservedBits::NONE
        }
    }
}

impl ReceiveExtension for CompressedBit {
    fn claim(&mut self, header: &FrameHeader) -> Result<ReservedBits, ProtocolError> {
        // 6.1: in the frames behind the first it means nothing.
        if header.opcode == Opcode::CONTINUATION {
            return Ok(ReservedBits::NONE);
        }
        self.set(header.reserved.contains(ReservedBits::RSV1));
        Ok(ReservedBits::RSV1)
    }
}
