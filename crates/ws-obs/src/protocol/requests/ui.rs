//! Requests: ui.
// Generated from schema/protocol.toml by tests/schema: change that instead.

use serde::{Deserialize, Serialize};

use crate::{Id, protocol::Request, responses, types::VideoMixType};

/// Lists the monitors of the machine.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetMonitorList {}

impl GetMonitorList {
    /// What it says.
    #[must_use]
    pub fn new() -> Self {
        Self {}
    }
}

impl Request for GetMonitorList {
    const TYPE: &'static str = "GetMonitorList";
    type Response = responses::GetMonitorList;
}

/// Tells whether studio mode is on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetStudioModeEnabled {}

impl GetStudioModeEnabled {
    /// What it says.
    #[must_use]
    pub fn new() -> Self {
        Self {}
    }
}

impl Request for GetStudioModeEnabled {
    const TYPE: &'static str = "GetStudioModeEnabled";
    type Response = responses::GetStudioModeEnabled;
}

/// Opens the window with the filters of an input.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct OpenInputFiltersDialog {
    /// The input.
    #[serde(flatten, with = "crate::id::input")]
    pub input: Id,
}

impl OpenInputFiltersDialog {
    /// What it says.
    #[must_use]
    pub fn new(input: impl Into<Id>) -> Self {
        Self { input: input.into() }
    }
}

impl Request for OpenInputFiltersDialog {
    const TYPE: &'static str = "OpenInputFiltersDialog";
    type Response = ();

    fn response(_data: &serde_json::Value) -> Result<(), serde_json::Error> {
        Ok(())
    }
}

/// Opens the window to interact with an input.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct OpenInputInteractDialog {
    /// The input.
    #[serde(flatten, with = "crate::id::input")]
    pub input: Id,
}

impl OpenInputInteractDialog {
    /// What it says.
    #[must_use]
    pub fn new(input: impl Into<Id>) -> Self {
        Self { input: input.into() }
    }
}

impl Request for OpenInputInteractDialog {
    const TYPE: &'static str = "OpenInputInteractDialog";
    type Response = ();

    fn response(_data: &serde_json::Value) -> Result<(), serde_json::Error> {
        Ok(())
    }
}

/// Opens the window with the properties of an input.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct OpenInputPropertiesDialog {
    /// The input.
    #[serde(flatten, with = "crate::id::input")]
    pub input: Id,
}

impl OpenInputPropertiesDialog {
    /// What it says.
    #[must_use]
    pub fn new(input: impl Into<Id>) -> Self {
        Self { input: input.into() }
    }
}

impl Request for OpenInputPropertiesDialog {
    const TYPE: &'static str = "OpenInputPropertiesDialog";
    type Response = ();

    fn response(_data: &serde_json::Value) -> Result<(), serde_json::Error> {
        Ok(())
    }
}

/// Opens a projector for a source.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct OpenSourceProjector {
    /// The source.
    #[serde(flatten, with = "crate::id::source")]
    pub source: Id,
    /// UUID of the canvas.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub canvas_uuid: Option<String>,
    /// Number of the monitor, from 0; -1 for a window.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub monitor_index: Option<i32>,
    /// Size and place of a window, as Qt encodes them in Base64.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub projector_geometry: Option<String>,
}

impl OpenSourceProjector {
    /// With what it needs; what may be set beside is left out.
    #[must_use]
    pub fn new(source: impl Into<Id>) -> Self {
        Self { source: source.into(), canvas_uuid: None, monitor_index: None, projector_geometry: None }
    }

    /// UUID of the canvas.
    #[must_use]
    pub fn canvas_uuid(mut self, canvas_uuid: impl Into<String>) -> Self {
        self.canvas_uuid = Some(canvas_uuid.into());
        self
    }

    /// Number of the monitor, from 0; -1 for a window.
    #[must_use]
    pub fn monitor_index(mut self, monitor_index: i32) -> Self {
        self.monitor_index = Some(monitor_index);
        self
    }

    /// Size and place of a window, as Qt encodes them in Base64.
    #[must_use]
    pub fn projector_geometry(mut self, projector_geometry: impl Into<String>) -> Self {
        self.projector_geometry = Some(projector_geometry.into());
        self
    }
}

impl Request for OpenSourceProjector {
    const TYPE: &'static str = "OpenSourceProjector";
    type Response = ();

    fn response(_data: &serde_json::Value) -> Result<(), serde_json::Error> {
        Ok(())
    }
}

/// Opens a projector for the program, the preview or the multiview.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct OpenVideoMixProjector {
    /// What the projector shows.
    pub video_mix_type: VideoMixType,
    /// Number of the monitor, from 0; -1 for a window.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub monitor_index: Option<i32>,
    /// Size and place of a window, as Qt encodes them in Base64.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub projector_geometry: Option<String>,
}

impl OpenVideoMixProjector {
    /// With what it needs; what may be set beside is left out.
    #[must_use]
    pub fn new(video_mix_type: VideoMixType) -> Self {
        Self { video_mix_type, monitor_index: None, projector_geometry: None }
    }

    /// Number of the monitor, from 0; -1 for a window.
    #[must_use]
    pub fn monitor_index(mut self, monitor_index: i32) -> Self {
        self.monitor_index = Some(monitor_index);
        self
    }

    /// Size and place of a window, as Qt encodes them in Base64.
    #[must_use]
    pub fn projector_geometry(mut self, projector_geometry: impl Into<String>) -> Self {
        self.projector_geometry = Some(projector_geometry.into());
        self
    }
}

impl Request for OpenVideoMixProjector {
    const TYPE: &'static str = "OpenVideoMixProjector";
    type Response = ();

    fn response(_data: &serde_json::Value) -> Result<(), serde_json::Error> {
        Ok(())
    }
}

/// Turns studio mode on or off.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SetStudioModeEnabled {
    /// Whether studio mode is on.
    pub studio_mode_enabled: bool,
}

impl SetStudioModeEnabled {
    /// What it says.
    #[must_use]
    pub fn new(studio_mode_enabled: bool) -> Self {
        Self { studio_mode_enabled }
    }
}

impl Request for SetStudioModeEnabled {
    const TYPE: &'static str = "SetStudioModeEnabled";
    type Response = ();

    fn response(_data: &serde_json::Value) -> Result<(), serde_json::Error> {
        Ok(())
    }
}
