//! RFC 7692: permessage-deflate.

mod bits;
mod enforcement;
mod limits;
mod peers;

use super::{
    trace::{Endpoint, Told},
    wire::{BINARY, CONTINUATION, FIN, ROLES, RSV1, TEXT, frame, peer},
};
use crate::{
    Compression, CompressionLevel, Config, DeflateConfig, Message, MessageKind, NegotiatedDeflate,
    ProtocolError, Role, frame::FrameHeader,
};

/// Two endpoints that agreed on the same parameters.
fn pair(negotiated: NegotiatedDeflate, deflate: &DeflateConfig) -> (Endpoint, Endpoint) {
    let end = |role| Endpoint::with_deflate(role, &Config::new(), negotiated, deflate);
    (end(Role::Client), end(Role::Server))
}

fn negotiated(bits: u8, no_takeover: bool) -> NegotiatedDeflate {
    NegotiatedDeflate {
        server_no_context_takeover: no_takeover,
        client_no_context_takeover: no_takeover,
        server_max_window_bits: bits,
        client_max_window_bits: bits,
    }
}

fn endpoint(role: Role, negotiated: NegotiatedDeflate) -> Endpoint {
    Endpoint::with_deflate(role, &Config::new(), negotiated, &DeflateConfig::new())
}

/// Text that compresses, and says something else each time.
fn document(number: usize) -> String {
    (0..60)
        .map(|line| format!("{{\"id\":{},\"name\":\"user {}\",\"on\":true}},", line * number, line % 7))
        .collect()
}

/// Noise that does not compress.
fn noise(len: usize) -> Vec<u8> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    (0..len)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 32) as u8
        })
        .collect()
}

#[test]
fn examples_of_7_2_3_are_decompressed() {
    // 7.2.3.1: one block; 7.2.3.3: not compressed; 7.2.3.4: final block; 7.2.3.5: two blocks.
    let examples: [&[u8]; 4] = [
        &[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00],
        &[0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00],
        &[0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00],
        &[0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00],
    ];
    for bits in 8..=15 {
        for role in ROLES {
            for example in examples {
                for cut in 1..=example.len() {
                    let mut endpoint = Endpoint::with_deflate(
                        role,
                        &Config::new(),
                        negotiated(bits, false),
                        &DeflateConfig::new(),
                    );
                    let first = if cut == example.len() { FIN | RSV1 | TEXT } else { RSV1 | TEXT };
                    let mut bytes = frame(role, first, &example[..cut]);
                    if cut < example.len() {
                        bytes.extend(frame(role, FIN | CONTINUATION, &example[cut..]));
                    }
                    endpoint.feed_pieces(bytes.chunks(1));
                    assert_eq!(endpoint.told, [Told::text("Hello")], "{bits} {role:?} {example:x?} {cut}");
                }
            }
        }
    }
}

#[test]
fn takeover_example_of_7_2_3_2_refers_to_the_message_before() {
    for role in ROLES {
        let mut endpoint =
            Endpoint::with_deflate(role, &Config::new(), negotiated(15, false), &DeflateConfig::new());
        endpoint.feed(&frame(role, FIN | RSV1 | TEXT, &[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00]));
        endpoint.feed(&frame(role, FIN | RSV1 | TEXT, &[0xf2, 0x00, 0x11, 0x00, 0x00]));
        assert_eq!(endpoint.told, [Told::text("Hello"), Told::text("Hello")]);
        // Without takeover there is nothing to refer to.
        let mut endpoint =
            Endpoint::with_deflate(role, &Config::new(), negotiated(15, true), &DeflateConfig::new());
        endpoint.feed(&frame(role, FIN | RSV1 | TEXT, &[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00]));
        endpoint.feed(&frame(role, FIN | RSV1 | TEXT, &[0xf2, 0x00, 0x11, 0x00, 0x00]));
        assert_eq!(endpoint.told, [Told::text("Hello"), Told::failed(ProtocolError::InvalidDeflate)]);
    }
}

// Shows Z-5.
#[test]
fn messages_survive_every_setting() {
    let levels = [1, 2, 5, 6, 9]
        .map(CompressionLevel::new)
        .into_iter()
        .chain([CompressionLevel::NONE, CompressionLevel::HUFFMAN_ONLY]);
    for level in levels {
        for bits in 8..=15 {
            for no_takeover in [false, true] {
                let config = DeflateConfig::new()
                    .level(level)
                    .threshold(0)
                    .server_max_window_bits(bits)
                    .client_max_window_bits(bits);
                let (mut client, mut server) = pair(negotiated(bits, no_takeover), &config);
                let mut expected = Vec::new();
                for number in 0..12 {
                    let message = match number % 4 {
                        0 | 1 => Message::text(document(number)),
                        2 => Message::binary(noise(number * 700)),
                        _ => Message::text(""),
                    };
                    let kind = message.kind().unwrap();
                    expected.push(Told::Message(kind, message.clone().into_data().to_vec()));
                    client.send(message).unwrap();
                    let bytes = client.take_bytes();
                    server.feed_pieces(bytes.chunks(1 + number * 37));
                    server.send(Message::text(document(number))).unwrap();
                    client.feed(&server.take_bytes());
                }
                assert_eq!(server.told, expected, "{level:?} {bits} {no_takeover}");
                assert_eq!(client.told.len(), 12, "{:?}", client.told.last());
            }
        }
    }
}

#[test]
fn takeover_makes_the_second_message_smaller_and_its_absence_does_not() {
    for role in ROLES {
        for no_takeover in [false, true] {
            let mut endpoint = Endpoint::with_deflate(
                role,
                &Config::new(),
                negotiated(12, no_takeover),
                &DeflateConfig::new(),
            );
            let sizes: Vec<_> = (0..2)
                .map(|_| {
                    endpoint.send(Message::text(document(3))).unwrap();
                    endpoint.take_bytes().len()
                })
                .collect();
            assert!(sizes[0] < document(3).len() / 2);
            assert_eq!(sizes[1] < sizes[0] / 3, !no_takeover, "{sizes:?}");
        }
    }
}

#[test]
fn whole_message_is_one_frame_with_rsv1() {
    for role in ROLES {
        let mut endpoint =
            Endpoint::with_deflate(role, &Config::new(), negotiated(15, false), &DeflateConfig::new());
        endpoint.send(Message::binary(document(9).repeat(100))).unwrap();
        let bytes = endpoint.take_bytes();
        let (header, len) = FrameHeader::decode(&bytes).unwrap().unwrap();
        assert_eq!(bytes[0], FIN | RSV1 | BINARY);
        assert_eq!(header.payload_len, (bytes.len() - len) as u64);
    }
}

// Shows Z-11.
#[test]
fn compression_is_by_message() {
    for role in ROLES {
        let mut endpoint =
            Endpoint::with_deflate(role, &Config::new(), negotiated(15, false), &DeflateConfig::new());
        let mut receiver =
            Endpoint::with_deflate(peer(role), &Config::new(), negotiated(15, false), &DeflateConfig::new());
        let text = document(1);
        let mut first_bytes = Vec::new();
        let mut exchange = |endpoint: &mut Endpoint| {
            let bytes = endpoint.take_bytes();
            first_bytes.push(bytes[0]);
            receiver.feed(&bytes);
        };
        endpoint.send(Message::text(&*text)).unwrap();
        exchange(&mut endpoint);
        endpoint.protocol.send_with(Message::text(&*text), Compression::Off).unwrap();
        exchange(&mut endpoint);
        endpoint.send(Message::text("short")).unwrap();
        exchange(&mut endpoint);
        endpoint.protocol.set_compression(Compression::Off);
        endpoint.send(Message::text(&*text)).unwrap();
        exchange(&mut endpoint);
        endpoint.protocol.send_with(Message::text(&*text), Compression::On).unwrap();
        exchange(&mut endpoint);
        let (plain, packed) = (FIN | TEXT, FIN | RSV1 | TEXT);
        assert_eq!(first_bytes, [packed, plain, plain, plain, packed]);
        let told: Vec<_> = [&*text, &text, "short", &text, &text].map(Told::text).into();
        assert_eq!(receiver.told, told);
    }
}

#[test]
fn fragments_are_compressed_as_one_message() {
    for role in ROLES {
        for no_takeover in [false, true] {
            let mut sender = Endpoint::with_deflate(
                role,
                &Config::new(),
                negotiated(10, no_takeover),
                &DeflateConfig::new(),
            );
            let mut receiver = Endpoint::with_deflate(
                peer(role),
                &Config::new(),
                negotiated(10, no_takeover),
                &DeflateConfig::new(),
            );
            let text = document(5);
            for _ in 0..2 {
                for piece in text.as_bytes().chunks(500) {
                    sender.protocol.send_fragment(MessageKind::Text, piece, false).unwrap();
                }
                sender.protocol.send_fragment(MessageKind::Text, b"", true).unwrap();
                sender.send(Message::text(&*text)).unwrap();
                receiver.feed(&sender.take_bytes());
            }
            assert_eq!(receiver.told, [0; 4].map(|_| Told::text(&text)));
        }
    }
}
