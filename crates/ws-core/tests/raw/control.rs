use bytes::Bytes;
use ws_core::{
    CloseFrame, ProtocolError,
    frame::{FrameHeader, Opcode},
    raw::{ControlFrame, Frame, failing_close, handle_control},
};

fn handle(opcode: Opcode, payload: &[u8]) -> Result<Option<ControlFrame>, ProtocolError> {
    handle_control(&FrameHeader::new(opcode, payload.len() as u64), payload)
}

#[test]
fn ping_asks_for_a_pong_with_its_payload() {
    for payload in [&b""[..], b"hello", &[0xFF; 125]] {
        let control = handle(Opcode::PING, payload).unwrap().unwrap();
        let reply = control.into_reply().unwrap();
        assert_eq!(reply, Frame::pong(payload.to_vec()).unwrap());
    }
}

#[test]
fn pong_asks_for_nothing() {
    let control = handle(Opcode::PONG, b"hello").unwrap().unwrap();
    assert_eq!(control, ControlFrame::Pong { payload: Bytes::from("hello") });
    assert_eq!(control.into_reply(), None);
}

#[test]
fn close_is_echoed_by_its_code_without_the_reason() {
    let control = handle(Opcode::CLOSE, b"\x03\xE9going").unwrap().unwrap();
    let reply = Frame::new(Opcode::CLOSE, &b"\x03\xE9"[..]);
    assert_eq!(control, ControlFrame::Close { frame: Some(CloseFrame::new(1001, "going")), reply });
    let empty = handle(Opcode::CLOSE, b"").unwrap().unwrap();
    assert_eq!(empty, ControlFrame::Close { frame: None, reply: Frame::close(None).unwrap() });
}

#[test]
fn wrong_close_is_answered_with_the_code_of_its_violation() {
    let wrong: [(&[u8], ProtocolError, u16); 4] = [
        (b"\x03", ProtocolError::ClosePayloadTooShort, 1002),
        (b"\x03\xED", ProtocolError::InvalidCloseCode, 1002),
        (b"\xFF\xFF", ProtocolError::InvalidCloseCode, 1002),
        (b"\x03\xE8\xFF", ProtocolError::InvalidCloseReason, 1007),
    ];
    for (payload, rule, code) in wrong {
        assert_eq!(handle(Opcode::CLOSE, payload), Err(rule));
        assert_eq!(failing_close(rule), Frame::close(CloseFrame::new(code, "")).unwrap());
    }
}

#[test]
fn data_frames_are_nothing_to_handle() {
    for opcode in [Opcode::CONTINUATION, Opcode::TEXT, Opcode::BINARY] {
        assert_eq!(handle(opcode, b"hello"), Ok(None));
    }
}

#[test]
fn wrong_control_frames_are_refused_unchecked_as_they_come() {
    assert_eq!(handle(Opcode::from_bits(0xB), b""), Err(ProtocolError::ReservedOpcode));
    assert_eq!(handle(Opcode::PING, &[0; 126]), Err(ProtocolError::ControlTooLong));
    let fragment = FrameHeader { fin: false, ..FrameHeader::new(Opcode::PING, 0) };
    assert_eq!(handle_control(&fragment, b""), Err(ProtocolError::FragmentedControl));
}
