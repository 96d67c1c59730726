//! Events of `GENERAL`.
// Generated from schema/protocol.toml by tests/schema: change that instead.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{protocol::EventData, types::EventSubscription};

/// A client sent something to all, by `BroadcastCustomEvent`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
#[non_exhaustive]
pub struct CustomEvent {
    /// What the sender put into it: an object.
    pub event_data: Value,
}

impl EventData for CustomEvent {
    const TYPE: &'static str = "CustomEvent";
    const SUBSCRIPTION: EventSubscription = EventSubscription::GENERAL;
}

/// OBS is about to end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ExitStarted {}

impl EventData for ExitStarted {
    const TYPE: &'static str = "ExitStarted";
    const SUBSCRIPTION: EventSubscription = EventSubscription::GENERAL;
}
