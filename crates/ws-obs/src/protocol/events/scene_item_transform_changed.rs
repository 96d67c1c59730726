//! Events of `SCENE_ITEM_TRANSFORM_CHANGED`.
// Generated from schema/protocol.toml by tests/schema: change that instead.

use serde::{Deserialize, Serialize};

use crate::{
    protocol::EventData,
    types::{EventSubscription, SceneItemTransform},
};

/// An item was moved, scaled, cropped or rotated. Many; not part of `ALL`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SceneItemTransformChanged {
    /// Name of the scene.
    pub scene_name: String,
    /// UUID of the scene. `None` if there is none, or the server is too old to tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scene_uuid: Option<String>,
    /// Number of the item in its scene.
    pub scene_item_id: i64,
    /// Position, size, crop and rotation of the item.
    pub scene_item_transform: SceneItemTransform,
}

impl EventData for SceneItemTransformChanged {
    const TYPE: &'static str = "SceneItemTransformChanged";
    const SUBSCRIPTION: EventSubscription = EventSubscription::SCENE_ITEM_TRANSFORM_CHANGED;
}
