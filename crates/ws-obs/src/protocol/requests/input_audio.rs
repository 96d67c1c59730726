//! Requests: input audio.
// Generated from schema/protocol.toml by tests/schema: change that instead.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Id, protocol::Request, responses, types::MonitoringType};

/// Reads the audio balance of an input.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetInputAudioBalance {
    /// The input.
    #[serde(flatten, with = "crate::id::input")]
    pub input: Id,
}

impl GetInputAudioBalance {
    /// What it says.
    #[must_use]
    pub fn new(input: impl Into<Id>) -> Self {
        Self { input: input.into() }
    }
}

impl Request for GetInputAudioBalance {
    const TYPE: &'static str = "GetInputAudioBalance";
    type Response = responses::GetInputAudioBalance;
}

/// Tells how an input is monitored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetInputAudioMonitorType {
    /// The input.
    #[serde(flatten, with = "crate::id::input")]
    pub input: Id,
}

impl GetInputAudioMonitorType {
    /// What it says.
    #[must_use]
    pub fn new(input: impl Into<Id>) -> Self {
        Self { input: input.into() }
    }
}

impl Request for GetInputAudioMonitorType {
    const TYPE: &'static str = "GetInputAudioMonitorType";
    type Response = responses::GetInputAudioMonitorType;
}

/// Reads the delay of the sound of an input.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetInputAudioSyncOffset {
    /// The input.
    #[serde(flatten, with = "crate::id::input")]
    pub input: Id,
}

impl GetInputAudioSyncOffset {
    /// What it says.
    #[must_use]
    pub fn new(input: impl Into<Id>) -> Self {
        Self { input: input.into() }
    }
}

impl Request for GetInputAudioSyncOffset {
    const TYPE: &'static str = "GetInputAudioSyncOffset";
    type Response = responses::GetInputAudioSyncOffset;
}

/// Tells which tracks an input is mixed into.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetInputAudioTracks {
    /// The input.
    #[serde(flatten, with = "crate::id::input")]
    pub input: Id,
}

impl GetInputAudioTracks {
    /// What it says.
    #[must_use]
    pub fn new(input: impl Into<Id>) -> Self {
        Self { input: input.into() }
    }
}

impl Request for GetInputAudioTracks {
    const TYPE: &'static str = "GetInputAudioTracks";
    type Response = responses::GetInputAudioTracks;
}

/// Tells whether an input is muted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetInputMute {
    /// The input.
    #[serde(flatten, with = "crate::id::input")]
    pub input: Id,
}

impl GetInputMute {
    /// What it says.
    #[must_use]
    pub fn new(input: impl Into<Id>) -> Self {
        Self { input: input.into() }
    }
}

impl Request for GetInputMute {
    const TYPE: &'static str = "GetInputMute";
    type Response = responses::GetInputMute;
}

/// Reads the volume of an input.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetInputVolume {
    /// The input.
    #[serde(flatten, with = "crate::id::input")]
    pub input: Id,
}

impl GetInputVolume {
    /// What it says.
    #[must_use]
    pub fn new(input: impl Into<Id>) -> Self {
        Self { input: input.into() }
    }
}

impl Request for GetInputVolume {
    const TYPE: &'static str = "GetInputVolume";
    type Response = responses::GetInputVolume;
}

/// Sets the audio balance of an input.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SetInputAudioBalance {
    /// The input.
    #[serde(flatten, with = "crate::id::input")]
    pub input: Id,
    /// Balance between left, 0.0, and right, 1.0. From 0.0 to 1.0.
    pub input_audio_balance: f64,
}

impl SetInputAudioBalance {
    /// What it says.
    #[must_use]
    pub fn new(input: impl Into<Id>, input_audio_balance: f64) -> Self {
        Self { input: input.into(), input_audio_balance }
    }
}

impl Request for SetInputAudioBalance {
    const TYPE: &'static str = "SetInputAudioBalance";
    type Response = ();

    fn response(_data: &serde_json::Value) -> Result<(), serde_json::Error> {
        Ok(())
    }
}

/// Sets how an input is monitored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SetInputAudioMonitorType {
    /// The input.
    #[serde(flatten, with = "crate::id::input")]
    pub input: Id,
    /// How the input is monitored.
    pub monitor_type: MonitoringType,
}

impl SetInputAudioMonitorType {
    /// What it says.
    #[must_use]
    pub fn new(input: impl Into<Id>, monitor_type: MonitoringType) -> Self {
        Self { input: input.into(), monitor_type }
    }
}

impl Request for SetInputAudioMonitorType {
    const TYPE: &'static str = "SetInputAudioMonitorType";
    type Response = ();

    fn response(_data: &serde_json::Value) -> Result<(), serde_json::Error> {
        Ok(())
    }
}

/// Sets the delay of the sound of an input.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SetInputAudioSyncOffset {
    /// The input.
    #[serde(flatten, with = "crate::id::input")]
    pub input: Id,
    /// Delay of the sound, in milliseconds; negative for earlier. From -950 to 20000.
    pub input_audio_sync_offset: i64,
}

impl SetInputAudioSyncOffset {
    /// What it says.
    #[must_use]
    pub fn new(input: impl Into<Id>, input_audio_sync_offset: i64) -> Self {
        Self { input: input.into(), input_audio_sync_offset }
    }
}

impl Request for SetInputAudioSyncOffset {
    const TYPE: &'static str = "SetInputAudioSyncOffset";
    type Response = ();

    fn response(_data: &serde_json::Value) -> Result<(), serde_json::Error> {
        Ok(())
    }
}

/// Sets which tracks an input is mixed into; tracks that are not named stay as they are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SetInputAudioTracks {
    /// The input.
    #[serde(flatten, with = "crate::id::input")]
    pub input: Id,
    /// Which tracks, `"1"` to `"6"`, the input is mixed into.
    pub input_audio_tracks: BTreeMap<String, bool>,
}

impl SetInputAudioTracks {
    /// What it says.
    #[must_use]
    pub fn new(input: impl Into<Id>, input_audio_tracks: BTreeMap<String, bool>) -> Self {
        Self { input: input.into(), input_audio_tracks }
    }
}

impl Request for SetInputAudioTracks {
    const TYPE: &'static str = "SetInputAudioTracks";
    type Response = ();

    fn response(_data: &serde_json::Value) -> Result<(), serde_json::Error> {
        Ok(())
    }
}

/// Mutes an input, or lets it be heard.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SetInputMute {
    /// The input.
    #[serde(flatten, with = "crate::id::input")]
    pub input: Id,
    /// Whether the input is muted.
    pub input_muted: bool,
}

impl SetInputMute {
    /// What it says.
    #[must_use]
    pub fn new(input: impl Into<Id>, input_muted: bool) -> Self {
        Self { input: input.into(), input_muted }
    }
}

impl Request for SetInputMute {
    const TYPE: &'static str = "SetInputMute";
    type Response = ();

    fn response(_data: &serde_json::Value) -> Result<(), serde_json::Error> {
        Ok(())
    }
}

/// Sets the volume of an input, either way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SetInputVolume {
    /// The input.
    #[serde(flatten, with = "crate::id::input")]
    pub input: Id,
    /// Volume as a factor. From 0 to 20.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_volume_mul: Option<f64>,
    /// Volume in dB. From -100 to 26.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_volume_db: Option<f64>,
}

impl SetInputVolume {
    /// With what it needs; what may be set beside is left out.
    #[must_use]
    pub fn new(input: impl Into<Id>) -> Self {
        Self { input: input.into(), input_volume_mul: None, input_volume_db: None }
    }

    /// Volume as a factor. From 0 to 20.
    #[must_use]
    pub fn input_volume_mul(mut self, input_volume_mul: f64) -> Self {
        self.input_volume_mul = Some(input_volume_mul);
        self
    }

    /// Volume in dB. From -100 to 26.
    #[must_use]
    pub fn input_volume_db(mut self, input_volume_db: f64) -> Self {
        self.input_volume_db = Some(input_volume_db);
        self
    }
}

impl Request for SetInputVolume {
    const TYPE: &'static str = "SetInputVolume";
    type Response = ();

    fn response(_data: &serde_json::Value) -> Result<(), serde_json::Error> {
        Ok(())
    }
}

/// Mutes an input that is heard, and the other way round.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ToggleInputMute {
    /// The input.
    #[serde(flatten, with = "crate::id::input")]
    pub input: Id,
}

impl ToggleInputMute {
    /// What it says.
    #[must_use]
    pub fn new(input: impl Into<Id>) -> Self {
        Self { input: input.into() }
    }
}

impl Request for ToggleInputMute {
    const TYPE: &'static str = "ToggleInputMute";
    type Response = responses::ToggleInputMute;
}
