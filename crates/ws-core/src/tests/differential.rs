//! The same bytes through this crate and through tungstenite, cut at every boundary.
//!
//! Every difference is one of these, or the test fails:
//!
//! | [`Difference`] | Here | tungstenite | Why |
//! |---|---|---|---|
//! | `FailsFast` | a violation is told with the byte that makes it one | when the frame is whole | 8.1 and 5.x say nothing about when; Autobahn 6.4.3 and 6.4.4 ask for it inside of the frame, and a peer must not make an endpoint wait for a payload that it will refuse |
//! | `MinimalLength` | lengths that are not minimal fail | accepted | 5.2: "the minimal number of bytes MUST be used" |
//! | `CloseCode` | a close frame with a forbidden code fails with 1002 | told as a close frame with 1002, and answered so | the same on the wire, but for a reason |
//! | `BadGateway` | 1014 is accepted | refused | it is in the IANA registry |
//! | `CodeBeforeReason` | a close frame with a forbidden code and a reason that is not UTF-8 fails with 1002 | 1007 | both are broken |

use std::{collections::VecDeque, io};

use tungstenite::protocol::{WebSocketConfig, WebSocketContext};

use super::{
    trace::{Endpoint, Told},
    wire::{
        BINARY, CLOSE, CONTINUATION, FIN, Length, PING, PONG, ROLES, TEXT, close, close_payload, frame,
        header,
    },
};
use crate::{CloseFrame, MessageKind, Role};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Difference {
    FailsFast,
    MinimalLength,
    CloseCode,
    BadGateway,
    CodeBeforeReason,
}

/// What an endpoint made of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Seen {
    told: Vec<Told>,
    /// The close code of the violation, if there was one.
    failed: Option<u16>,
}

/// Gives one piece a read, and would block between them and at the end.
struct Pieces {
    pieces: VecDeque<Vec<u8>>,
    blocked: bool,
}

impl io::Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.blocked = !self.blocked;
        let Some(piece) = self.pieces.front_mut().filter(|_| !self.blocked) else {
            return Err(io::ErrorKind::WouldBlock.into());
        };
        let count = piece.len().min(buffer.len());
        buffer[..count].copy_from_slice(&piece[..count]);
        piece.drain(..count);
        if piece.is_empty() {
            self.pieces.pop_front();
        }
        Ok(count)
    }
}

impl io::Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn theirs(role: Role, pieces: &[&[u8]]) -> Seen {
    let role = match role {
        Role::Client => tungstenite::protocol::Role::Client,
        Role::Server => tungstenite::protocol::Role::Server,
    };
    let config = WebSocketConfig::default().read_buffer_size(64).write_buffer_size(0);
    let mut context = WebSocketContext::new(role, Some(config));
    let pieces = pieces.iter().filter(|piece| !piece.is_empty()).map(|piece| piece.to_vec()).collect();
    let mut stream = Pieces { pieces, blocked: true };
    let mut seen = Seen { told: Vec::new(), failed: None };
    loop {
        match context.read(&mut stream) {
            Ok(message) => seen.told.extend(told(message)),
            Err(tungstenite::Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => {
                if stream.pieces.is_empty() {
                    return seen;
                }
            }
            Err(error) => {
                seen.failed = match error {
                    // It stops after a close frame, as this crate does without an error.
                    tungstenite::Error::ConnectionClosed
                    | tungstenite::Error::Protocol(tungstenite::error::ProtocolError::ReceivedAfterClosing) => {
                        None
                    }
                    tungstenite::Error::Protocol(_) => Some(1002),
                    tungstenite::Error::Utf8(_) => Some(1007),
                    tungstenite::Error::Capacity(_) => Some(1009),
                    other => unreachable!("{other}"),
                };
                return seen;
            }
        }
    }
}

fn told(message: tungstenite::Message) -> Option<Told> {
    Some(match message {
        tungstenite::Message::Text(text) => Told::text(&text),
        tungstenite::Message::Binary(data) => Told::binary(data),
        tungstenite::Message::Ping(data) => Told::Ping(data.into()),
        tungstenite::Message::Pong(data) => Told::Pong(data.into()),
        tungstenite::Message::Close(frame) => {
            Told::Close(frame.map(|frame| CloseFrame::new(u16::from(frame.code), frame.reason.as_str())))
        }
        tungstenite::Message::Frame(_) => return None,
    })
}

fn ours(role: Role, pieces: &[&[u8]]) -> Seen {
    let mut endpoint = Endpoint::new(role);
    endpoint.feed_pieces(pieces.iter().copied());
    let mut told = std::mem::take(&mut endpoint.told);
    let failed = match told.last() {
        Some(Told::Failed(violation)) => Some(violation.close_code().as_u16()),
        _ => None,
    };
    told.truncate(told.len() - usize::from(failed.is_some()));
    Seen { told, failed }
}

/// A stream, and the only difference that its own oddity allows.
struct Stream {
    bytes: Vec<u8>,
    odd: Option<Difference>,
}

/// Compares at a cut: over the first piece alone, and over both.
fn compare(role: Role, stream: &Stream, cut: usize, met: &mut Vec<Difference>) {
    let (head, tail) = stream.bytes.split_at(cut);
    let whole = (ours(role, &[head, tail]), theirs(role, &[head, tail]));
    let prefix = (ours(role, &[head]), theirs(role, &[head]));
    for (part, (ours, theirs)) in [("whole", &whole), ("prefix", &prefix)] {
        if ours == theirs {
            continue;
        }
        let difference = explain(stream, ours, theirs, part == "prefix");
        assert!(
            difference.is_some(),
            "{part} of {:x?} to the {role:?} cut at {cut}\n   ours {ours:?}\n theirs {theirs:?}",
            stream.bytes
        );
        met.extend(difference);
    }
}

fn explain(stream: &Stream, ours: &Seen, theirs: &Seen, prefix: bool) -> Option<Difference> {
    let same_told = ours.told == theirs.told;
    if prefix && same_told && ours.failed.is_some() && theirs.failed.is_none() {
        return Some(Difference::FailsFast);
    }
    let odd = stream.odd?;
    let explained = match odd {
        Difference::FailsFast => same_told && ours.failed.is_some() && theirs.failed.is_none(),
        Difference::MinimalLength => ours.failed == Some(1002) && theirs.told.starts_with(&ours.told),
        Difference::CloseCode => {
            let refused = Told::Close(Some(CloseFrame::new(1002, "Protocol violation")));
            ours.failed == Some(1002) && theirs.told == [&ours.told[..], &[refused]].concat()
        }
        Difference::BadGateway => {
            let refused = Told::Close(Some(CloseFrame::new(1002, "Protocol violation")));
            matches!(ours.told.last(), Some(Told::Close(Some(frame))) if frame.code == 1014)
                && theirs.told.last() == Some(&refused)
        }
        Difference::CodeBeforeReason => same_told && (ours.failed, theirs.failed) == (Some(1002), Some(1007)),
    };
    explained.then_some(odd)
}

/// Frames that leave the stream as they find it, wherever they stand.
fn harmless(to: Role) -> Vec<Vec<u8>> {
    let long = "äöü€😀".repeat(30);
    vec![
        frame(to, FIN | TEXT, b""),
        frame(to, FIN | TEXT, "grüße".as_bytes()),
        frame(to, FIN | TEXT, long.as_bytes()),
        frame(to, FIN | BINARY, &[0xFF; 130]),
        frame(to, FIN | PING, b"ping"),
        frame(to, FIN | PONG, b""),
        // A character cut by a fragment, a ping between.
        [
            frame(to, TEXT, b"\xE2\x82"),
            frame(to, FIN | PING, b"\xFF"),
            frame(to, CONTINUATION, b""),
            frame(to, FIN | CONTINUATION, b"\xAC"),
        ]
        .concat(),
        [frame(to, BINARY, b""), frame(to, FIN | CONTINUATION, &[1; 126])].concat(),
    ]
}

/// Frames that end the stream, each with what may differ.
fn endings(to: Role) -> Vec<(Vec<u8>, Option<Difference>)> {
    use Difference::*;
    let mut endings = vec![
        (frame(to, FIN | CLOSE, b""), None),
        (close(to, 1000, b""), None),
        (close(to, 4999, "für immer".as_bytes()), None),
        (close(to, 1014, b"bad gateway"), Some(BadGateway)),
        (frame(to, FIN | CLOSE, b"\x03"), None),
        (close(to, 1000, b"\xC3"), None),
        (close(to, 1005, b"\xC3"), Some(CodeBeforeReason)),
        (frame(to, FIN | TEXT, b"a\xFFb"), None),
        (frame(to, FIN | TEXT, b"ends inside \xC3"), None),
        ([frame(to, TEXT, b"\xED"), frame(to, FIN | CONTINUATION, b"\xA0\x80")].concat(), None),
        (frame(to, TEXT, b"\xF8"), None),
        ([frame(to, TEXT, b"\xF0"), frame(to, CONTINUATION, b"\x8F")].concat(), Some(FailsFast)),
        (frame(to, CONTINUATION, b"a"), None),
        ([frame(to, BINARY, b"a"), frame(to, FIN | TEXT, b"b")].concat(), None),
        ([frame(to, TEXT, b"a"), frame(to, BINARY, b"b")].concat(), None),
        (frame(to, PING, b""), None),
        (frame(to, CLOSE, b""), None),
        (frame(to, FIN | PING, &[0; 126]), None),
        (header(to, FIN | BINARY, Length::Sixteen(5)), Some(MinimalLength)),
        (header(to, FIN | BINARY, Length::SixtyFour(5)), Some(MinimalLength)),
    ];
    endings.extend(
        [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65_535]
            .map(|code| (close(to, code, b""), Some(CloseCode))),
    );
    endings
        .extend([3, 4, 5, 6, 7, 0xB, 0xC, 0xD, 0xE, 0xF].map(|opcode| (frame(to, FIN | opcode, b""), None)));
    endings.extend([0x10, 0x20, 0x40].map(|bit| (frame(to, FIN | bit | TEXT, b"a"), None)));
    let wrong = if to == Role::Server { None } else { Some([1, 2, 3, 4]) };
    endings.push((super::wire::frame_masked(wrong, FIN | TEXT, b"a"), None));
    endings
}

#[test]
fn streams_of_every_kind_come_out_as_in_tungstenite_but_for_the_table() {
    let mut met = Vec::new();
    for role in ROLES {
        for (index, (ending, odd)) in endings(role).into_iter().enumerate() {
            // Two frames before it, others each time, and one behind that must not be looked at.
            let harmless = harmless(role);
            let before =
                [&harmless[index % harmless.len()], &harmless[index / harmless.len() % harmless.len()]];
            let bytes = [&before[0][..], before[1], &ending, &frame(role, FIN | TEXT, b"behind")].concat();
            let stream = Stream { bytes, odd };
            (0..=stream.bytes.len()).for_each(|cut| compare(role, &stream, cut, &mut met));
        }
    }
    met.sort_unstable();
    met.dedup();
    use Difference::*;
    assert_eq!(
        met,
        [FailsFast, MinimalLength, CloseCode, BadGateway, CodeBeforeReason],
        "the table holds only differences that there are"
    );
}

#[test]
fn random_streams_come_out_as_in_tungstenite() {
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    for role in ROLES {
        for _ in 0..400 {
            let stream = Stream { bytes: random.stream(role), odd: Some(Difference::FailsFast) };
            for _ in 0..8 {
                let cut = random.below(stream.bytes.len() + 1);
                compare(role, &stream, cut, &mut Vec::new());
            }
        }
    }
}

/// A sequence of numbers that is the same in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end as u64) as usize
    }

    /// Frames whose opcode, FIN and payload are drawn without regard for the rules, all whole.
    fn stream(&mut self, to: Role) -> Vec<u8> {
        let mut bytes = Vec::new();
        for _ in 0..1 + self.below(8) {
            let opcodes = [TEXT, TEXT, BINARY, CONTINUATION, CONTINUATION, CONTINUATION, PING, PONG, CLOSE];
            let opcode = opcodes[self.below(opcodes.len())];
            let fin = if opcode > 7 || self.below(2) == 0 { FIN } else { 0 };
            let pool = ["a", "é", "€", "😀", "\u{FEFF}"];
            let mut payload: Vec<u8> =
                (0..self.below(6)).flat_map(|_| pool[self.below(pool.len())].as_bytes().to_vec()).collect();
            // Cut characters at random places: half of the text goes on in the next fragment, or is bad.
            payload.truncate(self.below(payload.len() + 1).max(payload.len().saturating_sub(2)));
            if opcode == CLOSE {
                payload = close_payload([1000, 1001, 3000][self.below(3)], b"bye");
            }
            bytes.extend(frame(to, fin | opcode, &payload));
        }
        bytes
    }
}

#[test]
fn what_tungstenite_writes_is_understood() {
    for role in ROLES {
        let (mut context, other) = match role {
            Role::Client => (tungstenite::protocol::Role::Server, Role::Client),
            Role::Server => (tungstenite::protocol::Role::Client, Role::Server),
        }
        .into_context();
        let mut wire = io::Cursor::new(Vec::new());
        let data: Vec<u8> = (0..=250).cycle().take(70_000).collect();
        context.write(&mut wire, tungstenite::Message::text("grüße")).unwrap();
        context.write(&mut wire, tungstenite::Message::binary(data.clone())).unwrap();
        context.write(&mut wire, tungstenite::Message::Ping("p".into())).unwrap();
        context.close(&mut wire, None).unwrap();
        let bytes = wire.into_inner();
        for piece in [1, 7, bytes.len()] {
            let mut endpoint = Endpoint::new(other);
            endpoint.feed_pieces(bytes.chunks(piece));
            let must = [
                Told::text("grüße"),
                Told::Message(MessageKind::Binary, data.clone()),
                Told::Ping(b"p".into()),
                Told::Close(None),
            ];
            assert_eq!(endpoint.told, must, "{role:?} in pieces of {piece}");
        }
    }
}

trait IntoContext {
    fn into_context(self) -> (WebSocketContext, Role);
}

impl IntoContext for (tungstenite::protocol::Role, Role) {
    fn into_context(self) -> (WebSocketContext, Role) {
        (WebSocketContext::new(self.0, None), self.1)
    }
}
