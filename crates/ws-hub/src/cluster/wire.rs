//! What nodes tell each other: whom it is for, and what is to be done.
//!
//! ```text
//! version (1) · address · operation
//! address     flags (1: all) · rooms · users · sessions · only · except rooms · except users · except sessions
//! operation   kind (1) · what belongs to it
//! list        count (4) · items        name    length (4) · UTF-8        session   node (16) · number (8)
//! ```
//!
//! Numbers are big-endian. A node that reads another version, or what it does not understand, drops the whole.

use std::{sync::Arc, time::Duration};

use bytes::{Buf, BufMut, Bytes, BytesMut};
use ws_core::CloseFrame;

use super::Operation;
use crate::{Envelope, Overflow, Payload, SessionId, address::Address, backplane::NodeId, envelope::Content};

pub(crate) fn seal(address: &Address, operation: &Operation) -> Bytes {
    let mut out = BytesMut::with_capacity(256);
    out.put_u8(VERSION);
    out.put_u8(address.all.into());
    put_names(&mut out, &address.rooms);
    put_names(&mut out, &address.users);
    put_sessions(&mut out, &address.sessions);
    put_names(&mut out, &address.only);
    put_names(&mut out, &address.except_rooms);
    put_names(&mut out, &address.except_users);
    put_sessions(&mut out, &address.except);
    match operation {
        Operation::Send(envelope) => {
            out.put_u8(SEND);
            put_envelope(&mut out, envelope);
        }
        Operation::Join(room) => {
            out.put_u8(JOIN);
            put_bytes(&mut out, room.as_bytes());
        }
        Operation::Leave(room) => {
            out.put_u8(LEAVE);
            put_bytes(&mut out, room.as_bytes());
        }
        Operation::Close(frame) => {
            out.put_u8(CLOSE);
            out.put_u8(frame.is_some().into());
            if let Some(frame) = frame {
                put_frame(&mut out, frame);
            }
        }
    }
    out.freeze()
}

/// What [`seal`] made; `None` if it did not.
pub(crate) fn open(mut input: Bytes) -> Option<(Address, Operation)> {
    let input = &mut input;
    if input.try_get_u8().ok()? != VERSION {
        return None;
    }
    let address = Address {
        all: input.try_get_u8().ok()? != 0,
        rooms: names(input)?,
        users: names(input)?,
        sessions: sessions(input)?,
        only: names(input)?,
        except_rooms: names(input)?,
        except_users: names(input)?,
        except: sessions(input)?,
    };
    let operation = match input.try_get_u8().ok()? {
        SEND => Operation::Send(envelope(input)?),
        JOIN => Operation::Join(name(input)?),
        LEAVE => Operation::Leave(name(input)?),
        CLOSE if input.try_get_u8().ok()? != 0 => Operation::Close(Some(frame(input)?)),
        CLOSE => Operation::Close(None),
        _ => return None,
    };
    Some((address, operation))
}

fn put_envelope(out: &mut BytesMut, envelope: &Envelope) {
    out.put_u8(envelope.volatile.into());
    out.put_u8(envelope.key.is_some().into());
    if let Some(key) = &envelope.key {
        put_bytes(out, key.as_bytes());
    }
    match &envelope.overflow {
        None => out.put_u8(0),
        Some(Overflow::DropNewest) => out.put_u8(1),
        Some(Overflow::DropOldest) => out.put_u8(2),
        Some(Overflow::Disconnect(frame)) => {
            out.put_u8(3);
            put_frame(out, frame);
        }
        Some(Overflow::Wait(timeout)) => {
            out.put_u8(4);
            out.put_u64(u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX));
        }
    }
    let payload = envelope.payload();
    out.put_u8(matches!(payload, Payload::Binary(_)).into());
    out.put_slice(payload.as_bytes());
}

fn envelope(input: &mut Bytes) -> Option<Envelope> {
    let volatile = input.try_get_u8().ok()? != 0;
    let key = match input.try_get_u8().ok()? {
        0 => None,
        _ => Some(name(input)?),
    };
    let overflow = match input.try_get_u8().ok()? {
        0 => None,
        1 => Some(Overflow::DropNewest),
        2 => Some(Overflow::DropOldest),
        3 => Some(Overflow::Disconnect(frame(input)?)),
        4 => Some(Overflow::Wait(Duration::from_millis(input.try_get_u64().ok()?))),
        _ => return None,
    };
    let is_binary = input.try_get_u8().ok()? != 0;
    let data = input.split_off(0);
    let payload = if is_binary { Payload::Binary(data) } else { Payload::Text(data.try_into().ok()?) };
    Some(Envelope { content: Content::Payload(payload), overflow, key, volatile })
}

fn put_frame(out: &mut BytesMut, frame: &CloseFrame) {
    out.put_u16(frame.code.as_u16());
    put_bytes(out, frame.reason.as_bytes());
}

fn frame(input: &mut Bytes) -> Option<CloseFrame> {
    let code = input.try_get_u16().ok()?;
    Some(CloseFrame::new(code, &*name(input)?))
}

fn put_names(out: &mut BytesMut, names: &[Arc<str>]) {
    out.put_u32(names.len() as u32);
    names.iter().for_each(|name| put_bytes(out, name.as_bytes()));
}

fn names(input: &mut Bytes) -> Option<Vec<Arc<str>>> {
    // Grows with what is there: the count alone takes no memory.
    let count = input.try_get_u32().ok()?;
    (0..count).map(|_| name(input)).collect()
}

fn put_bytes(out: &mut BytesMut, bytes: &[u8]) {
    out.put_u32(bytes.len() as u32);
    out.put_slice(bytes);
}

fn name(input: &mut Bytes) -> Option<Arc<str>> {
    let len = input.try_get_u32().ok()? as usize;
    let bytes = (len <= input.len()).then(|| input.split_to(len))?;
    std::str::from_utf8(&bytes).ok().map(Into::into)
}

fn put_sessions(out: &mut BytesMut, sessions: &[SessionId]) {
    out.put_u32(sessions.len() as u32);
    for id in sessions {
        out.put_u128(id.node.as_u128());
        out.put_u64(id.number);
    }
}

fn sessions(input: &mut Bytes) -> Option<Vec<SessionId>> {
    let count = input.try_get_u32().ok()?;
    let session = |_| {
        let node = NodeId::from_u128(input.try_get_u128().ok()?);
        Some(SessionId { node, number: input.try_get_u64().ok()? })
    };
    (0..count).map(session).collect()
}

const VERSION: u8 = 1;
const SEND: u8 = 0;
const JOIN: u8 = 1;
const LEAVE: u8 = 2;
const CLOSE: u8 = 3;

#[cfg(test)]
mod tests;
