//! 7: the closing handshake, whoever begins it.

use super::{
    pair::Pair,
    trace::{Endpoint, Told},
    wire::{CLOSE, FIN, ROLES, TEXT, close, close_payload, code_only, frame},
};
use crate::{
    CloseFrame, Message, ProtocolError, Role, UsageError,
    frame::MaskingKey,
    proto::{Owed, Sender},
};

#[test]
fn close_frame_is_answered_with_its_code_and_ends_both_directions() {
    for role in ROLES {
        let mut endpoint = Endpoint::new(role);
        endpoint.feed(&close(role, 4321, b"why not"));
        assert_eq!(endpoint.told, [Told::Close(Some(CloseFrame::new(4321, "why not")))]);
        assert_eq!(endpoint.take_frames(), [(FIN | CLOSE, close_payload(4321, b""))], "{role:?}");
        assert_eq!(endpoint.send(Message::text("late")), Err(UsageError::CloseSent));
    }
}

#[test]
fn close_frame_without_a_code_is_answered_without_a_code() {
    for role in ROLES {
        let mut endpoint = Endpoint::new(role);
        endpoint.feed(&frame(role, FIN | CLOSE, b""));
        assert_eq!(endpoint.told, [Told::Close(None)]);
        assert_eq!(endpoint.take_frames(), [(FIN | CLOSE, Vec::new())], "{role:?}");
        assert_eq!(endpoint.protocol.closing().sent(), Some(None));
        assert_eq!(endpoint.protocol.closing().received(), Some(None));
    }
}

#[test]
fn nothing_after_the_close_frame_of_the_peer_is_looked_at() {
    for role in ROLES {
        let mut endpoint = Endpoint::new(role);
        let bytes = [close(role, 1000, b""), frame(role, FIN | TEXT, b"late"), vec![0xFF; 20]].concat();
        for cut in 0..bytes.len() {
            let mut cut_endpoint = Endpoint::new(role);
            cut_endpoint.feed(&bytes[..cut]).feed(&bytes[cut..]);
            assert_eq!(cut_endpoint.told, [Told::Close(code_only(1000))], "{role:?} cut at {cut}");
        }
        endpoint.feed(&bytes).take_bytes();
        endpoint.feed(&bytes);
        assert_eq!(endpoint.take_frames(), []);
    }
}

#[test]
fn data_after_the_own_close_frame_is_dropped_until_the_peer_closes() {
    for role in ROLES {
        let mut endpoint = Endpoint::new(role);
        endpoint.feed(&frame(role, TEXT, b"begun before "));
        endpoint.send(Message::Close(Some(CloseFrame::new(1001, "")))).unwrap();
        endpoint
            .feed(&frame(role, FIN, b"ended after"))
            .feed(&frame(role, FIN | TEXT, b"whole"))
            .feed(&close(role, 1001, b""));
        assert_eq!(endpoint.told, [Told::Close(code_only(1001))], "{role:?}");
        assert_eq!(endpoint.take_frames().len(), 1, "one close frame and no more");
    }
}

#[test]
fn violation_after_the_own_close_frame_is_told_and_not_answered_again() {
    for role in ROLES {
        let mut endpoint = Endpoint::new(role);
        endpoint.send(Message::Close(None)).unwrap();
        endpoint.feed(&frame(role, FIN | TEXT, b"\xFF"));
        assert_eq!(endpoint.told, [Told::failed(ProtocolError::InvalidUtf8)]);
        assert_eq!(endpoint.take_frames(), [(FIN | CLOSE, Vec::new())], "{role:?}");
        assert_eq!(endpoint.protocol.closing().sent(), Some(None), "what was sent first counts");
    }
}

#[test]
fn second_close_frame_is_refused() {
    for role in ROLES {
        let mut endpoint = Endpoint::new(role);
        endpoint.send(Message::Close(None)).unwrap();
        let again = endpoint.send(Message::Close(Some(CloseFrame::new(1000, ""))));
        assert_eq!(again, Err(UsageError::CloseSent));
        assert_eq!(endpoint.take_frames(), [(FIN | CLOSE, Vec::new())], "{role:?}");
    }
}

#[test]
fn every_kind_of_message_is_refused_after_the_close_frame() {
    for role in ROLES {
        let mut endpoint = Endpoint::new(role);
        endpoint.send(Message::Close(None)).unwrap();
        endpoint.take_bytes();
        let messages =
            [Message::text(""), Message::binary(""), Message::Ping("".into()), Message::Pong("".into())];
        for message in messages {
            assert_eq!(endpoint.send(message), Err(UsageError::CloseSent));
        }
        assert_eq!(endpoint.take_frames(), []);
    }
}

#[test]
fn both_close_frames_and_their_order_are_known() {
    let mut pair = Pair::new();
    pair.client.send(Message::Close(Some(CloseFrame::new(3000, "first")))).unwrap();
    assert!(pair.client.protocol.closing().received().is_none());
    assert!(!pair.client.protocol.closing().is_complete());
    pair.exchange();
    let (client, server) = (pair.client.protocol.closing(), pair.server.protocol.closing());
    assert_eq!(client.sent(), Some(Some(&CloseFrame::new(3000, "first"))));
    assert_eq!(client.received(), Some(code_only(3000).as_ref()));
    assert_eq!(server.received(), client.sent());
    assert_eq!(server.sent(), client.received());
    assert_eq!((client.received_first(), server.received_first()), (false, true));
    assert!(client.is_complete() && server.is_complete());
}

// Shows CLS-1.
#[test]
fn both_ends_may_close_at_once_and_each_sees_the_others_code() {
    let mut pair = Pair::new();
    pair.client.send(Message::Close(Some(CloseFrame::new(3001, "")))).unwrap();
    pair.server.send(Message::Close(Some(CloseFrame::new(3002, "")))).unwrap();
    pair.exchange();
    assert_eq!(pair.client.told, [Told::Close(code_only(3002))]);
    assert_eq!(pair.server.told, [Told::Close(code_only(3001))]);
    assert!(!pair.client.protocol.closing().received_first());
    assert!(!pair.server.protocol.closing().received_first());
    assert!(pair.client.protocol.closing().is_complete() && pair.server.protocol.closing().is_complete());
}

#[test]
fn messages_queued_before_the_close_frame_go_out_before_it() {
    for role in ROLES {
        let mut endpoint = Endpoint::new(role);
        endpoint.send(Message::binary(vec![1; 10_000])).unwrap();
        endpoint.send(Message::text("last")).unwrap();
        endpoint.feed(&close(role, 1000, b""));
        let frames = endpoint.take_frames();
        assert_eq!(frames.len(), 3);
        assert_eq!(frames[1..], [(FIN | TEXT, b"last".to_vec()), (FIN | CLOSE, close_payload(1000, b""))]);
    }
}

#[test]
fn server_shuts_down_first_after_a_closing_handshake_and_either_end_after_a_violation() {
    for begins in ROLES {
        let mut pair = Pair::new();
        let first = if begins == Role::Client { &mut pair.client } else { &mut pair.server };
        first.send(Message::Close(None)).unwrap();
        assert!(!first.protocol.wants_shutdown(), "the peer's close frame is to come");
        pair.exchange();
        assert!(pair.server.protocol.wants_shutdown(), "{begins:?} began");
        assert!(!pair.client.protocol.wants_shutdown(), "{begins:?} began");
    }
    for role in ROLES {
        let mut endpoint = Endpoint::new(role);
        endpoint.feed(&frame(role, FIN | 0x3, b""));
        assert!(!endpoint.protocol.wants_shutdown(), "the close frame is to be written first");
        endpoint.take_bytes();
        assert!(endpoint.protocol.wants_shutdown(), "{role:?}");
    }
}

#[test]
fn stopped_protocol_forgets_what_waits_and_ignores_what_comes() {
    for role in ROLES {
        let mut endpoint = Endpoint::new(role);
        endpoint.send(Message::text("lost")).unwrap();
        endpoint.protocol.stop();
        endpoint.feed(&frame(role, FIN | TEXT, b"late"));
        assert_eq!(endpoint.told, []);
        assert_eq!(endpoint.take_frames(), []);
    }
}

#[test]
fn transport_is_not_to_be_shut_down_before_both_close_frames() {
    for role in ROLES {
        let mut endpoint = Endpoint::new(role);
        assert!(!endpoint.protocol.wants_shutdown(), "{role:?}");
        endpoint.send(Message::Close(None)).unwrap();
        endpoint.take_bytes();
        assert!(!endpoint.protocol.wants_shutdown(), "{role:?}");
        endpoint.feed(&frame(role, FIN | CLOSE, b""));
        assert_eq!(endpoint.protocol.wants_shutdown(), role == Role::Server);
    }
}

#[test]
fn nothing_is_queued_once_the_transport_has_ended() {
    for role in ROLES {
        let mut endpoint = Endpoint::new(role);
        endpoint.send(Message::binary(vec![0; 5000])).unwrap();
        endpoint.protocol.answer(Owed::Pong("waits for room".into()));
        endpoint.protocol.stop();
        assert!(!endpoint.protocol.wants_write(), "{role:?}");
        endpoint.protocol.answer(Owed::Pong("late".into()));
        endpoint.protocol.fail(ProtocolError::InvalidUtf8.into());
        assert!(!endpoint.protocol.wants_write(), "{role:?}");
        assert_eq!(endpoint.take_bytes(), b"");
    }
}

#[test]
fn sender_that_has_closed_fails_without_another_close_frame() {
    for role in ROLES {
        let mut keys = || MaskingKey::new([1, 2, 3, 4]);
        let mut sender = Sender::new(role);
        sender.send(Message::Close(None), &mut keys).unwrap();
        let queued = sender.outbox().len();
        sender.fail(ProtocolError::InvalidUtf8.into(), &mut keys);
        assert_eq!(sender.outbox().len(), queued, "{role:?}");
    }
}
