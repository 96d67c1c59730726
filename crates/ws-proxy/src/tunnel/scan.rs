//! [`Scanner`]: follows the frames in a stream of bytes, without a look at payloads.

use ws_core::frame::{FrameHeader, MAX_HEADER_LEN, MaskingKey, Opcode};

/// Knows where frames begin and end, counts them, and sees the close frame.
///
/// Nothing is held to the rules of a role: that is the business of the endpoints. Bytes that cannot be a frame header make it
/// lose its way; from there on it knows nothing.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scanner {
    /// What has arrived of a header.
    header: [u8; MAX_HEADER_LEN],
    have: u8,
    /// How much of the payload is to come.
    left: u64,
    close: Option<Close>,
    in_close: bool,
    is_lost: bool,
    pub(crate) messages: u64,
}

/// A close frame, as far as it has been seen.
#[derive(Clone, Copy, Debug, Default)]
struct Close {
    key: Option<MaskingKey>,
    code: [u8; 2],
    have: u8,
    is_whole: bool,
}

impl Scanner {
    /// Follows the next bytes.
    pub(crate) fn scan(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() && !self.is_lost {
            let length = self.step(bytes);
            bytes = &bytes[length..];
        }
    }

    /// Whether the next byte begins a frame.
    pub(crate) fn is_at_boundary(&self) -> bool {
        self.have == 0 && self.left == 0 && !self.is_lost
    }

    pub(crate) fn is_lost(&self) -> bool {
        self.is_lost
    }

    /// Whether a close frame has passed.
    pub(crate) fn is_closed(&self) -> bool {
        self.close.is_some_and(|close| close.is_whole)
    }

    /// The code of the close frame that has passed; 1005 if it had none.
    pub(crate) fn close_code(&self) -> Option<u16> {
        let close = self.close.filter(|close| close.is_whole)?;
        Some(if close.have == 2 { u16::from_be_bytes(close.code) } else { 1005 })
    }

    /// Behind which of the next bytes the last frame ends; `Some(0)` if none of them does and one has ended before them.
    pub(crate) fn last_boundary(&self, bytes: &[u8]) -> Option<usize> {
        let mut ahead = self.clone();
        let mut last = ahead.is_at_boundary().then_some(0);
        let mut at = 0;
        while at < bytes.len() && !ahead.is_lost {
            at += ahead.step(&bytes[at..]);
            if ahead.is_at_boundary() {
                last = Some(at);
            }
        }
        last
    }

    /// Goes on to the end of the header or to that of the payload, or as far as there are bytes; gives how far.
    fn step(&mut self, bytes: &[u8]) -> usize {
        if self.left > 0 {
            return self.payload(bytes);
        }
        let (decoded, known) = if self.have == 0 {
            (FrameHeader::decode(bytes), 0)
        } else {
            let known = usize::from(self.have);
            let more = bytes.len().min(MAX_HEADER_LEN - known);
            self.header[known..known + more].copy_from_slice(&bytes[..more]);
            (FrameHeader::decode(&self.header[..known + more]), known)
        };
        match decoded {
            Ok(Some((header, length))) => {
                self.have = 0;
                self.begin(&header);
                length - known
            }
            Ok(None) => {
                // What there is, is shorter than a header.
                if known == 0 {
                    self.header[..bytes.len()].copy_from_slice(bytes);
                }
                // Fewer than `MAX_HEADER_LEN`.
                self.have = (known + bytes.len()) as u8;
                bytes.len()
            }
            Err(_) => {
                self.is_lost = true;
                bytes.len()
            }
        }
    }

    fn begin(&mut self, header: &FrameHeader) {
        self.left = header.payload_len;
        if header.opcode == Opcode::CLOSE {
            self.in_close = true;
            self.close = Some(Close { key: header.mask, ..Close::default() });
        } else if !header.opcode.is_control() && header.fin {
            self.messages += 1;
        }
        if self.left == 0 {
            self.end();
        }
    }

    fn payload(&mut self, bytes: &[u8]) -> usize {
        let length = usize::try_from(self.left).unwrap_or(usize::MAX).min(bytes.len());
        if let (true, Some(close)) = (self.in_close, &mut self.close) {
            let key = close.key.map_or([0; 4], MaskingKey::as_bytes);
            for byte in &bytes[..length] {
                let at = usize::from(close.have);
                let Some(place) = close.code.get_mut(at) else { break };
                *place = byte ^ key[at];
                close.have += 1;
            }
        }
        self.left -= length as u64;
        if self.left == 0 {
            self.end();
        }
        length
    }

    fn end(&mut self) {
        if let (true, Some(close)) = (self.in_close, &mut self.close) {
            close.is_whole = true;
            self.in_close = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn frame(opcode: Opcode, fin: bool, mask: bool, payload: &[u8]) -> Vec<u8> {
        let key = MaskingKey::new([1, 2, 3, 4]);
        let header =
            FrameHeader { fin, mask: mask.then_some(key), ..FrameHeader::new(opcode, payload.len() as u64) };
        let mut bytes = header.encode().to_vec();
        let start = bytes.len();
        bytes.extend_from_slice(payload);
        if mask {
            ws_core::frame::apply_mask(&mut bytes[start..], key);
        }
        bytes
    }

    #[test]
    fn messages_are_counted_by_their_last_frames() {
        let mut scanner = Scanner::default();
        for (opcode, fin) in [
            (Opcode::TEXT, false),
            (Opcode::PING, true),
            (Opcode::CONTINUATION, true),
            (Opcode::BINARY, true),
        ] {
            scanner.scan(&frame(opcode, fin, true, b"abc"));
        }
        assert_eq!(scanner.messages, 2);
        assert!(scanner.is_at_boundary());
    }

    #[test]
    fn close_code_is_read_through_the_mask() {
        for (payload, code) in
            [(&b"\x03\xE8bye"[..], 1000), (b"\x0F\xA0", 4000), (b"", 1005), (b"\x03", 1005)]
        {
            for mask in [false, true] {
                let mut scanner = Scanner::default();
                for byte in frame(Opcode::CLOSE, true, mask, payload) {
                    assert_eq!(scanner.close_code(), None);
                    scanner.scan(&[byte]);
                }
                assert_eq!(scanner.close_code(), Some(code), "{payload:?}");
            }
        }
    }

    #[test]
    fn what_is_no_header_loses_the_way() {
        let mut scanner = Scanner::default();
        // A length in two bytes that has room in one.
        scanner.scan(b"\x81\x7E\x00\x01x");
        assert!(scanner.is_lost() && !scanner.is_at_boundary());
        assert_eq!(scanner.last_boundary(b"\x81\x00"), None);
    }

    #[test]
    fn length_that_no_stream_reaches_is_followed() {
        let mut scanner = Scanner::default();
        scanner.scan(b"\x82\x7F\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF");
        scanner.scan(&[0; 1 << 16]);
        assert!(!scanner.is_at_boundary() && !scanner.is_lost());
    }

    proptest! {
        #[test]
        fn boundaries_are_the_same_wherever_the_bytes_are_cut(
            lengths in prop::collection::vec(0..300_usize, 1..8),
            masked: bool,
            cut in 1..50_usize,
        ) {
            let mut bytes = Vec::new();
            let mut ends = vec![0];
            for length in &lengths {
                bytes.extend(frame(Opcode::BINARY, true, masked, &vec![7; *length]));
                ends.push(bytes.len());
            }
            let mut scanner = Scanner::default();
            let mut at = 0;
            for piece in bytes.chunks(cut) {
                let expected = ends.iter().rev().find(|end| **end <= at + piece.len() && **end >= at);
                prop_assert_eq!(scanner.last_boundary(piece), expected.map(|end| end - at));
                scanner.scan(piece);
                at += piece.len();
                prop_assert_eq!(scanner.is_at_boundary(), ends.contains(&at));
            }
            prop_assert_eq!(scanner.messages, lengths.len() as u64);
        }
    }
}
