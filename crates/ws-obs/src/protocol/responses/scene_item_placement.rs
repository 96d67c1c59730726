//! Answers: scene item placement.
// Generated from schema/protocol.toml by tests/schema: change that instead.

use serde::{Deserialize, Serialize};

use crate::types::{BlendMode, SceneItemTransform};

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

/// The answer to [`GetSceneItemIndex`](crate::requests::GetSceneItemIndex).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetSceneItemIndex {
    /// Position of the item in its scene, from 0, the lowest.
    pub scene_item_index: u32,
}

/// The answer to [`GetSceneItemLocked`](crate::requests::GetSceneItemLocked).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetSceneItemLocked {
    /// Whether the item is locked.
    pub scene_item_locked: bool,
}

/// The answer to [`GetSceneItemTransform`](crate::requests::GetSceneItemTransform).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetSceneItemTransform {
    /// Position, size, crop and rotation of the item.
    pub scene_item_transform: SceneItemTransform,
}
