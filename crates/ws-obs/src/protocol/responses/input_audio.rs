//! Answers: input audio.
// Generated from schema/protocol.toml by tests/schema: change that instead.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::types::MonitoringType;

/// The answer to [`GetInputAudioBalance`](crate::requests::GetInputAudioBalance).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetInputAudioBalance {
    /// Balance between left, 0.0, and right, 1.0.
    pub input_audio_balance: f64,
}

/// The answer to [`GetInputAudioMonitorType`](crate::requests::GetInputAudioMonitorType).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetInputAudioMonitorType {
    /// How the input is monitored.
    pub monitor_type: MonitoringType,
}

/// The answer to [`GetInputAudioSyncOffset`](crate::requests::GetInputAudioSyncOffset).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetInputAudioSyncOffset {
    /// Delay of the sound, in milliseconds; negative for earlier.
    pub input_audio_sync_offset: i64,
}

/// The answer to [`GetInputAudioTracks`](crate::requests::GetInputAudioTracks).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetInputAudioTracks {
    /// Which tracks, `"1"` to `"6"`, the input is mixed into.
    pub input_audio_tracks: BTreeMap<String, bool>,
}

/// The answer to [`GetInputMute`](crate::requests::GetInputMute).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetInputMute {
    /// Whether the input is muted.
    pub input_muted: bool,
}

/// The answer to [`GetInputVolume`](crate::requests::GetInputVolume).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetInputVolume {
    /// Volume as a factor.
    pub input_volume_mul: f64,
    /// Volume in dB.
    pub input_volume_db: f64,
}

/// The answer to [`ToggleInputMute`](crate::requests::ToggleInputMute).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ToggleInputMute {
    /// Whether the input is muted.
    pub input_muted: bool,
}
