//! Requests: outputs.
// Generated from schema/protocol.toml by tests/schema: change that instead.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{protocol::Request, responses};

/// Tells where the last replay was written.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetLastReplayBufferReplay {}

impl GetLastReplayBufferReplay {
    /// What it says.
    #[must_use]
    pub fn new() -> Self {
        Self {}
    }
}

impl Request for GetLastReplayBufferReplay {
    const TYPE: &'static str = "GetLastReplayBufferReplay";
    type Response = responses::GetLastReplayBufferReplay;
}

/// Lists the outputs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetOutputList {}

impl GetOutputList {
    /// What it says.
    #[must_use]
    pub fn new() -> Self {
        Self {}
    }
}

impl Request for GetOutputList {
    const TYPE: &'static str = "GetOutputList";
    type Response = responses::GetOutputList;
}

/// Reads the settings of an output.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetOutputSettings {
    /// Name of the output.
    pub output_name: String,
}

impl GetOutputSettings {
    /// What it says.
    #[must_use]
    pub fn new(output_name: impl Into<String>) -> Self {
        Self { output_name: output_name.into() }
    }
}

impl Request for GetOutputSettings {
    const TYPE: &'static str = "GetOutputSettings";
    type Response = responses::GetOutputSettings;
}

/// Tells how an output is doing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetOutputStatus {
    /// Name of the output.
    pub output_name: String,
}

impl GetOutputStatus {
    /// What it says.
    #[must_use]
    pub fn new(output_name: impl Into<String>) -> Self {
        Self { output_name: output_name.into() }
    }
}

impl Request for GetOutputStatus {
    const TYPE: &'static str = "GetOutputStatus";
    type Response = responses::GetOutputStatus;
}

/// Tells whether the replay buffer runs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetReplayBufferStatus {}

impl GetReplayBufferStatus {
    /// What it says.
    #[must_use]
    pub fn new() -> Self {
        Self {}
    }
}

impl Request for GetReplayBufferStatus {
    const TYPE: &'static str = "GetReplayBufferStatus";
    type Response = responses::GetReplayBufferStatus;
}

/// Tells whether the virtual camera runs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetVirtualCamStatus {}

impl GetVirtualCamStatus {
    /// What it says.
    #[must_use]
    pub fn new() -> Self {
        Self {}
    }
}

impl Request for GetVirtualCamStatus {
    const TYPE: &'static str = "GetVirtualCamStatus";
    type Response = responses::GetVirtualCamStatus;
}

/// Writes what is in the replay buffer to a file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SaveReplayBuffer {}

impl SaveReplayBuffer {
    /// What it says.
    #[must_use]
    pub fn new() -> Self {
        Self {}
    }
}

impl Request for SaveReplayBuffer {
    const TYPE: &'static str = "SaveReplayBuffer";
    type Response = ();

    fn response(_data: &Value) -> Result<(), serde_json::Error> {
        Ok(())
    }
}

/// Sets the settings of an output.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SetOutputSettings {
    /// Name of the output.
    pub output_name: String,
    /// Settings of the output: an object.
    #[serde(default)]
    pub output_settings: Value,
}

impl SetOutputSettings {
    /// What it says.
    #[must_use]
    pub fn new(output_name: impl Into<String>, output_settings: impl Into<Value>) -> Self {
        Self { output_name: output_name.into(), output_settings: output_settings.into() }
    }
}

impl Request for SetOutputSettings {
    const TYPE: &'static str = "SetOutputSettings";
    type Response = ();

    fn response(_data: &Value) -> Result<(), serde_json::Error> {
        Ok(())
    }
}

/// Starts an output.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct StartOutput {
    /// Name of the output.
    pub output_name: String,
}

impl StartOutput {
    /// What it says.
    #[must_use]
    pub fn new(output_name: impl Into<String>) -> Self {
        Self { output_name: output_name.into() }
    }
}

impl Request for StartOutput {
    const TYPE: &'static str = "StartOutput";
    type Response = ();

    fn response(_data: &Value) -> Result<(), serde_json::Error> {
        Ok(())
    }
}

/// Starts the replay buffer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct StartReplayBuffer {}

impl StartReplayBuffer {
    /// What it says.
    #[must_use]
    pub fn new() -> Self {
        Self {}
    }
}

impl Request for StartReplayBuffer {
    const TYPE: &'static str = "StartReplayBuffer";
    type Response = ();

    fn response(_data: &Value) -> Result<(), serde_json::Error> {
        Ok(())
    }
}

/// Starts the virtual camera.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct StartVirtualCam {}

impl StartVirtualCam {
    /// What it says.
    #[must_use]
    pub fn new() -> Self {
        Self {}
    }
}

impl Request for StartVirtualCam {
    const TYPE: &'static str = "StartVirtualCam";
    type Response = ();

    fn response(_data: &Value) -> Result<(), serde_json::Error> {
        Ok(())
    }
}

/// Stops an output.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct StopOutput {
    /// Name of the output.
    pub output_name: String,
}

impl StopOutput {
    /// What it says.
    #[must_use]
    pub fn new(output_name: impl Into<String>) -> Self {
        Self { output_name: output_name.into() }
    }
}

impl Request for StopOutput {
    const TYPE: &'static str = "StopOutput";
    type Response = ();

    fn response(_data: &Value) -> Result<(), serde_json::Error> {
        Ok(())
    }
}

/// Stops the replay buffer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct StopReplayBuffer {}

impl StopReplayBuffer {
    /// What it says.
    #[must_use]
    pub fn new() -> Self {
        Self {}
    }
}

impl Request for StopReplayBuffer {
    const TYPE: &'static str = "StopReplayBuffer";
    type Response = ();

    fn response(_data: &Value) -> Result<(), serde_json::Error> {
        Ok(())
    }
}

/// Stops the virtual camera.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct StopVirtualCam {}

impl StopVirtualCam {
    /// What it says.
    #[must_use]
    pub fn new() -> Self {
        Self {}
    }
}

impl Request for StopVirtualCam {
    const TYPE: &'static str = "StopVirtualCam";
    type Response = ();

    fn response(_data: &Value) -> Result<(), serde_json::Error> {
        Ok(())
    }
}

/// Starts an output, or stops it if it runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ToggleOutput {
    /// Name of the output.
    pub output_name: String,
}

impl ToggleOutput {
    /// What it says.
    #[must_use]
    pub fn new(output_name: impl Into<String>) -> Self {
        Self { output_name: output_name.into() }
    }
}

impl Request for ToggleOutput {
    const TYPE: &'static str = "ToggleOutput";
    type Response = responses::ToggleOutput;
}

/// Starts the replay buffer, or stops it if it runs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ToggleReplayBuffer {}

impl ToggleReplayBuffer {
    /// What it says.
    #[must_use]
    pub fn new() -> Self {
        Self {}
    }
}

impl Request for ToggleReplayBuffer {
    const TYPE: &'static str = "ToggleReplayBuffer";
    type Response = responses::ToggleReplayBuffer;
}

/// Starts the virtual camera, or stops it if it runs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ToggleVirtualCam {}

impl ToggleVirtualCam {
    /// What it says.
    #[must_use]
    pub fn new() -> Self {
        Self {}
    }
}

impl Request for ToggleVirtualCam {
    const TYPE: &'static str = "ToggleVirtualCam";
    type Response = responses::ToggleVirtualCam;
}
