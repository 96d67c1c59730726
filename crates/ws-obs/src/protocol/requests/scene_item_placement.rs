//! Requests: scene item placement.
// Generated from schema/protocol.toml by tests/schema: change that instead.

use serde::{Deserialize, Serialize};

use crate::{
    Id,
    protocol::Request,
    responses,
    types::{BlendMode, SceneItemTransformUpdate},
};

/// Tells how an item is blended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetSceneItemBlendMode {
    /// The scene.
    #[serde(flatten, with = "crate::id::scene")]
    pub scene: Id,
    /// UUID of the canvas.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub canvas_uuid: Option<String>,
    /// Number of the item in its scene. 0 at least.
    pub scene_item_id: i64,
}

impl GetSceneItemBlendMode {
    /// With what it needs; what may be set beside is left out.
    #[must_use]
    pub fn new(scene: impl Into<Id>, scene_item_id: i64) -> Self {
        Self { scene: scene.into(), canvas_uuid: None, scene_item_id }
    }

    /// UUID of the canvas.
    #[must_use]
    pub fn canvas_uuid(mut self, canvas_uuid: impl Into<String>) -> Self {
        self.canvas_uuid = Some(canvas_uuid.into());
        self
    }
}

impl Request for GetSceneItemBlendMode {
    const TYPE: &'static str = "GetSceneItemBlendMode";
    type Response = responses::GetSceneItemBlendMode;
}

/// Tells whether an item is shown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetSceneItemEnabled {
    /// The scene.
    #[serde(flatten, with = "crate::id::scene")]
    pub scene: Id,
    /// UUID of the canvas.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub canvas_uuid: Option<String>,
    /// Number of the item in its scene. 0 at least.
    pub scene_item_id: i64,
}

impl GetSceneItemEnabled {
    /// With what it needs; what may be set beside is left out.
    #[must_use]
    pub fn new(scene: impl Into<Id>, scene_item_id: i64) -> Self {
        Self { scene: scene.into(), canvas_uuid: None, scene_item_id }
    }

    /// UUID of the canvas.
    #[must_use]
    pub fn canvas_uuid(mut self, canvas_uuid: impl Into<String>) -> Self {
        self.canvas_uuid = Some(canvas_uuid.into());
        self
    }
}

impl Request for GetSceneItemEnabled {
    const TYPE: &'static str = "GetSceneItemEnabled";
    type Response = responses::GetSceneItemEnabled;
}

/// Tells where in its scene an item is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetSceneItemIndex {
    /// The scene.
    #[serde(flatten, with = "crate::id::scene")]
    pub scene: Id,
    /// UUID of the canvas.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub canvas_uuid: Option<String>,
    /// Number of the item in its scene. 0 at least.
    pub scene_item_id: i64,
}

impl GetSceneItemIndex {
    /// With what it needs; what may be set beside is left out.
    #[must_use]
    pub fn new(scene: impl Into<Id>, scene_item_id: i64) -> Self {
        Self { scene: scene.into(), canvas_uuid: None, scene_item_id }
    }

    /// UUID of the canvas.
    #[must_use]
    pub fn canvas_uuid(mut self, canvas_uuid: impl Into<String>) -> Self {
        self.canvas_uuid = Some(canvas_uuid.into());
        self
    }
}

impl Request for GetSceneItemIndex {
    const TYPE: &'static str = "GetSceneItemIndex";
    type Response = responses::GetSceneItemIndex;
}

/// Tells whether an item is locked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetSceneItemLocked {
    /// The scene.
    #[serde(flatten, with = "crate::id::scene")]
    pub scene: Id,
    /// UUID of the canvas.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub canvas_uuid: Option<String>,
    /// Number of the item in its scene. 0 at least.
    pub scene_item_id: i64,
}

impl GetSceneItemLocked {
    /// With what it needs; what may be set beside is left out.
    #[must_use]
    pub fn new(scene: impl Into<Id>, scene_item_id: i64) -> Self {
        Self { scene: scene.into(), canvas_uuid: None, scene_item_id }
    }

    /// UUID of the canvas.
    #[must_use]
    pub fn canvas_uuid(mut self, canvas_uuid: impl Into<String>) -> Self {
        self.canvas_uuid = Some(canvas_uuid.into());
        self
    }
}

impl Request for GetSceneItemLocked {
    const TYPE: &'static str = "GetSceneItemLocked";
    type Response = responses::GetSceneItemLocked;
}

/// Reads position, size, crop and rotation of an item.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetSceneItemTransform {
    /// The scene.
    #[serde(flatten, with = "crate::id::scene")]
    pub scene: Id,
    /// UUID of the canvas.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub canvas_uuid: Option<String>,
    /// Number of the item in its scene. 0 at least.
    pub scene_item_id: i64,
}

impl GetSceneItemTransform {
    /// With what it needs; what may be set beside is left out.
    #[must_use]
    pub fn new(scene: impl Into<Id>, scene_item_id: i64) -> Self {
        Self { scene: scene.into(), canvas_uuid: None, scene_item_id }
    }

    /// UUID of the canvas.
    #[must_use]
    pub fn canvas_uuid(mut self, canvas_uuid: impl Into<String>) -> Self {
        self.canvas_uuid = Some(canvas_uuid.into());
        self
    }
}

impl Request for GetSceneItemTransform {
    const TYPE: &'static str = "GetSceneItemTransform";
    type Response = responses::GetSceneItemTransform;
}

/// Sets how an item is blended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SetSceneItemBlendMode {
    /// The scene.
    #[serde(flatten, with = "crate::id::scene")]
    pub scene: Id,
    /// UUID of the canvas.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub canvas_uuid: Option<String>,
    /// Number of the item in its scene. 0 at least.
    pub scene_item_id: i64,
    /// How the item is blended with what is below it.
    pub scene_item_blend_mode: BlendMode,
}

impl SetSceneItemBlendMode {
    /// With what it needs; what may be set beside is left out.
    #[must_use]
    pub fn new(scene: impl Into<Id>, scene_item_id: i64, scene_item_blend_mode: BlendMode) -> Self {
        Self { scene: scene.into(), canvas_uuid: None, scene_item_id, scene_item_blend_mode }
    }

    /// UUID of the canvas.
    #[must_use]
    pub fn canvas_uuid(mut self, canvas_uuid: impl Into<String>) -> Self {
        self.canvas_uuid = Some(canvas_uuid.into());
        self
    }
}

impl Request for SetSceneItemBlendMode {
    const TYPE: &'static str = "SetSceneItemBlendMode";
    type Response = ();

    fn response(_data: &serde_json::Value) -> Result<(), serde_json::Error> {
        Ok(())
    }
}

/// Shows or hides an item.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SetSceneItemEnabled {
    /// The scene.
    #[serde(flatten, with = "crate::id::scene")]
    pub scene: Id,
    /// UUID of the canvas.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub canvas_uuid: Option<String>,
    /// Number of the item in its scene. 0 at least.
    pub scene_item_id: i64,
    /// Whether the item is shown.
    pub scene_item_enabled: bool,
}

impl SetSceneItemEnabled {
    /// With what it needs; what may be set beside is left out.
    #[must_use]
    pub fn new(scene: impl Into<Id>, scene_item_id: i64, scene_item_enabled: bool) -> Self {
        Self { scene: scene.into(), canvas_uuid: None, scene_item_id, scene_item_enabled }
    }

    /// UUID of the canvas.
    #[must_use]
    pub fn canvas_uuid(mut self, canvas_uuid: impl Into<String>) -> Self {
        self.canvas_uuid = Some(canvas_uuid.into());
        self
    }
}

impl Request for SetSceneItemEnabled {
    const TYPE: &'static str = "SetSceneItemEnabled";
    type Response = ();

    fn response(_data: &serde_json::Value) -> Result<(), serde_json::Error> {
        Ok(())
    }
}

/// Moves an item up or down in its scene.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SetSceneItemIndex {
    /// The scene.
    #[serde(flatten, with = "crate::id::scene")]
    pub scene: Id,
    /// UUID of the canvas.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub canvas_uuid: Option<String>,
    /// Number of the item in its scene. 0 at least.
    pub scene_item_id: i64,
    /// Position of the item in its scene, from 0, the lowest. 0 at least.
    pub scene_item_index: u32,
}

impl SetSceneItemIndex {
    /// With what it needs; what may be set beside is left out.
    #[must_use]
    pub fn new(scene: impl Into<Id>, scene_item_id: i64, scene_item_index: u32) -> Self {
        Self { scene: scene.into(), canvas_uuid: None, scene_item_id, scene_item_index }
    }

    /// UUID of the canvas.
    #[must_use]
    pub fn canvas_uuid(mut self, canvas_uuid: impl Into<String>) -> Self {
        self.canvas_uuid = Some(canvas_uuid.into());
        self
    }
}

impl Request for SetSceneItemIndex {
    const TYPE: &'static str = "SetSceneItemIndex";
    type Response = ();

    fn response(_data: &serde_json::Value) -> Result<(), serde_json::Error> {
        Ok(())
    }
}

/// Locks or unlocks an item.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SetSceneItemLocked {
    /// The scene.
    #[serde(flatten, with = "crate::id::scene")]
    pub scene: Id,
    /// UUID of the canvas.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub canvas_uuid: Option<String>,
    /// Number of the item in its scene. 0 at least.
    pub scene_item_id: i64,
    /// Whether the item is locked.
    pub scene_item_locked: bool,
}

impl SetSceneItemLocked {
    /// With what it needs; what may be set beside is left out.
    #[must_use]
    pub fn new(scene: impl Into<Id>, scene_item_id: i64, scene_item_locked: bool) -> Self {
        Self { scene: scene.into(), canvas_uuid: None, scene_item_id, scene_item_locked }
    }

    /// UUID of the canvas.
    #[must_use]
    pub fn canvas_uuid(mut self, canvas_uuid: impl Into<String>) -> Self {
        self.canvas_uuid = Some(canvas_uuid.into());
        self
    }
}

impl Request for SetSceneItemLocked {
    const TYPE: &'static str = "SetSceneItemLocked";
    type Response = ();

    fn response(_data: &serde_json::Value) -> Result<(), serde_json::Error> {
        Ok(())
    }
}

/// Sets position, size, crop or rotation of an item.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SetSceneItemTransform {
    /// The scene.
    #[serde(flatten, with = "crate::id::scene")]
    pub scene: Id,
    /// UUID of the canvas.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub canvas_uuid: Option<String>,
    /// Number of the item in its scene. 0 at least.
    pub scene_item_id: i64,
    /// Position, size, crop and rotation of the item.
    pub scene_item_transform: SceneItemTransformUpdate,
}

impl SetSceneItemTransform {
    /// With what it needs; what may be set beside is left out.
    #[must_use]
    pub fn new(
        scene: impl Into<Id>,
        scene_item_id: i64,
        scene_item_transform: SceneItemTransformUpdate,
    ) -> Self {
        Self { scene: scene.into(), canvas_uuid: None, scene_item_id, scene_item_transform }
    }

    /// UUID of the canvas.
    #[must_use]
    pub fn canvas_uuid(mut self, canvas_uuid: impl Into<String>) -> Self {
        self.canvas_uuid = Some(canvas_uuid.into());
        self
    }
}

impl Request for SetSceneItemTransform {
    const TYPE: &'static str = "SetSceneItemTransform";
    type Response = ();

    fn response(_data: &serde_json::Value) -> Result<(), serde_json::Error> {
        Ok(())
    }
}
