//! Names of keys, channels and subjects, and what nodes say to each other in them.

use std::str;
use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};

use super::{Incoming, Presence};
use crate::backplane::{Message, NodeId, Placement, Publication, Topic};

/// Names under one prefix. `:` separates their parts for Redis, `.` for NATS.
#[derive(Clone, Debug)]
pub(in crate::backplane) struct Names {
    prefix: String,
    separator: char,
}

impl Names {
    pub(in crate::backplane) fn new(prefix: &str, separator: char) -> Self {
        Self { prefix: escape(prefix), separator }
    }

    /// The name of these parts, which need no escaping.
    pub(in crate::backplane) fn join(&self, parts: &[&str]) -> String {
        let mut name = self.prefix.clone();
        for part in parts {
            name.push(self.separator);
            name.push_str(part);
        }
        name
    }

    /// Where signs of life are given.
    pub(in crate::backplane) fn beats(&self) -> String {
        self.join(&["beats"])
    }

    pub(in crate::backplane) fn topic(&self, topic: &Topic) -> String {
        match topic {
            Topic::All => self.join(&["all"]),
            Topic::Node(node) => self.join(&["node", &node.to_string()]),
            Topic::Presence(room) => self.join(&["presence", &escape(room)]),
            Topic::Room(room) => self.join(&["room", &escape(room)]),
            Topic::User(user) => self.join(&["user", &escape(user)]),
        }
    }

    /// The topic of this name, if it is one.
    pub(in crate::backplane) fn parse(&self, name: &str) -> Option<Topic> {
        let mut parts = name.strip_prefix(&self.prefix)?.split(self.separator);
        let ("", kind, rest, None) = (parts.next()?, parts.next()?, parts.next(), parts.next()) else {
            return None;
        };
        match (kind, rest) {
            ("all", None) => Some(Topic::All),
            ("node", Some(node)) => Some(Topic::Node(node.parse().ok()?)),
            ("presence", Some(room)) => Some(Topic::Presence(unescape(room)?)),
            ("room", Some(room)) => Some(Topic::Room(unescape(room)?)),
            ("user", Some(user)) => Some(Topic::User(unescape(user)?)),
            _ => None,
        }
    }

    /// What arrived under this name. What cannot be read is nothing: another version or somebody else may have said it.
    pub(in crate::backplane) fn read(
        &self,
        name: &str,
        payload: Bytes,
        placement: Option<Placement>,
    ) -> Option<Incoming> {
        match self.parse(name) {
            Some(Topic::Presence(room)) => Some(Incoming::Presence { room, entry: read_entry(payload)? }),
            Some(topic) => read_message(topic, payload, placement),
            None if name == self.beats() => read_beat(&payload),
            None => None,
        }
    }
}

/// Writes any text with letters, digits, `-`, `_` and `%` alone, and never as nothing.
pub(in crate::backplane) fn escape(text: &str) -> String {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    if text.is_empty() {
        return "%".into();
    }
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_') {
            escaped.push(char::from(byte));
        } else {
            escaped.extend([
                '%',
                char::from(HEX[usize::from(byte >> 4)]),
                char::from(HEX[usize::from(byte & 15)]),
            ]);
        }
    }
    escaped
}

/// The text that was escaped.
pub(in crate::backplane) fn unescape(escaped: &str) -> Option<Arc<str>> {
    if escaped == "%" {
        return Some("".into());
    }
    let mut bytes = Vec::with_capacity(escaped.len());
    let mut rest = escaped.as_bytes();
    while let [first, tail @ ..] = rest {
        if *first == b'%' {
            let (digits, tail) = tail.split_at_checked(2)?;
            bytes.push(u8::from_str_radix(str::from_utf8(digits).ok()?, 16).ok()?);
            rest = tail;
        } else {
            bytes.push(*first);
            rest = tail;
        }
    }
    String::from_utf8(bytes).ok().map(Into::into)
}

const NODE: usize = size_of::<u128>();
const VERSION: usize = size_of::<u64>();

/// What is stored of a retained publication: its origin (16 bytes) and its payload.
pub(in crate::backplane) fn write_retained(node: NodeId, publication: &Publication) -> Bytes {
    let mut bytes = BytesMut::with_capacity(NODE + publication.payload.len());
    bytes.put_u128(node.as_u128());
    bytes.put_slice(&publication.payload);
    bytes.freeze()
}

pub(in crate::backplane) fn read_retained(mut stored: Bytes) -> Option<(NodeId, Bytes)> {
    if stored.len() < NODE {
        return None;
    }
    let node = NodeId::from_u128(u128::from_be_bytes(stored.split_to(NODE)[..].try_into().ok()?));
    Some((node, stored))
}

/// A publication that is not retained: whether it comes back to its origin (1 byte), its origin, its payload.
pub(in crate::backplane) fn write_message(node: NodeId, publication: &Publication) -> Bytes {
    let mut bytes = BytesMut::with_capacity(1 + NODE + publication.payload.len());
    bytes.put_u8(publication.echo.into());
    bytes.put_u128(node.as_u128());
    bytes.put_slice(&publication.payload);
    bytes.freeze()
}

/// A retained one comes without the first byte, and its placement beside it.
fn read_message(topic: Topic, mut bytes: Bytes, placement: Option<Placement>) -> Option<Incoming> {
    let echo = if placement.is_some() {
        true
    } else if bytes.is_empty() {
        return None;
    } else {
        match bytes.split_to(1)[0] {
            0 => false,
            1 => true,
            _ => return None,
        }
    };
    let (origin, payload) = read_retained(bytes)?;
    Some(Incoming::Message { message: Message { origin, topic, payload, placement }, echo })
}

/// A sign of life: whether it is the last (1 byte), and whose.
pub(in crate::backplane) fn write_beat(node: NodeId, last: bool) -> Bytes {
    let mut bytes = BytesMut::with_capacity(1 + NODE);
    bytes.put_u8(last.into());
    bytes.put_u128(node.as_u128());
    bytes.freeze()
}

fn read_beat(bytes: &[u8]) -> Option<Incoming> {
    let (last, node) = bytes.split_first()?;
    let node = NodeId::from_u128(u128::from_be_bytes(node.try_into().ok()?));
    match last {
        0 => Some(Incoming::Beat(node)),
        1 => Some(Incoming::LastBeat(node)),
        _ => None,
    }
}

/// An entry of a room's presence: node, version, whether they are there (1 byte), the length of the id (4), the id, the data.
pub(in crate::backplane) fn write_presence(entry: &Presence) -> Bytes {
    let data = entry.data.as_deref().unwrap_or_default();
    let mut bytes = BytesMut::with_capacity(NODE + VERSION + 5 + entry.id.len() + data.len());
    bytes.put_u128(entry.node.as_u128());
    bytes.put_u64(entry.version);
    bytes.put_u8(entry.data.is_some().into());
    // An id of 4 GiB would not have passed the bound on what a node says.
    bytes.put_u32(u32::try_from(entry.id.len()).unwrap_or(u32::MAX));
    bytes.put_slice(entry.id.as_bytes());
    bytes.put_slice(data);
    bytes.freeze()
}

pub(in crate::backplane) fn read_entry(mut bytes: Bytes) -> Option<Presence> {
    if bytes.len() < NODE + VERSION + 5 {
        return None;
    }
    let head = bytes.split_to(NODE + VERSION + 5);
    let node = NodeId::from_u128(u128::from_be_bytes(head[..NODE].try_into().ok()?));
    let version = u64::from_be_bytes(head[NODE..NODE + VERSION].try_into().ok()?);
    let there = head[NODE + VERSION] == 1;
    let len = u32::from_be_bytes(head[NODE + VERSION + 1..].try_into().ok()?);
    let len = usize::try_from(len).ok().filter(|len| *len <= bytes.len())?;
    let id = str::from_utf8(&bytes.split_to(len)).ok()?.into();
    Some(Presence { node, id, version, data: there.then_some(bytes) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_survives_and_none_has_a_meaning() {
        for name in ["", "lobby", "a.b", "a b", "*", ">", "{x}", "%", "%41", "ß:é", "\0\n", "a:b"] {
            let escaped = escape(name);
            assert!(
                escaped.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_%".contains(&byte)),
                "{escaped}"
            );
            assert!(!escaped.is_empty());
            assert_eq!(unescape(&escaped).as_deref(), Some(name));
        }
    }

    #[test]
    fn different_names_stay_different() {
        assert_ne!(escape("%"), escape(""));
        assert_ne!(escape("a.b"), escape("a%2Eb"));
    }

    #[test]
    fn what_is_written_is_read() {
        let names = Names::new("x.y", '.');
        let node = NodeId::from_u128(7);
        let topics = [Topic::All, Topic::Node(node), Topic::room("r.1"), Topic::user("")];
        for topic in topics {
            let sent = Publication::new(topic.clone(), "payload").echoed();
            let read = names.read(&names.topic(&topic), write_message(node, &sent), None);
            let Some(Incoming::Message { message, echo: true }) = read else { panic!("{read:?}") };
            assert_eq!((message.origin, message.topic, &message.payload[..]), (node, topic, &b"payload"[..]));
        }
        let entry = Presence { node, id: "é".into(), version: 3, data: Some(Bytes::from_static(b"data")) };
        let read = names.read(&names.topic(&Topic::presence("r")), write_presence(&entry), None);
        assert!(
            matches!(read, Some(Incoming::Presence { room, entry: read }) if &*room == "r" && read == entry)
        );
    }

    #[test]
    fn what_is_cut_or_foreign_is_nothing() {
        let names = Names::new("x", ':');
        let node = NodeId::from_u128(7);
        let entry = Presence { node, id: "id".into(), version: 3, data: None };
        let whole = [
            ("x:room:r", write_message(node, &Publication::new(Topic::room("r"), ""))),
            ("x:beats", write_beat(node, false)),
            ("x:presence:r", write_presence(&entry)),
        ];
        for (name, bytes) in whole {
            assert!(names.read(name, bytes.clone(), None).is_some());
            for len in 0..bytes.len() {
                assert!(names.read(name, bytes.slice(..len), None).is_none(), "{name} {len}");
            }
        }
        for name in ["y:room:r", "x", "x:", "xroom:r", "x:room", "x:room:%4", "x:node:zz", "x:what:r"] {
            assert!(
                names.read(name, write_message(node, &Publication::new(Topic::All, "")), None).is_none(),
                "{name}"
            );
        }
        assert!(names.read("x:room:r", Bytes::from(vec![2; 40]), None).is_none());
    }
}
