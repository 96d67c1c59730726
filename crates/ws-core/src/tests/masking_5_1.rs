//! 5.1 and 5.3: clients mask every frame, servers none.

use super::{
    trace::{Endpoint, Told},
    wire::{BINARY, CLOSE, FIN, KEY, PING, PONG, TEXT, close_payload, frame_masked},
};
use crate::{
    CloseFrame, Config, Message, ProtocolError, Role,
    frame::MaskingKey,
    proto::{Protocol, Sender},
};

const FIRSTS: [u8; 5] = [FIN | TEXT, FIN | BINARY, FIN | PING, FIN | PONG, FIN | CLOSE];

// Shows FRM-1.
#[test]
fn server_fails_on_unmasked_frames_empty_ones_too() {
    for first in FIRSTS {
        for payload in [&b""[..], &close_payload(1000, b"")] {
            let mut server = Endpoint::new(Role::Server);
            server.feed(&frame_masked(None, first, payload));
            assert_eq!(server.told, [Told::failed(ProtocolError::UnmaskedFrame)], "{first:#x}");
            assert_eq!(server.take_frames(), [(FIN | CLOSE, close_payload(1002, b""))]);
        }
    }
}

// Shows FRM-1.
#[test]
fn client_fails_on_masked_frames_with_a_key_of_zeros_too() {
    for first in FIRSTS {
        for key in [KEY, [0; 4]] {
            let mut client = Endpoint::new(Role::Client);
            client.feed(&frame_masked(Some(key), first, b""));
            assert_eq!(client.told, [Told::failed(ProtocolError::MaskedFrame)], "{first:#x}");
            assert_eq!(client.take_frames(), [(FIN | CLOSE, close_payload(1002, b""))]);
        }
    }
}

#[test]
fn server_takes_any_key_and_every_frame_has_its_own() {
    let keys = [[0; 4], [0xFF; 4], KEY, [0, 0, 0, 1], [0x80, 0, 0, 0]];
    let bytes: Vec<u8> = keys.iter().flat_map(|key| frame_masked(Some(*key), FIN | TEXT, b"text")).collect();
    let mut server = Endpoint::new(Role::Server);
    server.feed(&bytes);
    assert_eq!(server.told, vec![Told::text("text"); keys.len()]);
}

#[test]
fn payload_is_unmasked_right_wherever_it_is_cut() {
    let payload: Vec<u8> = (0..=255).cycle().take(90).collect();
    let bytes = frame_masked(Some([1, 2, 4, 8]), FIN | BINARY, &payload);
    for first in 0..bytes.len() {
        for second in first..bytes.len() {
            let mut server = Endpoint::new(Role::Server);
            server.feed_pieces([&bytes[..first], &bytes[first..second], &bytes[second..]]);
            assert_eq!(server.told, [Told::binary(&payload[..])], "cut at {first} and {second}");
        }
    }
}

#[test]
fn control_payload_is_unmasked_right_wherever_it_is_cut() {
    let payload: Vec<u8> = (0..125).collect();
    let bytes = frame_masked(Some([1, 2, 4, 8]), FIN | PING, &payload);
    for first in 0..bytes.len() {
        for second in (first..bytes.len()).step_by(7) {
            let mut server = Endpoint::new(Role::Server);
            server.feed_pieces([&bytes[..first], &bytes[first..second], &bytes[second..]]);
            assert_eq!(server.told, [Told::Ping(payload.clone())], "cut at {first} and {second}");
        }
    }
}

#[test]
fn server_accepts_unmasked_frames_beside_masked_ones_when_told_to() {
    let mut server = Endpoint::with(Role::Server, &Config::new().accept_unmasked_frames(true));
    server.feed(&frame_masked(None, FIN | TEXT, b"plain")).feed(&frame_masked(
        Some(KEY),
        FIN | TEXT,
        b"masked",
    ));
    assert_eq!(server.told, [Told::text("plain"), Told::text("masked")]);
    let mut client = Endpoint::with(Role::Client, &Config::new().accept_unmasked_frames(true));
    client.feed(&frame_masked(Some(KEY), FIN | TEXT, b"masked"));
    assert_eq!(client.told, [Told::failed(ProtocolError::MaskedFrame)], "the setting is for servers");
}

/// All that an endpoint can send: messages, fragments, control frames, answers, the close frame.
fn send_everything(role: Role, mut keys: impl FnMut() -> MaskingKey) -> Vec<u8> {
    let mut sender = Sender::new(role);
    let keys = &mut keys;
    sender.send(Message::text("text"), keys).unwrap();
    sender.send(Message::binary(vec![7; 70_000]), keys).unwrap();
    sender.send_fragment(crate::MessageKind::Text, b"a", false, keys).unwrap();
    sender.send(Message::Ping("".into()), keys).unwrap();
    sender.send_fragment(crate::MessageKind::Text, b"", true, keys).unwrap();
    sender.send(Message::Pong("pong".into()), keys).unwrap();
    let bytes = sender.outbox().to_vec();
    sender.outbox_mut().clear();
    sender.settle(crate::proto::Owed::Pong("answer".into()), keys);
    sender.send(Message::Close(Some(CloseFrame::new(1000, "bye"))), keys).unwrap();
    [bytes, sender.outbox().to_vec()].concat()
}

#[test]
fn client_asks_for_a_key_for_every_frame_and_uses_it_for_that_frame_only() {
    let mut count = 0;
    let bytes = send_everything(Role::Client, || {
        count += 1;
        MaskingKey::new([count, 0, 0, 0])
    });
    assert_eq!(count, 8);
    let mut at = 0;
    for expected in 1..=count {
        let (header, len) = crate::frame::FrameHeader::decode(&bytes[at..]).unwrap().unwrap();
        assert_eq!(header.mask, Some(MaskingKey::new([expected, 0, 0, 0])));
        at += len + header.payload_len as usize;
    }
    assert_eq!(at, bytes.len());
}

#[test]
fn server_masks_nothing_and_asks_for_no_key() {
    let bytes = send_everything(Role::Server, || unreachable!("a server needs no key"));
    let mut client = Endpoint::new(Role::Client);
    client.feed(&bytes);
    assert_eq!(
        client.told,
        [
            Told::text("text"),
            Told::binary(vec![7; 70_000]),
            Told::Ping(Vec::new()),
            Told::text("a"),
            Told::Pong(b"pong".into()),
            Told::Pong(b"answer".into()),
            Told::Close(Some(CloseFrame::new(1000, "bye"))),
        ]
    );
}

// Shows MSK-3.
#[test]
fn plaintext_of_a_client_is_never_on_the_wire() {
    let request = "GET / HTTP/1.1\r\n";
    let mut state = 1_u32;
    let keys = move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        MaskingKey::new((state | 0x0101_0101).to_be_bytes())
    };
    let mut client = Protocol::new(Role::Client, &Config::new(), keys);
    for copies in [1, 2, 1000] {
        client.send(Message::text(request.repeat(copies))).unwrap();
        client.send(Message::Ping(request.into())).unwrap();
    }
    let bytes = client.outbox().to_vec();
    assert!(!bytes.windows(request.len()).any(|window| window == request.as_bytes()));
}
