//! Answers: stream.
// Generated from schema/protocol.toml by tests/schema: change that instead.

use serde::{Deserialize, Serialize};

/// The answer to [`GetStreamStatus`](crate::requests::GetStreamStatus).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetStreamStatus {
    /// Whether the output runs.
    pub output_active: bool,
    /// Whether the output is connecting again.
    pub output_reconnecting: bool,
    /// How long the output has run, as a timecode.
    pub output_timecode: String,
    /// How long the output has run, in milliseconds.
    pub output_duration: u64,
    /// How congested the output is, from 0 to 1. `None` if there is none, or the server is too old to tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_congestion: Option<f64>,
    /// Bytes sent or written so far.
    pub output_bytes: u64,
    /// Frames that the output skipped.
    pub output_skipped_frames: u64,
    /// Frames that the output was given.
    pub output_total_frames: u64,
}

/// The answer to [`ToggleStream`](crate::requests::ToggleStream).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ToggleStream {
    /// Whether the output runs.
    pub output_active: bool,
}
