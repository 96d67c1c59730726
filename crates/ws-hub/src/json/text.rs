//! Values as JSON text.

use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use super::frame::{Message, Request, Stored};
use crate::{Payload, RoomMessage};

/// A value as a room publishes it: `hub.room("r").publish(json::message(&value))`.
#[must_use]
pub fn message(value: &impl Serialize) -> Payload {
    of(&Stored { from: None, data: &self::value(value) })
}

/// A value as a request to clients, for [`Session::request`](crate::Session::request) and
/// [`Target::request`](crate::Target::request).
#[must_use]
pub fn request(number: u64, value: &impl Serialize) -> Payload {
    of(&Request { kind: "request", id: number, data: &self::value(value) })
}

/// What clients are sent for a message of a room.
pub(super) fn encode(message: &RoomMessage<'_>) -> Payload {
    let position = message.position.to_string();
    with_stored(&message.payload, |Stored { from, data }| {
        of(&Message { kind: "message", room: message.room, position: Some(position), from, data })
    })
}

/// Looks at what is kept of a message. What the application has published in its own way is data from nobody.
pub(super) fn with_stored<R>(payload: &Payload, look: impl FnOnce(Stored<'_>) -> R) -> R {
    if let Some(stored) = payload.as_text().and_then(|text| serde_json::from_str(text).ok()) {
        return look(stored);
    }
    let data = match raw(payload.as_bytes()) {
        Some(data) => data.to_owned(),
        None => value(&String::from_utf8_lossy(payload.as_bytes())),
    };
    look(Stored { from: None, data: &data })
}

/// The bytes, if they are JSON.
pub(super) fn raw(bytes: &[u8]) -> Option<&RawValue> {
    serde_json::from_slice(bytes).ok()
}

/// A value as JSON; null if it has none.
pub(super) fn value(value: &(impl Serialize + ?Sized)) -> Box<RawValue> {
    to_raw_value(value).unwrap_or_else(|_| RawValue::NULL.to_owned())
}

/// A frame as text.
pub(super) fn of(frame: &impl Serialize) -> Payload {
    // Structs of strings and numbers, whose raw parts are JSON already.
    Payload::from(serde_json::to_string(frame).unwrap_or_default())
}
