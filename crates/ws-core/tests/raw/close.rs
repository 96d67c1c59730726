use ws_core::{
    CloseCode, CloseFrame, ProtocolError, UsageError,
    raw::{CloseCodeRange, check_close, close_payload, parse_close, truncate_reason},
};

#[test]
fn every_code_is_judged_alike_when_it_is_built_and_when_it_is_parsed() {
    for code in 0..=u16::MAX {
        let valid = matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999);
        let frame = CloseFrame::new(code, "why");
        let parsed = parse_close(&[&code.to_be_bytes()[..], b"why"].concat());
        if valid {
            assert_eq!(check_close(&frame), Ok(()));
            assert_eq!(&close_payload(&frame).unwrap()[..2], code.to_be_bytes());
            assert_eq!(parsed, Ok(Some(frame)));
        } else {
            assert_eq!(check_close(&frame), Err(UsageError::UnsendableCloseCode), "{code}");
            assert_eq!(close_payload(&frame).unwrap_err(), UsageError::UnsendableCloseCode, "{code}");
            assert_eq!(parsed, Err(ProtocolError::InvalidCloseCode), "{code}");
        }
    }
}

#[test]
fn payload_is_a_code_and_a_reason_of_at_most_123_bytes() {
    for len in 0..=123 {
        let frame = CloseFrame::new(4000, "r".repeat(len));
        let payload = close_payload(&frame).unwrap();
        assert_eq!(payload.len(), 2 + len);
        assert_eq!(parse_close(&payload), Ok(Some(frame)));
    }
    let long = CloseFrame::new(4000, "r".repeat(124));
    assert_eq!(close_payload(&long).unwrap_err(), UsageError::CloseReasonTooLong);
    assert_eq!(parse_close(&[0x0F; 126]), Err(ProtocolError::ControlTooLong));
}

#[test]
fn payload_of_the_peer_is_empty_or_has_a_whole_code_and_a_reason_in_utf8() {
    assert_eq!(parse_close(b""), Ok(None));
    assert_eq!(parse_close(b"\x03"), Err(ProtocolError::ClosePayloadTooShort));
    assert_eq!(parse_close(b"\x03\xE8\xC3"), Err(ProtocolError::InvalidCloseReason));
}

#[test]
fn reason_is_cut_between_characters() {
    for (character, len) in [("x", 123), ("é", 122), ("€", 123), ("𝄞", 120)] {
        let cut = truncate_reason(&character.repeat(124)).to_owned();
        assert_eq!(cut.len(), len);
        assert_eq!(check_close(&CloseFrame::new(1000, cut)), Ok(()));
    }
    assert_eq!(truncate_reason(""), "");
}

#[test]
fn ranges_are_those_of_section_7_4_2() {
    let range = |code| CloseCodeRange::of(CloseCode::from(code));
    for (first, last, expected) in [
        (0, 999, CloseCodeRange::NotUsed),
        (1000, 2999, CloseCodeRange::Protocol),
        (3000, 3999, CloseCodeRange::Registered),
        (4000, 4999, CloseCodeRange::Private),
        (5000, u16::MAX, CloseCodeRange::Undefined),
    ] {
        assert_eq!((range(first), range(last)), (expected, expected));
    }
}
