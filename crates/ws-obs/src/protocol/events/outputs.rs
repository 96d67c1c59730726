//! Events of `OUTPUTS`.
// Generated from schema/protocol.toml by tests/schema: change that instead.

use serde::{Deserialize, Serialize};

use crate::{
    protocol::EventData,
    types::{EventSubscription, OutputState},
};

/// The recording goes on in another file.
///
/// Since obs-websocket 5.5.0.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct RecordFileChanged {
    /// Path of the file that is written from now on.
    pub new_output_path: String,
}

impl EventData for RecordFileChanged {
    const TYPE: &'static str = "RecordFileChanged";
    const SUBSCRIPTION: EventSubscription = EventSubscription::OUTPUTS;
}

/// The recording starts, runs, pauses, goes on, or stops.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct RecordStateChanged {
    /// Whether the output runs.
    pub output_active: bool,
    /// What the output is doing.
    pub output_state: OutputState,
    /// Path of the recording. `None` if there is none, or the server is too old to tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_path: Option<String>,
}

impl EventData for RecordStateChanged {
    const TYPE: &'static str = "RecordStateChanged";
    const SUBSCRIPTION: EventSubscription = EventSubscription::OUTPUTS;
}

/// A replay was written to a file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ReplayBufferSaved {
    /// Path of the file that the replay is in.
    pub saved_replay_path: String,
}

impl EventData for ReplayBufferSaved {
    const TYPE: &'static str = "ReplayBufferSaved";
    const SUBSCRIPTION: EventSubscription = EventSubscription::OUTPUTS;
}

/// The replay buffer starts, runs, or stops.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ReplayBufferStateChanged {
    /// Whether the output runs.
    pub output_active: bool,
    /// What the output is doing.
    pub output_state: OutputState,
}

impl EventData for ReplayBufferStateChanged {
    const TYPE: &'static str = "ReplayBufferStateChanged";
    const SUBSCRIPTION: EventSubscription = EventSubscription::OUTPUTS;
}

/// The stream starts, runs, stops, or connects again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct StreamStateChanged {
    /// Whether the output runs.
    pub output_active: bool,
    /// What the output is doing.
    pub output_state: OutputState,
}

impl EventData for StreamStateChanged {
    const TYPE: &'static str = "StreamStateChanged";
    const SUBSCRIPTION: EventSubscription = EventSubscription::OUTPUTS;
}

/// The virtual camera starts, runs, or stops.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct VirtualcamStateChanged {
    /// Whether the output runs.
    pub output_active: bool,
    /// What the output is doing.
    pub output_state: OutputState,
}

impl EventData for VirtualcamStateChanged {
    const TYPE: &'static str = "VirtualcamStateChanged";
    const SUBSCRIPTION: EventSubscription = EventSubscription::OUTPUTS;
}
