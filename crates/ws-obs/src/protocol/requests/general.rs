//! Requests: general.
// Generated from schema/protocol.toml by tests/schema: change that instead.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{protocol::Request, responses, types::KeyModifiers};

/// Sends a `CustomEvent` to all clients that subscribed to it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct BroadcastCustomEvent {
    /// What the sender put into it: an object.
    #[serde(default)]
    pub event_data: Value,
}

impl BroadcastCustomEvent {
    /// What it says.
    #[must_use]
    pub fn new(event_data: impl Into<Value>) -> Self {
        Self { event_data: event_data.into() }
    }
}

impl Request for BroadcastCustomEvent {
    const TYPE: &'static str = "BroadcastCustomEvent";
    type Response = ();

    fn response(_data: &Value) -> Result<(), serde_json::Error> {
        Ok(())
    }
}

/// Calls a request of a vendor: a plugin or script that registered one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CallVendorRequest {
    /// Name of the vendor: of a plugin or script of OBS.
    pub vendor_name: String,
    /// Name of the request, as the vendor calls it.
    pub request_type: String,
    /// Data of the request, as the vendor wants it: an object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_data: Option<Value>,
}

impl CallVendorRequest {
    /// With what it needs; what may be set beside is left out.
    #[must_use]
    pub fn new(vendor_name: impl Into<String>, request_type: impl Into<String>) -> Self {
        Self { vendor_name: vendor_name.into(), request_type: request_type.into(), request_data: None }
    }

    /// Data of the request, as the vendor wants it: an object.
    #[must_use]
    pub fn request_data(mut self, request_data: impl Into<Value>) -> Self {
        self.request_data = Some(request_data.into());
        self
    }
}

impl Request for CallVendorRequest {
    const TYPE: &'static str = "CallVendorRequest";
    type Response = responses::CallVendorRequest;
}

/// Lists the names of the hotkeys.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetHotkeyList {}

impl GetHotkeyList {
    /// What it says.
    #[must_use]
    pub fn new() -> Self {
        Self {}
    }
}

impl Request for GetHotkeyList {
    const TYPE: &'static str = "GetHotkeyList";
    type Response = responses::GetHotkeyList;
}

/// Reads how OBS and this session are doing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetStats {}

impl GetStats {
    /// What it says.
    #[must_use]
    pub fn new() -> Self {
        Self {}
    }
}

impl Request for GetStats {
    const TYPE: &'static str = "GetStats";
    type Response = responses::GetStats;
}

/// Reads the versions of OBS and obs-websocket, and what they can do.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetVersion {}

impl GetVersion {
    /// What it says.
    #[must_use]
    pub fn new() -> Self {
        Self {}
    }
}

impl Request for GetVersion {
    const TYPE: &'static str = "GetVersion";
    type Response = responses::GetVersion;
}

/// Waits, within a batch that is not parallel.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Sleep {
    /// How long to wait, in milliseconds, in a batch that runs in real time. From 0 to 50000.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sleep_millis: Option<u32>,
    /// How many frames to wait, in a batch that runs by frames. From 0 to 10000.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sleep_frames: Option<u32>,
}

impl Sleep {
    /// With nothing set.
    #[must_use]
    pub fn new() -> Self {
        Self { sleep_millis: None, sleep_frames: None }
    }

    /// How long to wait, in milliseconds, in a batch that runs in real time. From 0 to 50000.
    #[must_use]
    pub fn sleep_millis(mut self, sleep_millis: u32) -> Self {
        self.sleep_millis = Some(sleep_millis);
        self
    }

    /// How many frames to wait, in a batch that runs by frames. From 0 to 10000.
    #[must_use]
    pub fn sleep_frames(mut self, sleep_frames: u32) -> Self {
        self.sleep_frames = Some(sleep_frames);
        self
    }
}

impl Request for Sleep {
    const TYPE: &'static str = "Sleep";
    type Response = ();

    fn response(_data: &Value) -> Result<(), serde_json::Error> {
        Ok(())
    }
}

/// Triggers whatever hotkey has these keys.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct TriggerHotkeyByKeySequence {
    /// Name of the key, as libobs calls it, such as `OBS_KEY_A`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_id: Option<String>,
    /// Keys held down with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_modifiers: Option<KeyModifiers>,
}

impl TriggerHotkeyByKeySequence {
    /// With nothing set.
    #[must_use]
    pub fn new() -> Self {
        Self { key_id: None, key_modifiers: None }
    }

    /// Name of the key, as libobs calls it, such as `OBS_KEY_A`.
    #[must_use]
    pub fn key_id(mut self, key_id: impl Into<String>) -> Self {
        self.key_id = Some(key_id.into());
        self
    }

    /// Keys held down with it.
    #[must_use]
    pub fn key_modifiers(mut self, key_modifiers: KeyModifiers) -> Self {
        self.key_modifiers = Some(key_modifiers);
        self
    }
}

impl Request for TriggerHotkeyByKeySequence {
    const TYPE: &'static str = "TriggerHotkeyByKeySequence";
    type Response = ();

    fn response(_data: &Value) -> Result<(), serde_json::Error> {
        Ok(())
    }
}

/// Triggers a hotkey by its name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct TriggerHotkeyByName {
    /// Name of the hotkey.
    pub hotkey_name: String,
    /// The context that the hotkey belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context_name: Option<String>,
}

impl TriggerHotkeyByName {
    /// With what it needs; what may be set beside is left out.
    #[must_use]
    pub fn new(hotkey_name: impl Into<String>) -> Self {
        Self { hotkey_name: hotkey_name.into(), context_name: None }
    }

    /// The context that the hotkey belongs to.
    #[must_use]
    pub fn context_name(mut self, context_name: impl Into<String>) -> Self {
        self.context_name = Some(context_name.into());
        self
    }
}

impl Request for TriggerHotkeyByName {
    const TYPE: &'static str = "TriggerHotkeyByName";
    type Response = ();

    fn response(_data: &Value) -> Result<(), serde_json::Error> {
        Ok(())
    }
}
