//! The messages of a workload, as the bytes that go out.

use std::{iter, ops::Range};

use crate::workload::{Content, Workload};

/// Different messages in a run. Each has its own masking key and payload, so that a server that echoes
/// the wrong bytes, or unmasks with the wrong key, is found out.
pub(crate) const VARIANTS: usize = 16;

/// Masked client frames, one after the other, long enough that a whole batch is one slice.
#[derive(Debug)]
pub(crate) struct Prepared {
    opcode: u8,
    payloads: Vec<Vec<u8>>,
    frame_len: usize,
    /// The frames 0, 1, … 15, 0, 1, … for one round of variants and one batch more.
    bytes: Vec<u8>,
}

impl Prepared {
    pub(crate) fn new(workload: &Workload) -> Self {
        let mut random = Random(0x5eed);
        let payloads: Vec<_> = iter::repeat_with(|| payload(workload.content, workload.size, &mut random))
            .take(VARIANTS)
            .collect();
        // RFC 6455 11.8: 1 is a text frame, 2 a binary one.
        let opcode = if workload.content == Content::Binary { 2 } else { 1 };
        let frames: Vec<_> = payloads
            .iter()
            .map(|payload| masked_frame(opcode, payload, random.next().to_ne_bytes()))
            .collect();
        let bytes = frames.iter().cycle().take(VARIANTS + workload.depth).flatten().copied().collect();
        Self { opcode, frame_len: frames[0].len(), payloads, bytes }
    }

    pub(crate) fn opcode(&self) -> u8 {
        self.opcode
    }

    /// Bytes of a payload; all variants have the same size.
    pub(crate) fn payload_len(&self) -> usize {
        self.payloads[0].len()
    }

    /// Bytes of a frame as the client sends it.
    pub(crate) fn frame_len(&self) -> usize {
        self.frame_len
    }

    pub(crate) fn payload(&self, variant: usize) -> &[u8] {
        &self.payloads[variant % VARIANTS]
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Where `depth` frames stand, from this variant on.
    pub(crate) fn batch(&self, variant: usize, depth: usize) -> Range<usize> {
        let start = variant % VARIANTS * self.frame_len;
        start..start + depth * self.frame_len
    }
}

/// Bytes of a frame header without a masking key (RFC 6455 5.2).
pub(crate) fn header_len(payload_len: usize) -> usize {
    match payload_len {
        0..=125 => 2,
        126..=0xffff => 4,
        _ => 10,
    }
}

fn masked_frame(opcode: u8, payload: &[u8], key: [u8; 4]) -> Vec<u8> {
    const FIN: u8 = 0x80;
    const MASK: u8 = 0x80;

    let mut frame = vec![FIN | opcode];
    match header_len(payload.len()) {
        2 => frame.push(MASK | payload.len() as u8),
        4 => {
            frame.push(MASK | 126);
            frame.extend_from_slice(&(payload.len() as u16).to_be_bytes());
        }
        _ => {
            frame.push(MASK | 127);
            frame.extend_from_slice(&(payload.len() as u64).to_be_bytes());
        }
    }
    frame.extend_from_slice(&key);
    frame.extend(payload.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key));
    frame
}

fn payload(content: Content, size: usize, random: &mut Random) -> Vec<u8> {
    match content {
        Content::Ascii => iter::repeat_with(|| b' ' + (random.next() % 95) as u8).take(size).collect(),
        Content::Binary => iter::repeat_with(|| random.next() as u8).take(size).collect(),
        Content::Multibyte => {
            let mut text = String::with_capacity(size);
            while text.len() + 3 <= size {
                // A character of the CJK block, three bytes each.
                text.push(char::from_u32(0x4e00 + random.next() % 0x5000).unwrap_or('\u{4e00}'));
            }
            while text.len() < size {
                text.push('.');
            }
            text.into_bytes()
        }
    }
}

/// SplitMix64: payloads and keys only have to differ, and to be the same in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u32 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workload;

    #[test]
    fn frame_is_the_masked_hello_of_the_rfc() {
        // RFC 6455 5.7: a single-frame masked text message.
        let frame = masked_frame(1, b"Hello", [0x37, 0xfa, 0x21, 0x3d]);
        assert_eq!(frame, [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58]);
    }

    #[test]
    fn every_variant_differs_and_batches_wrap_around() {
        let workload = Workload::find("t32-d16").unwrap();
        let prepared = Prepared::new(&workload);
        for variant in 1..VARIANTS {
            assert_ne!(prepared.payload(variant), prepared.payload(variant - 1));
        }
        let batch = &prepared.bytes()[prepared.batch(15, 16)];
        assert_eq!(batch[..38], prepared.bytes()[prepared.batch(15, 1)]);
        assert_eq!(batch[38..76], prepared.bytes()[prepared.batch(0, 1)]);
    }

    #[test]
    fn text_is_valid_utf8_of_the_asked_size() {
        for workload in workload::ALL.iter().filter(|workload| workload.content != Content::Binary) {
            let prepared = Prepared::new(workload);
            let text = std::str::from_utf8(prepared.payload(3)).unwrap();
            assert_eq!(text.len(), workload.size);
            assert_eq!(text.is_ascii(), workload.content == Content::Ascii);
        }
    }
}
