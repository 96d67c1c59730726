//! Requests: canvases.
// Generated from schema/protocol.toml by tests/schema: change that instead.

use serde::{Deserialize, Serialize};

use crate::{protocol::Request, responses};

/// Lists the canvases.
///
/// Since obs-websocket 5.7.0.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetCanvasList {}

impl GetCanvasList {
    /// What it says.
    #[must_use]
    pub fn new() -> Self {
        Self {}
    }
}

impl Request for GetCanvasList {
    const TYPE: &'static str = "GetCanvasList";
    type Response = responses::GetCanvasList;
}
