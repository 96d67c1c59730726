//! Requests: stream.
// Generated from schema/protocol.toml by tests/schema: change that instead.

use serde::{Deserialize, Serialize};

use crate::{protocol::Request, responses};

/// Tells how the stream is doing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetStreamStatus {}

impl GetStreamStatus {
    /// What it says.
    #[must_use]
    pub fn new() -> Self {
        Self {}
    }
}

impl Request for GetStreamStatus {
    const TYPE: &'static str = "GetStreamStatus";
    type Response = responses::GetStreamStatus;
}

/// Sends a caption along with the stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SendStreamCaption {
    /// Text of the caption.
    pub caption_text: String,
}

impl SendStreamCaption {
    /// What it says.
    #[must_use]
    pub fn new(caption_text: impl Into<String>) -> Self {
        Self { caption_text: caption_text.into() }
    }
}

impl Request for SendStreamCaption {
    const TYPE: &'static str = "SendStreamCaption";
    type Response = ();

    fn response(_data: &serde_json::Value) -> Result<(), serde_json::Error> {
        Ok(())
    }
}

/// Starts the stream.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct StartStream {}

impl StartStream {
    /// What it says.
    #[must_use]
    pub fn new() -> Self {
        Self {}
    }
}

impl Request for StartStream {
    const TYPE: &'static str = "StartStream";
    type Response = ();

    fn response(_data: &serde_json::Value) -> Result<(), serde_json::Error> {
        Ok(())
    }
}

/// Stops the stream.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct StopStream {}

impl StopStream {
    /// What it says.
    #[must_use]
    pub fn new() -> Self {
        Self {}
    }
}

impl Request for StopStream {
    const TYPE: &'static str = "StopStream";
    type Response = ();

    fn response(_data: &serde_json::Value) -> Result<(), serde_json::Error> {
        Ok(())
    }
}

/// Starts the stream, or stops it if it runs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ToggleStream {}

impl ToggleStream {
    /// What it says.
    #[must_use]
    pub fn new() -> Self {
        Self {}
    }
}

impl Request for ToggleStream {
    const TYPE: &'static str = "ToggleStream";
    type Response = responses::ToggleStream;
}
