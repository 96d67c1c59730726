//! Requests: record.
// Generated from schema/protocol.toml by tests/schema: change that instead.

use serde::{Deserialize, Serialize};

use crate::{protocol::Request, responses};

/// Begins a chapter in the recording, in the formats that have them.
///
/// Since obs-websocket 5.5.0.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CreateRecordChapter {
    /// Name of the chapter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chapter_name: Option<String>,
}

impl CreateRecordChapter {
    /// With nothing set.
    #[must_use]
    pub fn new() -> Self {
        Self { chapter_name: None }
    }

    /// Name of the chapter.
    #[must_use]
    pub fn chapter_name(mut self, chapter_name: impl Into<String>) -> Self {
        self.chapter_name = Some(chapter_name.into());
        self
    }
}

impl Request for CreateRecordChapter {
    const TYPE: &'static str = "CreateRecordChapter";
    type Response = ();

    fn response(_data: &serde_json::Value) -> Result<(), serde_json::Error> {
        Ok(())
    }
}

/// Tells how the recording is doing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetRecordStatus {}

impl GetRecordStatus {
    /// What it says.
    #[must_use]
    pub fn new() -> Self {
        Self {}
    }
}

impl Request for GetRecordStatus {
    const TYPE: &'static str = "GetRecordStatus";
    type Response = responses::GetRecordStatus;
}

/// Pauses the recording.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct PauseRecord {}

impl PauseRecord {
    /// What it says.
    #[must_use]
    pub fn new() -> Self {
        Self {}
    }
}

impl Request for PauseRecord {
    const TYPE: &'static str = "PauseRecord";
    type Response = ();

    fn response(_data: &serde_json::Value) -> Result<(), serde_json::Error> {
        Ok(())
    }
}

/// Goes on with a recording that is paused.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ResumeRecord {}

impl ResumeRecord {
    /// What it says.
    #[must_use]
    pub fn new() -> Self {
        Self {}
    }
}

impl Request for ResumeRecord {
    const TYPE: &'static str = "ResumeRecord";
    type Response = ();

    fn response(_data: &serde_json::Value) -> Result<(), serde_json::Error> {
        Ok(())
    }
}

/// Goes on with the recording in a new file.
///
/// Since obs-websocket 5.5.0.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SplitRecordFile {}

impl SplitRecordFile {
    /// What it says.
    #[must_use]
    pub fn new() -> Self {
        Self {}
    }
}

impl Request for SplitRecordFile {
    const TYPE: &'static str = "SplitRecordFile";
    type Response = ();

    fn response(_data: &serde_json::Value) -> Result<(), serde_json::Error> {
        Ok(())
    }
}

/// Starts the recording.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct StartRecord {}

impl StartRecord {
    /// What it says.
    #[must_use]
    pub fn new() -> Self {
        Self {}
    }
}

impl Request for StartRecord {
    const TYPE: &'static str = "StartRecord";
    type Response = ();

    fn response(_data: &serde_json::Value) -> Result<(), serde_json::Error> {
        Ok(())
    }
}

/// Stops the recording, and tells where it is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct StopRecord {}

impl StopRecord {
    /// What it says.
    #[must_use]
    pub fn new() -> Self {
        Self {}
    }
}

impl Request for StopRecord {
    const TYPE: &'static str = "StopRecord";
    type Response = responses::StopRecord;
}

/// Starts the recording, or stops it if it runs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ToggleRecord {}

impl ToggleRecord {
    /// What it says.
    #[must_use]
    pub fn new() -> Self {
        Self {}
    }
}

impl Request for ToggleRecord {
    const TYPE: &'static str = "ToggleRecord";
    type Response = responses::ToggleRecord;
}

/// Pauses the recording, or goes on if it is paused.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ToggleRecordPause {}

impl ToggleRecordPause {
    /// What it says.
    #[must_use]
    pub fn new() -> Self {
        Self {}
    }
}

impl Request for ToggleRecordPause {
    const TYPE: &'static str = "ToggleRecordPause";
    type Response = ();

    fn response(_data: &serde_json::Value) -> Result<(), serde_json::Error> {
        Ok(())
    }
}
