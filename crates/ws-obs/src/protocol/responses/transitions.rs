//! Answers: transitions.
// Generated from schema/protocol.toml by tests/schema: change that instead.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::types::Transition;

/// The answer to [`GetCurrentSceneTransition`](crate::requests::GetCurrentSceneTransition).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetCurrentSceneTransition {
    /// Name of the transition.
    pub transition_name: String,
    /// UUID of the transition. `None` if there is none, or the server is too old to tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transition_uuid: Option<String>,
    /// Kind of the transition.
    pub transition_kind: String,
    /// Whether the duration of the transition is fixed.
    pub transition_fixed: bool,
    /// Duration of the transition, in milliseconds. `None` if there is none, or the server is too old to tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transition_duration: Option<u32>,
    /// Whether the transition has settings.
    pub transition_configurable: bool,
    /// Settings of the transition: an object.
    #[serde(default)]
    pub transition_settings: Value,
}

/// The answer to [`GetCurrentSceneTransitionCursor`](crate::requests::GetCurrentSceneTransitionCursor).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetCurrentSceneTransitionCursor {
    /// How far the transition is, from 0.0 to 1.0; 1.0 when none runs.
    pub transition_cursor: f64,
}

/// The answer to [`GetSceneTransitionList`](crate::requests::GetSceneTransitionList).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetSceneTransitionList {
    /// Name of the transition in use. `None` if there is none, or the server is too old to tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current_scene_transition_name: Option<String>,
    /// UUID of the transition in use. `None` if there is none, or the server is too old to tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current_scene_transition_uuid: Option<String>,
    /// Kind of the transition in use. `None` if there is none, or the server is too old to tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current_scene_transition_kind: Option<String>,
    /// The transitions.
    pub transitions: Vec<Transition>,
}

/// The answer to [`GetTransitionKindList`](crate::requests::GetTransitionKindList).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetTransitionKindList {
    /// The kinds of transitions.
    pub transition_kinds: Vec<String>,
}
