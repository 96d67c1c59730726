//! Answers: record.
// Generated from schema/protocol.toml by tests/schema: change that instead.

use serde::{Deserialize, Serialize};

/// The answer to [`GetRecordStatus`](crate::requests::GetRecordStatus).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetRecordStatus {
    /// Whether the output runs.
    pub output_active: bool,
    /// Whether the output is paused.
    pub output_paused: bool,
    /// How long the output has run, as a timecode.
    pub output_timecode: String,
    /// How long the output has run, in milliseconds.
    pub output_duration: u64,
    /// Bytes sent or written so far.
    pub output_bytes: u64,
}

/// The answer to [`StopRecord`](crate::requests::StopRecord).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct StopRecord {
    /// Path of the recording. `None` if there is none, or the server is too old to tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_path: Option<String>,
}

/// The answer to [`ToggleRecord`](crate::requests::ToggleRecord).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ToggleRecord {
    /// Whether the output runs.
    pub output_active: bool,
}
