//! Headers, bytes to values and back (RFC 6455, 5.2).

use ws_core::frame::{FrameHeader, MAX_HEADER_LEN};

/// The bytes are a header, or not.
pub(crate) fn run(input: &[u8]) {
    let decoded = FrameHeader::decode(input);
    let naive = naive(input);
    match decoded {
        Ok(Some((header, len))) => {
            assert!(len <= input.len().min(MAX_HEADER_LEN), "I10: a header of {len} bytes");
            let bytes = header.encode();
            assert_eq!(bytes[..], input[..len], "I11: {header:?} is encoded otherwise");
            assert_eq!(naive, Some(Ok((header.payload_len, len))), "I21: {header:?}");
            assert_eq!(header.fin, input[0] & 0x80 != 0, "I21: FIN of {input:x?}");
            assert_eq!(header.opcode.as_u8(), input[0] & 0x0F, "I21: opcode of {input:x?}");
            assert_eq!(
                header.mask.map(|key| key.as_bytes().to_vec()),
                (input[1] & 0x80 != 0).then(|| input[len - 4..len].to_vec()),
                "I21: key of {input:x?}"
            );
            // I3 and I6: no beginning of it is a header, nor wrong, and what follows makes no difference.
            for end in 0..len {
                assert_eq!(FrameHeader::decode(&input[..end]), Ok(None), "I6: {:x?}", &input[..end]);
            }
            assert_eq!(FrameHeader::decode(&input[..len]), Ok(Some((header, len))), "I3: {input:x?}");
        }
        Ok(None) => {
            assert_eq!(naive, None, "I21: {input:x?}");
            assert!(input.len() < MAX_HEADER_LEN, "I10: {input:x?} is no header yet");
        }
        Err(error) => {
            assert_eq!(naive, Some(Err(())), "I21: {input:x?} is {error:?}");
            assert_eq!(error.close_code(), 1002, "I9: {error:?}");
        }
    }
}

/// The payload's length and the header's, by the diagram of 5.2.
fn naive(input: &[u8]) -> Option<Result<(u64, usize), ()>> {
    let second = *input.get(1)?;
    let (count, least) = match second & 0x7F {
        126 => (2, 126),
        127 => (8, 1 << 16),
        _ => (0, 0),
    };
    let number = input.get(2..2 + count)?.iter().fold(0, |number, byte| number << 8 | u64::from(*byte));
    let length = if count == 0 { u64::from(second & 0x7F) } else { number };
    if length < least || length >= 1 << 63 {
        return Some(Err(()));
    }
    let end = 2 + count + if second & 0x80 == 0 { 0 } else { 4 };
    (input.len() >= end).then_some(Ok((length, end)))
}
