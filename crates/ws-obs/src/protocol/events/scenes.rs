//! Events of `SCENES`.
// Generated from schema/protocol.toml by tests/schema: change that instead.

use serde::{Deserialize, Serialize};

use crate::{
    protocol::EventData,
    types::{EventSubscription, Scene},
};

/// Another scene is in preview.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CurrentPreviewSceneChanged {
    /// Name of the scene.
    pub scene_name: String,
    /// UUID of the scene. `None` if there is none, or the server is too old to tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scene_uuid: Option<String>,
}

impl EventData for CurrentPreviewSceneChanged {
    const TYPE: &'static str = "CurrentPreviewSceneChanged";
    const SUBSCRIPTION: EventSubscription = EventSubscription::SCENES;
}

/// Another scene is on air.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CurrentProgramSceneChanged {
    /// Name of the scene.
    pub scene_name: String,
    /// UUID of the scene. `None` if there is none, or the server is too old to tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scene_uuid: Option<String>,
}

impl EventData for CurrentProgramSceneChanged {
    const TYPE: &'static str = "CurrentProgramSceneChanged";
    const SUBSCRIPTION: EventSubscription = EventSubscription::SCENES;
}

/// A scene was made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SceneCreated {
    /// Name of the scene.
    pub scene_name: String,
    /// UUID of the scene. `None` if there is none, or the server is too old to tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scene_uuid: Option<String>,
    /// Whether it is a group.
    pub is_group: bool,
}

impl EventData for SceneCreated {
    const TYPE: &'static str = "SceneCreated";
    const SUBSCRIPTION: EventSubscription = EventSubscription::SCENES;
}

/// There are other scenes, or they have another order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SceneListChanged {
    /// The scenes.
    pub scenes: Vec<Scene>,
}

impl EventData for SceneListChanged {
    const TYPE: &'static str = "SceneListChanged";
    const SUBSCRIPTION: EventSubscription = EventSubscription::SCENES;
}

/// A scene was renamed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SceneNameChanged {
    /// UUID of the scene. `None` if there is none, or the server is too old to tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scene_uuid: Option<String>,
    /// Name that the scene had.
    pub old_scene_name: String,
    /// Name of the scene.
    pub scene_name: String,
}

impl EventData for SceneNameChanged {
    const TYPE: &'static str = "SceneNameChanged";
    const SUBSCRIPTION: EventSubscription = EventSubscription::SCENES;
}

/// A scene was removed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SceneRemoved {
    /// Name of the scene.
    pub scene_name: String,
    /// UUID of the scene. `None` if there is none, or the server is too old to tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scene_uuid: Option<String>,
    /// Whether it is a group.
    pub is_group: bool,
}

impl EventData for SceneRemoved {
    const TYPE: &'static str = "SceneRemoved";
    const SUBSCRIPTION: EventSubscription = EventSubscription::SCENES;
}
