//! Answers: outputs.
// Generated from schema/protocol.toml by tests/schema: change that instead.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::types::Output;

/// The answer to [`GetLastReplayBufferReplay`](crate::requests::GetLastReplayBufferReplay).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetLastReplayBufferReplay {
    /// Path of the file that the replay is in. `None` if there is none, or the server is too old to tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub saved_replay_path: Option<String>,
}

/// The answer to [`GetOutputList`](crate::requests::GetOutputList).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetOutputList {
    /// The outputs.
    pub outputs: Vec<Output>,
}

/// The answer to [`GetOutputSettings`](crate::requests::GetOutputSettings).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetOutputSettings {
    /// Settings of the output: an object.
    #[serde(default)]
    pub output_settings: Value,
}

/// The answer to [`GetOutputStatus`](crate::requests::GetOutputStatus).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetOutputStatus {
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

/// The answer to [`GetReplayBufferStatus`](crate::requests::GetReplayBufferStatus).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetReplayBufferStatus {
    /// Whether the output runs.
    pub output_active: bool,
}

/// The answer to [`GetVirtualCamStatus`](crate::requests::GetVirtualCamStatus).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetVirtualCamStatus {
    /// Whether the output runs.
    pub output_active: bool,
}

/// The answer to [`ToggleOutput`](crate::requests::ToggleOutput).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ToggleOutput {
    /// Whether the output runs.
    pub output_active: bool,
}

/// The answer to [`ToggleReplayBuffer`](crate::requests::ToggleReplayBuffer).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ToggleReplayBuffer {
    /// Whether the output runs.
    pub output_active: bool,
}

/// The answer to [`ToggleVirtualCam`](crate::requests::ToggleVirtualCam).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ToggleVirtualCam {
    /// Whether the output runs.
    pub output_active: bool,
}
