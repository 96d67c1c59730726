//! `Sec-WebSocket-Key` and `Sec-WebSocket-Accept` (RFC 6455, 4.1 and 4.2.2).

use http::HeaderValue;
use sha1::{Digest, Sha1, block_api::compress};

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
    // 128 bits: 21 characters of 6, and one of which the lower four bits are none.
    let Some((whole, &[last, b'=', b'='])) = key.split_last_chunk() else { return false };
    whole.len() == 21 && whole.iter().all(|&byte| is_digit(byte)) && matches!(last, b'A' | b'Q' | b'g' | b'w')
}

/// [`encode_key`] without a header.
pub(crate) fn encode_nonce(nonce: [u8; 16]) -> [u8; 24] {
    base64(&nonce)
}

/// [`accept_key`] without a header.
pub(crate) fn answer_key(key: &[u8]) -> [u8; 28] {
    match key.try_into() {
        Ok(key) => base64(&hash_key(key)),
        Err(_) => base64(&Sha1::new().chain_update(key).chain_update(GUID).finalize()),
    }
}

/// The SHA-1 of a valid key and the GUID, which have 60 bytes: padding them here takes a fraction of what a hasher takes that
/// does not know how much there will be.
fn hash_key(key: &[u8; 24]) -> [u8; 20] {
    // FIPS 180-4, 5.1.1: a one bit, zeros, and the length in bits in the last eight bytes of a block.
    let mut blocks = [[0; 64]; 2];
    blocks[0][..24].copy_from_slice(key);
    blocks[0][24..60].copy_from_slice(GUID);
    blocks[0][60] = 0x80;
    blocks[1][56..].copy_from_slice(&480_u64.to_be_bytes());
    // 5.3.1
    let mut state = [0x6745_2301, 0xEFCD_AB89, 0x98BA_DCFE, 0x1032_5476, 0xC3D2_E1F0];
    compress(&mut state, &blocks);
    let mut hash = [0; 20];
    for (bytes, word) in hash.chunks_exact_mut(4).zip(state) {
        bytes.copy_from_slice(&word.to_be_bytes());
    }
    hash
}

/// Base64 (RFC 4648, 4) of so many bytes that their text has `N`. Of sixteen or twenty bytes: what a library does to be fast
/// with many takes longer than these.
fn base64<const N: usize>(bytes: &[u8]) -> [u8; N] {
    debug_assert_eq!(bytes.len().div_ceil(3) * 4, N, "the text has another length");
    let mut text = [b'='; N];
    for (group, digits) in bytes.chunks(3).zip(text.chunks_exact_mut(4)) {
        let byte = |index: usize| u32::from(group.get(index).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for (digit, shift) in digits[..=group.len()].iter_mut().zip([18, 12, 6, 0]) {
            *digit = DIGITS[(bits >> shift & 63) as usize];
        }
    }
    text
}

fn is_digit(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/')
}

fn header_value(base64: &[u8]) -> HeaderValue {
    HeaderValue::from_bytes(base64)
        .expect("Base64 is letters, digits and `+/=`, all of them allowed in a header")
}

/// What the server appends to the key: an identifier that no other protocol would use (1.3).
const GUID: &[u8; 36] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// RFC 4648, table 1.
const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

#[cfg(test)]
mod tests {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
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
        fn valid_keys_are_what_a_decoder_takes_for_sixteen_bytes(key in "[A-Za-z0-9+/]{19,22}[A-Za-hw+/=]={1,3}") {
            let decoded = STANDARD.decode(&key).is_ok_and(|nonce| nonce.len() == 16);
            prop_assert_eq!(is_valid_key(key.as_bytes()), decoded);
        }

        #[test]
        fn answer_is_the_hash_of_the_key_and_the_guid(key in "[A-Za-z0-9+/=]{0,80}|[A-Za-z0-9+/]{22}==") {
            let hash = Sha1::new().chain_update(&key).chain_update(GUID).finalize();
            prop_assert_eq!(STANDARD.encode(hash).into_bytes(), answer_key(key.as_bytes()));
        }

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
