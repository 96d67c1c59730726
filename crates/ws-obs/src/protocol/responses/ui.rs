//! Answers: ui.
// Generated from schema/protocol.toml by tests/schema: change that instead.

use serde::{Deserialize, Serialize};

use crate::types::Monitor;

/// The answer to [`GetMonitorList`](crate::requests::GetMonitorList).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetMonitorList {
    /// The monitors.
    pub monitors: Vec<Monitor>,
}

/// The answer to [`GetStudioModeEnabled`](crate::requests::GetStudioModeEnabled).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetStudioModeEnabled {
    /// Whether studio mode is on.
    pub studio_mode_enabled: bool,
}
