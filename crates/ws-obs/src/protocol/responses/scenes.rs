//! Answers: scenes.
// Generated from schema/protocol.toml by tests/schema: change that instead.

use serde::{Deserialize, Serialize};

use crate::types::Scene;

/// The answer to [`CreateScene`](crate::requests::CreateScene).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CreateScene {
    /// UUID of the scene. `None` if there is none, or the server is too old to tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scene_uuid: Option<String>,
}

/// The answer to [`GetCurrentPreviewScene`](crate::requests::GetCurrentPreviewScene).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetCurrentPreviewScene {
    /// Name of the scene. `None` if there is none, or the server is too old to tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scene_name: Option<String>,
    /// UUID of the scene. `None` if there is none, or the server is too old to tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scene_uuid: Option<String>,
    /// Name of the scene in preview.
    pub current_preview_scene_name: String,
    /// UUID of the scene in preview. `None` if there is none, or the server is too old to tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current_preview_scene_uuid: Option<String>,
}

/// The answer to [`GetCurrentProgramScene`](crate::requests::GetCurrentProgramScene).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetCurrentProgramScene {
    /// Name of the scene. `None` if there is none, or the server is too old to tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scene_name: Option<String>,
    /// UUID of the scene. `None` if there is none, or the server is too old to tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scene_uuid: Option<String>,
    /// Name of the scene on air.
    pub current_program_scene_name: String,
    /// UUID of the scene on air. `None` if there is none, or the server is too old to tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current_program_scene_uuid: Option<String>,
}

/// The answer to [`GetGroupList`](crate::requests::GetGroupList).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetGroupList {
    /// Names of the groups.
    pub groups: Vec<String>,
}

/// The answer to [`GetSceneList`](crate::requests::GetSceneList).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetSceneList {
    /// Name of the scene on air. `None` if there is none, or the server is too old to tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current_program_scene_name: Option<String>,
    /// UUID of the scene on air. `None` if there is none, or the server is too old to tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current_program_scene_uuid: Option<String>,
    /// Name of the scene in preview. `None` if there is none, or the server is too old to tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current_preview_scene_name: Option<String>,
    /// UUID of the scene in preview. `None` if there is none, or the server is too old to tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current_preview_scene_uuid: Option<String>,
    /// The scenes.
    pub scenes: Vec<Scene>,
}

/// The answer to [`GetSceneSceneTransitionOverride`](crate::requests::GetSceneSceneTransitionOverride).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetSceneSceneTransitionOverride {
    /// Name of the transition. `None` if there is none, or the server is too old to tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transition_name: Option<String>,
    /// Duration of the transition, in milliseconds. `None` if there is none, or the server is too old to tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transition_duration: Option<u32>,
}
