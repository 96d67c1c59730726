//! Answers: canvases.
// Generated from schema/protocol.toml by tests/schema: change that instead.

use serde::{Deserialize, Serialize};

use crate::types::Canvas;

/// The answer to [`GetCanvasList`](crate::requests::GetCanvasList).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetCanvasList {
    /// All canvases.
    pub canvases: Vec<Canvas>,
}
