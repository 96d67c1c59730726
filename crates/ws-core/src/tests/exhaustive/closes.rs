//! 5.5.1 and 7.4: every close code with every kind of reason, received and sent.

use super::{
    super::{
        model::{Model, is_close_code},
        trace::{Endpoint, Told},
        wire::{CLOSE, FIN, KEY, Length, ROLES, close_payload, frame, header_masked, peer},
    },
    Cases, assert_agrees,
};
use crate::{CloseFrame, Message, Role};

/// None, good, not UTF-8 at the end, in the middle and cut, as long as fits and longer.
fn reasons() -> Vec<Vec<u8>> {
    let long = |len: usize, last: &[u8]| [&vec![b'r'; len - last.len()], last].concat();
    vec![
        b"".into(),
        b"bye".into(),
        "grüße".into(),
        b"\xC3".into(),
        b"a\xFFb".into(),
        b"\xED\xA0\x80".into(),
        long(123, b""),
        long(123, "€".as_bytes()),
        long(123, b"\xE2\x82"),
        long(124, b""),
        long(124, b"\xFF"),
    ]
}

/// A close frame as a peer sends it that knows no limit.
fn close_frame(to: Role, payload: &[u8]) -> Vec<u8> {
    if payload.len() <= 125 {
        return frame(to, FIN | CLOSE, payload);
    }
    let key = (to == Role::Server).then_some(KEY);
    let mut bytes = header_masked(key, FIN | CLOSE, Length::Sixteen(payload.len() as u16));
    let key = key.unwrap_or_default();
    bytes.extend(payload.iter().enumerate().map(|(i, byte)| byte ^ key[i % 4]));
    bytes
}

#[test]
fn every_received_close_frame_is_judged_as_the_model_does() {
    let mut cases = Cases::new("received close frames", 101);
    for role in ROLES {
        for close_sent in [false, true] {
            let model = Model { close_sent, ..Model::new(role) };
            for code in 0..=u16::MAX {
                for reason in reasons() {
                    if !cases.next() {
                        continue;
                    }
                    let bytes = close_frame(role, &close_payload(code, &reason));
                    let verdict = model.verdict(&bytes);
                    let mut endpoint = super::endpoint(&model);
                    endpoint.feed(&bytes);
                    assert_agrees(&model, &verdict, &mut endpoint, &|| format!("{code} {reason:x?}"));
                    cases.count();
                }
            }
        }
    }
}

#[test]
fn every_close_frame_is_sent_as_it_is_or_refused_as_the_registry_says() {
    let mut cases = Cases::new("sent close frames", 101);
    let texts: Vec<String> =
        reasons().into_iter().filter_map(|reason| String::from_utf8(reason).ok()).collect();
    for role in ROLES {
        let receiver = Model::new(peer(role));
        for code in 0..=u16::MAX {
            for reason in &texts {
                if !cases.next() {
                    continue;
                }
                let frame = CloseFrame::new(code, reason.as_str());
                let mut endpoint = Endpoint::new(role);
                let sent = endpoint.send(Message::Close(Some(frame.clone())));
                let told = receiver.verdict(&endpoint.take_bytes()).told;
                if is_close_code(code) && reason.len() <= 123 {
                    assert_eq!((sent, told), (Ok(()), vec![Told::Close(Some(frame))]));
                } else {
                    assert!(sent.is_err() && told.is_empty(), "{code} {reason:?}");
                    assert_eq!(endpoint.send(Message::text("still open")), Ok(()), "{code} {reason:?}");
                }
                cases.count();
            }
        }
    }
}
