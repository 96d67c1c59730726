//! Against zlib as others use it: one stream for the life of a connection.

use proptest::prelude::*;
use zlib_rs::{Deflate, DeflateFlush, Inflate, InflateFlush};

use super::{
    super::{
        trace::{Endpoint, Told},
        wire::{BINARY, CONTINUATION, FIN, ROLES, frame, peer},
    },
    RSV1, document, negotiated, noise,
};
use crate::{
    Compression, CompressionLevel, Config, DeflateConfig, DeflatePool, Message, MessageKind, PreparedMessage,
    Role,
    frame::{FrameHeader, apply_mask},
};

/// A peer that keeps one compressor and one decompressor, as Python and Node do.
pub(super) struct Peer {
    deflate: Deflate,
    inflate: Inflate,
}

impl Peer {
    pub(super) fn new(bits: u8) -> Self {
        Self { deflate: Deflate::new(6, false, bits.max(9)), inflate: Inflate::new(false, 15) }
    }

    /// The payload of a message.
    pub(super) fn compress(&mut self, data: &[u8]) -> Vec<u8> {
        // 7.2.3.6: an empty block. zlib itself does not flush twice when there was nothing in between.
        if data.is_empty() {
            return vec![0];
        }
        let before = self.deflate.total_out();
        let mut out = vec![0; data.len() + data.len() / 10 + 100];
        self.deflate.compress(data, &mut out, DeflateFlush::SyncFlush).unwrap();
        out.truncate((self.deflate.total_out() - before) as usize);
        assert!(out.ends_with(&[0, 0, 0xFF, 0xFF]));
        out.truncate(out.len() - 4);
        out
    }

    /// The message of a payload.
    fn decompress(&mut self, payload: &[u8]) -> Vec<u8> {
        let before = self.inflate.total_out();
        let mut out = vec![0; 4 << 20];
        for input in [payload, &[0, 0, 0xFF, 0xFF]] {
            let at = (self.inflate.total_out() - before) as usize;
            self.inflate.decompress(input, &mut out[at..], InflateFlush::SyncFlush).unwrap();
        }
        out.truncate((self.inflate.total_out() - before) as usize);
        out
    }

    /// The messages of what an endpoint has written, and whether each was compressed.
    fn read(&mut self, mut bytes: &[u8]) -> Vec<(Vec<u8>, bool)> {
        let mut messages = Vec::new();
        let mut open: Option<(Vec<u8>, bool)> = None;
        while let Some((header, len)) = FrameHeader::decode(bytes).unwrap() {
            let end = len + header.payload_len as usize;
            let mut payload = bytes[len..end].to_vec();
            if let Some(key) = header.mask {
                apply_mask(&mut payload, key);
            }
            bytes = &bytes[end..];
            let is_compressed = !header.reserved.is_empty();
            let (data, _) = open.get_or_insert((Vec::new(), is_compressed));
            data.extend(payload);
            if header.fin {
                let (data, is_compressed) = open.take().unwrap();
                messages.push((if is_compressed { self.decompress(&data) } else { data }, is_compressed));
            }
        }
        assert!(bytes.is_empty() && open.is_none());
        messages
    }
}

#[derive(Clone, Debug)]
enum Step {
    Whole(usize, usize, Option<Compression>),
    Pieces(usize, Vec<usize>),
    Prepared(usize),
    Level(CompressionLevel),
    Switch(Compression),
}

fn step() -> impl Strategy<Value = Step> {
    let choice = || prop_oneof![Just(Compression::On), Just(Compression::Off)];
    prop_oneof![
        4 => (0usize..5, 0usize..6000, proptest::option::of(choice()))
            .prop_map(|(seed, len, choice)| Step::Whole(seed, len, choice)),
        2 => (0usize..5, proptest::collection::vec(0usize..3000, 1..6)).prop_map(|(seed, cuts)| Step::Pieces(seed, cuts)),
        2 => (0usize..5).prop_map(Step::Prepared),
        1 => prop_oneof![
            (0u8..=9).prop_map(CompressionLevel::new),
            Just(CompressionLevel::HUFFMAN_ONLY)
        ].prop_map(Step::Level),
        1 => choice().prop_map(Step::Switch),
    ]
}

/// Bytes that compress well, a little, or not at all.
fn data(seed: usize, len: usize) -> Vec<u8> {
    if seed == 0 {
        return noise(len);
    }
    document(seed).into_bytes().into_iter().cycle().take(len).collect()
}

fn config(bits: u8, threshold: usize) -> DeflateConfig {
    DeflateConfig::new()
        .server_max_window_bits(bits)
        .client_max_window_bits(bits)
        .threshold(threshold)
        .pool(DeflatePool::new())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(120))]

    // Shows Z-7.
    #[test]
    fn whatever_is_sent_is_what_zlib_reads(
        steps in proptest::collection::vec(step(), 1..25),
        bits in 8u8..=15,
        no_takeover: bool,
        threshold in prop_oneof![Just(0usize), Just(128)],
    ) {
        for role in ROLES {
            let mut endpoint =
                Endpoint::with_deflate(role, &Config::new(), negotiated(bits, no_takeover), &config(bits, threshold));
            let mut zlib = Peer::new(15);
            // And one of our making, which enforces the window.
            let mut other =
                Endpoint::with_deflate(peer(role), &Config::new(), negotiated(bits, no_takeover), &config(bits, 0));
            for step in &steps {
                let expected = match step {
                    Step::Whole(seed, len, choice) => {
                        let message = Message::binary(data(*seed, *len));
                        match choice {
                            Some(choice) => endpoint.protocol.send_with(message, *choice).unwrap(),
                            None => endpoint.send(message).unwrap(),
                        }
                        data(*seed, *len)
                    }
                    Step::Pieces(seed, cuts) => {
                        let whole = data(*seed, cuts.iter().sum());
                        let mut rest = &whole[..];
                        for (number, cut) in cuts.iter().enumerate() {
                            let (piece, later) = rest.split_at(*cut);
                            rest = later;
                            let fin = number + 1 == cuts.len();
                            endpoint.protocol.send_fragment(MessageKind::Binary, piece, fin).unwrap();
                        }
                        whole
                    }
                    Step::Prepared(seed) => {
                        let message = PreparedMessage::new(data(*seed, 2000)).unwrap();
                        endpoint.protocol.send_prepared(&message).unwrap();
                        data(*seed, 2000)
                    }
                    Step::Level(level) => {
                        endpoint.protocol.set_compression_level(*level);
                        continue;
                    }
                    Step::Switch(compression) => {
                        endpoint.protocol.set_compression(*compression);
                        continue;
                    }
                };
                let bytes = endpoint.take_bytes();
                // Z-7, with a header of 14 bytes, and one for each fragment.
                let headers = if let Step::Pieces(_, cuts) = step { cuts.len() * 20 } else { 14 };
                prop_assert!(bytes.len() <= expected.len() + expected.len() / 1000 + 64 + headers, "{} {}", bytes.len(), expected.len());
                let read = zlib.read(&bytes);
                prop_assert_eq!(read.len(), 1);
                prop_assert!(read[0].0 == expected, "{:?}", step);
                other.feed_pieces(bytes.chunks(777));
                prop_assert!(other.told.pop() == Some(Told::binary(expected)), "{:?} {:?}", step, other.told);
            }
        }
    }

    // Shows Z-5.
    #[test]
    fn whatever_zlib_sends_is_what_is_told(
        messages in proptest::collection::vec((0usize..5, 0usize..9000, 0usize..3), 1..15),
        bits in 9u8..=15,
        piece in 1usize..4000,
    ) {
        for role in ROLES {
            let mut endpoint =
                Endpoint::with_deflate(role, &Config::new(), negotiated(bits, false), &config(bits, 0));
            let mut zlib = Peer::new(bits);
            for (seed, len, how) in &messages {
                let data = data(*seed, *len);
                let bytes = match how {
                    0 => frame(role, FIN | BINARY, &data),
                    1 => frame(role, FIN | RSV1 | BINARY, &zlib.compress(&data)),
                    _ => {
                        let payload = zlib.compress(&data);
                        let (head, tail) = payload.split_at(payload.len() / 3);
                        [frame(role, RSV1 | BINARY, head), frame(role, FIN | CONTINUATION, tail)].concat()
                    }
                };
                endpoint.feed_pieces(bytes.chunks(piece));
                prop_assert!(endpoint.told.pop() == Some(Told::binary(data)));
                prop_assert!(endpoint.told.is_empty());
            }
        }
    }
}

#[test]
fn prepared_message_is_compressed_once_for_all_connections_that_are_alike() {
    // Compressed, it is still large enough to be shared and not copied.
    let text: String = noise(20_000).iter().map(|byte| format!("{byte:02x}")).collect();
    let message = PreparedMessage::new(&*text).unwrap();
    // The level of its own accord differs with takeover.
    let config = config(12, 128).level(CompressionLevel::DEFAULT);
    let mut frames = Vec::new();
    for no_takeover in [false, true, false] {
        let mut server =
            Endpoint::with_deflate(Role::Server, &Config::new(), negotiated(12, no_takeover), &config);
        server.protocol.send_prepared(&message).unwrap();
        frames.push(server.protocol.outbox().chunk().as_ptr() as usize);
        assert!(Peer::new(15).read(&server.take_bytes())[0].1);
    }
    // The very same bytes, not a copy.
    assert!(frames.iter().all(|frame| *frame == frames[0]), "{frames:?}");
    // Another window is another form; a client masks its own.
    let mut narrow = Endpoint::with_deflate(Role::Server, &Config::new(), negotiated(9, false), &config);
    narrow.protocol.send_prepared(&message).unwrap();
    assert_ne!(narrow.protocol.outbox().chunk().as_ptr() as usize, frames[0]);
    let mut client = Endpoint::with_deflate(Role::Client, &Config::new(), negotiated(12, false), &config);
    client.protocol.send_prepared(&message).unwrap();
    assert_eq!(Peer::new(15).read(&client.take_bytes()), [(text.into_bytes(), true)]);
}

#[test]
fn prepared_message_enters_the_window() {
    for role in ROLES {
        let text = document(2);
        let message = PreparedMessage::new(&*text).unwrap();
        let mut endpoint =
            Endpoint::with_deflate(role, &Config::new(), negotiated(12, false), &config(12, 0));
        let mut zlib = Peer::new(15);
        endpoint.protocol.send_prepared(&message).unwrap();
        zlib.read(&endpoint.take_bytes());
        endpoint.send(Message::text(&*text)).unwrap();
        let bytes = endpoint.take_bytes();
        assert!(bytes.len() < text.len() / 20, "{} refers to the message before", bytes.len());
        assert_eq!(zlib.read(&bytes), [(text.into_bytes(), true)]);
    }
}

#[test]
fn prepared_message_that_is_not_worth_it_goes_as_it_is() {
    for role in ROLES {
        for message in [PreparedMessage::new("short").unwrap(), PreparedMessage::new(noise(5000)).unwrap()] {
            let mut endpoint =
                Endpoint::with_deflate(role, &Config::new(), negotiated(12, false), &config(12, 128));
            endpoint.protocol.send_prepared(&message).unwrap();
            let bytes = endpoint.take_bytes();
            let (data, is_compressed) = Peer::new(15).read(&bytes).remove(0);
            assert!(!is_compressed, "{} bytes as {}", data.len(), bytes.len());
        }
    }
}

#[test]
fn without_a_compressor_messages_go_as_they_are_and_later_ones_are_compressed() {
    let pool = DeflatePool::new().max_compressors(1);
    let config = config(12, 0).pool(pool);
    let text = document(6);
    for role in ROLES {
        let prepared = PreparedMessage::new(&*text).unwrap();
        let mut holder = Endpoint::with_deflate(role, &Config::new(), negotiated(12, false), &config);
        let mut other = Endpoint::with_deflate(role, &Config::new(), negotiated(12, false), &config);
        let mut zlib = Peer::new(15);
        holder.protocol.send_fragment(MessageKind::Text, text.as_bytes(), false).unwrap();
        other.send(Message::text(&*text)).unwrap();
        other.protocol.send_prepared(&prepared).unwrap();
        other.protocol.send_fragment(MessageKind::Text, text.as_bytes(), false).unwrap();
        other.protocol.send_fragment(MessageKind::Text, b"", true).unwrap();
        assert!(
            zlib.read(&other.take_bytes()).iter().all(|(data, packed)| !packed && data == text.as_bytes())
        );
        holder.protocol.send_fragment(MessageKind::Text, b"", true).unwrap();
        other.send(Message::text(&*text)).unwrap();
        other.protocol.send_prepared(&prepared).unwrap();
        assert!(
            zlib.read(&other.take_bytes()).iter().all(|(data, packed)| *packed && data == text.as_bytes())
        );
    }
    let none = DeflateConfig::new().pool(DeflatePool::new().max_compressors(0));
    let mut endpoint = Endpoint::with_deflate(Role::Server, &Config::new(), negotiated(12, false), &none);
    endpoint.send(Message::text(&*text)).unwrap();
    assert!(!Peer::new(15).read(&endpoint.take_bytes())[0].1);
}

#[test]
fn huffman_only_and_a_window_of_8_bits_refer_to_nothing() {
    for (bits, level) in [(15, CompressionLevel::HUFFMAN_ONLY), (8, CompressionLevel::BEST)] {
        for role in ROLES {
            let config = config(9, 0).level(level);
            let mut endpoint = Endpoint::with_deflate(role, &Config::new(), negotiated(bits, false), &config);
            let text = document(6);
            let sizes: Vec<_> = (0..2)
                .map(|_| {
                    endpoint.send(Message::text(&*text)).unwrap();
                    let bytes = endpoint.take_bytes();
                    // Each by itself.
                    assert_eq!(Peer::new(15).read(&bytes), [(text.clone().into_bytes(), true)]);
                    bytes.len()
                })
                .collect();
            assert_eq!(sizes[0], sizes[1]);
            assert!(sizes[0] > text.len() / 3, "nothing repeated was left out: {sizes:?}");
        }
    }
}
