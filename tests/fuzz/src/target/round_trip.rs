//! Messages from one protocol to another: in fragments, compressed or not, prepared, with control frames between.

use arbitrary::{Arbitrary, Result, Unstructured};
use ws_core::{
    CloseFrame, Compression, CompressionLevel, Config, DeflateConfig, Message, MessageKind,
    NegotiatedDeflate, PreparedMessage, Role, UsageError, frame::MaskingKey, proto::Protocol,
};

use crate::{
    endpoint::{Setup, Told, pieces},
    grammar::{binary, negotiated, peer, text},
    wire,
};

/// Steps of the sending end.
pub(crate) fn run(input: &[u8]) {
    let mut input = Unstructured::new(input);
    let Ok(mut play) = Play::new(&mut input) else { return };
    while !input.is_empty() && play.step(&mut input).is_ok() {}
    play.check();
}

struct Play {
    role: Role,
    deflate: Option<NegotiatedDeflate>,
    sender: Protocol<Box<dyn FnMut() -> MaskingKey>>,
    wire: Vec<u8>,
    sent: Vec<Told>,
    /// A message of which only fragments were sent.
    open: Option<(MessageKind, Vec<u8>)>,
    closed: bool,
}

impl Play {
    fn new(input: &mut Unstructured<'_>) -> Result<Self> {
        let role = if bool::arbitrary(input)? { Role::Client } else { Role::Server };
        let deflate = if bool::arbitrary(input)? { Some(negotiated(input)?) } else { None };
        let mut key = u32::arbitrary(input)?;
        let keys = Box::new(move || {
            key = key.wrapping_mul(0x9E37_79B9).wrapping_add(1);
            MaskingKey::new(key.to_be_bytes())
        });
        let mut sender = Protocol::new(role, &Config::new(), keys as Box<dyn FnMut() -> MaskingKey>);
        if let Some(negotiated) = deflate {
            let threshold = *input.choose(&[0, 1, 128])?;
            let config = DeflateConfig::new()
                .threshold(threshold)
                .memory_level(input.int_in_range(1..=9)?)
                .level(CompressionLevel::new(input.int_in_range(0..=9)?));
            sender = sender.with_deflate(negotiated, &config);
        }
        Ok(Self { role, deflate, sender, wire: Vec::new(), sent: Vec::new(), open: None, closed: false })
    }

    fn step(&mut self, input: &mut Unstructured<'_>) -> Result<()> {
        match input.int_in_range(0..=9)? {
            0..=2 => {
                let message = message(input)?;
                let sent = self.sender.send(message.clone());
                self.note(&message, sent, true);
            }
            3 => {
                let message = message(input)?;
                let on = if bool::arbitrary(input)? { Compression::On } else { Compression::Off };
                let sent = self.sender.send_with(message.clone(), on);
                self.note(&message, sent, true);
            }
            4 => {
                let message = message(input)?;
                let prepared = PreparedMessage::new(message.clone()).expect("data can be prepared");
                let sent = self.sender.send_prepared(&prepared);
                self.note(&message, sent, true);
            }
            5 | 6 => self.fragment(input)?,
            7 => {
                let payload = vec![b'c'; *input.choose(&[0, 1, 125, 126])?];
                let ping = bool::arbitrary(input)?;
                let fits = payload.len() <= 125;
                let message =
                    if ping { Message::Ping(payload.into()) } else { Message::Pong(payload.into()) };
                let sent = self.sender.send(message.clone());
                assert!(fits || sent.is_err(), "I8: a control frame of 126 bytes");
                self.note(&message, sent, fits);
            }
            8 => match input.int_in_range(0..=2)? {
                0 => self.sender.set_compression_level(CompressionLevel::new(input.int_in_range(0..=9)?)),
                1 => self.sender.set_compression_level(CompressionLevel::HUFFMAN_ONLY),
                _ => {
                    let on = if bool::arbitrary(input)? { Compression::On } else { Compression::Off };
                    self.sender.set_compression(on);
                }
            },
            _ => {
                if input.ratio(1, 4)? {
                    let message = Message::Close(Some(CloseFrame::new(1000, "bye")));
                    let sent = self.sender.send(message.clone());
                    self.note(&message, sent, true);
                    self.closed |= sent.is_ok();
                }
            }
        }
        self.take(input)
    }

    fn fragment(&mut self, input: &mut Unstructured<'_>) -> Result<()> {
        let kind = match &self.open {
            Some((kind, _)) => *kind,
            None if bool::arbitrary(input)? => MessageKind::Text,
            None => MessageKind::Binary,
        };
        let piece = if kind == MessageKind::Text { text(input)?.into_bytes() } else { binary(input)? };
        let fin = bool::arbitrary(input)?;
        let sent = self.sender.send_fragment(kind, &piece, fin);
        assert_eq!(sent.err(), self.closed.then_some(UsageError::CloseSent), "I11: a fragment");
        if sent.is_ok() {
            let (_, data) = self.open.get_or_insert((kind, Vec::new()));
            data.extend(piece);
            if fin {
                self.sent.extend(self.open.take().map(|(kind, data)| Told::Message(kind, data)));
            }
        }
        Ok(())
    }

    /// I11: what is accepted has to arrive, and only what must not be sent is refused.
    fn note(&mut self, message: &Message, sent: Result<(), UsageError>, is_sendable: bool) {
        let is_data = matches!(message, Message::Text(_) | Message::Binary(_));
        let allowed = is_sendable && !self.closed && (self.open.is_none() || !is_data);
        assert_eq!(sent.is_ok(), allowed, "I11: {message:?} gave {sent:?}");
        if sent.is_ok() {
            self.sent.push(match message {
                Message::Text(text) => Told::Message(MessageKind::Text, text.as_bytes().to_vec()),
                Message::Binary(data) => Told::Message(MessageKind::Binary, data.to_vec()),
                Message::Ping(payload) => Told::Ping(payload.to_vec()),
                Message::Pong(payload) => Told::Pong(payload.to_vec()),
                Message::Close(frame) => Told::Close(frame.clone()),
            });
        }
    }

    /// Takes some of what is queued, as a transport does.
    fn take(&mut self, input: &mut Unstructured<'_>) -> Result<()> {
        let outbox = self.sender.outbox();
        let mut left = *input.choose(&[0, 1, 3, 100, usize::MAX])?;
        while left > 0 && !outbox.is_empty() {
            let chunk = outbox.chunk();
            let count = chunk.len().min(left);
            self.wire.extend_from_slice(&chunk[..count]);
            outbox.advance(count);
            left -= count;
        }
        Ok(())
    }

    fn check(mut self) {
        while !self.sender.outbox().is_empty() {
            let bytes = self.sender.outbox().to_vec();
            self.sender.outbox().advance(bytes.len());
            self.wire.extend(bytes);
        }
        wire::whole_frames(self.role, &self.wire, self.deflate.is_some());
        let setup = Setup {
            max_message: u64::MAX,
            max_fragments: u32::MAX,
            deflate: self.deflate,
            ..Setup::new(peer(self.role))
        };
        let seen = setup.feed([&self.wire[..]]);
        assert_eq!(seen.failed, None, "I8: the other end fails");
        assert_eq!(seen.told, self.sent, "I11: I5: what was sent");
        let open = seen.partial.map(|(_, data)| data).unwrap_or_default();
        let sent = self.open.map(|(_, data)| data).unwrap_or_default();
        // A compressor may hold back what the next fragment brings.
        assert!(sent.starts_with(&open), "I4: the beginning of a message");
        if self.wire.len() < 2000 {
            let lengths = [1, 1 + self.wire.len() % 5];
            assert_eq!(
                setup.feed(pieces(&self.wire, &lengths)).told,
                self.sent,
                "I3: in pieces of {lengths:?}"
            );
        }
    }
}

fn message(input: &mut Unstructured<'_>) -> Result<Message> {
    Ok(if bool::arbitrary(input)? { Message::text(text(input)?) } else { Message::binary(binary(input)?) })
}
