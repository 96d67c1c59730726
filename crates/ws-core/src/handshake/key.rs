//! `Sec-WebSocket-Key` and `Sec-WebSocket-Accept` (RFC 6455, 4.1 and 4.2.2).

use base64::{Engine, engine::general_purpose::STANDARD};
use http::HeaderValue;
use sha1::{Digest, Sha1};

use super::scan::ByteSet;

/// Writes 16 bytes as a `Sec-WebSocket-Key`.
///
/// Draw the bytes anew for each connection, from a generator that nobody can foresee: the key shows that the server
/// read this very request.
#[must_use]
pub fn encode_key(nonce: [u8; 16]) -> HeaderValue {
    header_value(&encode_nonce(nonce))
}

/// The `Sec-WebSocket-Accept` that answers a `Sec-WebSocket-Key`.
///
/// The key goes in as it was received, without whitespace around it; it is not decoded (RFC 6455, 4.2.2).
///
/// ```
/// let accept = ws_core::handshake::accept_key(b"dGhlIHNhbXBsZSBub25jZQ==");
/// assert_eq!(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
/// ```
#[must_use]
pub fn accept_key(key: &[u8]) -> HeaderValue {
    header_value(&answer_key(key))
}

/// Whether a `Sec-WebSocket-Key` is 16 bytes in Base64, in the one canonical spelling.
///
/// Stricter than 4.1, whose own example ends in bits that no encoder writes: bits outside the 16 bytes must be zero.
#[must_use]
pub fn is_valid_key(key: &[u8]) -> bool {
    // 16 bytes are 21 characters of six bits and one that has two, in front of four zeros.
    let [text @ .., b'A' | b'Q' | b'g' | b'w', b'=', b'='] = key else { return false };
    text.len() == 21 && text.iter().all(|&byte| BASE64.has(byte))
}

/// [`encode_key`] without a header.
pub(crate) fn encode_nonce(nonce: [u8; 16]) -> [u8; 24] {
    base64(&nonce)
}

/// [`accept_key`] without a header.
pub(crate) fn answer_key(key: &[u8]) -> [u8; 28] {
    base64(&Sha1::new().chain_update(key).chain_update(GUID).finalize())
}

/// Base64 of so many bytes that their text has `N`.
fn base64<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut text = [0; N];
    let written = STANDARD.encode_slice(bytes, &mut text);
    debug_assert_eq!(written, Ok(N), "the text has another length");
    text
}

fn header_value(base64: &[u8]) -> HeaderValue {
    HeaderValue::from_bytes(base64)
        .expect("Base64 is letters, digits and `+/=`, all of them allowed in a header")
}

/// RFC 4648, 4.
static BASE64: ByteSet = ByteSet::alphanumeric_and(b"+/");

/// What the server appends to the key: an identifier that no other protocol would use (1.3).
const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const KEY: &[u8; 24] = b"dGhlIHNhbXBsZSBub25jZQ==";

    #[test]
    fn key_of_the_rfc_is_accepted_as_the_rfc_says() {
        assert_eq!(encode_key(*b"the sample nonce"), KEY.as_slice());
        assert_eq!(accept_key(KEY), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    #[test]
    fn key_with_bits_behind_its_end_is_refused() {
        assert!(is_valid_key(b"AQIDBAUGBwgJCgsMDQ4PEA=="));
        // The example of 4.1, with two bits set that are not part of the 16 bytes.
        assert!(!is_valid_key(b"AQIDBAUGBwgJCgsMDQ4PEC=="));
    }

    #[test]
    fn of_all_final_characters_exactly_the_four_canonical_ones_are_valid() {
        for byte in 0..=u8::MAX {
            let mut key = *KEY;
            key[21] = byte;
            assert_eq!(is_valid_key(&key), b"AQgw".contains(&byte), "{byte:#04x}");
        }
    }

    #[test]
    fn every_byte_that_is_not_base64_is_refused_at_every_place() {
        for byte in 0..=u8::MAX {
            let valid = byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
            for place in 0..21 {
                let mut key = *KEY;
                key[place] = byte;
                assert_eq!(is_valid_key(&key), valid, "{byte:#04x} at {place}");
            }
            for place in 22..24 {
                let mut key = *KEY;
                key[place] = byte;
                assert_eq!(is_valid_key(&key), byte == b'=', "{byte:#04x} at {place}");
            }
        }
    }

    #[test]
    fn keys_of_other_lengths_are_refused() {
        for length in (0..=64).filter(|&length| length != 16) {
            assert!(!is_valid_key(STANDARD.encode(vec![7; length]).as_bytes()), "{length} bytes");
        }
        assert!(!is_valid_key(b"dGhlIHNhbXBsZSBub25jZQ"));
        assert!(!is_valid_key(b"dGhlIHNhbXBsZSBub25jZQ="));
        assert!(!is_valid_key(b" dGhlIHNhbXBsZSBub25jZQ=="));
    }

    proptest! {
        #[test]
        fn encoded_nonces_are_valid_keys_and_decode_to_themselves(nonce: [u8; 16]) {
            let key = encode_key(nonce);
            prop_assert!(is_valid_key(key.as_bytes()));
            prop_assert_eq!(STANDARD.decode(&key).unwrap(), nonce);
        }

        #[test]
        fn valid_keys_are_what_encode_key_writes(text in "[A-Za-z0-9+/]{20,22}={0,4}") {
            let written = STANDARD
                .decode(&text)
                .ok()
                .and_then(|bytes| <[u8; 16]>::try_from(bytes).ok())
                .is_some_and(|nonce| encode_key(nonce) == text);
            prop_assert_eq!(is_valid_key(text.as_bytes()), written);
        }
    }
}
