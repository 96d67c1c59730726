use ws_core::{
    ErrorKind, ProtocolError,
    frame::{FrameHeader, MAX_HEADER_LEN, Opcode, ReservedBits},
    raw::{header_len, read_header, write_header},
};

use crate::{
    stream::{Pieces, Recorder, run},
    wire::KEY,
};

/// Every form of length, with and without mask, FIN and reserved bits, beside its bytes.
fn table() -> Vec<(FrameHeader, Vec<u8>)> {
    let text = FrameHeader::new(Opcode::TEXT, 0);
    let reserved = ReservedBits::RSV1.union(ReservedBits::RSV3);
    vec![
        (text, vec![0x81, 0]),
        (FrameHeader { fin: false, ..text }, vec![0x01, 0]),
        (FrameHeader { reserved, ..text }, vec![0xD1, 0]),
        (FrameHeader { payload_len: 125, ..text }, vec![0x81, 125]),
        (FrameHeader { payload_len: 126, ..text }, vec![0x81, 126, 0, 126]),
        (FrameHeader { payload_len: 0xFFFF, ..text }, vec![0x81, 126, 0xFF, 0xFF]),
        (FrameHeader { payload_len: 0x1_0000, ..text }, vec![0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0]),
        (FrameHeader { mask: Some(KEY), ..text }, vec![0x81, 0x80, 0x37, 0xfa, 0x21, 0x3d]),
        (
            FrameHeader { mask: Some(KEY), payload_len: 300, ..FrameHeader::new(Opcode::BINARY, 0) },
            vec![0x82, 0xFE, 1, 44, 0x37, 0xfa, 0x21, 0x3d],
        ),
        (
            FrameHeader { mask: Some(KEY), payload_len: u64::MAX >> 1, ..text },
            vec![0x81, 0xFF, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x37, 0xfa, 0x21, 0x3d],
        ),
        (FrameHeader::new(Opcode::PONG, 3), vec![0x8A, 3]),
    ]
}

#[test]
fn header_is_read_from_pieces_of_any_width_and_no_byte_more() {
    for (header, bytes) in table() {
        for width in 1..=MAX_HEADER_LEN + 2 {
            let mut stream = Pieces::new(&[&bytes[..], b"payload"].concat(), width);
            assert_eq!(run(read_header(&mut stream)).unwrap(), Some(header), "{width}");
            assert_eq!(stream.left(), b"payload".len(), "{header:?} {width}");
        }
    }
}

#[test]
fn header_is_written_at_once_and_as_long_as_foretold() {
    for (header, bytes) in table() {
        let mut stream = Recorder::default();
        run(write_header(&mut stream, &header)).unwrap();
        assert_eq!(stream.writes, std::slice::from_ref(&bytes));
        assert_eq!(header_len(header.payload_len, header.mask.is_some()), bytes.len());
    }
}

#[test]
fn header_is_written_to_a_stream_that_takes_a_byte_at_a_time() {
    for (header, bytes) in table() {
        let mut stream = Recorder::slow(1);
        run(write_header(&mut stream, &header)).unwrap();
        assert_eq!(stream.bytes(), bytes);
    }
}

#[test]
fn end_of_the_stream_is_an_error_only_within_a_header() {
    for (header, bytes) in table() {
        assert_eq!(run(read_header(&mut &b""[..])).unwrap(), None);
        for cut in 1..bytes.len() {
            let error = run(read_header(&mut &bytes[..cut])).unwrap_err();
            assert_eq!(*error.kind(), ErrorKind::ConnectionLost, "{header:?} cut at {cut}");
        }
    }
}

#[test]
fn wrong_length_is_told_before_the_masking_key_arrives() {
    let wrong: [(&[u8], ProtocolError); 3] = [
        (&[0x81, 0xFE, 0, 125], ProtocolError::NonMinimalLength),
        (&[0x81, 0xFF, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF], ProtocolError::NonMinimalLength),
        (&[0x81, 0xFF, 0x80, 0, 0, 0, 0, 0, 0, 0], ProtocolError::LengthOverflow),
    ];
    for (bytes, rule) in wrong {
        let error = run(read_header(&mut Pieces::new(bytes, 1))).unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::Protocol(rule));
    }
}
