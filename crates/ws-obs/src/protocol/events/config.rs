//! Events of `CONFIG`.
// Generated from schema/protocol.toml by tests/schema: change that instead.

use serde::{Deserialize, Serialize};

use crate::{protocol::EventData, types::EventSubscription};

/// OBS has switched to another profile.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CurrentProfileChanged {
    /// Name of the profile.
    pub profile_name: String,
}

impl EventData for CurrentProfileChanged {
    const TYPE: &'static str = "CurrentProfileChanged";
    const SUBSCRIPTION: EventSubscription = EventSubscription::CONFIG;
}

/// OBS begins to switch to another profile.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CurrentProfileChanging {
    /// Name of the profile.
    pub profile_name: String,
}

impl EventData for CurrentProfileChanging {
    const TYPE: &'static str = "CurrentProfileChanging";
    const SUBSCRIPTION: EventSubscription = EventSubscription::CONFIG;
}

/// OBS has switched to another scene collection.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CurrentSceneCollectionChanged {
    /// Name of the scene collection.
    pub scene_collection_name: String,
}

impl EventData for CurrentSceneCollectionChanged {
    const TYPE: &'static str = "CurrentSceneCollectionChanged";
    const SUBSCRIPTION: EventSubscription = EventSubscription::CONFIG;
}

/// OBS begins to switch to another scene collection. Until that is done, requests are answered with `NOT_READY`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CurrentSceneCollectionChanging {
    /// Name of the scene collection.
    pub scene_collection_name: String,
}

impl EventData for CurrentSceneCollectionChanging {
    const TYPE: &'static str = "CurrentSceneCollectionChanging";
    const SUBSCRIPTION: EventSubscription = EventSubscription::CONFIG;
}

/// There are other profiles.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ProfileListChanged {
    /// Names of the profiles.
    pub profiles: Vec<String>,
}

impl EventData for ProfileListChanged {
    const TYPE: &'static str = "ProfileListChanged";
    const SUBSCRIPTION: EventSubscription = EventSubscription::CONFIG;
}

/// There are other scene collections.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SceneCollectionListChanged {
    /// Names of the scene collections.
    pub scene_collections: Vec<String>,
}

impl EventData for SceneCollectionListChanged {
    const TYPE: &'static str = "SceneCollectionListChanged";
    const SUBSCRIPTION: EventSubscription = EventSubscription::CONFIG;
}
