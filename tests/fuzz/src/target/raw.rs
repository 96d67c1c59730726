//! The raw toolkit over whatever a peer sends: it says the same as the receiver.

use arbitrary::Unstructured;
use bytes::BytesMut;
use tokio::io::AsyncReadExt;
use ws_core::{
    Error, MessageKind, Violation,
    frame::{FrameHeader, MAX_HEADER_LEN, Opcode},
    raw::{Frame, FrameReader, parse_close},
};

use super::receiver::setup;
use crate::{
    endpoint::{Seen, Setup, Told},
    grammar,
    heap::measured_in_place,
    invariant::memory_for,
    link::{link, with_time},
};

/// As the receiver's input.
pub(crate) fn run(input: &[u8]) {
    let mut input = Unstructured::new(input);
    let Ok((mut setup, by_grammar)) = setup(&mut input) else { return };
    setup.close_sent = false;
    let stream = if by_grammar { grammar::stream(&mut input, &setup) } else { input.take_rest().to_vec() };
    frames(&stream);
    let expected = setup.feed([&stream[..]]);
    for width in [usize::MAX, 3, 1] {
        if width < 4 && stream.len() > 4096 {
            continue;
        }
        let (read, usage) = measured_in_place(|| read(&setup, &stream, width));
        compare(&setup, &stream, &read, &expected);
        // What was read is kept here, each message once while it grows.
        let limit = 2 * stream.len() + memory_for(stream.len());
        assert!(usage.peak <= limit as isize, "I2: {} bytes for {} received", usage.peak, stream.len());
    }
}

/// Frames in memory: what is decoded is encoded the same, and nothing is taken without being given out.
fn frames(stream: &[u8]) {
    let mut input = BytesMut::from(stream);
    let mut at = 0;
    while let Ok(Some(frame)) = Frame::decode(&mut input, 1 << 20) {
        let encoded = frame.encode();
        assert_eq!(encoded[..], stream[at..at + encoded.len()], "I11: {frame:?}");
        at += encoded.len();
        assert_eq!(frame.unmasked().into_unmasked(), frame.clone().into_unmasked(), "I11: {frame:?}");
        if let Some(key) = frame.header().mask {
            assert_eq!(frame.unmasked().masked(key), frame, "I11: masked again");
        }
    }
    assert_eq!(input[..], stream[at..], "I11: bytes were lost");
}

/// What the frame reader told: messages, and control frames between them.
#[derive(Debug, Default)]
struct Read {
    told: Vec<Told>,
    /// The code that a failed connection is closed with; none where the bytes ended.
    failed: Option<u16>,
}

fn read(setup: &Setup, stream: &[u8], width: usize) -> Read {
    let (near, far) = link(width, false);
    far.send(stream);
    far.end(Ok(()));
    let mut reader = FrameReader::new(near, setup.role)
        .max_message_size(setup.max_message)
        .max_fragments(setup.max_fragments);
    with_time(async {
        let mut read = Read::default();
        loop {
            match next(&mut reader).await {
                Ok(Some(told)) => {
                    let ends = matches!(told, Told::Close(_));
                    read.told.push(told);
                    if ends {
                        return read;
                    }
                }
                Ok(None) => return read,
                Err(error) => {
                    read.failed = error.close_code().map(|code| code.as_u16());
                    return read;
                }
            }
        }
    })
}

async fn next(reader: &mut FrameReader<crate::link::Link>) -> Result<Option<Told>, Error> {
    let Some(header) = reader.next_frame().await? else { return Ok(None) };
    let mut data = Vec::new();
    if let Err(error) = reader.read_to_end(&mut data).await {
        let inner = error.into_inner().and_then(|inner| inner.downcast().ok());
        return Err(*inner.expect("I9: the error says which rule was broken"));
    }
    told(&header, data).map(Some)
}

fn told(header: &FrameHeader, data: Vec<u8>) -> Result<Told, Error> {
    Ok(match header.opcode {
        Opcode::TEXT => Told::Message(MessageKind::Text, data),
        Opcode::BINARY => Told::Message(MessageKind::Binary, data),
        Opcode::PING => Told::Ping(data),
        Opcode::PONG => Told::Pong(data),
        _ => Told::Close(parse_close(&data).map_err(Violation::from)?),
    })
}

/// I21: the same messages, and the same end. Control frames between fragments go to a hook, which there is none; so a close
/// frame there ends nothing, and a bad one breaks nothing.
fn compare(setup: &Setup, stream: &[u8], read: &Read, expected: &Seen) {
    let is_data = |told: &&Told| matches!(told, Told::Message(..));
    let messages: Vec<_> = read.told.iter().filter(is_data).collect();
    let must: Vec<_> = expected.told.iter().filter(is_data).collect();
    assert!(messages.starts_with(&must), "I21: {messages:?} is not {must:?}");
    let closed = expected.told.iter().any(|told| matches!(told, Told::Close(_)));
    let code = |violation: Violation| Some(violation.close_code().as_u16());
    let unseen = expected.failed.is_some_and(|failed| is_unseen(failed) && read.failed != code(failed));
    if unseen || (closed && expected.partial.is_some()) {
        return;
    }
    assert_eq!(messages.len(), must.len(), "I21: more than the receiver told: {read:?}, {expected:?}");
    match expected.failed {
        Some(violation) => {
            // It judges a header that is whole; the receiver does not wait for that.
            let cut =
                || setup.feed([&stream[..stream.len().saturating_sub(MAX_HEADER_LEN - 1)]]).failed.is_none();
            let agrees = read.failed == code(violation) || (read.failed == Some(1006) && cut());
            assert!(agrees, "I21: {read:?}, not {violation:?}");
        }
        None => assert!(matches!(read.failed, None | Some(1006)), "I21: {read:?}"),
    }
}

/// Rules that are the caller's to check: the payload of a close frame between fragments.
fn is_unseen(violation: Violation) -> bool {
    use ws_core::ProtocolError::{ClosePayloadTooShort, InvalidCloseCode, InvalidCloseReason};
    [ClosePayloadTooShort, InvalidCloseCode, InvalidCloseReason].map(Violation::from).contains(&violation)
}
