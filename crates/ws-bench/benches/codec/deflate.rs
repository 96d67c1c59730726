//! One message after the other compressed by a server, and decompressed by its client, with the default settings.
//!
//! `ws-bench deflate` compares levels and windows with zlib-rs.

use divan::{Bencher, counter::BytesCount};
use ws_core::{
    Config, DeflateConfig, Message, NegotiatedDeflate, Role,
    frame::MaskingKey,
    proto::{Event, Receiver, Sender},
};

use super::SIZES;

#[divan::bench(args = cases())]
fn compress(bencher: Bencher<'_, '_>, (takeover, size): (Takeover, usize)) {
    let (mut sender, payload) = (takeover.sender(), payload(size));
    bencher.counter(BytesCount::new(size)).bench_local(|| send(&mut sender, &payload));
}

#[divan::bench(args = cases())]
fn decompress(bencher: Bencher<'_, '_>, (takeover, size): (Takeover, usize)) {
    // The same frame again and again: without takeover, or with one that the first message has no need of.
    let frame = send(&mut takeover.sender(), &payload(size));
    let mut receiver = takeover.receiver();
    bencher.counter(BytesCount::new(size)).with_inputs(|| frame.clone()).bench_local_refs(|frame| {
        let mut input = frame.as_mut_slice();
        let mut bytes = 0;
        while let Ok(Some(Event::Data { payload, last, .. })) = receiver.receive(&mut input) {
            bytes += payload.len();
            if last {
                break;
            }
        }
        assert_eq!(bytes, size);
    });
}

/// Whether messages may refer to those before them.
#[derive(Clone, Copy, Debug)]
enum Takeover {
    No,
    Yes,
}

impl Takeover {
    fn negotiated(self) -> NegotiatedDeflate {
        let mut negotiated = NegotiatedDeflate::new();
        negotiated.server_no_context_takeover = matches!(self, Self::No);
        negotiated.server_max_window_bits = 12;
        negotiated
    }

    fn sender(self) -> Sender {
        Sender::new(Role::Server).with_deflate(self.negotiated(), &DeflateConfig::new())
    }

    fn receiver(self) -> Receiver {
        Receiver::new(Role::Client, &Config::new()).with_deflate(self.negotiated(), &DeflateConfig::new())
    }
}

/// The frame of a message.
fn send(sender: &mut Sender, payload: &[u8]) -> Vec<u8> {
    let mut frame = Vec::new();
    // Binary, so that no time goes into the validation of UTF-8.
    let message = Message::Binary(payload.to_vec().into());
    sender.send(message, &mut || MaskingKey::new([0; 4])).unwrap();
    let outbox = sender.outbox_mut();
    while !outbox.is_empty() {
        let len = outbox.chunk().len();
        frame.extend_from_slice(outbox.chunk());
        outbox.advance(len);
    }
    frame
}

/// Records that are alike, as in JSON.
fn payload(size: usize) -> Vec<u8> {
    let record = |id: u32| format!(r#"{{"id":{id},"name":"item {}","price":{}}},"#, id * 7919, id * 31 % 997);
    (0..).flat_map(|id| record(id).into_bytes()).take(size).collect()
}

fn cases() -> impl Iterator<Item = (Takeover, usize)> {
    // What is shorter than the default threshold is not compressed.
    let sizes = SIZES.into_iter().filter(|&size| size >= 1 << 10);
    sizes.flat_map(|size| [Takeover::No, Takeover::Yes].map(|takeover| (takeover, size)))
}
