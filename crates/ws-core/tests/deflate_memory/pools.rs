//! Compressors and decompressors that connections share.

use ws_core::{CompressionLevel, Config, DeflateConfig, DeflatePool, Message, MessageKind, Role};

use super::{compressed, deflating, document, message, negotiated, settings};
use crate::{
    heap::{held, measured},
    wire::{KIB, ROLES, Wire, echo, now},
};

/// What one compressor of zlib's takes.
fn compressor(bits: u8, memory_level: u8) -> isize {
    let settings = settings(bits).level(CompressionLevel::new(6)).memory_level(memory_level).threshold(0);
    let mut conn = deflating(Role::Server, Config::new(), negotiated(bits, true), &settings, Wire::new(b""));
    let (_, usage) = measured(|| now(conn.write_message("hello hello hello hello")).unwrap().unwrap());
    usage.live
}

#[test]
fn compressors_are_as_large_as_documented() {
    // Window, memory level, and KiB at the most: the table of docs/topics/compression.md.
    for (bits, memory_level, most) in [
        (9, 1, 136),
        (9, 5, 152),
        (10, 5, 152),
        (11, 5, 155),
        (12, 1, 151),
        (12, 5, 164),
        (12, 8, 262),
        (13, 8, 280),
        (15, 5, 276),
        (15, 8, 374),
        (15, 9, 502),
    ] {
        let size = compressor(bits, memory_level);
        assert!(size <= (most + 6) * KIB, "{bits} bits, level {memory_level}: {size} bytes");
    }
}

#[test]
fn compressors_of_low_levels_are_as_large_as_documented() {
    for (bits, len, most) in [(9, 4 << 10, 40), (12, 4 << 10, 40), (12, 1 << 20, 240), (15, 1 << 20, 240)] {
        for level in [CompressionLevel::FASTEST, CompressionLevel::DEFAULT] {
            let settings = settings(bits).level(level);
            let config = Config::new().buffer_pool(ws_core::BufferPool::off());
            let mut conn = deflating(Role::Server, config, negotiated(bits, true), &settings, Wire::new(b""));
            let payload: Vec<u8> = document(7).into_iter().cycle().take(len).collect();
            let message = Message::from(payload);
            let (_, usage) = measured(|| now(conn.write_message(message)).unwrap().unwrap());
            let live = usage.live + len as isize;
            assert!(live <= most * KIB, "{bits} bits, {len} bytes, {level:?}: {live} bytes");
        }
    }
}

#[test]
fn decompressors_are_as_large_as_documented() {
    for (bits, most) in [(8, 12), (9, 12), (10, 13), (12, 16), (14, 28), (15, 97)] {
        // More than any window, so that all of it is in use.
        let payload = compressed(bits, &document(1).repeat(40));
        let stream = message(Role::Server, &payload);
        let config = Config::new().buffer_pool(ws_core::BufferPool::off());
        let mut conn =
            deflating(Role::Server, config, negotiated(bits, true), &settings(bits), Wire::new(&stream));
        let (_, usage) = measured(|| drop(now(conn.read_message()).unwrap().unwrap().unwrap()));
        assert!(usage.live <= most * KIB, "{bits} bits: {usage:?}");
    }
}

#[test]
fn compressed_message_that_waits_takes_what_it_has_bytes() {
    // 16 KB that cannot be compressed, and much that can.
    let mut state = 1u32;
    let mut payload: Vec<u8> = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_103_515_245).wrapping_add(12_345);
        (state >> 16) as u8
    })
    .take(16 << 10)
    .collect();
    payload.resize(1 << 20, 0);
    for no_takeover in [false, true] {
        let mut wire = Wire::new(b"");
        wire.room = 0;
        let settings = settings(12);
        let config = Config::new().buffer_pool(ws_core::BufferPool::off());
        let mut conn = deflating(Role::Server, config, negotiated(12, no_takeover), &settings, wire);
        let message = Message::from(payload.clone());
        let (_, usage) = measured(|| now(conn.queue_message(message)));
        // What it had as it was is gone, a compressor and a window have come.
        let live = usage.live + (1 << 20);
        assert!(live <= (170 + 4 + 24) * KIB, "{no_takeover}: {live}");
    }
}

// Shows Z-8.
#[test]
fn thousand_connections_share_one_compressor() {
    for role in ROLES {
        for no_takeover in [false, true] {
            let stream: Vec<u8> =
                (1..3).flat_map(|number| message(role, &compressed(12, &document(number)))).collect();
            let settings = settings(12);
            let mut conns: Vec<_> = (0..1000)
                .map(|_| {
                    deflating(role, Config::new(), negotiated(12, no_takeover), &settings, Wire::new(&stream))
                })
                .collect();
            let (_, usage) = measured(|| conns.iter_mut().map(echo).sum::<usize>());
            let windows = if no_takeover { 0 } else { 1000 * 2 * 4 * KIB };
            assert!(usage.live <= windows + 400 * KIB, "{role:?}: {usage:?}");
        }
    }
}

// Shows Z-8.
#[test]
fn messages_go_uncompressed_when_all_compressors_are_in_use() {
    let pool = DeflatePool::new().max_compressors(2);
    let settings = DeflateConfig::new().no_context_takeover().pool(pool);
    let open = |_| deflating(Role::Server, Config::new(), negotiated(12, true), &settings, Wire::new(b""));
    let mut conns: Vec<_> = (0..20).map(open).collect();
    let piece = document(3).repeat(3);
    let before = held();
    let mut writers: Vec<_> = conns
        .iter_mut()
        .map(|conn| {
            let mut writer = now(conn.next_writer(MessageKind::Binary)).unwrap().unwrap();
            let write = tokio::io::AsyncWriteExt::write_all(&mut writer, &piece);
            now(write).unwrap().unwrap();
            writer
        })
        .collect();
    assert!(held() - before < (2 * 180 + 20 * 16) * KIB, "{}", held() - before);
    while let Some(writer) = writers.pop() {
        now(writer.finish()).unwrap().unwrap();
    }
}

// Shows Z-8, LIF-1.
#[test]
fn connections_that_come_and_go_leak_nothing() {
    let pool = DeflatePool::new();
    for role in ROLES {
        let whole: Vec<u8> =
            (1..3).flat_map(|number| message(role, &compressed(12, &document(number)))).collect();
        let settings = DeflateConfig::new().pool(pool.clone());
        let round = |cut: usize| {
            for number in 0..500 {
                // Cut in the middle of a message.
                let stream = &whole[..whole.len() - cut];
                let parameters = negotiated(12, number % 2 == 0);
                let mut conn = deflating(role, Config::new(), parameters, &settings, Wire::new(stream));
                echo(&mut conn);
                drop(now(conn.queue_message(Message::binary(document(number)))));
            }
        };
        round(0);
        round(20);
        let before = held();
        round(0);
        round(20);
        assert_eq!(held() - before, 0, "{role:?}");
    }
}

#[test]
fn steady_traffic_allocates_what_a_plain_connection_does() {
    for role in ROLES {
        for no_takeover in [false, true] {
            let stream = message(role, &compressed(12, &document(1)));
            let settings = settings(12);
            let mut wire = Wire::new(&stream);
            wire.credit = 100 * stream.len();
            let mut conn = deflating(role, Config::new(), negotiated(12, no_takeover), &settings, wire);
            echo(&mut conn);
            conn.get_mut().credit = 100 * stream.len();
            let (echoed, usage) = measured(|| echo(&mut conn));
            assert_eq!(echoed, 100);
            // The message itself, and what makes it shareable.
            assert!(usage.calls <= 300, "{role:?}, {no_takeover}: {usage:?}");
        }
    }
}
