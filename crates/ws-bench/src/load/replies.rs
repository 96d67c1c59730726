//! Replies, checked and counted as they arrive.

use std::{ops::AddAssign, rc::Rc};

use super::{
    compressed::Compressed,
    extension::Encoding,
    frame::{FIN, Header, KEY_LEN},
    requests::Requests,
};
use crate::Result;

/// Payloads from this size on are thrown away in the kernel instead of being copied out.
const DISCARD_FROM: usize = 4096;

/// What one connection has received of its next reply.
#[derive(Clone, Debug)]
pub(crate) enum Replies {
    /// All of it is known beforehand but the payload.
    Exact(Exact),
    /// It has whatever length it is compressed to.
    Compressed(Compressed),
}

/// Replies that are complete.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counted {
    pub(crate) messages: u64,
    /// Bytes on the wire, and those of the same frames uncompressed.
    pub(crate) wire: u64,
    pub(crate) plain: u64,
    /// Messages that came as they are where they could have been compressed.
    pub(crate) uncompressed: u64,
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
    /// Expects the replies to these requests in order, whole and unmasked, from this variant on.
    pub(crate) fn frames(requests: Rc<Requests>, variant: usize) -> Self {
        match requests.encoding() {
            Encoding::Plain => Self::Exact(Exact::new(requests, Shape::Frames, variant)),
            Encoding::Deflate { .. } => Self::Compressed(Compressed::new(requests, variant)),
        }
    }

    /// Expects the bytes that were sent.
    pub(crate) fn echo(requests: Rc<Requests>, variant: usize) -> Self {
        Self::Exact(Exact::new(requests, Shape::Bytes, variant))
    }

    /// Expects these messages from a client, in frames that are masked with whatever keys.
    pub(crate) fn from_client(requests: Rc<Requests>, variant: usize) -> Self {
        Self::Exact(Exact::new(requests, Shape::Masked, variant))
    }

    pub(crate) fn want(&self, buffer: usize) -> Want {
        match self {
            Self::Exact(exact) => exact.want(buffer),
            Self::Compressed(_) => Want::Bytes(buffer),
        }
    }

    /// Takes received bytes and gives the replies that they complete.
    ///
    /// # Errors
    /// When a frame header differs from what a right reply has: FIN, reserved bits, opcode, mask bit,
    /// length, or a length that is not in its shortest form.
    pub(crate) fn receive(&mut self, bytes: &[u8]) -> Result<Counted> {
        match self {
            Self::Exact(exact) => exact.receive(bytes),
            Self::Compressed(compressed) => compressed.receive(bytes),
        }
    }

    /// Takes note of payload bytes that were thrown away, and gives the replies completed.
    pub(crate) fn discarded(&mut self, len: usize) -> Counted {
        match self {
            Self::Exact(exact) => exact.discarded(len),
            // It never asks for that.
            Self::Compressed(_) => Counted::default(),
        }
    }
}

impl AddAssign for Counted {
    fn add_assign(&mut self, more: Self) {
        self.messages += more.messages;
        self.wire += more.wire;
        self.plain += more.plain;
        self.uncompressed += more.uncompressed;
    }
}

/// Replies of which header and length are known: plain frames, or the requests themselves.
#[derive(Clone, Debug)]
pub(crate) struct Exact {
    requests: Rc<Requests>,
    shape: Shape,
    variant: usize,
    /// The only header a right reply can have, without a masking key; empty where the peer is a plain TCP echo.
    header: Header,
    header_seen: usize,
    body_len: usize,
    body_left: usize,
}

/// What is known of the bytes.
#[derive(Clone, Copy, Debug)]
enum Shape {
    /// Unmasked frames.
    Frames,
    /// Frames of which the keys are not known; they count as the first bytes of the body.
    Masked,
    /// Their number.
    Bytes,
}

impl Exact {
    fn new(requests: Rc<Requests>, shape: Shape, variant: usize) -> Self {
        let mut exact = Self {
            requests,
            shape,
            variant,
            header: Header::EMPTY,
            header_seen: 0,
            body_len: 0,
            body_left: 0,
        };
        exact.begin();
        exact
    }

    fn begin(&mut self) {
        let payload_len = self.requests.payload(self.variant).len();
        let header = Header::new(FIN | self.requests.opcode(), payload_len);
        (self.header, self.body_len) = match self.shape {
            Shape::Frames => (header, payload_len),
            Shape::Masked => (header.masked(), payload_len + KEY_LEN),
            Shape::Bytes => (Header::EMPTY, self.requests.frame_len(self.variant)),
        };
        self.header_seen = 0;
        self.body_left = self.body_len;
    }

    fn want(&self, buffer: usize) -> Want {
        if self.body_len < DISCARD_FROM {
            return Want::Bytes(buffer);
        }
        match self.header.as_slice().len() - self.header_seen {
            0 => Want::Discard(self.body_left),
            left => Want::Bytes(left),
        }
    }

    fn receive(&mut self, mut bytes: &[u8]) -> Result<Counted> {
        let mut complete = Counted::default();
        while !bytes.is_empty() {
            let expected = &self.header.as_slice()[self.header_seen..];
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

    fn discarded(&mut self, len: usize) -> Counted {
        let header = self.header.as_slice().len();
        self.body_left -= len;
        if self.body_left > 0 || self.header_seen < header {
            return Counted::default();
        }
        let wire = (header + self.body_len) as u64;
        let plain = self.requests.plain_len(self.variant) as u64;
        self.variant += 1;
        self.begin();
        Counted { messages: 1, wire, plain, uncompressed: 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{load::Prepared, workload::Workload};

    fn replies(name: &str) -> Replies {
        let prepared = Prepared::new(&Workload::find(name).unwrap());
        Replies::frames(prepared.requests(Encoding::Plain).unwrap(), 0)
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
            let mut counted = replies.receive(&three[..cut]).unwrap();
            assert_eq!(counted.messages, cut as u64 / 34);
            counted += replies.receive(&three[cut..]).unwrap();
            assert_eq!(counted, Counted { messages: 3, wire: 102, plain: 102, uncompressed: 0 });
        }
    }

    #[test]
    fn expects_the_length_of_each_variant_in_turn() {
        let prepared = Prepared::new(&Workload::find("json-plain").unwrap());
        let requests = prepared.requests(Encoding::Plain).unwrap();
        let mut frames = Replies::frames(requests.clone(), 63);
        let mut echo = Replies::echo(requests.clone(), 63);
        for variant in 63..70 {
            let len = requests.payload(variant).len();
            let frame = reply(Header::new(0x81, len).as_slice(), len);
            assert_eq!(frames.receive(&frame).unwrap().messages, 1);
            let sent = &requests.bytes()[requests.batch(variant, 1)];
            assert_eq!(echo.receive(sent).unwrap().wire, frame.len() as u64 + 4);
        }
    }

    #[test]
    fn takes_the_frames_of_a_client_masked_with_any_key() {
        let prepared = Prepared::new(&Workload::find("t32-d16").unwrap());
        let requests = prepared.requests(Encoding::Plain).unwrap();
        let frame = reply(&[0x81, 0x80 | 32, 1, 2, 3, 4], 32);
        for cut in 0..frame.len() {
            let mut replies = Replies::from_client(requests.clone(), 0);
            assert_eq!(replies.receive(&frame[..cut]).unwrap().messages, 0);
            assert_eq!(replies.receive(&frame[cut..]).unwrap().messages, 1);
        }
        assert!(Replies::from_client(requests, 0).receive(&[0x81, 32]).is_err());
    }

    #[test]
    fn discards_the_payload_of_a_large_reply() {
        let mut replies = replies("b64k");
        assert_eq!(replies.want(100), Want::Bytes(10));
        assert_eq!(replies.receive(&[0x82, 127, 0, 0, 0, 0]).unwrap(), Counted::default());
        assert_eq!(replies.want(100), Want::Bytes(4));
        assert_eq!(replies.receive(&[0, 1, 0, 0]).unwrap(), Counted::default());
        assert_eq!(replies.want(100), Want::Discard(65536));
        assert_eq!(replies.discarded(65535), Counted::default());
        assert_eq!(replies.discarded(1).messages, 1);
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
