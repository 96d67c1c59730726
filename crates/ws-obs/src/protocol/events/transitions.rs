//! Events of `TRANSITIONS`.
// Generated from schema/protocol.toml by tests/schema: change that instead.

use serde::{Deserialize, Serialize};

use crate::{protocol::EventData, types::EventSubscription};

/// Another transition is in use.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CurrentSceneTransitionChanged {
    /// Name of the transition.
    pub transition_name: String,
    /// UUID of the transition. `None` if there is none, or the server is too old to tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transition_uuid: Option<String>,
}

impl EventData for CurrentSceneTransitionChanged {
    const TYPE: &'static str = "CurrentSceneTransitionChanged";
    const SUBSCRIPTION: EventSubscription = EventSubscription::TRANSITIONS;
}

/// The transition in use has another duration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CurrentSceneTransitionDurationChanged {
    /// Duration of the transition, in milliseconds.
    pub transition_duration: u32,
}

impl EventData for CurrentSceneTransitionDurationChanged {
    const TYPE: &'static str = "CurrentSceneTransitionDurationChanged";
    const SUBSCRIPTION: EventSubscription = EventSubscription::TRANSITIONS;
}

/// A transition between scenes is done. Not told when another one cut it short.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SceneTransitionEnded {
    /// Name of the transition.
    pub transition_name: String,
    /// UUID of the transition. `None` if there is none, or the server is too old to tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transition_uuid: Option<String>,
}

impl EventData for SceneTransitionEnded {
    const TYPE: &'static str = "SceneTransitionEnded";
    const SUBSCRIPTION: EventSubscription = EventSubscription::TRANSITIONS;
}

/// A transition between scenes began.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SceneTransitionStarted {
    /// Name of the transition.
    pub transition_name: String,
    /// UUID of the transition. `None` if there is none, or the server is too old to tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transition_uuid: Option<String>,
}

impl EventData for SceneTransitionStarted {
    const TYPE: &'static str = "SceneTransitionStarted";
    const SUBSCRIPTION: EventSubscription = EventSubscription::TRANSITIONS;
}

/// The video of a transition is done; its sound may not be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SceneTransitionVideoEnded {
    /// Name of the transition.
    pub transition_name: String,
    /// UUID of the transition. `None` if there is none, or the server is too old to tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transition_uuid: Option<String>,
}

impl EventData for SceneTransitionVideoEnded {
    const TYPE: &'static str = "SceneTransitionVideoEnded";
    const SUBSCRIPTION: EventSubscription = EventSubscription::TRANSITIONS;
}
