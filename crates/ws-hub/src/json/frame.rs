//! The frames of the protocol, as they are read and written.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::backplane::Position;

/// What a client sends. Which fields there are depends on the type; others are not looked at.
#[derive(Debug, Deserialize)]
pub(super) struct Incoming<'a> {
    #[serde(rename = "type", borrow)]
    pub(super) kind: Cow<'a, str>,
    pub(super) id: Option<u64>,
    #[serde(borrow)]
    pub(super) room: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(super) since: Option<Cow<'a, str>>,
    pub(super) newest: Option<usize>,
    pub(super) limit: Option<usize>,
    #[serde(borrow)]
    pub(super) token: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(super) presence: Option<&'a RawValue>,
    #[serde(default)]
    pub(super) watch: bool,
    #[serde(borrow)]
    pub(super) data: Option<&'a RawValue>,
}

#[derive(Serialize)]
pub(super) struct Welcome<'a> {
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    pub(super) version: u32,
    pub(super) session: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) user: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) ping: Option<u64>,
}

/// That something was done.
#[derive(Default, Serialize)]
pub(super) struct Done<'a> {
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) position: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) user: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) expires: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) data: Option<&'a RawValue>,
}

#[derive(Serialize)]
pub(super) struct Joined<'a> {
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<u64>,
    pub(super) room: &'a str,
    pub(super) recovered: bool,
    pub(super) messages: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) position: Option<String>,
}

#[derive(Serialize)]
pub(super) struct History<'a> {
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<u64>,
    pub(super) room: &'a str,
    pub(super) exact: bool,
    pub(super) position: String,
    pub(super) messages: Vec<Box<RawValue>>,
}

#[derive(Serialize)]
pub(super) struct Present<'a> {
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<u64>,
    pub(super) room: &'a str,
    pub(super) members: Vec<Member<'a>>,
}

#[derive(Serialize)]
pub(super) struct Member<'a> {
    pub(super) name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) data: Option<&'a RawValue>,
}

#[derive(Serialize)]
pub(super) struct Presence<'a> {
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    pub(super) room: &'a str,
    pub(super) event: &'static str,
    pub(super) name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) data: Option<&'a RawValue>,
}

/// A message of a room; within a history, without the type and the room.
#[derive(Serialize)]
pub(super) struct Message<'a> {
    #[serde(rename = "type", skip_serializing_if = "str::is_empty")]
    pub(super) kind: &'static str,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(super) room: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) position: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) from: Option<&'a RawValue>,
    pub(super) data: &'a RawValue,
}

/// A message as it is kept in the history.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Stored<'a> {
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    pub(super) from: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) data: &'a RawValue,
}

#[derive(Serialize)]
pub(super) struct From<'a> {
    pub(super) session: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) user: Option<&'a str>,
}

#[derive(Serialize)]
pub(super) struct Request<'a> {
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    pub(super) id: u64,
    pub(super) data: &'a RawValue,
}

#[derive(Serialize)]
pub(super) struct Lost<'a> {
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    pub(super) room: &'a str,
}

#[derive(Serialize)]
pub(super) struct Error<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<u64>,
    code: &'a str,
    message: &'a str,
}

impl<'a> Error<'a> {
    pub(super) fn new(id: Option<u64>, code: &'a str, message: &'a str) -> Self {
        Self { kind: "error", id, code, message }
    }
}

impl<'a> Done<'a> {
    pub(super) fn new(id: Option<u64>) -> Self {
        Self { kind: "ok", id, ..Self::default() }
    }

    pub(super) fn at(id: Option<u64>, position: Position) -> Self {
        Self { position: Some(position.to_string()), ..Self::new(id) }
    }
}
