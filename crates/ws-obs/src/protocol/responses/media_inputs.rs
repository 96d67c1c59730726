//! Answers: media inputs.
// Generated from schema/protocol.toml by tests/schema: change that instead.

use serde::{Deserialize, Serialize};

use crate::types::MediaState;

/// The answer to [`GetMediaInputStatus`](crate::requests::GetMediaInputStatus).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetMediaInputStatus {
    /// What the media is doing.
    pub media_state: MediaState,
    /// Length of the media, in milliseconds; negative for media without one, such as a live stream. `None` if there is none, or the server is too old to tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub media_duration: Option<i64>,
    /// Position in the media, in milliseconds. `None` if there is none, or the server is too old to tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub media_cursor: Option<i64>,
}
