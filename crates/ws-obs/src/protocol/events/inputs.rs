//! Events of `INPUTS`.
// Generated from schema/protocol.toml by tests/schema: change that instead.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    protocol::EventData,
    types::{EventSubscription, MonitoringType},
};

/// An input has another audio balance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct InputAudioBalanceChanged {
    /// Name of the input.
    pub input_name: String,
    /// UUID of the input. `None` if there is none, or the server is too old to tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_uuid: Option<String>,
    /// Balance between left, 0.0, and right, 1.0.
    pub input_audio_balance: f64,
}

impl EventData for InputAudioBalanceChanged {
    const TYPE: &'static str = "InputAudioBalanceChanged";
    const SUBSCRIPTION: EventSubscription = EventSubscription::INPUTS;
}

/// An input is monitored in another way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct InputAudioMonitorTypeChanged {
    /// Name of the input.
    pub input_name: String,
    /// UUID of the input. `None` if there is none, or the server is too old to tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_uuid: Option<String>,
    /// How the input is monitored.
    pub monitor_type: MonitoringType,
}

impl EventData for InputAudioMonitorTypeChanged {
    const TYPE: &'static str = "InputAudioMonitorTypeChanged";
    const SUBSCRIPTION: EventSubscription = EventSubscription::INPUTS;
}

/// The sound of an input has another delay.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct InputAudioSyncOffsetChanged {
    /// Name of the input.
    pub input_name: String,
    /// UUID of the input. `None` if there is none, or the server is too old to tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_uuid: Option<String>,
    /// Delay of the sound, in milliseconds; negative for earlier.
    pub input_audio_sync_offset: i64,
}

impl EventData for InputAudioSyncOffsetChanged {
    const TYPE: &'static str = "InputAudioSyncOffsetChanged";
    const SUBSCRIPTION: EventSubscription = EventSubscription::INPUTS;
}

/// An input is mixed into other tracks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct InputAudioTracksChanged {
    /// Name of the input.
    pub input_name: String,
    /// UUID of the input. `None` if there is none, or the server is too old to tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_uuid: Option<String>,
    /// Which tracks, `"1"` to `"6"`, the input is mixed into.
    pub input_audio_tracks: BTreeMap<String, bool>,
}

impl EventData for InputAudioTracksChanged {
    const TYPE: &'static str = "InputAudioTracksChanged";
    const SUBSCRIPTION: EventSubscription = EventSubscription::INPUTS;
}

/// An input was made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct InputCreated {
    /// Name of the input.
    pub input_name: String,
    /// UUID of the input. `None` if there is none, or the server is too old to tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_uuid: Option<String>,
    /// Kind of the input, with its version.
    pub input_kind: String,
    /// Kind of the input without its version.
    pub unversioned_input_kind: String,
    /// Bits of what the kind can do, as libobs numbers them. `None` if there is none, or the server is too old to tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_kind_caps: Option<u32>,
    /// Settings of the input: an object.
    #[serde(default)]
    pub input_settings: Value,
    /// Settings that the input has unless they are set: an object.
    #[serde(default)]
    pub default_input_settings: Value,
}

impl EventData for InputCreated {
    const TYPE: &'static str = "InputCreated";
    const SUBSCRIPTION: EventSubscription = EventSubscription::INPUTS;
}

/// An input was muted, or can be heard.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct InputMuteStateChanged {
    /// Name of the input.
    pub input_name: String,
    /// UUID of the input. `None` if there is none, or the server is too old to tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_uuid: Option<String>,
    /// Whether the input is muted.
    pub input_muted: bool,
}

impl EventData for InputMuteStateChanged {
    const TYPE: &'static str = "InputMuteStateChanged";
    const SUBSCRIPTION: EventSubscription = EventSubscription::INPUTS;
}

/// An input was renamed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct InputNameChanged {
    /// UUID of the input. `None` if there is none, or the server is too old to tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_uuid: Option<String>,
    /// Name that the input had.
    pub old_input_name: String,
    /// Name of the input.
    pub input_name: String,
}

impl EventData for InputNameChanged {
    const TYPE: &'static str = "InputNameChanged";
    const SUBSCRIPTION: EventSubscription = EventSubscription::INPUTS;
}

/// An input was removed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct InputRemoved {
    /// Name of the input.
    pub input_name: String,
    /// UUID of the input. `None` if there is none, or the server is too old to tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_uuid: Option<String>,
}

impl EventData for InputRemoved {
    const TYPE: &'static str = "InputRemoved";
    const SUBSCRIPTION: EventSubscription = EventSubscription::INPUTS;
}

/// Settings of an input were set.
///
/// Since obs-websocket 5.4.0.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct InputSettingsChanged {
    /// Name of the input.
    pub input_name: String,
    /// UUID of the input. `None` if there is none, or the server is too old to tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_uuid: Option<String>,
    /// Settings of the input: an object.
    #[serde(default)]
    pub input_settings: Value,
}

impl EventData for InputSettingsChanged {
    const TYPE: &'static str = "InputSettingsChanged";
    const SUBSCRIPTION: EventSubscription = EventSubscription::INPUTS;
}

/// An input has another volume.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct InputVolumeChanged {
    /// Name of the input.
    pub input_name: String,
    /// UUID of the input. `None` if there is none, or the server is too old to tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_uuid: Option<String>,
    /// Volume as a factor.
    pub input_volume_mul: f64,
    /// Volume in dB.
    pub input_volume_db: f64,
}

impl EventData for InputVolumeChanged {
    const TYPE: &'static str = "InputVolumeChanged";
    const SUBSCRIPTION: EventSubscription = EventSubscription::INPUTS;
}
