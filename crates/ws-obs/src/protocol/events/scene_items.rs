//! Events of `SCENE_ITEMS`.
// Generated from schema/protocol.toml by tests/schema: change that instead.

use serde::{Deserialize, Serialize};

use crate::{
    protocol::EventData,
    types::{EventSubscription, SceneItemPosition},
};

/// An item was added to a scene.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SceneItemCreated {
    /// Name of the scene.
    pub scene_name: String,
    /// UUID of the scene. `None` if there is none, or the server is too old to tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scene_uuid: Option<String>,
    /// Name of the source.
    pub source_name: String,
    /// UUID of the source. `None` if there is none, or the server is too old to tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_uuid: Option<String>,
    /// Number of the item in its scene.
    pub scene_item_id: i64,
    /// Position of the item in its scene, from 0, the lowest.
    pub scene_item_index: u32,
}

impl EventData for SceneItemCreated {
    const TYPE: &'static str = "SceneItemCreated";
    const SUBSCRIPTION: EventSubscription = EventSubscription::SCENE_ITEMS;
}

/// An item was shown or hidden.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SceneItemEnableStateChanged {
    /// Name of the scene.
    pub scene_name: String,
    /// UUID of the scene. `None` if there is none, or the server is too old to tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scene_uuid: Option<String>,
    /// Number of the item in its scene.
    pub scene_item_id: i64,
    /// Whether the item is shown.
    pub scene_item_enabled: bool,
}

impl EventData for SceneItemEnableStateChanged {
    const TYPE: &'static str = "SceneItemEnableStateChanged";
    const SUBSCRIPTION: EventSubscription = EventSubscription::SCENE_ITEMS;
}

/// The items of a scene have another order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SceneItemListReindexed {
    /// Name of the scene.
    pub scene_name: String,
    /// UUID of the scene. `None` if there is none, or the server is too old to tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scene_uuid: Option<String>,
    /// The items of the scene.
    pub scene_items: Vec<SceneItemPosition>,
}

impl EventData for SceneItemListReindexed {
    const TYPE: &'static str = "SceneItemListReindexed";
    const SUBSCRIPTION: EventSubscription = EventSubscription::SCENE_ITEMS;
}

/// An item was locked or unlocked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SceneItemLockStateChanged {
    /// Name of the scene.
    pub scene_name: String,
    /// UUID of the scene. `None` if there is none, or the server is too old to tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scene_uuid: Option<String>,
    /// Number of the item in its scene.
    pub scene_item_id: i64,
    /// Whether the item is locked.
    pub scene_item_locked: bool,
}

impl EventData for SceneItemLockStateChanged {
    const TYPE: &'static str = "SceneItemLockStateChanged";
    const SUBSCRIPTION: EventSubscription = EventSubscription::SCENE_ITEMS;
}

/// An item was removed from a scene; not told for each when the scene is removed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SceneItemRemoved {
    /// Name of the scene.
    pub scene_name: String,
    /// UUID of the scene. `None` if there is none, or the server is too old to tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scene_uuid: Option<String>,
    /// Name of the source.
    pub source_name: String,
    /// UUID of the source. `None` if there is none, or the server is too old to tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_uuid: Option<String>,
    /// Number of the item in its scene.
    pub scene_item_id: i64,
}

impl EventData for SceneItemRemoved {
    const TYPE: &'static str = "SceneItemRemoved";
    const SUBSCRIPTION: EventSubscription = EventSubscription::SCENE_ITEMS;
}

/// An item was selected in OBS.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SceneItemSelected {
    /// Name of the scene.
    pub scene_name: String,
    /// UUID of the scene. `None` if there is none, or the server is too old to tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scene_uuid: Option<String>,
    /// Number of the item in its scene.
    pub scene_item_id: i64,
}

impl EventData for SceneItemSelected {
    const TYPE: &'static str = "SceneItemSelected";
    const SUBSCRIPTION: EventSubscription = EventSubscription::SCENE_ITEMS;
}
