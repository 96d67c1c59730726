//! 5.6: data frames, text and binary.

use super::{
    pair::Pair,
    trace::{Endpoint, Told},
    wire::{BINARY, FIN, ROLES, TEXT, frame},
};
use crate::{Message, MessageKind, ProtocolError};

#[test]
fn text_and_binary_are_told_apart_with_the_same_payload() {
    for role in ROLES {
        let mut endpoint = Endpoint::new(role);
        endpoint.feed(&frame(role, FIN | TEXT, b"same")).feed(&frame(role, FIN | BINARY, b"same"));
        assert_eq!(endpoint.told, [Told::text("same"), Told::binary("same")]);
    }
}

#[test]
fn empty_messages_are_messages() {
    for role in ROLES {
        let mut endpoint = Endpoint::new(role);
        endpoint.feed(&frame(role, FIN | TEXT, b"")).feed(&frame(role, FIN | BINARY, b""));
        assert_eq!(endpoint.told, [Told::text(""), Told::binary("")]);
    }
}

#[test]
fn binary_is_never_validated() {
    let bytes: Vec<u8> = (0..=255).rev().collect();
    for role in ROLES {
        let mut endpoint = Endpoint::new(role);
        endpoint.feed(&frame(role, FIN | BINARY, &bytes));
        assert_eq!(endpoint.told, [Told::binary(&bytes[..])]);
    }
}

#[test]
fn messages_completed_before_a_bad_byte_are_told_and_nothing_after_it() {
    for role in ROLES {
        let bytes = [
            frame(role, FIN | TEXT, b"one"),
            frame(role, FIN | BINARY, b"two"),
            frame(role, TEXT, b"never told"),
            frame(role, FIN | 0x7, b""),
            frame(role, FIN | TEXT, b"three"),
        ]
        .concat();
        for cut in 0..bytes.len() {
            let mut endpoint = Endpoint::new(role);
            endpoint.feed(&bytes[..cut]).feed(&bytes[cut..]);
            assert_eq!(
                endpoint.told,
                [Told::text("one"), Told::binary("two"), Told::failed(ProtocolError::ReservedOpcode)],
                "{role:?} cut at {cut}"
            );
        }
    }
}

#[test]
fn truncated_message_is_never_told() {
    for role in ROLES {
        let bytes = frame(role, FIN | TEXT, &b"x".repeat(300));
        for cut in 0..bytes.len() {
            assert_eq!(Endpoint::new(role).feed(&bytes[..cut]).told, [], "{role:?} cut at {cut}");
        }
    }
}

#[test]
fn data_is_told_as_it_arrives() {
    for role in ROLES {
        let bytes = frame(role, FIN | TEXT, b"hello");
        let (header, payload) = bytes.split_at(bytes.len() - 5);
        let mut endpoint = Endpoint::new(role);
        endpoint.feed(header);
        for arrived in 1..5 {
            endpoint.feed(&payload[arrived - 1..arrived]);
            let partial = endpoint.partial.as_ref().map(|(kind, data)| (*kind, &data[..]));
            assert_eq!(partial, Some((MessageKind::Text, &b"hello"[..arrived])), "{role:?}");
        }
    }
}

#[test]
fn messages_of_every_size_around_the_edges_cross_a_pair_both_ways() {
    for size in [0, 1, 125, 126, 4095, 4096, 4097, 65_535, 65_536, 1 << 20] {
        let data: Vec<u8> = (0..=250).cycle().take(size).collect();
        let mut pair = Pair::new();
        pair.client.send(Message::binary(data.clone())).unwrap();
        pair.server.send(Message::binary(data.clone())).unwrap();
        pair.exchange();
        assert_eq!(pair.server.told, [Told::binary(&data[..])], "{size} to the server");
        assert_eq!(pair.client.told, [Told::binary(data)], "{size} to the client");
    }
}
