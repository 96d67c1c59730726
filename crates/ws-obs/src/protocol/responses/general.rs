//! Answers: general.
// Generated from schema/protocol.toml by tests/schema: change that instead.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The answer to [`CallVendorRequest`](crate::requests::CallVendorRequest).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CallVendorRequest {
    /// Name of the vendor: of a plugin or script of OBS.
    pub vendor_name: String,
    /// Name of the request, as the vendor calls it.
    pub request_type: String,
    /// Data of the answer, as the vendor gives it: an object.
    #[serde(default)]
    pub response_data: Value,
}

/// The answer to [`GetHotkeyList`](crate::requests::GetHotkeyList).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetHotkeyList {
    /// Names of the hotkeys.
    pub hotkeys: Vec<String>,
}

/// The answer to [`GetStats`](crate::requests::GetStats).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetStats {
    /// Use of the processor by OBS, in percent.
    pub cpu_usage: f64,
    /// Memory that OBS uses, in MB.
    pub memory_usage: f64,
    /// Free space where recordings go, in MB.
    pub available_disk_space: f64,
    /// Frames rendered per second.
    pub active_fps: f64,
    /// Time to render a frame on average, in milliseconds.
    pub average_frame_render_time: f64,
    /// Frames that were not rendered in time.
    pub render_skipped_frames: u64,
    /// Frames rendered.
    pub render_total_frames: u64,
    /// Frames that the output skipped.
    pub output_skipped_frames: u64,
    /// Frames that the output was given.
    pub output_total_frames: u64,
    /// Messages that the server had from this client.
    pub web_socket_session_incoming_messages: u64,
    /// Messages that the server sent to this client.
    pub web_socket_session_outgoing_messages: u64,
}

/// The answer to [`GetVersion`](crate::requests::GetVersion).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetVersion {
    /// Version of OBS.
    pub obs_version: String,
    /// Version of obs-websocket.
    pub obs_web_socket_version: String,
    /// Version of the protocol that was agreed on.
    pub rpc_version: u32,
    /// Names of the requests that the server knows.
    pub available_requests: Vec<String>,
    /// Formats that screenshots can have.
    pub supported_image_formats: Vec<String>,
    /// Platform that OBS runs on, such as `windows` or `fedora`.
    pub platform: String,
    /// Platform in words.
    pub platform_description: String,
}
