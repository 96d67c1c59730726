//! Events of `UI`.
// Generated from schema/protocol.toml by tests/schema: change that instead.

use serde::{Deserialize, Serialize};

use crate::{protocol::EventData, types::EventSubscription};

/// A screenshot of the program was written, by a hotkey or the menu of OBS.
///
/// Since obs-websocket 5.1.0.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ScreenshotSaved {
    /// Path of the file that the screenshot is in.
    pub saved_screenshot_path: String,
}

impl EventData for ScreenshotSaved {
    const TYPE: &'static str = "ScreenshotSaved";
    const SUBSCRIPTION: EventSubscription = EventSubscription::UI;
}

/// Studio mode was turned on or off.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct StudioModeStateChanged {
    /// Whether studio mode is on.
    pub studio_mode_enabled: bool,
}

impl EventData for StudioModeStateChanged {
    const TYPE: &'static str = "StudioModeStateChanged";
    const SUBSCRIPTION: EventSubscription = EventSubscription::UI;
}
