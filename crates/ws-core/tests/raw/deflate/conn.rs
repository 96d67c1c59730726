//! A `Conn` that compresses at the other end.

use proptest::prelude::*;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex, split};
use ws_core::{
    Config, Conn, ErrorKind, Message, MessageKind, Negotiated, NegotiatedDeflate, ProtocolError, Role,
    frame::{Opcode, ReservedBits},
    raw::{
        Frame, FrameReader, FrameWriter,
        deflate::{CompressedBit, Deflater, Inflater},
        read_frame, write_frame,
    },
};

use super::{ROLES, agreed, config, document, messages, noise, other, roles};

fn conn(io: DuplexStream, role: Role, agreed: NegotiatedDeflate) -> Conn<DuplexStream> {
    Conn::new(io, role, Config::new().compression(config()), Negotiated::new().with_deflate(agreed))
}

/// Sends every message back.
async fn echo(mut conn: Conn<DuplexStream>) -> Result<(), ws_core::Error> {
    while let Some(message) = conn.read_message().await? {
        conn.queue_message(message).await?;
    }
    Ok(())
}

/// Closes, and waits for the answer.
async fn close(io: &mut DuplexStream, role: Role) {
    write_frame(io, &Frame::close(None).unwrap().sent_by(role).unwrap()).await.unwrap();
    let answer = read_frame(io, 125).await.unwrap().expect("an answer");
    assert_eq!(answer.header().opcode, Opcode::CLOSE);
}

#[tokio::test]
async fn frames_are_echoed() {
    for role in ROLES {
        for (bits, no_takeover) in [(9, false), (9, true), (12, false), (15, false), (15, true)] {
            let agreed = agreed(bits, no_takeover);
            let (mut near, far) = duplex(4096);
            let by_hand = async {
                let mut deflater = Deflater::new(role, &agreed, &config());
                let mut inflater = Inflater::new(role, &agreed, &config());
                let mut sizes = Vec::new();
                for message in [document(5000), document(5000), noise(2000, 9), Vec::new(), document(60_000)]
                {
                    let frame = deflater.compress_frame(Frame::binary(message.clone()));
                    write_frame(&mut near, &frame.sent_by(role).unwrap()).await.unwrap();
                    let echoed = read_frame(&mut near, 1 << 20).await.unwrap().expect("an echo");
                    // Nothing is never worth it, and noise only where the next may refer to it.
                    let is_compressed = match message.len() {
                        0 => false,
                        2000 => !no_takeover,
                        _ => true,
                    };
                    assert_eq!(echoed.header().reserved == ReservedBits::RSV1, is_compressed);
                    sizes.push(echoed.payload().len());
                    let echoed = inflater.decompress_frame(echoed, 60_000).unwrap().into_unmasked();
                    assert_eq!(echoed, Frame::binary(message));
                }
                // The second time it refers to the first, or does not.
                assert_eq!(sizes[1] < sizes[0] / 2, !no_takeover && bits == 15, "{sizes:?}");
                close(&mut near, role).await;
                drop(near);
            };
            let ((), result) = tokio::join!(by_hand, echo(conn(far, other(role), agreed)));
            result.unwrap();
        }
    }
}

#[tokio::test]
async fn fragments_with_pings_between_are_a_message_and_readers_take_what_comes() {
    for role in ROLES {
        let agreed = agreed(15, false);
        let (near, far) = duplex(700);
        let by_hand = async {
            let (read, write) = split(near);
            let (sends, receives) = (CompressedBit::new(), CompressedBit::new());
            let mut writer =
                FrameWriter::new(write, role, MessageKind::Text).buffer_size(100).extension(sends.clone());
            let mut reader = FrameReader::new(read, role).extension(receives.clone());
            let mut deflater = Deflater::new(role, &agreed, &config());
            let mut inflater = Inflater::new(role, &agreed, &config());
            for (number, is_compressed) in [true, false, true, true].into_iter().enumerate() {
                let message = document(3000 + number);
                sends.set(is_compressed);
                let pieces = if is_compressed {
                    let mut compressing = deflater.begin().unwrap();
                    let mut pieces: Vec<_> =
                        message.chunks(1000).map(|piece| compressing.push(piece)).collect();
                    pieces.push(compressing.finish());
                    pieces
                } else {
                    vec![message.clone().into()]
                };
                let write = async {
                    for piece in pieces {
                        writer.write_all(&piece).await.unwrap();
                        writer.write_control(Frame::ping("").unwrap()).await.unwrap();
                    }
                    writer.finish().await.unwrap();
                };
                let read = async {
                    // Pongs come first, or between.
                    while reader.next_frame().await.unwrap().expect("an echo").opcode.is_control() {}
                    assert!(receives.is_set());
                    let (mut echoed, mut piece, mut count) = (Vec::new(), [0; 50], 1);
                    while count > 0 {
                        count = reader.read(&mut piece).await.unwrap();
                        let mut input = &piece[..count];
                        while let Some(chunk) = inflater.next_chunk(&mut input, count == 0, 1 << 20).unwrap()
                        {
                            echoed.extend_from_slice(chunk);
                        }
                    }
                    assert_eq!(echoed, message);
                };
                tokio::join!(write, read);
            }
        };
        let mut echoing = Box::pin(echo(conn(far, other(role), agreed)));
        tokio::select! {
            () = by_hand => {}
            result = &mut echoing => panic!("{result:?}"),
        }
    }
}

#[tokio::test]
async fn connection_refuses_a_bit_that_was_not_agreed_on_and_what_is_no_deflate() {
    for role in ROLES {
        for (negotiated, expected) in [
            (Negotiated::new(), ProtocolError::ReservedBits),
            (Negotiated::new().with_deflate(agreed(15, false)), ProtocolError::InvalidDeflate),
        ] {
            let (mut near, far) = duplex(4096);
            let mut conn = Conn::new(far, other(role), Config::new(), negotiated);
            let frame = Frame::binary("not compressed").with_reserved(ReservedBits::RSV1);
            write_frame(&mut near, &frame.sent_by(role).unwrap()).await.unwrap();
            let there = async {
                close(&mut near, role).await;
                drop(near);
            };
            let ((), result) = tokio::join!(there, conn.read_message());
            let error = result.unwrap_err();
            assert_eq!(*error.kind(), ErrorKind::Protocol(expected));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn both_ends_understand_each_other(
        role in roles(), bits in 8u8..=15, no_takeover in any::<bool>(), messages in messages(),
        capacity in 1usize..5000, step in 500usize..5000,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let agreed = agreed(bits, no_takeover);
            let (near, far) = duplex(capacity);
            let mut conn = conn(far, other(role), agreed);
            let (mut read, mut write) = split(near);
            let there = async {
                let mut deflater = Deflater::new(role, &agreed, &config());
                for (number, message) in messages.iter().enumerate() {
                    let mut frame = deflater.compress_frame(Frame::binary(message.clone()));
                    if number % 2 == 0 && frame.header().reserved.is_empty() {
                        let mut compressing = deflater.begin().unwrap();
                        let mut payload: Vec<u8> = message.chunks(step).flat_map(|piece| compressing.push(piece)).collect();
                        payload.extend(compressing.finish());
                        frame = Frame::binary(payload).with_reserved(ReservedBits::RSV1);
                    }
                    write_frame(&mut write, &frame.sent_by(role).unwrap()).await.unwrap();
                }
            };
            let back = async {
                let mut inflater = Inflater::new(role, &agreed, &config());
                for message in &messages {
                    let frame = read_frame(&mut read, 1 << 20).await.unwrap().expect("a message");
                    let frame = inflater.decompress_frame(frame, message.len() as u64).unwrap();
                    assert_eq!(frame.into_unmasked(), Frame::binary(message.clone()));
                }
            };
            let conn = async {
                for message in &messages {
                    assert_eq!(conn.read_message().await.unwrap(), Some(Message::binary(message.clone())));
                }
                for message in &messages {
                    conn.write_message(message.clone()).await.unwrap();
                }
            };
            tokio::join!(there, back, conn);
        });
    }
}
