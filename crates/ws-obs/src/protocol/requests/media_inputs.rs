//! Requests: media inputs.
// Generated from schema/protocol.toml by tests/schema: change that instead.

use serde::{Deserialize, Serialize};

use crate::{Id, protocol::Request, responses, types::MediaAction};

/// Tells what a media input is doing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetMediaInputStatus {
    /// The input.
    #[serde(flatten, with = "crate::id::input")]
    pub input: Id,
}

impl GetMediaInputStatus {
    /// What it says.
    #[must_use]
    pub fn new(input: impl Into<Id>) -> Self {
        Self { input: input.into() }
    }
}

impl Request for GetMediaInputStatus {
    const TYPE: &'static str = "GetMediaInputStatus";
    type Response = responses::GetMediaInputStatus;
}

/// Moves on or back in the media of an input.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct OffsetMediaInputCursor {
    /// The input.
    #[serde(flatten, with = "crate::id::input")]
    pub input: Id,
    /// How far to move the position, in milliseconds; negative for back.
    pub media_cursor_offset: i64,
}

impl OffsetMediaInputCursor {
    /// What it says.
    #[must_use]
    pub fn new(input: impl Into<Id>, media_cursor_offset: i64) -> Self {
        Self { input: input.into(), media_cursor_offset }
    }
}

impl Request for OffsetMediaInputCursor {
    const TYPE: &'static str = "OffsetMediaInputCursor";
    type Response = ();

    fn response(_data: &serde_json::Value) -> Result<(), serde_json::Error> {
        Ok(())
    }
}

/// Goes to a position in the media of an input.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SetMediaInputCursor {
    /// The input.
    #[serde(flatten, with = "crate::id::input")]
    pub input: Id,
    /// Position in the media, in milliseconds. 0 at least.
    pub media_cursor: u64,
}

impl SetMediaInputCursor {
    /// What it says.
    #[must_use]
    pub fn new(input: impl Into<Id>, media_cursor: u64) -> Self {
        Self { input: input.into(), media_cursor }
    }
}

impl Request for SetMediaInputCursor {
    const TYPE: &'static str = "SetMediaInputCursor";
    type Response = ();

    fn response(_data: &serde_json::Value) -> Result<(), serde_json::Error> {
        Ok(())
    }
}

/// Plays, pauses, stops or restarts the media of an input.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct TriggerMediaInputAction {
    /// The input.
    #[serde(flatten, with = "crate::id::input")]
    pub input: Id,
    /// What is done to the media.
    pub media_action: MediaAction,
}

impl TriggerMediaInputAction {
    /// What it says.
    #[must_use]
    pub fn new(input: impl Into<Id>, media_action: MediaAction) -> Self {
        Self { input: input.into(), media_action }
    }
}

impl Request for TriggerMediaInputAction {
    const TYPE: &'static str = "TriggerMediaInputAction";
    type Response = ();

    fn response(_data: &serde_json::Value) -> Result<(), serde_json::Error> {
        Ok(())
    }
}
