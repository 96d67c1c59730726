//! The sending half with permessage-deflate (RFC 7692, 7.2.1).

use super::{MaskSource, Sender};
use crate::{
    Compression, CompressionLevel, DeflateConfig, Message, MessageKind, NegotiatedDeflate, PreparedMessage,
    UsageError,
    deflate::{Compressor, Streamed},
    frame::{FrameHeader, Opcode, ReservedBits},
    proto::tally::Tally,
};

/// What compressing takes.
#[derive(Debug)]
pub(super) struct Deflating {
    compressor: Compressor,
    compression: Compression,
    /// The message that is sent in fragments, if it is compressed, and whether one of them was queued.
    open: Option<Box<(Streamed, bool)>>,
    tally: Tally,
}

impl Sender {
    /// Compresses messages, as the opening handshake agreed on.
    #[must_use]
    pub fn with_deflate(mut self, negotiated: NegotiatedDeflate, config: &DeflateConfig) -> Self {
        self.deflate = Some(Box::new(Deflating {
            compressor: negotiated.compressor(self.role, config),
            compression: Compression::default(),
            open: None,
            tally: Tally::default(),
        }));
        self
    }

    /// Whether the messages from now on are compressed. Without the extension none is, whatever is set.
    pub fn set_compression(&mut self, compression: Compression) {
        if let Some(deflate) = &mut self.deflate {
            deflate.compression = compression;
        }
    }

    /// How hard to compress the messages from now on.
    pub fn set_compression_level(&mut self, level: CompressionLevel) {
        if let Some(deflate) = &mut self.deflate {
            deflate.compressor.set_level(level);
        }
    }

    /// As [`send`](Self::send), with a choice for this message alone.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn send_with(
        &mut self,
        message: Message,
        compression: Compression,
        keys: &mut impl MaskSource,
    ) -> Result<(), UsageError> {
        let before = self.compression();
        self.set_compression(compression);
        let sent = self.send(message, keys);
        self.set_compression(before);
        sent
    }

    /// What is set for the messages from now on.
    pub(crate) fn compression(&self) -> Compression {
        self.deflate.as_ref().map_or(Compression::Off, |deflate| deflate.compression)
    }

    /// Queues a whole message in its compressed form, as one frame: receivers exist that cannot put fragments of it together.
    /// False if it is better sent as it is.
    pub(super) fn compress(&mut self, kind: MessageKind, payload: &[u8], keys: &mut impl MaskSource) -> bool {
        let Some(deflate) = self.deflate.as_mut().filter(|deflate| deflate.wants(payload.len())) else {
            return false;
        };
        let Some(compressed) = deflate.compressor.message(payload) else { return false };
        let len = compressed.as_slice().len();
        deflate.tally.add(payload.len(), len, true);
        let header = self.compressed_header(kind.opcode(), true, len, keys);
        if header.mask.is_none() && self.is_shared(len) {
            self.outbox.push(&header.encode());
            self.outbox.push_shared(compressed.into_bytes());
        } else {
            self.outbox.push_frame(&header.encode(), compressed.as_slice(), header.mask);
        }
        true
    }

    /// Queues a prepared message in its compressed form. False if it is better sent as it is.
    pub(super) fn compress_prepared(
        &mut self,
        message: &PreparedMessage,
        keys: &mut impl MaskSource,
    ) -> bool {
        let wants = |deflate: &&mut Box<Deflating>| deflate.wants(message.payload().len());
        let Some(deflate) = self.deflate.as_mut().filter(wants) else { return false };
        let Some(frame) = deflate.compressor.prepared(message) else { return false };
        let decoded = FrameHeader::decode(&frame).ok().flatten();
        let header_len = decoded.as_ref().map_or(0, |(_, len)| *len);
        deflate.tally.add(message.payload().len(), frame.len() - header_len, true);
        // A client masks it anew (5.3).
        let header = match decoded {
            Some((header, len)) if self.role == crate::Role::Client => Some((header, frame.slice(len..))),
            _ => None,
        };
        match header {
            Some((header, payload)) => {
                let mask = Some(keys.masking_key());
                self.outbox.push_frame(&FrameHeader { mask, ..header }.encode(), &payload, mask);
            }
            None if self.is_shared(frame.len()) => self.outbox.push_shared(frame),
            None => self.outbox.push(&frame),
        }
        true
    }

    /// Begins a message that is sent in fragments, compressed if it can be.
    pub(super) fn begin_compressed(&mut self) {
        if let Some(deflate) = &mut self.deflate {
            if deflate.compression == Compression::On {
                deflate.open = deflate.compressor.begin().map(|message| Box::new((message, false)));
            }
        }
    }

    /// Compresses the next bytes of a message that is sent in fragments. Queues a fragment when there are `fragment` bytes
    /// for it, when there is no such bound, or at the end. False if the message is not compressed.
    pub(super) fn compress_piece(
        &mut self,
        kind: MessageKind,
        piece: &[u8],
        fin: bool,
        fragment: Option<usize>,
        keys: &mut impl MaskSource,
    ) -> bool {
        let Some(mut open) = self.deflate.as_mut().and_then(|deflate| deflate.open.take()) else {
            return false;
        };
        let (message, begun) = &mut *open;
        message.push(piece);
        if fin {
            message.finish();
        }
        let is_due = message.is_due(fragment.unwrap_or(1));
        let queued = if fin || is_due { message.output().len() } else { 0 };
        if fin || is_due {
            let output = message.output();
            let opcode = if *begun { Opcode::CONTINUATION } else { kind.opcode() };
            let header = self.compressed_header(opcode, fin, output.len(), keys);
            self.outbox.push_frame(&header.encode(), output, header.mask);
            message.clear();
        }
        if let Some(deflate) = &mut self.deflate {
            deflate.tally.add(piece.len(), queued, fin);
            if fin {
                deflate.compressor.streamed(message);
            } else {
                *begun |= is_due;
                deflate.open = Some(open);
            }
        }
        true
    }

    /// Whether a piece of a message was compressed and not queued.
    #[cfg(feature = "io")]
    pub(crate) fn holds_back(&self) -> bool {
        self.deflate
            .as_ref()
            .is_some_and(|deflate| deflate.open.as_ref().is_some_and(|open| !open.0.output().is_empty()))
    }

    /// What compression came to so far.
    #[cfg(feature = "io")]
    pub(crate) fn tally(&self) -> Tally {
        self.deflate.as_ref().map_or_else(Tally::default, |deflate| deflate.tally)
    }

    /// Forgets a message in fragments. If one of them was queued the message stays open, and nothing can end it any more; its
    /// compressor is for others to use all the same.
    #[cfg(feature = "io")]
    pub(crate) fn abandon(&mut self) {
        if let Some(message) = self.deflate.as_mut().and_then(|deflate| deflate.open.take()) {
            let (_, begun) = *message;
            if !begun {
                self.open = None;
            }
        }
    }

    /// RFC 7692, 6: RSV1 tells of the first frame of a message that it is compressed.
    fn compressed_header(
        &self,
        opcode: Opcode,
        fin: bool,
        len: usize,
        keys: &mut impl MaskSource,
    ) -> FrameHeader {
        let is_first = opcode != Opcode::CONTINUATION;
        let reserved = if is_first { ReservedBits::RSV1 } else { ReservedBits::NONE };
        FrameHeader { reserved, ..self.header(opcode, fin, len, keys) }
    }
}

impl Deflating {
    /// Whether a message of this length is to be compressed.
    fn wants(&self, len: usize) -> bool {
        self.compression == Compression::On && self.compressor.is_worth(len)
    }
}
