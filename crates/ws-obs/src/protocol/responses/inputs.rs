//! Answers: inputs.
// Generated from schema/protocol.toml by tests/schema: change that instead.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::types::{DeinterlaceFieldOrder, DeinterlaceMode, Input, MonitoringType, PropertyItem};

/// The answer to [`CreateInput`](crate::requests::CreateInput).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CreateInput {
    /// UUID of the input. `None` if there is none, or the server is too old to tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_uuid: Option<String>,
    /// Number of the item in its scene.
    pub scene_item_id: i64,
}

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

/// The answer to [`GetInputDefaultSettings`](crate::requests::GetInputDefaultSettings).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetInputDefaultSettings {
    /// Settings that the input has unless they are set: an object.
    #[serde(default)]
    pub default_input_settings: Value,
}

/// The answer to [`GetInputDeinterlaceFieldOrder`](crate::requests::GetInputDeinterlaceFieldOrder).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetInputDeinterlaceFieldOrder {
    /// Which field comes first.
    pub input_deinterlace_field_order: DeinterlaceFieldOrder,
}

/// The answer to [`GetInputDeinterlaceMode`](crate::requests::GetInputDeinterlaceMode).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetInputDeinterlaceMode {
    /// How the input is deinterlaced.
    pub input_deinterlace_mode: DeinterlaceMode,
}

/// The answer to [`GetInputKindList`](crate::requests::GetInputKindList).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetInputKindList {
    /// The kinds of inputs.
    pub input_kinds: Vec<String>,
}

/// The answer to [`GetInputList`](crate::requests::GetInputList).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetInputList {
    /// The inputs.
    pub inputs: Vec<Input>,
}

/// The answer to [`GetInputMute`](crate::requests::GetInputMute).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetInputMute {
    /// Whether the input is muted.
    pub input_muted: bool,
}

/// The answer to [`GetInputPropertiesListPropertyItems`](crate::requests::GetInputPropertiesListPropertyItems).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetInputPropertiesListPropertyItems {
    /// Items of the list.
    pub property_items: Vec<PropertyItem>,
}

/// The answer to [`GetInputSettings`](crate::requests::GetInputSettings).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetInputSettings {
    /// Settings of the input: an object.
    #[serde(default)]
    pub input_settings: Value,
    /// Kind of the input, with its version.
    pub input_kind: String,
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

/// The answer to [`GetSpecialInputs`](crate::requests::GetSpecialInputs).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetSpecialInputs {
    /// Name of the first desktop audio input. `None` if there is none, or the server is too old to tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub desktop1: Option<String>,
    /// Name of the second desktop audio input. `None` if there is none, or the server is too old to tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub desktop2: Option<String>,
    /// Name of the first microphone input. `None` if there is none, or the server is too old to tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mic1: Option<String>,
    /// Name of the second microphone input. `None` if there is none, or the server is too old to tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mic2: Option<String>,
    /// Name of the third microphone input. `None` if there is none, or the server is too old to tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mic3: Option<String>,
    /// Name of the fourth microphone input. `None` if there is none, or the server is too old to tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mic4: Option<String>,
}

/// The answer to [`ToggleInputMute`](crate::requests::ToggleInputMute).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ToggleInputMute {
    /// Whether the input is muted.
    pub input_muted: bool,
}
