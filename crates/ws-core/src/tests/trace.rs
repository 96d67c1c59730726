//! An endpoint that writes down what it is told, in a form that does not depend on how its input was cut.

use super::wire::{Written, frames_of};
use crate::{
    CloseFrame, Config, Message, MessageKind, Role, UsageError, Violation,
    frame::MaskingKey,
    proto::{Event, Protocol},
};

/// What a protocol told its driver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Told {
    Message(MessageKind, Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(Option<CloseFrame>),
    Failed(Violation),
}

impl Told {
    pub(super) fn text(text: &str) -> Self {
        Self::Message(MessageKind::Text, text.into())
    }

    pub(super) fn binary(data: impl Into<Vec<u8>>) -> Self {
        Self::Message(MessageKind::Binary, data.into())
    }

    pub(super) fn failed(violation: impl Into<Violation>) -> Self {
        Self::Failed(violation.into())
    }
}

pub(super) type Keys = fn() -> MaskingKey;

/// A [`Protocol`] and what it told so far.
#[derive(Debug)]
pub(super) struct Endpoint {
    pub(super) protocol: Protocol<Keys>,
    pub(super) told: Vec<Told>,
    /// The beginning of a message whose end has not arrived.
    pub(super) partial: Option<(MessageKind, Vec<u8>)>,
}

impl Endpoint {
    pub(super) fn new(role: Role) -> Self {
        Self::with(role, &Config::new())
    }

    pub(super) fn with(role: Role, config: &Config) -> Self {
        let protocol = Protocol::new(role, config, (|| MaskingKey::new([0xA5, 0x5A, 0x0F, 0xC3])) as Keys);
        Self { protocol, told: Vec::new(), partial: None }
    }

    /// With permessage-deflate, as if the opening handshake had agreed on it.
    #[cfg(feature = "deflate")]
    pub(super) fn with_deflate(
        role: Role,
        config: &Config,
        negotiated: crate::NegotiatedDeflate,
        deflate: &crate::DeflateConfig,
    ) -> Self {
        let endpoint = Self::with(role, config);
        Self { protocol: endpoint.protocol.with_deflate(negotiated, deflate), ..endpoint }
    }

    /// Hands over bytes as one read would, and goes on after a violation as a careless driver would.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> &mut Self {
        let mut bytes = bytes.to_vec();
        let mut input = &mut bytes[..];
        loop {
            match self.protocol.receive(&mut input) {
                Ok(None) => {
                    assert!(input.is_empty(), "`None` means that all input was taken");
                    return self;
                }
                Ok(Some(event)) => {
                    let told = write_down(event, &mut self.partial);
                    self.told.extend(told);
                }
                Err(violation) => {
                    self.told.push(Told::Failed(violation));
                }
            }
        }
    }

    /// Hands over each piece as one read.
    pub(super) fn feed_pieces<'a>(&mut self, pieces: impl IntoIterator<Item = &'a [u8]>) -> &mut Self {
        for piece in pieces {
            self.feed(piece);
        }
        self
    }

    pub(super) fn send(&mut self, message: Message) -> Result<(), UsageError> {
        self.protocol.send(message)
    }

    /// Takes what waits to be written.
    pub(super) fn take_bytes(&mut self) -> Vec<u8> {
        let bytes = self.protocol.outbox().to_vec();
        self.protocol.outbox().advance(bytes.len());
        bytes
    }

    /// Takes what waits to be written, as frames.
    pub(super) fn take_frames(&mut self) -> Vec<Written> {
        let role = self.protocol.role();
        let mut bytes = Vec::new();
        // A late pong is queued once there is room.
        while !self.protocol.outbox().is_empty() {
            bytes.extend(self.take_bytes());
        }
        frames_of(role, &bytes)
    }
}

fn write_down(event: Event<'_>, partial: &mut Option<(MessageKind, Vec<u8>)>) -> Option<Told> {
    match event {
        Event::Data { kind, payload, first, last } => {
            assert_eq!(first, partial.is_none(), "`first` where a message begins, and only there");
            assert!(first || last || !payload.is_empty(), "an event that tells nothing");
            let (open, data) = partial.get_or_insert((kind, Vec::new()));
            assert_eq!(*open, kind, "a message has one kind");
            data.extend_from_slice(payload);
            if !last {
                return None;
            }
            partial.take().map(|(kind, data)| Told::Message(kind, data))
        }
        Event::Ping(payload) => Some(Told::Ping(payload.into())),
        Event::Pong(payload) => Some(Told::Pong(payload.into())),
        Event::Close(frame) => Some(Told::Close(frame)),
    }
}
