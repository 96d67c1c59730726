//! Events of `MEDIA_INPUTS`.
// Generated from schema/protocol.toml by tests/schema: change that instead.

use serde::{Deserialize, Serialize};

use crate::{
    protocol::EventData,
    types::{EventSubscription, MediaAction},
};

/// Somebody played, paused, stopped or restarted a media input.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct MediaInputActionTriggered {
    /// Name of the input.
    pub input_name: String,
    /// UUID of the input. `None` if there is none, or the server is too old to tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_uuid: Option<String>,
    /// What is done to the media.
    pub media_action: MediaAction,
}

impl EventData for MediaInputActionTriggered {
    const TYPE: &'static str = "MediaInputActionTriggered";
    const SUBSCRIPTION: EventSubscription = EventSubscription::MEDIA_INPUTS;
}

/// A media input came to its end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct MediaInputPlaybackEnded {
    /// Name of the input.
    pub input_name: String,
    /// UUID of the input. `None` if there is none, or the server is too old to tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_uuid: Option<String>,
}

impl EventData for MediaInputPlaybackEnded {
    const TYPE: &'static str = "MediaInputPlaybackEnded";
    const SUBSCRIPTION: EventSubscription = EventSubscription::MEDIA_INPUTS;
}

/// A media input began to play.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct MediaInputPlaybackStarted {
    /// Name of the input.
    pub input_name: String,
    /// UUID of the input. `None` if there is none, or the server is too old to tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_uuid: Option<String>,
}

impl EventData for MediaInputPlaybackStarted {
    const TYPE: &'static str = "MediaInputPlaybackStarted";
    const SUBSCRIPTION: EventSubscription = EventSubscription::MEDIA_INPUTS;
}
