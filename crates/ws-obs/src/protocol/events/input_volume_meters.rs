//! Events of `INPUT_VOLUME_METERS`.
// Generated from schema/protocol.toml by tests/schema: change that instead.

use serde::{Deserialize, Serialize};

use crate::{
    protocol::EventData,
    types::{EventSubscription, InputLevels},
};

/// The levels of all inputs that are active, every 50 milliseconds. Not part of `ALL`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct InputVolumeMeters {
    /// The inputs.
    pub inputs: Vec<InputLevels>,
}

impl EventData for InputVolumeMeters {
    const TYPE: &'static str = "InputVolumeMeters";
    const SUBSCRIPTION: EventSubscription = EventSubscription::INPUT_VOLUME_METERS;
}
