//! The messages of a workload as the bytes that go out.

use std::ops::Range;

use super::{
    deflate,
    extension::Encoding,
    frame::{self, FIN, Header, RSV1},
    payload::Random,
};
use crate::{Result, workload::Takeover};

/// Masked client frames, one after the other, long enough that a whole batch is one slice.
#[derive(Debug)]
pub(crate) struct Requests {
    opcode: u8,
    encoding: Encoding,
    payloads: Vec<Vec<u8>>,
    /// The frames of all variants in order, and then from the first again for one batch more.
    bytes: Vec<u8>,
    /// Where each of these frames begins, and where the last one ends.
    starts: Vec<usize>,
}

impl Requests {
    /// # Errors
    /// When the payloads cannot be compressed so.
    pub(crate) fn new(
        opcode: u8,
        payloads: &[Vec<u8>],
        encoding: Encoding,
        depth: usize,
        random: &mut Random,
    ) -> Result<Self> {
        let (first, sent) = match encoding {
            Encoding::Plain => (FIN | opcode, payloads.to_vec()),
            Encoding::Deflate { takeover, window_bits } => {
                (FIN | RSV1 | opcode, deflate::compress(payloads, takeover, window_bits)?)
            }
        };
        let masked = |payload: &Vec<u8>| frame::masked(first, payload, random.next().to_ne_bytes());
        let frames: Vec<_> = sent.iter().map(masked).collect();
        Ok(Self::assemble(opcode, encoding, payloads, &frames, depth))
    }

    /// The same messages as a server sends them, uncompressed.
    pub(crate) fn unmasked(&self) -> Self {
        let frame = |payload: &Vec<u8>| frame::unmasked(FIN | self.opcode, payload);
        let frames: Vec<_> = self.payloads.iter().map(frame).collect();
        Self::assemble(self.opcode, Encoding::Plain, &self.payloads, &frames, self.depth())
    }

    fn assemble(
        opcode: u8,
        encoding: Encoding,
        payloads: &[Vec<u8>],
        frames: &[Vec<u8>],
        depth: usize,
    ) -> Self {
        let (mut bytes, mut starts) = (Vec::new(), vec![0]);
        for frame in frames.iter().cycle().take(frames.len() + depth) {
            bytes.extend_from_slice(frame);
            starts.push(bytes.len());
        }
        Self { opcode, encoding, payloads: payloads.to_vec(), bytes, starts }
    }

    /// The messages that one batch has at the most.
    pub(crate) fn depth(&self) -> usize {
        self.starts.len() - 1 - self.payloads.len()
    }

    pub(crate) fn opcode(&self) -> u8 {
        self.opcode
    }

    pub(crate) fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// Different messages.
    pub(crate) fn variants(&self) -> usize {
        self.payloads.len()
    }

    /// The variant that a connection begins with. With takeover all begin with the first, which refers to nothing.
    pub(crate) fn first(&self, connection: usize) -> usize {
        match self.encoding {
            Encoding::Deflate { takeover: Takeover::Yes, .. } => 0,
            Encoding::Deflate { takeover: Takeover::No, .. } | Encoding::Plain => connection,
        }
    }

    /// What a message says, uncompressed.
    pub(crate) fn payload(&self, variant: usize) -> &[u8] {
        &self.payloads[variant % self.payloads.len()]
    }

    /// Bytes of the message as an unmasked frame, uncompressed.
    pub(crate) fn plain_len(&self, variant: usize) -> usize {
        let len = self.payload(variant).len();
        Header::new(FIN | self.opcode, len).as_slice().len() + len
    }

    /// Bytes of a frame as the client sends it.
    pub(crate) fn frame_len(&self, variant: usize) -> usize {
        self.batch(variant, 1).len()
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Where `depth` frames stand, from this variant on.
    pub(crate) fn batch(&self, variant: usize, depth: usize) -> Range<usize> {
        let first = variant % self.payloads.len();
        self.starts[first]..self.starts[first + depth]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{load::Prepared, workload::Workload};

    #[test]
    fn batches_wrap_around() {
        let prepared = Prepared::new(&Workload::find("t32-d16").unwrap());
        let requests = prepared.requests(Encoding::Plain).unwrap();
        let batch = &requests.bytes()[requests.batch(15, 16)];
        assert_eq!(batch[..38], requests.bytes()[requests.batch(15, 1)]);
        assert_eq!(batch[38..76], requests.bytes()[requests.batch(0, 1)]);
    }

    #[test]
    fn compressed_requests_are_smaller_and_say_so() {
        for (name, takeover) in [("json-nct", Takeover::No), ("json-ct", Takeover::Yes)] {
            let prepared = Prepared::new(&Workload::find(name).unwrap());
            let plain = prepared.requests(Encoding::Plain).unwrap();
            let deflated = prepared.requests(Encoding::Deflate { takeover, window_bits: 12 }).unwrap();
            assert_eq!(deflated.bytes()[0], 0xc1);
            assert!(deflated.bytes().len() < plain.bytes().len() / 2);
            assert_eq!(deflated.first(7), if takeover == Takeover::Yes { 0 } else { 7 });
        }
    }
}
