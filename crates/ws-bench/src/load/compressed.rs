//! Replies that may be compressed (RFC 7692, 6), checked by their headers and counted.

use std::rc::Rc;

use super::{
    frame::{FIN, Header, MAX_HEADER_LEN, RSV1},
    replies::Counted,
    requests::Requests,
};
use crate::Result;

/// What one connection has received of its next reply.
#[derive(Clone, Debug)]
pub(crate) struct Compressed {
    requests: Rc<Requests>,
    variant: usize,
    header: [u8; MAX_HEADER_LEN],
    header_seen: usize,
    body_left: usize,
    /// The reply at hand, for when it is complete.
    reply: Counted,
}

impl Compressed {
    pub(super) fn new(requests: Rc<Requests>, variant: usize) -> Self {
        let header = [0; MAX_HEADER_LEN];
        Self { requests, variant, header, header_seen: 0, body_left: 0, reply: Counted::default() }
    }

    pub(super) fn receive(&mut self, mut bytes: &[u8]) -> Result<Counted> {
        let mut complete = Counted::default();
        while let [next, rest @ ..] = bytes {
            if self.body_left == 0 {
                self.header[self.header_seen] = *next;
                self.header_seen += 1;
                bytes = rest;
                if self.header_seen == header_len(&self.header[..self.header_seen]) {
                    self.begin()?;
                }
                continue;
            }
            let body = bytes.len().min(self.body_left);
            bytes = &bytes[body..];
            self.body_left -= body;
            if self.body_left == 0 {
                complete += self.reply;
                self.variant += 1;
                self.header_seen = 0;
            }
        }
        Ok(complete)
    }

    /// The header is complete.
    fn begin(&mut self) -> Result<()> {
        let header = &self.header[..self.header_seen];
        let len = match header {
            [_, len] => usize::from(*len),
            [_, _, len @ ..] => len.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte)),
            _ => 0,
        };
        let plain = self.requests.payload(self.variant).len();
        let first = FIN | self.requests.opcode();
        let is_right = match header[0] ^ first {
            0 => len == plain,
            // Compressed it may have grown, but not by much.
            RSV1 => (1..plain + SLACK).contains(&len),
            _ => false,
        };
        // This has the length in its shortest form, and no mask.
        if !is_right || header != Header::new(header[0], len).as_slice() {
            return Err(format!("reply header {header:02x?} to {plain} B with {first:02x}").into());
        }
        self.body_left = len;
        self.reply = Counted {
            messages: 1,
            wire: (header.len() + len) as u64,
            plain: self.requests.plain_len(self.variant) as u64,
            uncompressed: u64::from(header[0] == first),
        };
        Ok(())
    }
}

/// Bytes of a header, as far as it is known.
fn header_len(header: &[u8]) -> usize {
    match header.get(1).map(|len| len & 0x7f) {
        None | Some(0..=125) => 2,
        Some(126) => 4,
        Some(_) => MAX_HEADER_LEN,
    }
}

/// More than a compressor adds to what cannot be compressed.
const SLACK: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        load::{Prepared, extension::Encoding, replies::Replies},
        workload::Workload,
    };

    fn requests() -> Rc<Requests> {
        let prepared = Prepared::new(&Workload::find("json-ct").unwrap());
        prepared.requests(Encoding::widest(prepared.deflate())).unwrap()
    }

    #[test]
    fn counts_compressed_and_plain_replies_cut_anywhere() {
        let requests = requests();
        let plain = requests.payload(1).len();
        let mut wire = vec![0xc1, 3, 1, 2, 3];
        wire.extend_from_slice(Header::new(0x81, plain).as_slice());
        wire.resize(wire.len() + plain, b'x');
        wire.extend_from_slice(&[0xc1, 126, 0, 200]);
        wire.resize(wire.len() + 200, b'x');
        let plain = (0..3).map(|variant| requests.plain_len(variant) as u64).sum();
        for cut in 0..wire.len() {
            let mut replies = Replies::frames(requests.clone(), 0);
            let mut counted = replies.receive(&wire[..cut]).unwrap();
            counted += replies.receive(&wire[cut..]).unwrap();
            assert_eq!(counted, Counted { messages: 3, wire: wire.len() as u64, plain, uncompressed: 1 });
        }
    }

    #[test]
    fn refuses_each_wrong_part_of_a_header() {
        let wrong: [(&str, &[u8]); 8] = [
            ("no FIN", &[0x41, 32]),
            ("RSV2", &[0xe1, 32]),
            ("opcode", &[0xc2, 32]),
            ("masked", &[0xc1, 0x80 | 32]),
            ("nothing", &[0xc1, 0]),
            ("plain, of another length", &[0x81, 32]),
            ("length not in its shortest form", &[0xc1, 126, 0, 32]),
            ("too long", &[0xc1, 126, 0xff, 0xff]),
        ];
        let requests = requests();
        for (what, header) in wrong {
            assert!(Replies::frames(requests.clone(), 0).receive(header).is_err(), "{what}");
        }
    }
}
