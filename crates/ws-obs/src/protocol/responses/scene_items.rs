//! Answers: scene items.
// Generated from schema/protocol.toml by tests/schema: change that instead.

use serde::{Deserialize, Serialize};

use crate::types::{BlendMode, SceneItem, SceneItemTransform};

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

/// The answer to [`GetSceneItemBlendMode`](crate::requests::GetSceneItemBlendMode).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetSceneItemBlendMode {
    /// How the item is blended with what is below it.
    pub scene_item_blend_mode: BlendMode,
}

/// The answer to [`GetSceneItemEnabled`](crate::requests::GetSceneItemEnabled).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetSceneItemEnabled {
    /// Whether the item is shown.
    pub scene_item_enabled: bool,
}

/// The answer to [`GetSceneItemId`](crate::requests::GetSceneItemId).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetSceneItemId {
    /// Number of the item in its scene.
    pub scene_item_id: i64,
}

/// The answer to [`GetSceneItemIndex`](crate::requests::GetSceneItemIndex).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetSceneItemIndex {
    /// Position of the item in its scene, from 0, the lowest.
    pub scene_item_index: u32,
}

/// The answer to [`GetSceneItemList`](crate::requests::GetSceneItemList).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetSceneItemList {
    /// The items of the scene.
    pub scene_items: Vec<SceneItem>,
}

/// The answer to [`GetSceneItemLocked`](crate::requests::GetSceneItemLocked).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetSceneItemLocked {
    /// Whether the item is locked.
    pub scene_item_locked: bool,
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

/// The answer to [`GetSceneItemTransform`](crate::requests::GetSceneItemTransform).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetSceneItemTransform {
    /// Position, size, crop and rotation of the item.
    pub scene_item_transform: SceneItemTransform,
}
