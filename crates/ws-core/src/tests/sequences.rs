//! Every short sequence of frames from a small alphabet, cut at every byte, against the model: order, state and cuts
//! change nothing but what the RFC says they change.

use super::{
    model::Model,
    trace::{Endpoint, Told},
    wire::{BINARY, CLOSE, CONTINUATION, FIN, PING, PONG, ROLES, TEXT, Written, close, frame, frames_of},
};
use crate::{Message, Role};

/// Frames that go on, frames that end, and frames that break a rule, whole and in pieces.
fn alphabet(to: Role) -> Vec<Vec<u8>> {
    vec![
        frame(to, FIN | TEXT, b"a"),
        // The beginning of `é`.
        frame(to, TEXT, b"\xC3"),
        frame(to, FIN | CONTINUATION, b"\xA9"),
        frame(to, CONTINUATION, b""),
        frame(to, FIN | CONTINUATION, b""),
        frame(to, CONTINUATION, b"\xFF"),
        frame(to, FIN | BINARY, b""),
        frame(to, BINARY, b"b"),
        frame(to, FIN | PING, b""),
        frame(to, FIN | PING, b"p"),
        frame(to, FIN | PONG, b"q"),
        close(to, 1000, b"r"),
        frame(to, FIN | CLOSE, b""),
        frame(to, FIN | CLOSE, b"\x03"),
        frame(to, FIN | 0x3, b""),
        frame(to, FIN | 0x40 | TEXT, b"z"),
    ]
}

/// All sequences of up to `longest` frames.
pub(super) fn sequences(to: Role, longest: u32) -> impl Iterator<Item = Vec<u8>> {
    let letters = alphabet(to);
    (1..=longest).flat_map(move |length| {
        let letters = letters.clone();
        let base = letters.len();
        (0..base.pow(length)).map(move |mut word| {
            let mut bytes = Vec::new();
            for _ in 0..length {
                bytes.extend(&letters[word % base]);
                word /= base;
            }
            bytes
        })
    })
}

/// What an endpoint must have told and written.
struct Expected {
    verdict: super::model::Verdict,
    model: Model,
}

impl Expected {
    fn of(model: Model, bytes: &[u8]) -> Self {
        Self { verdict: model.verdict(bytes), model }
    }

    fn check(&self, endpoint: &Endpoint, context: &dyn Fn() -> String) {
        assert!(
            self.verdict.agrees(&endpoint.told),
            "{}\n told {:?}\n must {:?}",
            context(),
            endpoint.told,
            self.verdict
        );
        // Data after the endpoint's close frame is not told; what is left of a failed message nobody sees.
        if !self.model.close_sent && self.verdict.broken.is_empty() {
            // A message of which no byte has arrived may be told or not.
            let data = |partial: &Option<(_, Vec<u8>)>| partial.clone().filter(|(_, data)| !data.is_empty());
            assert_eq!(data(&endpoint.partial), data(&self.verdict.partial), "{}", context());
        }
    }

    /// The answers, and last the close frame for a violation with the code of the violation that was told.
    fn check_written(&self, told: &[Told], written: &[Written], context: &dyn Fn() -> String) {
        let mut answers = self.verdict.answers.clone();
        if let Some(Told::Failed(violation)) = told.last() {
            let code = violation.close_code().as_u16().to_be_bytes();
            answers.extend((!self.model.close_sent).then(|| (FIN | CLOSE, code.to_vec())));
        }
        assert_eq!(written, answers, "{}", context());
    }
}

fn endpoint(model: &Model) -> Endpoint {
    let mut endpoint = Endpoint::new(model.role);
    if model.close_sent {
        endpoint.send(Message::Close(None)).unwrap();
        endpoint.take_bytes();
    }
    endpoint
}

/// Feeds two pieces and checks after each: the first is a prefix of the stream, which must be judged like any stream.
fn check_cut(expected: &[Expected], bytes: &[u8], cut: usize) {
    let model = expected[cut].model;
    let context = || format!("{model:?} of {bytes:x?} cut at {cut}");
    let mut endpoint = endpoint(&model);
    endpoint.feed(&bytes[..cut]);
    expected[cut].check(&endpoint, &context);
    endpoint.feed(&bytes[cut..]);
    expected[bytes.len()].check(&endpoint, &context);
    let written = endpoint.take_bytes();
    expected[bytes.len()].check_written(&endpoint.told, &frames_of(model.role, &written), &context);
}

fn every_prefix(model: Model, bytes: &[u8]) -> Vec<Expected> {
    (0..=bytes.len()).map(|cut| Expected::of(model, &bytes[..cut])).collect()
}

// Shows LEN-2.
#[test]
fn three_frames_are_judged_as_the_model_does_however_they_are_cut() {
    for role in ROLES {
        for bytes in sequences(role, 3) {
            let expected = every_prefix(Model::new(role), &bytes);
            (0..=bytes.len()).for_each(|cut| check_cut(&expected, &bytes, cut));
        }
    }
}

#[test]
fn three_frames_byte_by_byte_are_judged_as_the_model_does() {
    for role in ROLES {
        for bytes in sequences(role, 3) {
            let expected = Expected::of(Model::new(role), &bytes);
            let mut endpoint = Endpoint::new(role);
            endpoint.feed_pieces(bytes.chunks(1));
            let context = || format!("{role:?} of {bytes:x?} byte by byte");
            expected.check(&endpoint, &context);
            let written = endpoint.take_frames();
            expected.check_written(&endpoint.told, &written, &context);
        }
    }
}

#[test]
fn two_frames_in_three_pieces_are_judged_as_the_model_does() {
    for role in ROLES {
        for bytes in sequences(role, 2) {
            let expected = Expected::of(Model::new(role), &bytes);
            for second in 0..bytes.len() {
                for first in 0..second {
                    let mut endpoint = Endpoint::new(role);
                    endpoint.feed_pieces([&bytes[..first], &bytes[first..second], &bytes[second..]]);
                    expected
                        .check(&endpoint, &|| format!("{role:?} of {bytes:x?} cut at {first} and {second}"));
                }
            }
        }
    }
}

#[test]
fn after_its_close_frame_an_endpoint_tells_only_how_the_peer_ends() {
    for role in ROLES {
        let model = Model { close_sent: true, ..Model::new(role) };
        for bytes in sequences(role, 2) {
            let expected = every_prefix(model, &bytes);
            (0..=bytes.len()).for_each(|cut| check_cut(&expected, &bytes, cut));
        }
    }
}

#[test]
fn what_an_endpoint_writes_satisfies_the_model_of_its_peer() {
    for role in ROLES {
        let model = Model::new(super::wire::peer(role));
        for bytes in sequences(role, 2) {
            let mut endpoint = Endpoint::new(role);
            endpoint.send(Message::text("before")).unwrap();
            endpoint.feed(&bytes);
            let late = endpoint.send(Message::binary("after"));
            let ended = matches!(endpoint.told.last(), Some(Told::Close(_) | Told::Failed(_)));
            assert_eq!(
                late.is_err(),
                ended,
                "nothing can be sent once the close frame is queued: {bytes:x?}"
            );
            let written = endpoint.take_bytes();
            let verdict = model.verdict(&written);
            assert!(verdict.broken.is_empty() && verdict.partial.is_none(), "{bytes:x?}: {verdict:?}");
            assert_eq!(verdict.told[0], Told::text("before"));
            let last = if ended { matches!(verdict.told.last(), Some(Told::Close(_))) } else { true };
            assert!(last, "the close frame is the last: {verdict:?}");
        }
    }
}
