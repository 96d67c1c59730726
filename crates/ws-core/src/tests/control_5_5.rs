//! 5.5: control frames: short, never fragmented, answered at once.

use super::{
    trace::{Endpoint, Told},
    wire::{BINARY, CLOSE, FIN, Length, PING, PONG, ROLES, TEXT, close_payload, frame, header},
};
use crate::{Message, ProtocolError, UsageError};

#[test]
fn ping_is_answered_with_its_payload_at_every_size() {
    for role in ROLES {
        for size in 0..=125_u8 {
            let payload: Vec<u8> = (0..size).collect();
            let mut endpoint = Endpoint::new(role);
            endpoint.feed(&frame(role, FIN | PING, &payload));
            assert_eq!(endpoint.told, [Told::Ping(payload.clone())], "{role:?}");
            assert_eq!(endpoint.take_frames(), [(FIN | PONG, payload)], "{role:?}");
        }
    }
}

#[test]
fn pong_is_told_and_never_answered() {
    for role in ROLES {
        for payload in [&b""[..], b"unsolicited", &[0xFF; 125]] {
            let mut endpoint = Endpoint::new(role);
            endpoint.feed(&frame(role, FIN | PONG, payload));
            assert_eq!(endpoint.told, [Told::Pong(payload.into())]);
            assert_eq!(endpoint.take_frames(), [], "{role:?}");
        }
    }
}

#[test]
fn control_frame_over_125_bytes_fails_at_its_second_byte() {
    for role in ROLES {
        for opcode in [PING, PONG, CLOSE] {
            for length in [Length::Sixteen(126), Length::Sixteen(0xFFFF), Length::SixtyFour(0x1_0000)] {
                let mut endpoint = Endpoint::new(role);
                endpoint.feed(&header(role, FIN | opcode, length)[..2]);
                let error = ProtocolError::ControlTooLong;
                assert_eq!(endpoint.told, [Told::failed(error)], "{role:?} {opcode:#x} {length:?}");
            }
        }
    }
}

// Shows FRM-1.
#[test]
fn fragmented_control_frame_fails() {
    for role in ROLES {
        for opcode in [PING, PONG, CLOSE] {
            let mut endpoint = Endpoint::new(role);
            endpoint.feed(&frame(role, opcode, b""));
            assert_eq!(
                endpoint.told,
                [Told::failed(ProtocolError::FragmentedControl)],
                "{role:?} {opcode:#x}"
            );
        }
    }
}

#[test]
fn control_frame_counts_only_once_it_is_whole() {
    for role in ROLES {
        let bytes = frame(role, FIN | PING, b"payload");
        for cut in 0..bytes.len() {
            let mut endpoint = Endpoint::new(role);
            endpoint.feed(&bytes[..cut]);
            assert_eq!(endpoint.told, []);
            assert_eq!(endpoint.take_frames(), [], "half a ping is not answered");
            endpoint.feed(&bytes[cut..]);
            assert_eq!(endpoint.take_frames(), [(FIN | PONG, b"payload".to_vec())], "{role:?} cut at {cut}");
        }
    }
}

#[test]
fn pings_that_arrive_together_are_answered_in_order() {
    for role in ROLES {
        let mut endpoint = Endpoint::new(role);
        endpoint.feed(&[frame(role, FIN | PING, b"1"), frame(role, FIN | PING, b"2")].concat());
        assert_eq!(endpoint.take_frames(), [(FIN | PONG, b"1".to_vec()), (FIN | PONG, b"2".to_vec())]);
    }
}

#[test]
fn flood_of_pings_that_nobody_reads_the_answers_of_keeps_the_queue_short_and_the_latest_answer() {
    for role in ROLES {
        let mut endpoint = Endpoint::new(role);
        let mut longest = 0;
        for number in 0..4000_u32 {
            endpoint.feed(&frame(role, FIN | PING, &[&number.to_be_bytes()[..], &[0; 121]].concat()));
            longest = longest.max(endpoint.protocol.queued());
        }
        assert!(longest <= 8192, "{longest} bytes are queued");
        let pongs = endpoint.take_frames();
        let (_, latest) = pongs.last().unwrap();
        assert_eq!(latest[..4], 3999_u32.to_be_bytes(), "the latest ping is answered");
        let numbers: Vec<_> = pongs.iter().map(|(_, payload)| payload[..4].to_vec()).collect();
        assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]), "in order, none twice");
    }
}

#[test]
fn pong_that_waits_for_room_comes_after_what_was_queued_and_before_what_is_sent_later() {
    for role in ROLES {
        let mut endpoint = Endpoint::new(role);
        endpoint.send(Message::binary(vec![1; 5000])).unwrap();
        endpoint.feed(&frame(role, FIN | PING, b"late"));
        assert_eq!(
            endpoint.take_frames(),
            [(FIN | BINARY, vec![1; 5000]), (FIN | PONG, b"late".to_vec())],
            "{role:?}"
        );
        endpoint.send(Message::text("after")).unwrap();
        assert_eq!(endpoint.take_frames(), [(FIN | TEXT, b"after".to_vec())]);
    }
}

#[test]
fn pong_that_waits_for_room_is_dropped_once_the_close_frame_is_queued() {
    for role in ROLES {
        let mut endpoint = Endpoint::new(role);
        endpoint.send(Message::binary(vec![1; 5000])).unwrap();
        endpoint.feed(&frame(role, FIN | PING, b"late"));
        endpoint.send(Message::Close(None)).unwrap();
        assert_eq!(endpoint.take_frames(), [(FIN | BINARY, vec![1; 5000]), (FIN | CLOSE, Vec::new())]);
    }
}

#[test]
fn pings_after_the_close_frame_are_not_answered() {
    for role in ROLES {
        let mut endpoint = Endpoint::new(role);
        endpoint.send(Message::Close(None)).unwrap();
        endpoint.feed(&frame(role, FIN | PING, b"late"));
        assert_eq!(endpoint.take_frames(), [(FIN | CLOSE, Vec::new())]);
        assert_eq!(endpoint.told, []);
    }
}

#[test]
fn control_payload_over_125_bytes_is_refused_and_nothing_is_queued() {
    for role in ROLES {
        let mut endpoint = Endpoint::new(role);
        for make in [Message::Ping, Message::Pong] {
            assert_eq!(endpoint.send(make(vec![0; 126].into())), Err(UsageError::ControlTooLong));
            assert_eq!(endpoint.protocol.queued(), 0);
            assert_eq!(endpoint.send(make(vec![0; 125].into())), Ok(()));
            assert_eq!(endpoint.take_frames().len(), 1);
        }
    }
}

#[test]
fn ping_right_before_a_violation_is_answered_before_the_close_frame() {
    for role in ROLES {
        let mut endpoint = Endpoint::new(role);
        endpoint.feed(&[frame(role, FIN | PING, b"p"), frame(role, FIN | 0xB, b"")].concat());
        assert_eq!(
            endpoint.take_frames(),
            [(FIN | PONG, b"p".to_vec()), (FIN | CLOSE, close_payload(1002, b""))],
            "{role:?}"
        );
    }
}

#[cfg(feature = "io")]
#[test]
fn payload_of_a_control_frame_is_never_taken_for_a_message() {
    for role in ROLES {
        let mut endpoint = Endpoint::new(role);
        endpoint.feed(&header(role, FIN | PING, Length::Seven(20)));
        let mut inside = frame(role, FIN | TEXT, b"x");
        let mut input = &mut inside[..];
        assert_eq!(endpoint.protocol.receive_short(&mut input), Ok(None), "{role:?}");
        assert_eq!(input, frame(role, FIN | TEXT, b"x"));
    }
}
