//! Answers: inputs.
// Generated from schema/protocol.toml by tests/schema: change that instead.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::types::{DeinterlaceFieldOrder, DeinterlaceMode, Input, PropertyItem};

/// The answer to [`CreateInput`](crate::requests::CreateInput).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CreateInput {
    /// UUID of the input. `None` if there is none, or the server is too old to tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_uuid: Option<String>,
    /// Number of the item in its scene.
    pub scene_item_id: i64,
}

/// The answer to [`GetInputDefaultSettings`](crate::requests::GetInputDefaultSettings).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetInputDefaultSettings {
    /// Settings that the input has unless they are set: an object.
    #[serde(default)]
    pub default_input_settings: Value,
}

/// The answer to [`GetInputDeinterlaceFieldOrder`](crate::requests::GetInputDeinterlaceFieldOrder).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetInputDeinterlaceFieldOrder {
    /// Which field comes first.
    pub input_deinterlace_field_order: DeinterlaceFieldOrder,
}

/// The answer to [`GetInputDeinterlaceMode`](crate::requests::GetInputDeinterlaceMode).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetInputDeinterlaceMode {
    /// How the input is deinterlaced.
    pub input_deinterlace_mode: DeinterlaceMode,
}

/// The answer to [`GetInputKindList`](crate::requests::GetInputKindList).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetInputKindList {
    /// The kinds of inputs.
    pub input_kinds: Vec<String>,
}

/// The answer to [`GetInputList`](crate::requests::GetInputList).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetInputList {
    /// The inputs.
    pub inputs: Vec<Input>,
}

/// The answer to [`GetInputPropertiesListPropertyItems`](crate::requests::GetInputPropertiesListPropertyItems).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetInputPropertiesListPropertyItems {
    /// Items of the list.
    pub property_items: Vec<PropertyItem>,
}

/// The answer to [`GetInputSettings`](crate::requests::GetInputSettings).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetInputSettings {
    /// Settings of the input: an object.
    #[serde(default)]
    pub input_settings: Value,
    /// Kind of the input, with its version.
    pub input_kind: String,
}

/// The answer to [`GetSpecialInputs`](crate::requests::GetSpecialInputs).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetSpecialInputs {
    /// Name of the first desktop audio input. `None` if there is none, or the server is too old to tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub desktop1: Option<String>,
    /// Name of the second desktop audio input. `None` if there is none, or the server is too old to tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub desktop2: Option<String>,
    /// Name of the first microphone input. `None` if there is none, or the server is too old to tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mic1: Option<String>,
    /// Name of the second microphone input. `None` if there is none, or the server is too old to tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mic2: Option<String>,
    /// Name of the third microphone input. `None` if there is none, or the server is too old to tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mic3: Option<String>,
    /// Name of the fourth microphone input. `None` if there is none, or the server is too old to tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mic4: Option<String>,
}
