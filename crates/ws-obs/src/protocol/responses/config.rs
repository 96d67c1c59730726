//! Answers: config.
// Generated from schema/protocol.toml by tests/schema: change that instead.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The answer to [`GetPersistentData`](crate::requests::GetPersistentData).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetPersistentData {
    /// The data.
    #[serde(default)]
    pub slot_value: Value,
}

/// The answer to [`GetProfileList`](crate::requests::GetProfileList).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetProfileList {
    /// Name of the profile in use.
    pub current_profile_name: String,
    /// Names of the profiles.
    pub profiles: Vec<String>,
}

/// The answer to [`GetProfileParameter`](crate::requests::GetProfileParameter).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetProfileParameter {
    /// Value of the parameter. `None` if there is none, or the server is too old to tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameter_value: Option<String>,
    /// Value of the parameter unless it is set. `None` if there is none, or the server is too old to tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_parameter_value: Option<String>,
}

/// The answer to [`GetRecordDirectory`](crate::requests::GetRecordDirectory).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetRecordDirectory {
    /// Path of the directory of recordings.
    pub record_directory: String,
}

/// The answer to [`GetSceneCollectionList`](crate::requests::GetSceneCollectionList).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetSceneCollectionList {
    /// Name of the scene collection in use.
    pub current_scene_collection_name: String,
    /// Names of the scene collections.
    pub scene_collections: Vec<String>,
}

/// The answer to [`GetStreamServiceSettings`](crate::requests::GetStreamServiceSettings).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetStreamServiceSettings {
    /// Type of the service, such as `rtmp_custom` or `rtmp_common`.
    pub stream_service_type: String,
    /// Settings of the service: an object.
    #[serde(default)]
    pub stream_service_settings: Value,
}

/// The answer to [`GetVideoSettings`](crate::requests::GetVideoSettings).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetVideoSettings {
    /// Numerator of the frame rate.
    pub fps_numerator: u32,
    /// Denominator of the frame rate.
    pub fps_denominator: u32,
    /// Width of the canvas, in pixels.
    pub base_width: u32,
    /// Height of the canvas, in pixels.
    pub base_height: u32,
    /// Width of what is sent, in pixels.
    pub output_width: u32,
    /// Height of what is sent, in pixels.
    pub output_height: u32,
}
