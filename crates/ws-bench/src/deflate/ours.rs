//! This stack without I/O: the sender of a server, and the receiver of its client.

use ws_core::{
    CompressionLevel, Config, DeflateConfig, Message, NegotiatedDeflate, Role,
    frame::MaskingKey,
    proto::{Event, Receiver, Sender},
};

use super::{Codec, Settings};
use crate::workload::Takeover;

/// A compressed message is its frame here: a header of some bytes is in the figures.
pub(super) struct Ours {
    sender: Sender,
    receiver: Receiver,
    /// What the receiver unmasks, or would.
    input: Vec<u8>,
}

impl Ours {
    pub(super) fn new(Settings { takeover, level, window_bits }: Settings) -> Self {
        let mut negotiated = NegotiatedDeflate::new();
        negotiated.server_no_context_takeover = takeover == Takeover::No;
        negotiated.server_max_window_bits = window_bits;
        let config =
            DeflateConfig::new().level(CompressionLevel::new(level)).server_max_window_bits(window_bits);
        Self {
            sender: Sender::new(Role::Server).with_deflate(negotiated, &config),
            receiver: Receiver::new(Role::Client, &Config::new()).with_deflate(negotiated, &config),
            input: Vec::new(),
        }
    }
}

impl Codec for Ours {
    fn name(&self) -> &'static str {
        "ours"
    }

    fn compress(&mut self, payload: &[u8], out: &mut Vec<u8>) {
        // Binary, so that no time goes into the validation of UTF-8. What is refused does not come back as the payload.
        let message = Message::Binary(payload.to_vec().into());
        let _ = self.sender.send(message, &mut || MaskingKey::new([0; 4]));
        let outbox = self.sender.outbox_mut();
        while !outbox.is_empty() {
            let len = outbox.chunk().len();
            out.extend_from_slice(outbox.chunk());
            outbox.advance(len);
        }
    }

    fn decompress(&mut self, compressed: &[u8], out: &mut Vec<u8>) {
        self.input.clear();
        self.input.extend_from_slice(compressed);
        let mut input = self.input.as_mut_slice();
        while let Ok(Some(Event::Data { payload, last, .. })) = self.receiver.receive(&mut input) {
            out.extend_from_slice(payload);
            if last {
                break;
            }
        }
    }
}
