//! Events of `CANVASES`.
// Generated from schema/protocol.toml by tests/schema: change that instead.

use serde::{Deserialize, Serialize};

use crate::{protocol::EventData, types::EventSubscription};

/// A canvas was made.
///
/// Since obs-websocket 5.7.0.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CanvasCreated {
    /// Name of the canvas.
    pub canvas_name: String,
    /// UUID of the canvas.
    pub canvas_uuid: String,
}

impl EventData for CanvasCreated {
    const TYPE: &'static str = "CanvasCreated";
    const SUBSCRIPTION: EventSubscription = EventSubscription::CANVASES;
}

/// A canvas was renamed.
///
/// Since obs-websocket 5.7.0.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CanvasNameChanged {
    /// UUID of the canvas.
    pub canvas_uuid: String,
    /// Name that the canvas had.
    pub old_canvas_name: String,
    /// Name of the canvas.
    pub canvas_name: String,
}

impl EventData for CanvasNameChanged {
    const TYPE: &'static str = "CanvasNameChanged";
    const SUBSCRIPTION: EventSubscription = EventSubscription::CANVASES;
}

/// A canvas was removed.
///
/// Since obs-websocket 5.7.0.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CanvasRemoved {
    /// Name of the canvas.
    pub canvas_name: String,
    /// UUID of the canvas.
    pub canvas_uuid: String,
}

impl EventData for CanvasRemoved {
    const TYPE: &'static str = "CanvasRemoved";
    const SUBSCRIPTION: EventSubscription = EventSubscription::CANVASES;
}
