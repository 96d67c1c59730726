//! Events of `INPUT_ACTIVE_STATE_CHANGED`.
// Generated from schema/protocol.toml by tests/schema: change that instead.

use serde::{Deserialize, Serialize};

use crate::{protocol::EventData, types::EventSubscription};

/// An input is on air, or is not any more. Many; not part of `ALL`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct InputActiveStateChanged {
    /// Name of the input.
    pub input_name: String,
    /// UUID of the input. `None` if there is none, or the server is too old to tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_uuid: Option<String>,
    /// Whether the source is on air.
    pub video_active: bool,
}

impl EventData for InputActiveStateChanged {
    const TYPE: &'static str = "InputActiveStateChanged";
    const SUBSCRIPTION: EventSubscription = EventSubscription::INPUT_ACTIVE_STATE_CHANGED;
}
