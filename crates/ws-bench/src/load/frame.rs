//! Frame headers (RFC 6455, 5.2), and masked frames.

/// The first byte: FIN is set in all frames here.
pub(crate) const FIN: u8 = 0x80;
/// RFC 7692, 6: the message is compressed.
pub(crate) const RSV1: u8 = 0x40;
const MASK: u8 = 0x80;

/// A header without a masking key.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Header {
    bytes: [u8; MAX_HEADER_LEN],
    len: usize,
}

impl Header {
    /// No bytes at all.
    pub(crate) const EMPTY: Self = Self { bytes: [0; MAX_HEADER_LEN], len: 0 };

    /// The header of a frame with this first byte, the length in its shortest form.
    pub(crate) fn new(first: u8, payload_len: usize) -> Self {
        let mut bytes = [0; MAX_HEADER_LEN];
        bytes[0] = first;
        let len = match payload_len {
            0..=125 => {
                bytes[1] = payload_len as u8;
                2
            }
            126..=0xffff => {
                bytes[1] = 126;
                bytes[2..4].copy_from_slice(&(payload_len as u16).to_be_bytes());
                4
            }
            _ => {
                bytes[1] = 127;
                bytes[2..].copy_from_slice(&(payload_len as u64).to_be_bytes());
                10
            }
        };
        Self { bytes, len }
    }

    /// The same, saying that a masking key follows.
    pub(crate) fn masked(mut self) -> Self {
        self.bytes[1] |= MASK;
        self
    }

    pub(crate) fn as_slice(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

/// The frame as a client sends it.
pub(crate) fn masked(first: u8, payload: &[u8], key: [u8; 4]) -> Vec<u8> {
    let mut frame = Header::new(first, payload.len()).masked().as_slice().to_vec();
    frame.extend_from_slice(&key);
    frame.extend(payload.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key));
    frame
}

/// The frame as a server sends it.
pub(crate) fn unmasked(first: u8, payload: &[u8]) -> Vec<u8> {
    [Header::new(first, payload.len()).as_slice(), payload].concat()
}

/// Bytes of a masking key.
pub(crate) const KEY_LEN: usize = 4;
/// Two bytes and a length of eight.
pub(crate) const MAX_HEADER_LEN: usize = 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frame_is_the_masked_hello_of_the_rfc() {
        // RFC 6455 5.7: a single-frame masked text message.
        let frame = masked(FIN | 1, b"Hello", [0x37, 0xfa, 0x21, 0x3d]);
        assert_eq!(frame, [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58]);
    }

    #[test]
    fn lengths_are_in_their_shortest_form() {
        assert_eq!(Header::new(FIN | 2, 125).as_slice(), [0x82, 125]);
        assert_eq!(Header::new(FIN | 2, 126).as_slice(), [0x82, 126, 0, 126]);
        assert_eq!(Header::new(FIN | 2, 0x10000).as_slice(), [0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0]);
    }
}
