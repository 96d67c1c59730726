//! Replies, checked and counted as they arrive.

use super::prepared::{Prepared, header_len};
use crate::Result;

/// Payloads from this size on are thrown away in the kernel instead of being copied out.
const DISCARD_FROM: usize = 4096;

/// What one connection has received of its next reply.
#[derive(Clone, Debug)]
pub(crate) struct Replies {
    /// The only header a right reply can have; empty where the peer is a plain TCP echo.
    header: Vec<u8>,
    body_len: usize,
    header_seen: usize,
    body_left: usize,
}

/// How the next bytes are best received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Want {
    /// Into a buffer: at most this many bytes.
    Bytes(usize),
    /// Nowhere: exactly this much of a payload is left.
    Discard(usize),
}

impl Replies {
    /// Expects WebSocket frames with the opcode and size of the requests, unmasked and whole.
    pub(crate) fn frames(prepared: &Prepared) -> Self {
        const FIN: u8 = 0x80;

        let len = prepared.payload_len();
        let mut header = vec![FIN | prepared.opcode()];
        match header_len(len) {
            2 => header.push(len as u8),
            4 => {
                header.push(126);
                header.extend_from_slice(&(len as u16).to_be_bytes());
            }
            _ => {
                header.push(127);
                header.extend_from_slice(&(len as u64).to_be_bytes());
            }
        }
        Self { header, body_len: len, header_seen: 0, body_left: len }
    }

    /// Expects the bytes that were sent.
    pub(crate) fn plain(prepared: &Prepared) -> Self {
        let len = prepared.frame_len();
        Self { header: Vec::new(), body_len: len, header_seen: 0, body_left: len }
    }

    /// Bytes of a whole reply.
    pub(crate) fn reply_len(&self) -> usize {
        self.header.len() + self.body_len
    }

    pub(crate) fn want(&self, buffer: usize) -> Want {
        if self.body_len < DISCARD_FROM {
            return Want::Bytes(buffer);
        }
        match self.header.len() - self.header_seen {
            0 => Want::Discard(self.body_left),
            left => Want::Bytes(left),
        }
    }

    /// Takes received bytes and gives the number of replies that they complete.
    ///
    /// # Errors
    /// When a frame header differs from what a right reply has: FIN, reserved bits, opcode, mask bit,
    /// length, or a length that is not in its shortest form.
    pub(crate) fn receive(&mut self, mut bytes: &[u8]) -> Result<usize> {
        let mut complete = 0;
        while !bytes.is_empty() {
            let expected = &self.header[self.header_seen..];
            let header = &bytes[..expected.len().min(bytes.len())];
            if header != &expected[..header.len()] {
                return Err(format!("reply header {header:02x?}, expected {expected:02x?}").into());
            }
            self.header_seen += header.len();
            bytes = &bytes[header.len()..];

            let body = bytes.len().min(self.body_left);
            bytes = &bytes[body..];
            complete += self.discarded(body);
        }
        Ok(complete)
    }

    /// Takes note of payload bytes that were thrown away, and gives the number of replies completed.
    pub(crate) fn discarded(&mut self, len: usize) -> usize {
        self.body_left -= len;
        if self.body_left > 0 || self.header_seen < self.header.len() {
            return 0;
        }
        self.header_seen = 0;
        self.body_left = self.body_len;
        1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workload::Workload;

    fn replies(name: &str) -> Replies {
        Replies::frames(&Prepared::new(&Workload::find(name).unwrap()))
    }

    fn reply(header: &[u8], len: usize) -> Vec<u8> {
        let mut reply = header.to_vec();
        reply.resize(header.len() + len, b'x');
        reply
    }

    #[test]
    fn counts_replies_cut_anywhere() {
        let three = reply(&[0x81, 32], 32).repeat(3);
        for cut in 0..three.len() {
            let mut replies = replies("t32-d16");
            let before = replies.receive(&three[..cut]).unwrap();
            assert_eq!(before, cut / 34);
            assert_eq!(before + replies.receive(&three[cut..]).unwrap(), 3);
        }
    }

    #[test]
    fn discards_the_payload_of_a_large_reply() {
        let mut replies = replies("b64k");
        assert_eq!(replies.want(100), Want::Bytes(10));
        assert_eq!(replies.receive(&[0x82, 127, 0, 0, 0, 0]).unwrap(), 0);
        assert_eq!(replies.want(100), Want::Bytes(4));
        assert_eq!(replies.receive(&[0, 1, 0, 0]).unwrap(), 0);
        assert_eq!(replies.want(100), Want::Discard(65536));
        assert_eq!(replies.discarded(65535), 0);
        assert_eq!(replies.discarded(1), 1);
        assert_eq!(replies.want(100), Want::Bytes(10));
    }

    #[test]
    fn refuses_each_wrong_part_of_a_header() {
        let wrong: [(&str, &[u8]); 6] = [
            ("no FIN", &[0x01, 32]),
            ("RSV1", &[0xc1, 32]),
            ("opcode", &[0x82, 32]),
            ("masked", &[0x81, 0x80 | 32]),
            ("length", &[0x81, 33]),
            ("length not in its shortest form", &[0x81, 126, 0, 32]),
        ];
        for (what, header) in wrong {
            assert!(replies("t32-d1").receive(&reply(header, 32)).is_err(), "{what}");
        }
    }
}
