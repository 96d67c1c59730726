//! Answers: scene items.
// Generated from schema/protocol.toml by tests/schema: change that instead.

use serde::{Deserialize, Serialize};

use crate::types::SceneItem;

/// The answer to [`CreateSceneItem`](crate::requests::CreateSceneItem).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CreateSceneItem {
    /// Number of the item in its scene.
    pub scene_item_id: i64,
}

/// The answer to [`DuplicateSceneItem`](crate::requests::DuplicateSceneItem).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct DuplicateSceneItem {
    /// Number of the item in its scene.
    pub scene_item_id: i64,
}

/// The answer to [`GetGroupSceneItemList`](crate::requests::GetGroupSceneItemList).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetGroupSceneItemList {
    /// The items of the scene.
    pub scene_items: Vec<SceneItem>,
}

/// The answer to [`GetSceneItemId`](crate::requests::GetSceneItemId).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetSceneItemId {
    /// Number of the item in its scene.
    pub scene_item_id: i64,
}

/// The answer to [`GetSceneItemList`](crate::requests::GetSceneItemList).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetSceneItemList {
    /// The items of the scene.
    pub scene_items: Vec<SceneItem>,
}

/// The answer to [`GetSceneItemSource`](crate::requests::GetSceneItemSource).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetSceneItemSource {
    /// Name of the source.
    pub source_name: String,
    /// UUID of the source. `None` if there is none, or the server is too old to tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_uuid: Option<String>,
}
