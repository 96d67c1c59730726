//! A protocol that writes down what it is told, in a form that does not depend on how its input was cut.

use ws_core::{
    CloseFrame, Config, DeflateConfig, Message, MessageKind, NegotiatedDeflate, Role, Violation,
    frame::MaskingKey,
    proto::{Event, Protocol},
};

use crate::{
    heap::measured_in_place,
    invariant::memory_for,
    wire::{self, CLOSE, PONG, Written},
};

/// What a protocol told its driver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    Message(MessageKind, Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(Option<CloseFrame>),
}

/// Everything that a stream of bytes came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) told: Vec<Told>,
    pub(crate) failed: Option<Violation>,
    pub(crate) written: Vec<Written>,
    /// The beginning of a message whose end did not arrive. What is left of a failed one nobody sees.
    pub(crate) partial: Option<(MessageKind, Vec<u8>)>,
}

/// How an endpoint is set up.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    pub(crate) role: Role,
    pub(crate) max_message: u64,
    pub(crate) max_fragments: u32,
    pub(crate) deflate: Option<NegotiatedDeflate>,
    /// Its close frame goes out before anything comes in.
    pub(crate) close_sent: bool,
}

type Keys = fn() -> MaskingKey;

impl Setup {
    pub(crate) fn new(role: Role) -> Self {
        Self { role, max_message: 64 << 10, max_fragments: 64, deflate: None, close_sent: false }
    }

    pub(crate) fn config(&self) -> Config {
        Config::new()
            .max_message_size(self.max_message)
            .max_fragments(self.max_fragments)
            // Reads are what it counts by, and these depend on the cuts.
            .max_control_frames(None)
    }

    fn protocol(&self) -> Protocol<Keys> {
        let keys = (|| MaskingKey::new([0xA5, 0x5A, 0x0F, 0xC3])) as Keys;
        let mut protocol = Protocol::new(self.role, &self.config(), keys);
        if let Some(negotiated) = self.deflate {
            protocol = protocol.with_deflate(negotiated, &DeflateConfig::new());
        }
        if self.close_sent {
            protocol.send(Message::Close(None)).expect("an open connection can be closed");
        }
        protocol
    }

    /// Feeds the pieces, and checks all that can be seen of one endpoint alone (I7 to I10, I12).
    pub(crate) fn feed<'a>(&self, pieces: impl IntoIterator<Item = &'a [u8]>) -> Seen {
        let mut protocol = self.protocol();
        let mut seen = Seen { told: Vec::new(), failed: None, written: Vec::new(), partial: None };
        let mut output = Vec::new();
        drain(&mut protocol, &mut output);
        for piece in pieces {
            let mut piece = piece.to_vec();
            let mut input = &mut piece[..];
            loop {
                let before = input.len();
                let ended = seen.failed.is_some() || matches!(seen.told.last(), Some(Told::Close(_)));
                match protocol.receive(&mut input) {
                    Ok(None) => {
                        assert!(input.is_empty(), "I10: `None` with input left");
                        break;
                    }
                    Ok(Some(event)) => {
                        assert!(!ended, "I7: {event:?} after the end");
                        let told_bytes = matches!(&event, Event::Data { payload, .. } if !payload.is_empty());
                        assert!(before > input.len() || told_bytes || is_last(&event), "I10: no progress");
                        seen.write_down(event);
                    }
                    Err(violation) => {
                        assert!(!ended, "I7: {violation:?} after the end");
                        seen.failed = Some(violation);
                    }
                }
                drain(&mut protocol, &mut output);
            }
        }
        seen.written = wire::whole_frames(self.role, &output, false);
        self.check_written(&seen);
        if seen.failed.is_some() {
            seen.partial = None;
        }
        seen
    }

    /// I9 and I12: pongs for pings, a close frame for a close frame, and the code of the violation.
    fn check_written(&self, seen: &Seen) {
        let mut expected: Vec<Written> = Vec::new();
        if self.close_sent {
            expected.push((0x80 | CLOSE, Vec::new()));
        }
        for told in seen.told.iter().filter(|_| !self.close_sent) {
            match told {
                Told::Ping(payload) => expected.push((0x80 | PONG, payload.clone())),
                Told::Close(frame) => {
                    let code = frame.iter().flat_map(|frame| frame.code.as_u16().to_be_bytes());
                    expected.push((0x80 | CLOSE, code.collect()));
                }
                Told::Message(..) | Told::Pong(_) => {}
            }
        }
        if let Some(violation) = seen.failed.filter(|_| !self.close_sent) {
            let code = violation.close_code().as_u16();
            assert!(matches!(code, 1002 | 1007 | 1008 | 1009), "I9: {violation:?} is {code}");
            let told: Vec<_> = seen
                .written
                .last()
                .map(|(_, payload)| payload[..2.min(payload.len())].to_vec())
                .into_iter()
                .collect();
            assert_eq!(told, [code.to_be_bytes()], "I9: another close code than that of {violation:?}");
            expected.push((0x80 | CLOSE, code.to_be_bytes().to_vec()));
        }
        let first_two = |(first, payload): &Written| {
            let end = if first & 0x0F == CLOSE { 2.min(payload.len()) } else { payload.len() };
            (*first, payload[..end].to_vec())
        };
        assert_eq!(
            seen.written.iter().map(first_two).collect::<Vec<_>>(),
            expected,
            "I12: answers to {:?}",
            seen.told
        );
    }

    /// I2: what a driver takes that keeps nothing.
    pub(crate) fn check_memory(&self, bytes: &[u8], piece: usize) {
        let mut bytes = bytes.to_vec();
        let received = bytes.len();
        let ((), usage) = measured_in_place(|| {
            let mut protocol = self.protocol();
            for piece in bytes.chunks_mut(piece.max(1)) {
                let mut input = piece;
                while let Ok(Some(_)) | Err(_) = protocol.receive(&mut input) {
                    let outbox = protocol.outbox();
                    outbox.advance(outbox.len());
                }
            }
        });
        let limit = memory_for(received);
        assert!(usage.peak <= limit as isize, "I2: {} bytes of heap for {received} received", usage.peak);
    }
}

impl Seen {
    fn write_down(&mut self, event: Event<'_>) {
        let told = match event {
            Event::Data { kind, payload, first, last } => {
                assert_eq!(
                    first,
                    self.partial.is_none(),
                    "I6: `first` where a message begins, and only there"
                );
                let (open, data) = self.partial.get_or_insert((kind, Vec::new()));
                assert_eq!(*open, kind, "I6: a message has one kind");
                data.extend_from_slice(payload);
                if *open == MessageKind::Text {
                    let is_text = match std::str::from_utf8(data) {
                        Ok(_) => true,
                        Err(error) => !last && error.error_len().is_none(),
                    };
                    assert!(is_text, "I9: text that is not UTF-8 was told");
                }
                if !last {
                    return;
                }
                self.partial.take().map(|(kind, data)| Told::Message(kind, data))
            }
            Event::Ping(payload) => Some(Told::Ping(payload.into())),
            Event::Pong(payload) => Some(Told::Pong(payload.into())),
            Event::Close(frame) => Some(Told::Close(frame)),
            other => panic!("I1: an unknown event {other:?}"),
        };
        self.told.extend(told);
    }

    /// The close code of the violation.
    pub(crate) fn code(&self) -> Option<u16> {
        self.failed.map(|violation| violation.close_code().as_u16())
    }

    /// I6: this came of a prefix of what `whole` came of.
    pub(crate) fn check_prefix_of(&self, whole: &Self) {
        assert!(whole.told.starts_with(&self.told), "I6: {:?} is not how {:?} begins", self.told, whole.told);
        if self.failed.is_some() {
            assert_eq!(whole.code(), self.code(), "I6: failed, and later not, or otherwise");
            assert_eq!(whole.told, self.told, "I6: failed, and told more later");
        }
    }
}

fn is_last(event: &Event<'_>) -> bool {
    matches!(event, Event::Data { last: true, .. })
}

fn drain(protocol: &mut Protocol<Keys>, output: &mut Vec<u8>) {
    while !protocol.outbox().is_empty() {
        let bytes = protocol.outbox().to_vec();
        protocol.outbox().advance(bytes.len());
        output.extend(bytes);
    }
}

/// The same bytes in pieces of lengths that `lengths` repeats; all that is left at its end if it is empty.
pub(crate) fn pieces<'a>(bytes: &'a [u8], lengths: &[usize]) -> Vec<&'a [u8]> {
    if lengths.is_empty() {
        return vec![bytes];
    }
    let mut rest = bytes;
    let mut pieces = Vec::new();
    for length in lengths.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (piece, behind) = rest.split_at((*length).clamp(1, rest.len()));
        pieces.push(piece);
        rest = behind;
    }
    pieces
}
