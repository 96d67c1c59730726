//! Requests: scene items.
// Generated from schema/protocol.toml by tests/schema: change that instead.

use serde::{Deserialize, Serialize};

use crate::{Id, protocol::Request, responses};

/// Adds a source to a scene.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CreateSceneItem {
    /// The scene.
    #[serde(flatten, with = "crate::id::scene")]
    pub scene: Id,
    /// The source.
    #[serde(flatten, with = "crate::id::source")]
    pub source: Id,
    /// UUID of the canvas.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub canvas_uuid: Option<String>,
    /// Whether the item is shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scene_item_enabled: Option<bool>,
}

impl CreateSceneItem {
    /// With what it needs; what may be set beside is left out.
    #[must_use]
    pub fn new(scene: impl Into<Id>, source: impl Into<Id>) -> Self {
        Self { scene: scene.into(), source: source.into(), canvas_uuid: None, scene_item_enabled: None }
    }

    /// UUID of the canvas.
    #[must_use]
    pub fn canvas_uuid(mut self, canvas_uuid: impl Into<String>) -> Self {
        self.canvas_uuid = Some(canvas_uuid.into());
        self
    }

    /// Whether the item is shown.
    #[must_use]
    pub fn scene_item_enabled(mut self, scene_item_enabled: bool) -> Self {
        self.scene_item_enabled = Some(scene_item_enabled);
        self
    }
}

impl Request for CreateSceneItem {
    const TYPE: &'static str = "CreateSceneItem";
    type Response = responses::CreateSceneItem;
}

/// Copies an item within its scene, or to another one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct DuplicateSceneItem {
    /// The scene.
    #[serde(flatten, with = "crate::id::scene")]
    pub scene: Id,
    /// UUID of the canvas.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub canvas_uuid: Option<String>,
    /// Number of the item in its scene. 0 at least.
    pub scene_item_id: i64,
    /// Scene that the copy goes to; the same unless set.
    #[serde(flatten, with = "crate::id::destination_scene")]
    pub destination_scene: Option<Id>,
}

impl DuplicateSceneItem {
    /// With what it needs; what may be set beside is left out.
    #[must_use]
    pub fn new(scene: impl Into<Id>, scene_item_id: i64) -> Self {
        Self { scene: scene.into(), canvas_uuid: None, scene_item_id, destination_scene: None }
    }

    /// UUID of the canvas.
    #[must_use]
    pub fn canvas_uuid(mut self, canvas_uuid: impl Into<String>) -> Self {
        self.canvas_uuid = Some(canvas_uuid.into());
        self
    }

    /// Scene that the copy goes to; the same unless set.
    #[must_use]
    pub fn destination_scene(mut self, destination_scene: impl Into<Id>) -> Self {
        self.destination_scene = Some(destination_scene.into());
        self
    }
}

impl Request for DuplicateSceneItem {
    const TYPE: &'static str = "DuplicateSceneItem";
    type Response = responses::DuplicateSceneItem;
}

/// Lists the items of a group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetGroupSceneItemList {
    /// The scene.
    #[serde(flatten, with = "crate::id::scene")]
    pub scene: Id,
    /// UUID of the canvas.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub canvas_uuid: Option<String>,
}

impl GetGroupSceneItemList {
    /// With what it needs; what may be set beside is left out.
    #[must_use]
    pub fn new(scene: impl Into<Id>) -> Self {
        Self { scene: scene.into(), canvas_uuid: None }
    }

    /// UUID of the canvas.
    #[must_use]
    pub fn canvas_uuid(mut self, canvas_uuid: impl Into<String>) -> Self {
        self.canvas_uuid = Some(canvas_uuid.into());
        self
    }
}

impl Request for GetGroupSceneItemList {
    const TYPE: &'static str = "GetGroupSceneItemList";
    type Response = responses::GetGroupSceneItemList;
}

/// Finds an item of a scene by the name of its source.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetSceneItemId {
    /// The scene.
    #[serde(flatten, with = "crate::id::scene")]
    pub scene: Id,
    /// UUID of the canvas.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub canvas_uuid: Option<String>,
    /// Name of the source.
    pub source_name: String,
    /// How many matches to skip; -1 for the last one. -1 at least.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub search_offset: Option<i32>,
}

impl GetSceneItemId {
    /// With what it needs; what may be set beside is left out.
    #[must_use]
    pub fn new(scene: impl Into<Id>, source_name: impl Into<String>) -> Self {
        Self { scene: scene.into(), canvas_uuid: None, source_name: source_name.into(), search_offset: None }
    }

    /// UUID of the canvas.
    #[must_use]
    pub fn canvas_uuid(mut self, canvas_uuid: impl Into<String>) -> Self {
        self.canvas_uuid = Some(canvas_uuid.into());
        self
    }

    /// How many matches to skip; -1 for the last one. -1 at least.
    #[must_use]
    pub fn search_offset(mut self, search_offset: i32) -> Self {
        self.search_offset = Some(search_offset);
        self
    }
}

impl Request for GetSceneItemId {
    const TYPE: &'static str = "GetSceneItemId";
    type Response = responses::GetSceneItemId;
}

/// Lists the items of a scene.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetSceneItemList {
    /// The scene.
    #[serde(flatten, with = "crate::id::scene")]
    pub scene: Id,
    /// UUID of the canvas.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub canvas_uuid: Option<String>,
}

impl GetSceneItemList {
    /// With what it needs; what may be set beside is left out.
    #[must_use]
    pub fn new(scene: impl Into<Id>) -> Self {
        Self { scene: scene.into(), canvas_uuid: None }
    }

    /// UUID of the canvas.
    #[must_use]
    pub fn canvas_uuid(mut self, canvas_uuid: impl Into<String>) -> Self {
        self.canvas_uuid = Some(canvas_uuid.into());
        self
    }
}

impl Request for GetSceneItemList {
    const TYPE: &'static str = "GetSceneItemList";
    type Response = responses::GetSceneItemList;
}

/// Tells which source an item shows.
///
/// Since obs-websocket 5.4.0.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetSceneItemSource {
    /// The scene.
    #[serde(flatten, with = "crate::id::scene")]
    pub scene: Id,
    /// UUID of the canvas.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub canvas_uuid: Option<String>,
    /// Number of the item in its scene. 0 at least.
    pub scene_item_id: i64,
}

impl GetSceneItemSource {
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

impl Request for GetSceneItemSource {
    const TYPE: &'static str = "GetSceneItemSource";
    type Response = responses::GetSceneItemSource;
}

/// Removes an item from a scene.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct RemoveSceneItem {
    /// The scene.
    #[serde(flatten, with = "crate::id::scene")]
    pub scene: Id,
    /// UUID of the canvas.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub canvas_uuid: Option<String>,
    /// Number of the item in its scene. 0 at least.
    pub scene_item_id: i64,
}

impl RemoveSceneItem {
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

impl Request for RemoveSceneItem {
    const TYPE: &'static str = "RemoveSceneItem";
    type Response = ();

    fn response(_data: &serde_json::Value) -> Result<(), serde_json::Error> {
        Ok(())
    }
}
