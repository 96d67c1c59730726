//! 5.4: messages in fragments.

use super::{
    trace::{Endpoint, Told},
    wire::{
        BINARY, CLOSE, CONTINUATION, FIN, PING, PONG, ROLES, TEXT, close, close_payload, frame, frames_of,
    },
};
use crate::{Message, MessageKind, ProtocolError, Role, UsageError, frame::MaskingKey, proto::Sender};

#[test]
fn fragments_join_to_one_message_of_the_first_ones_kind() {
    for role in ROLES {
        for (opcode, kind) in [(TEXT, MessageKind::Text), (BINARY, MessageKind::Binary)] {
            let mut endpoint = Endpoint::new(role);
            endpoint
                .feed(&frame(role, opcode, b"one "))
                .feed(&frame(role, CONTINUATION, b"two "))
                .feed(&frame(role, FIN | CONTINUATION, b"three"));
            assert_eq!(endpoint.told, [Told::Message(kind, b"one two three".into())], "{role:?}");
        }
    }
}

#[test]
fn empty_fragments_are_legal_everywhere() {
    for role in ROLES {
        for (first, middle, last) in
            [("", "", ""), ("a", "", ""), ("", "a", ""), ("", "", "a"), ("a", "", "b")]
        {
            let mut endpoint = Endpoint::new(role);
            endpoint
                .feed(&frame(role, TEXT, first.as_bytes()))
                .feed(&frame(role, CONTINUATION, middle.as_bytes()))
                .feed(&frame(role, FIN | CONTINUATION, last.as_bytes()));
            assert_eq!(endpoint.told, [Told::text(&format!("{first}{middle}{last}"))], "{role:?}");
        }
    }
}

#[test]
fn continuation_without_a_message_fails() {
    for role in ROLES {
        for first in [CONTINUATION, FIN | CONTINUATION] {
            let mut endpoint = Endpoint::new(role);
            endpoint.feed(&frame(role, FIN | TEXT, b"whole")).feed(&frame(role, first, b"more"));
            assert_eq!(
                endpoint.told,
                [Told::text("whole"), Told::failed(ProtocolError::UnexpectedContinuation)],
                "{role:?}"
            );
        }
    }
}

#[test]
fn new_message_inside_a_message_fails() {
    for role in ROLES {
        for open in [TEXT, BINARY] {
            for first in [TEXT, BINARY, FIN | TEXT, FIN | BINARY] {
                let mut endpoint = Endpoint::new(role);
                endpoint.feed(&frame(role, open, b"")).feed(&frame(role, first, b""));
                let error = ProtocolError::ExpectedContinuation;
                assert_eq!(endpoint.told, [Told::failed(error)], "{role:?} {open:#x} {first:#x}");
            }
        }
    }
}

#[test]
fn control_frames_between_fragments_are_handled_at_once() {
    for role in ROLES {
        let mut endpoint = Endpoint::new(role);
        endpoint.feed(&frame(role, TEXT, b"a")).feed(&frame(role, FIN | PING, b"1"));
        assert_eq!(endpoint.told, [Told::Ping(b"1".into())]);
        assert_eq!(endpoint.take_frames(), [(FIN | PONG, b"1".to_vec())]);
        endpoint.feed(&frame(role, FIN | PONG, b"2")).feed(&frame(role, FIN | CONTINUATION, b"b"));
        assert_eq!(endpoint.told[1..], [Told::Pong(b"2".into()), Told::text("ab")], "{role:?}");
    }
}

#[test]
fn close_inside_a_message_is_echoed_and_the_message_is_never_told() {
    for role in ROLES {
        let mut endpoint = Endpoint::new(role);
        endpoint.feed(&frame(role, TEXT, b"a")).feed(&close(role, 1000, b"")).feed(&frame(
            role,
            FIN | CONTINUATION,
            b"b",
        ));
        assert_eq!(endpoint.told, [Told::Close(super::wire::code_only(1000))], "{role:?}");
        assert_eq!(endpoint.take_frames(), [(FIN | CLOSE, close_payload(1000, b""))]);
    }
}

fn key() -> MaskingKey {
    MaskingKey::new([1, 2, 3, 4])
}

#[test]
fn fragments_are_sent_as_one_message_with_control_frames_between() {
    for role in ROLES {
        let mut sender = Sender::new(role);
        sender.send_fragment(MessageKind::Text, b"a", false, &mut key).unwrap();
        sender.send(Message::Ping("p".into()), &mut key).unwrap();
        sender.send_fragment(MessageKind::Text, b"", false, &mut key).unwrap();
        sender.send_fragment(MessageKind::Text, b"b", true, &mut key).unwrap();
        sender.send(Message::text("c"), &mut key).unwrap();
        assert_eq!(
            frames_of(role, &sender.outbox().to_vec()),
            [
                (TEXT, b"a".to_vec()),
                (FIN | PING, b"p".to_vec()),
                (CONTINUATION, b"".to_vec()),
                (FIN | CONTINUATION, b"b".to_vec()),
                (FIN | TEXT, b"c".to_vec()),
            ]
        );
    }
}

#[test]
fn data_inside_an_open_message_is_refused_and_nothing_is_queued() {
    let mut sender = Sender::new(Role::Server);
    sender.send_fragment(MessageKind::Text, b"a", false, &mut key).unwrap();
    let queued = sender.outbox().len();
    let errors = [
        sender.send(Message::text("b"), &mut key),
        sender.send(Message::binary("b"), &mut key),
        sender.send_fragment(MessageKind::Binary, b"b", true, &mut key),
    ];
    assert_eq!(errors, [Err(UsageError::MessageOpen); 3]);
    assert_eq!(sender.outbox().len(), queued);
}

#[test]
fn close_frame_may_interrupt_a_fragmented_message_and_nothing_follows_it() {
    let mut sender = Sender::new(Role::Server);
    sender.send_fragment(MessageKind::Binary, b"a", false, &mut key).unwrap();
    sender.send(Message::Close(None), &mut key).unwrap();
    let more = sender.send_fragment(MessageKind::Binary, b"b", true, &mut key);
    assert_eq!(more, Err(UsageError::CloseSent));
    let frames = frames_of(Role::Server, &sender.outbox().to_vec());
    assert_eq!(frames, [(BINARY, b"a".to_vec()), (FIN | CLOSE, Vec::new())]);
}
