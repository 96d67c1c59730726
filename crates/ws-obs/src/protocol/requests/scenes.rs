//! Requests: scenes.
// Generated from schema/protocol.toml by tests/schema: change that instead.

use serde::{Deserialize, Serialize};

use crate::{Id, protocol::Request, responses};

/// Makes a scene.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CreateScene {
    /// UUID of the canvas.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub canvas_uuid: Option<String>,
    /// Name of the scene.
    pub scene_name: String,
}

impl CreateScene {
    /// With what it needs; what may be set beside is left out.
    #[must_use]
    pub fn new(scene_name: impl Into<String>) -> Self {
        Self { canvas_uuid: None, scene_name: scene_name.into() }
    }

    /// UUID of the canvas.
    #[must_use]
    pub fn canvas_uuid(mut self, canvas_uuid: impl Into<String>) -> Self {
        self.canvas_uuid = Some(canvas_uuid.into());
        self
    }
}

impl Request for CreateScene {
    const TYPE: &'static str = "CreateScene";
    type Response = responses::CreateScene;
}

/// Tells which scene is in preview; in studio mode alone.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetCurrentPreviewScene {}

impl GetCurrentPreviewScene {
    /// What it says.
    #[must_use]
    pub fn new() -> Self {
        Self {}
    }
}

impl Request for GetCurrentPreviewScene {
    const TYPE: &'static str = "GetCurrentPreviewScene";
    type Response = responses::GetCurrentPreviewScene;
}

/// Tells which scene is on air.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetCurrentProgramScene {}

impl GetCurrentProgramScene {
    /// What it says.
    #[must_use]
    pub fn new() -> Self {
        Self {}
    }
}

impl Request for GetCurrentProgramScene {
    const TYPE: &'static str = "GetCurrentProgramScene";
    type Response = responses::GetCurrentProgramScene;
}

/// Lists the groups, which are scenes of their own kind.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetGroupList {}

impl GetGroupList {
    /// What it says.
    #[must_use]
    pub fn new() -> Self {
        Self {}
    }
}

impl Request for GetGroupList {
    const TYPE: &'static str = "GetGroupList";
    type Response = responses::GetGroupList;
}

/// Lists the scenes, and tells which ones are on air and in preview.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetSceneList {
    /// UUID of the canvas.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub canvas_uuid: Option<String>,
}

impl GetSceneList {
    /// With nothing set.
    #[must_use]
    pub fn new() -> Self {
        Self { canvas_uuid: None }
    }

    /// UUID of the canvas.
    #[must_use]
    pub fn canvas_uuid(mut self, canvas_uuid: impl Into<String>) -> Self {
        self.canvas_uuid = Some(canvas_uuid.into());
        self
    }
}

impl Request for GetSceneList {
    const TYPE: &'static str = "GetSceneList";
    type Response = responses::GetSceneList;
}

/// Reads the transition that a scene has of its own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetSceneSceneTransitionOverride {
    /// The scene.
    #[serde(flatten, with = "crate::id::scene")]
    pub scene: Id,
    /// UUID of the canvas.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub canvas_uuid: Option<String>,
}

impl GetSceneSceneTransitionOverride {
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

impl Request for GetSceneSceneTransitionOverride {
    const TYPE: &'static str = "GetSceneSceneTransitionOverride";
    type Response = responses::GetSceneSceneTransitionOverride;
}

/// Removes a scene.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct RemoveScene {
    /// The scene.
    #[serde(flatten, with = "crate::id::scene")]
    pub scene: Id,
    /// UUID of the canvas.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub canvas_uuid: Option<String>,
}

impl RemoveScene {
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

impl Request for RemoveScene {
    const TYPE: &'static str = "RemoveScene";
    type Response = ();

    fn response(_data: &serde_json::Value) -> Result<(), serde_json::Error> {
        Ok(())
    }
}

/// Puts a scene into preview; in studio mode alone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SetCurrentPreviewScene {
    /// The scene.
    #[serde(flatten, with = "crate::id::scene")]
    pub scene: Id,
}

impl SetCurrentPreviewScene {
    /// What it says.
    #[must_use]
    pub fn new(scene: impl Into<Id>) -> Self {
        Self { scene: scene.into() }
    }
}

impl Request for SetCurrentPreviewScene {
    const TYPE: &'static str = "SetCurrentPreviewScene";
    type Response = ();

    fn response(_data: &serde_json::Value) -> Result<(), serde_json::Error> {
        Ok(())
    }
}

/// Puts a scene on air.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SetCurrentProgramScene {
    /// The scene.
    #[serde(flatten, with = "crate::id::scene")]
    pub scene: Id,
}

impl SetCurrentProgramScene {
    /// What it says.
    #[must_use]
    pub fn new(scene: impl Into<Id>) -> Self {
        Self { scene: scene.into() }
    }
}

impl Request for SetCurrentProgramScene {
    const TYPE: &'static str = "SetCurrentProgramScene";
    type Response = ();

    fn response(_data: &serde_json::Value) -> Result<(), serde_json::Error> {
        Ok(())
    }
}

/// Renames a scene.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SetSceneName {
    /// The scene.
    #[serde(flatten, with = "crate::id::scene")]
    pub scene: Id,
    /// UUID of the canvas.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub canvas_uuid: Option<String>,
    /// Name that the scene gets.
    pub new_scene_name: String,
}

impl SetSceneName {
    /// With what it needs; what may be set beside is left out.
    #[must_use]
    pub fn new(scene: impl Into<Id>, new_scene_name: impl Into<String>) -> Self {
        Self { scene: scene.into(), canvas_uuid: None, new_scene_name: new_scene_name.into() }
    }

    /// UUID of the canvas.
    #[must_use]
    pub fn canvas_uuid(mut self, canvas_uuid: impl Into<String>) -> Self {
        self.canvas_uuid = Some(canvas_uuid.into());
        self
    }
}

impl Request for SetSceneName {
    const TYPE: &'static str = "SetSceneName";
    type Response = ();

    fn response(_data: &serde_json::Value) -> Result<(), serde_json::Error> {
        Ok(())
    }
}

/// Gives a scene a transition of its own; `None` takes it away.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SetSceneSceneTransitionOverride {
    /// The scene.
    #[serde(flatten, with = "crate::id::scene")]
    pub scene: Id,
    /// UUID of the canvas.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub canvas_uuid: Option<String>,
    /// Name of the transition.
    #[serde(skip_serializing_if = "Option::is_none", default, with = "crate::id::nullable")]
    pub transition_name: Option<Option<String>>,
    /// Duration of the transition, in milliseconds. From 50 to 20000.
    #[serde(skip_serializing_if = "Option::is_none", default, with = "crate::id::nullable")]
    pub transition_duration: Option<Option<u32>>,
}

impl SetSceneSceneTransitionOverride {
    /// With what it needs; what may be set beside is left out.
    #[must_use]
    pub fn new(scene: impl Into<Id>) -> Self {
        Self { scene: scene.into(), canvas_uuid: None, transition_name: None, transition_duration: None }
    }

    /// UUID of the canvas.
    #[must_use]
    pub fn canvas_uuid(mut self, canvas_uuid: impl Into<String>) -> Self {
        self.canvas_uuid = Some(canvas_uuid.into());
        self
    }

    /// Name of the transition.
    #[must_use]
    pub fn transition_name(mut self, transition_name: Option<&str>) -> Self {
        self.transition_name = Some(transition_name.map(Into::into));
        self
    }

    /// Duration of the transition, in milliseconds. From 50 to 20000.
    #[must_use]
    pub fn transition_duration(mut self, transition_duration: impl Into<Option<u32>>) -> Self {
        self.transition_duration = Some(transition_duration.into());
        self
    }
}

impl Request for SetSceneSceneTransitionOverride {
    const TYPE: &'static str = "SetSceneSceneTransitionOverride";
    type Response = ();

    fn response(_data: &serde_json::Value) -> Result<(), serde_json::Error> {
        Ok(())
    }
}
