//! Requests: transitions.
// Generated from schema/protocol.toml by tests/schema: change that instead.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{protocol::Request, responses};

/// Reads all about the transition in use.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetCurrentSceneTransition {}

impl GetCurrentSceneTransition {
    /// What it says.
    #[must_use]
    pub fn new() -> Self {
        Self {}
    }
}

impl Request for GetCurrentSceneTransition {
    const TYPE: &'static str = "GetCurrentSceneTransition";
    type Response = responses::GetCurrentSceneTransition;
}

/// Tells how far the transition is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetCurrentSceneTransitionCursor {}

impl GetCurrentSceneTransitionCursor {
    /// What it says.
    #[must_use]
    pub fn new() -> Self {
        Self {}
    }
}

impl Request for GetCurrentSceneTransitionCursor {
    const TYPE: &'static str = "GetCurrentSceneTransitionCursor";
    type Response = responses::GetCurrentSceneTransitionCursor;
}

/// Lists the transitions between scenes, and tells which one is in use.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetSceneTransitionList {}

impl GetSceneTransitionList {
    /// What it says.
    #[must_use]
    pub fn new() -> Self {
        Self {}
    }
}

impl Request for GetSceneTransitionList {
    const TYPE: &'static str = "GetSceneTransitionList";
    type Response = responses::GetSceneTransitionList;
}

/// Lists the kinds of transitions that there are.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetTransitionKindList {}

impl GetTransitionKindList {
    /// What it says.
    #[must_use]
    pub fn new() -> Self {
        Self {}
    }
}

impl Request for GetTransitionKindList {
    const TYPE: &'static str = "GetTransitionKindList";
    type Response = responses::GetTransitionKindList;
}

/// Chooses the transition between scenes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SetCurrentSceneTransition {
    /// Name of the transition.
    pub transition_name: String,
}

impl SetCurrentSceneTransition {
    /// What it says.
    #[must_use]
    pub fn new(transition_name: impl Into<String>) -> Self {
        Self { transition_name: transition_name.into() }
    }
}

impl Request for SetCurrentSceneTransition {
    const TYPE: &'static str = "SetCurrentSceneTransition";
    type Response = ();

    fn response(_data: &Value) -> Result<(), serde_json::Error> {
        Ok(())
    }
}

/// Sets the duration of the transition in use, unless that is fixed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SetCurrentSceneTransitionDuration {
    /// Duration of the transition, in milliseconds. From 50 to 20000.
    pub transition_duration: u32,
}

impl SetCurrentSceneTransitionDuration {
    /// What it says.
    #[must_use]
    pub fn new(transition_duration: u32) -> Self {
        Self { transition_duration }
    }
}

impl Request for SetCurrentSceneTransitionDuration {
    const TYPE: &'static str = "SetCurrentSceneTransitionDuration";
    type Response = ();

    fn response(_data: &Value) -> Result<(), serde_json::Error> {
        Ok(())
    }
}

/// Sets settings of the transition in use.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SetCurrentSceneTransitionSettings {
    /// Settings of the transition: an object.
    #[serde(default)]
    pub transition_settings: Value,
    /// Whether the settings are laid over the present ones, as unless set; otherwise they replace them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub overlay: Option<bool>,
}

impl SetCurrentSceneTransitionSettings {
    /// With what it needs; what may be set beside is left out.
    #[must_use]
    pub fn new(transition_settings: impl Into<Value>) -> Self {
        Self { transition_settings: transition_settings.into(), overlay: None }
    }

    /// Whether the settings are laid over the present ones, as unless set; otherwise they replace them.
    #[must_use]
    pub fn overlay(mut self, overlay: bool) -> Self {
        self.overlay = Some(overlay);
        self
    }
}

impl Request for SetCurrentSceneTransitionSettings {
    const TYPE: &'static str = "SetCurrentSceneTransitionSettings";
    type Response = ();

    fn response(_data: &Value) -> Result<(), serde_json::Error> {
        Ok(())
    }
}

/// Moves the bar between preview and program; in studio mode alone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SetTBarPosition {
    /// Position of the bar. From 0.0 to 1.0.
    pub position: f64,
    /// Whether the bar is let go of afterwards, as unless set; `false` while more moves follow.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub release: Option<bool>,
}

impl SetTBarPosition {
    /// With what it needs; what may be set beside is left out.
    #[must_use]
    pub fn new(position: f64) -> Self {
        Self { position, release: None }
    }

    /// Whether the bar is let go of afterwards, as unless set; `false` while more moves follow.
    #[must_use]
    pub fn release(mut self, release: bool) -> Self {
        self.release = Some(release);
        self
    }
}

impl Request for SetTBarPosition {
    const TYPE: &'static str = "SetTBarPosition";
    type Response = ();

    fn response(_data: &Value) -> Result<(), serde_json::Error> {
        Ok(())
    }
}

/// Puts the scene in preview on air; in studio mode alone.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct TriggerStudioModeTransition {}

impl TriggerStudioModeTransition {
    /// What it says.
    #[must_use]
    pub fn new() -> Self {
        Self {}
    }
}

impl Request for TriggerStudioModeTransition {
    const TYPE: &'static str = "TriggerStudioModeTransition";
    type Response = ();

    fn response(_data: &Value) -> Result<(), serde_json::Error> {
        Ok(())
    }
}
