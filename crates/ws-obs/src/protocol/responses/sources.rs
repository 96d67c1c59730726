//! Answers: sources.
// Generated from schema/protocol.toml by tests/schema: change that instead.

use serde::{Deserialize, Serialize};

/// The answer to [`GetSourceActive`](crate::requests::GetSourceActive).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetSourceActive {
    /// Whether the source is on air.
    pub video_active: bool,
    /// Whether the source is shown anywhere in OBS.
    pub video_showing: bool,
}

/// The answer to [`GetSourceScreenshot`](crate::requests::GetSourceScreenshot).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetSourceScreenshot {
    /// The picture as a data URI in Base64.
    pub image_data: String,
}
