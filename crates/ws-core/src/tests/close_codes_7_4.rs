//! 7.4 and 5.5.1: what may stand in a close frame.

use super::{
    model::{close_frame, is_close_code},
    trace::{Endpoint, Told},
    wire::{CLOSE, FIN, ROLES, close, close_payload, frame},
};
use crate::{CloseFrame, Message, ProtocolError, UsageError};

// Shows LEN-2.
#[test]
fn every_received_code_with_every_kind_of_reason_is_judged_as_the_model_does() {
    let reasons = [&b""[..], b"bye", b"\xC3", "é".as_bytes()];
    for role in ROLES {
        for code in 0..=u16::MAX {
            for reason in reasons {
                let payload = close_payload(code, reason);
                let told = Endpoint::new(role).feed(&frame(role, FIN | CLOSE, &payload)).told.pop();
                let must = match close_frame(&payload) {
                    Ok(frame) => Told::Close(frame),
                    Err(rule) => Told::failed(rule),
                };
                assert_eq!(told, Some(must), "{role:?} {code} {reason:?}");
            }
        }
    }
}

#[test]
fn every_code_is_sent_or_refused_as_the_registry_says() {
    for role in ROLES {
        for code in 0..=u16::MAX {
            let mut endpoint = Endpoint::new(role);
            let sent = endpoint.send(Message::Close(Some(CloseFrame::new(code, "bye"))));
            if is_close_code(code) {
                assert_eq!(sent, Ok(()));
                assert_eq!(endpoint.take_frames(), [(FIN | CLOSE, close_payload(code, b"bye"))]);
            } else {
                assert_eq!(sent, Err(UsageError::UnsendableCloseCode), "{code}");
                assert_eq!(endpoint.protocol.queued(), 0);
                assert_eq!(endpoint.send(Message::text("still open")), Ok(()), "nothing was sent");
            }
        }
    }
}

/// Around every edge of the registry.
const EDGES: [u16; 16] =
    [0, 999, 1000, 1003, 1004, 1005, 1006, 1007, 1014, 1015, 1016, 2999, 3000, 4999, 5000, 65_535];

#[test]
fn reason_of_123_bytes_fits_and_one_of_124_does_not() {
    for role in ROLES {
        for code in EDGES {
            for size in [122, 123] {
                let reason = vec![b'r'; size];
                let told = Endpoint::new(role).feed(&close(role, code, &reason)).told.pop();
                let must = match is_close_code(code) {
                    true => Told::Close(Some(CloseFrame::new(code, "r".repeat(size)))),
                    false => Told::failed(ProtocolError::InvalidCloseCode),
                };
                assert_eq!(told, Some(must), "{role:?} {code}");
            }
            let told = Endpoint::new(role).feed(&close(role, code, &[b'r'; 124])).told.pop();
            assert_eq!(told, Some(Told::failed(ProtocolError::ControlTooLong)), "{role:?} {code}");
        }
    }
}

#[test]
fn reason_over_123_bytes_is_refused_and_nothing_is_queued() {
    for role in ROLES {
        let mut endpoint = Endpoint::new(role);
        // Bytes count, not characters.
        for reason in ["r".repeat(124), "é".repeat(62)] {
            let sent = endpoint.send(Message::Close(Some(CloseFrame::new(1000, reason))));
            assert_eq!(sent, Err(UsageError::CloseReasonTooLong));
            assert_eq!(endpoint.protocol.queued(), 0);
        }
        let longest = CloseFrame::new(1000, "é".repeat(61) + "r");
        assert_eq!(endpoint.send(Message::Close(Some(longest))), Ok(()));
        assert_eq!(endpoint.take_bytes()[1] & 0x7F, 125);
    }
}

#[test]
fn payload_of_one_byte_fails() {
    for role in ROLES {
        for byte in 0..=255 {
            let mut endpoint = Endpoint::new(role);
            endpoint.feed(&frame(role, FIN | CLOSE, &[byte]));
            assert_eq!(endpoint.told, [Told::failed(ProtocolError::ClosePayloadTooShort)]);
            assert_eq!(endpoint.take_frames(), [(FIN | CLOSE, close_payload(1002, b""))]);
        }
    }
}

#[test]
fn close_frame_that_breaks_a_rule_is_answered_with_the_code_of_the_rule() {
    for role in ROLES {
        for (payload, code) in [
            (close_payload(1005, b""), 1002),
            (close_payload(1006, b"\xFF"), 1002),
            (close_payload(1000, b"\xFF"), 1007),
            (close_payload(1000, b"\xED\xA0\x80"), 1007),
            (vec![0], 1002),
        ] {
            let mut endpoint = Endpoint::new(role);
            endpoint.feed(&frame(role, FIN | CLOSE, &payload));
            assert_eq!(endpoint.take_frames(), [(FIN | CLOSE, close_payload(code, b""))], "{payload:?}");
            assert!(endpoint.protocol.closing().received().is_none(), "a broken close frame closes nothing");
        }
    }
}
