//! Requests: filters.
// Generated from schema/protocol.toml by tests/schema: change that instead.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Id, protocol::Request, responses};

/// Adds a filter to a source.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CreateSourceFilter {
    /// The source.
    #[serde(flatten, with = "crate::id::source")]
    pub source: Id,
    /// UUID of the canvas.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub canvas_uuid: Option<String>,
    /// Name of the filter.
    pub filter_name: String,
    /// Kind of the filter.
    pub filter_kind: String,
    /// Settings of the filter: an object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filter_settings: Option<Value>,
}

impl CreateSourceFilter {
    /// With what it needs; what may be set beside is left out.
    #[must_use]
    pub fn new(
        source: impl Into<Id>,
        filter_name: impl Into<String>,
        filter_kind: impl Into<String>,
    ) -> Self {
        Self {
            source: source.into(),
            canvas_uuid: None,
            filter_name: filter_name.into(),
            filter_kind: filter_kind.into(),
            filter_settings: None,
        }
    }

    /// UUID of the canvas.
    #[must_use]
    pub fn canvas_uuid(mut self, canvas_uuid: impl Into<String>) -> Self {
        self.canvas_uuid = Some(canvas_uuid.into());
        self
    }

    /// Settings of the filter: an object.
    #[must_use]
    pub fn filter_settings(mut self, filter_settings: impl Into<Value>) -> Self {
        self.filter_settings = Some(filter_settings.into());
        self
    }
}

impl Request for CreateSourceFilter {
    const TYPE: &'static str = "CreateSourceFilter";
    type Response = ();

    fn response(_data: &Value) -> Result<(), serde_json::Error> {
        Ok(())
    }
}

/// Reads all about one filter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetSourceFilter {
    /// The source.
    #[serde(flatten, with = "crate::id::source")]
    pub source: Id,
    /// UUID of the canvas.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub canvas_uuid: Option<String>,
    /// Name of the filter.
    pub filter_name: String,
}

impl GetSourceFilter {
    /// With what it needs; what may be set beside is left out.
    #[must_use]
    pub fn new(source: impl Into<Id>, filter_name: impl Into<String>) -> Self {
        Self { source: source.into(), canvas_uuid: None, filter_name: filter_name.into() }
    }

    /// UUID of the canvas.
    #[must_use]
    pub fn canvas_uuid(mut self, canvas_uuid: impl Into<String>) -> Self {
        self.canvas_uuid = Some(canvas_uuid.into());
        self
    }
}

impl Request for GetSourceFilter {
    const TYPE: &'static str = "GetSourceFilter";
    type Response = responses::GetSourceFilter;
}

/// Reads the settings that filters of a kind begin with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetSourceFilterDefaultSettings {
    /// Kind of the filter.
    pub filter_kind: String,
}

impl GetSourceFilterDefaultSettings {
    /// What it says.
    #[must_use]
    pub fn new(filter_kind: impl Into<String>) -> Self {
        Self { filter_kind: filter_kind.into() }
    }
}

impl Request for GetSourceFilterDefaultSettings {
    const TYPE: &'static str = "GetSourceFilterDefaultSettings";
    type Response = responses::GetSourceFilterDefaultSettings;
}

/// Lists the kinds of filters that there are.
///
/// Since obs-websocket 5.4.0.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetSourceFilterKindList {}

impl GetSourceFilterKindList {
    /// What it says.
    #[must_use]
    pub fn new() -> Self {
        Self {}
    }
}

impl Request for GetSourceFilterKindList {
    const TYPE: &'static str = "GetSourceFilterKindList";
    type Response = responses::GetSourceFilterKindList;
}

/// Lists the filters of a source.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetSourceFilterList {
    /// The source.
    #[serde(flatten, with = "crate::id::source")]
    pub source: Id,
    /// UUID of the canvas.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub canvas_uuid: Option<String>,
}

impl GetSourceFilterList {
    /// With what it needs; what may be set beside is left out.
    #[must_use]
    pub fn new(source: impl Into<Id>) -> Self {
        Self { source: source.into(), canvas_uuid: None }
    }

    /// UUID of the canvas.
    #[must_use]
    pub fn canvas_uuid(mut self, canvas_uuid: impl Into<String>) -> Self {
        self.canvas_uuid = Some(canvas_uuid.into());
        self
    }
}

impl Request for GetSourceFilterList {
    const TYPE: &'static str = "GetSourceFilterList";
    type Response = responses::GetSourceFilterList;
}

/// Removes a filter from a source.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct RemoveSourceFilter {
    /// The source.
    #[serde(flatten, with = "crate::id::source")]
    pub source: Id,
    /// UUID of the canvas.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub canvas_uuid: Option<String>,
    /// Name of the filter.
    pub filter_name: String,
}

impl RemoveSourceFilter {
    /// With what it needs; what may be set beside is left out.
    #[must_use]
    pub fn new(source: impl Into<Id>, filter_name: impl Into<String>) -> Self {
        Self { source: source.into(), canvas_uuid: None, filter_name: filter_name.into() }
    }

    /// UUID of the canvas.
    #[must_use]
    pub fn canvas_uuid(mut self, canvas_uuid: impl Into<String>) -> Self {
        self.canvas_uuid = Some(canvas_uuid.into());
        self
    }
}

impl Request for RemoveSourceFilter {
    const TYPE: &'static str = "RemoveSourceFilter";
    type Response = ();

    fn response(_data: &Value) -> Result<(), serde_json::Error> {
        Ok(())
    }
}

/// Turns a filter on or off.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SetSourceFilterEnabled {
    /// The source.
    #[serde(flatten, with = "crate::id::source")]
    pub source: Id,
    /// UUID of the canvas.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub canvas_uuid: Option<String>,
    /// Name of the filter.
    pub filter_name: String,
    /// Whether the filter is on.
    pub filter_enabled: bool,
}

impl SetSourceFilterEnabled {
    /// With what it needs; what may be set beside is left out.
    #[must_use]
    pub fn new(source: impl Into<Id>, filter_name: impl Into<String>, filter_enabled: bool) -> Self {
        Self { source: source.into(), canvas_uuid: None, filter_name: filter_name.into(), filter_enabled }
    }

    /// UUID of the canvas.
    #[must_use]
    pub fn canvas_uuid(mut self, canvas_uuid: impl Into<String>) -> Self {
        self.canvas_uuid = Some(canvas_uuid.into());
        self
    }
}

impl Request for SetSourceFilterEnabled {
    const TYPE: &'static str = "SetSourceFilterEnabled";
    type Response = ();

    fn response(_data: &Value) -> Result<(), serde_json::Error> {
        Ok(())
    }
}

/// Moves a filter in the list of its source.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SetSourceFilterIndex {
    /// The source.
    #[serde(flatten, with = "crate::id::source")]
    pub source: Id,
    /// UUID of the canvas.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub canvas_uuid: Option<String>,
    /// Name of the filter.
    pub filter_name: String,
    /// Position of the filter in its list, from 0. 0 at least.
    pub filter_index: u32,
}

impl SetSourceFilterIndex {
    /// With what it needs; what may be set beside is left out.
    #[must_use]
    pub fn new(source: impl Into<Id>, filter_name: impl Into<String>, filter_index: u32) -> Self {
        Self { source: source.into(), canvas_uuid: None, filter_name: filter_name.into(), filter_index }
    }

    /// UUID of the canvas.
    #[must_use]
    pub fn canvas_uuid(mut self, canvas_uuid: impl Into<String>) -> Self {
        self.canvas_uuid = Some(canvas_uuid.into());
        self
    }
}

impl Request for SetSourceFilterIndex {
    const TYPE: &'static str = "SetSourceFilterIndex";
    type Response = ();

    fn response(_data: &Value) -> Result<(), serde_json::Error> {
        Ok(())
    }
}

/// Renames a filter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SetSourceFilterName {
    /// The source.
    #[serde(flatten, with = "crate::id::source")]
    pub source: Id,
    /// UUID of the canvas.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub canvas_uuid: Option<String>,
    /// Name of the filter.
    pub filter_name: String,
    /// Name that the filter gets.
    pub new_filter_name: String,
}

impl SetSourceFilterName {
    /// With what it needs; what may be set beside is left out.
    #[must_use]
    pub fn new(
        source: impl Into<Id>,
        filter_name: impl Into<String>,
        new_filter_name: impl Into<String>,
    ) -> Self {
        Self {
            source: source.into(),
            canvas_uuid: None,
            filter_name: filter_name.into(),
            new_filter_name: new_filter_name.into(),
        }
    }

    /// UUID of the canvas.
    #[must_use]
    pub fn canvas_uuid(mut self, canvas_uuid: impl Into<String>) -> Self {
        self.canvas_uuid = Some(canvas_uuid.into());
        self
    }
}

impl Request for SetSourceFilterName {
    const TYPE: &'static str = "SetSourceFilterName";
    type Response = ();

    fn response(_data: &Value) -> Result<(), serde_json::Error> {
        Ok(())
    }
}

/// Sets settings of a filter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SetSourceFilterSettings {
    /// The source.
    #[serde(flatten, with = "crate::id::source")]
    pub source: Id,
    /// UUID of the canvas.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub canvas_uuid: Option<String>,
    /// Name of the filter.
    pub filter_name: String,
    /// Settings of the filter: an object.
    #[serde(default)]
    pub filter_settings: Value,
    /// Whether the settings are laid over the present ones, as unless set; otherwise they replace them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub overlay: Option<bool>,
}

impl SetSourceFilterSettings {
    /// With what it needs; what may be set beside is left out.
    #[must_use]
    pub fn new(
        source: impl Into<Id>,
        filter_name: impl Into<String>,
        filter_settings: impl Into<Value>,
    ) -> Self {
        Self {
            source: source.into(),
            canvas_uuid: None,
            filter_name: filter_name.into(),
            filter_settings: filter_settings.into(),
            overlay: None,
        }
    }

    /// UUID of the canvas.
    #[must_use]
    pub fn canvas_uuid(mut self, canvas_uuid: impl Into<String>) -> Self {
        self.canvas_uuid = Some(canvas_uuid.into());
        self
    }

    /// Whether the settings are laid over the present ones, as unless set; otherwise they replace them.
    #[must_use]
    pub fn overlay(mut self, overlay: bool) -> Self {
        self.overlay = Some(overlay);
        self
    }
}

impl Request for SetSourceFilterSettings {
    const TYPE: &'static str = "SetSourceFilterSettings";
    type Response = ();

    fn response(_data: &Value) -> Result<(), serde_json::Error> {
        Ok(())
    }
}
