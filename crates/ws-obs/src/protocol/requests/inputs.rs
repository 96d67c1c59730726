//! Requests: inputs.
// Generated from schema/protocol.toml by tests/schema: change that instead.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    Id,
    protocol::Request,
    responses,
    types::{DeinterlaceFieldOrder, DeinterlaceMode},
};

/// Makes an input and adds it to a scene.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CreateInput {
    /// The scene.
    #[serde(flatten, with = "crate::id::scene")]
    pub scene: Id,
    /// UUID of the canvas.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub canvas_uuid: Option<String>,
    /// Name of the input.
    pub input_name: String,
    /// Kind of the input, with its version.
    pub input_kind: String,
    /// Settings of the input: an object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_settings: Option<Value>,
    /// Whether the item is shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scene_item_enabled: Option<bool>,
}

impl CreateInput {
    /// With what it needs; what may be set beside is left out.
    #[must_use]
    pub fn new(scene: impl Into<Id>, input_name: impl Into<String>, input_kind: impl Into<String>) -> Self {
        Self {
            scene: scene.into(),
            canvas_uuid: None,
            input_name: input_name.into(),
            input_kind: input_kind.into(),
            input_settings: None,
            scene_item_enabled: None,
        }
    }

    /// UUID of the canvas.
    #[must_use]
    pub fn canvas_uuid(mut self, canvas_uuid: impl Into<String>) -> Self {
        self.canvas_uuid = Some(canvas_uuid.into());
        self
    }

    /// Settings of the input: an object.
    #[must_use]
    pub fn input_settings(mut self, input_settings: impl Into<Value>) -> Self {
        self.input_settings = Some(input_settings.into());
        self
    }

    /// Whether the item is shown.
    #[must_use]
    pub fn scene_item_enabled(mut self, scene_item_enabled: bool) -> Self {
        self.scene_item_enabled = Some(scene_item_enabled);
        self
    }
}

impl Request for CreateInput {
    const TYPE: &'static str = "CreateInput";
    type Response = responses::CreateInput;
}

/// Reads the settings that inputs of a kind begin with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetInputDefaultSettings {
    /// Kind of the input, with its version.
    pub input_kind: String,
}

impl GetInputDefaultSettings {
    /// What it says.
    #[must_use]
    pub fn new(input_kind: impl Into<String>) -> Self {
        Self { input_kind: input_kind.into() }
    }
}

impl Request for GetInputDefaultSettings {
    const TYPE: &'static str = "GetInputDefaultSettings";
    type Response = responses::GetInputDefaultSettings;
}

/// Tells the field order of an input that is deinterlaced.
///
/// Since obs-websocket 5.6.0.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetInputDeinterlaceFieldOrder {
    /// The input.
    #[serde(flatten, with = "crate::id::input")]
    pub input: Id,
}

impl GetInputDeinterlaceFieldOrder {
    /// What it says.
    #[must_use]
    pub fn new(input: impl Into<Id>) -> Self {
        Self { input: input.into() }
    }
}

impl Request for GetInputDeinterlaceFieldOrder {
    const TYPE: &'static str = "GetInputDeinterlaceFieldOrder";
    type Response = responses::GetInputDeinterlaceFieldOrder;
}

/// Tells how an input is deinterlaced.
///
/// Since obs-websocket 5.6.0.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetInputDeinterlaceMode {
    /// The input.
    #[serde(flatten, with = "crate::id::input")]
    pub input: Id,
}

impl GetInputDeinterlaceMode {
    /// What it says.
    #[must_use]
    pub fn new(input: impl Into<Id>) -> Self {
        Self { input: input.into() }
    }
}

impl Request for GetInputDeinterlaceMode {
    const TYPE: &'static str = "GetInputDeinterlaceMode";
    type Response = responses::GetInputDeinterlaceMode;
}

/// Lists the kinds of inputs that there are.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetInputKindList {
    /// Whether the kinds come without their versions; `false` unless set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unversioned: Option<bool>,
}

impl GetInputKindList {
    /// With nothing set.
    #[must_use]
    pub fn new() -> Self {
        Self { unversioned: None }
    }

    /// Whether the kinds come without their versions; `false` unless set.
    #[must_use]
    pub fn unversioned(mut self, unversioned: bool) -> Self {
        self.unversioned = Some(unversioned);
        self
    }
}

impl Request for GetInputKindList {
    const TYPE: &'static str = "GetInputKindList";
    type Response = responses::GetInputKindList;
}

/// Lists the inputs, of one kind if one is given.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetInputList {
    /// Kind of the input, with its version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_kind: Option<String>,
}

impl GetInputList {
    /// With nothing set.
    #[must_use]
    pub fn new() -> Self {
        Self { input_kind: None }
    }

    /// Kind of the input, with its version.
    #[must_use]
    pub fn input_kind(mut self, input_kind: impl Into<String>) -> Self {
        self.input_kind = Some(input_kind.into());
        self
    }
}

impl Request for GetInputList {
    const TYPE: &'static str = "GetInputList";
    type Response = responses::GetInputList;
}

/// Lists what a property of an input can be chosen from, such as the devices of a camera.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetInputPropertiesListPropertyItems {
    /// The input.
    #[serde(flatten, with = "crate::id::input")]
    pub input: Id,
    /// Name of the property.
    pub property_name: String,
}

impl GetInputPropertiesListPropertyItems {
    /// What it says.
    #[must_use]
    pub fn new(input: impl Into<Id>, property_name: impl Into<String>) -> Self {
        Self { input: input.into(), property_name: property_name.into() }
    }
}

impl Request for GetInputPropertiesListPropertyItems {
    const TYPE: &'static str = "GetInputPropertiesListPropertyItems";
    type Response = responses::GetInputPropertiesListPropertyItems;
}

/// Reads the settings of an input, without those that are as they began.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetInputSettings {
    /// The input.
    #[serde(flatten, with = "crate::id::input")]
    pub input: Id,
}

impl GetInputSettings {
    /// What it says.
    #[must_use]
    pub fn new(input: impl Into<Id>) -> Self {
        Self { input: input.into() }
    }
}

impl Request for GetInputSettings {
    const TYPE: &'static str = "GetInputSettings";
    type Response = responses::GetInputSettings;
}

/// Reads the names of the audio inputs that OBS has from its settings.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetSpecialInputs {}

impl GetSpecialInputs {
    /// What it says.
    #[must_use]
    pub fn new() -> Self {
        Self {}
    }
}

impl Request for GetSpecialInputs {
    const TYPE: &'static str = "GetSpecialInputs";
    type Response = responses::GetSpecialInputs;
}

/// Presses a button of the properties of an input, such as `refreshnocache` of a browser source.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct PressInputPropertiesButton {
    /// The input.
    #[serde(flatten, with = "crate::id::input")]
    pub input: Id,
    /// Name of the property.
    pub property_name: String,
}

impl PressInputPropertiesButton {
    /// What it says.
    #[must_use]
    pub fn new(input: impl Into<Id>, property_name: impl Into<String>) -> Self {
        Self { input: input.into(), property_name: property_name.into() }
    }
}

impl Request for PressInputPropertiesButton {
    const TYPE: &'static str = "PressInputPropertiesButton";
    type Response = ();

    fn response(_data: &Value) -> Result<(), serde_json::Error> {
        Ok(())
    }
}

/// Removes an input, and with it all its scene items.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct RemoveInput {
    /// The input.
    #[serde(flatten, with = "crate::id::input")]
    pub input: Id,
}

impl RemoveInput {
    /// What it says.
    #[must_use]
    pub fn new(input: impl Into<Id>) -> Self {
        Self { input: input.into() }
    }
}

impl Request for RemoveInput {
    const TYPE: &'static str = "RemoveInput";
    type Response = ();

    fn response(_data: &Value) -> Result<(), serde_json::Error> {
        Ok(())
    }
}

/// Sets the field order of an input that is deinterlaced.
///
/// Since obs-websocket 5.6.0.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SetInputDeinterlaceFieldOrder {
    /// The input.
    #[serde(flatten, with = "crate::id::input")]
    pub input: Id,
    /// Which field comes first.
    pub input_deinterlace_field_order: DeinterlaceFieldOrder,
}

impl SetInputDeinterlaceFieldOrder {
    /// What it says.
    #[must_use]
    pub fn new(input: impl Into<Id>, input_deinterlace_field_order: DeinterlaceFieldOrder) -> Self {
        Self { input: input.into(), input_deinterlace_field_order }
    }
}

impl Request for SetInputDeinterlaceFieldOrder {
    const TYPE: &'static str = "SetInputDeinterlaceFieldOrder";
    type Response = ();

    fn response(_data: &Value) -> Result<(), serde_json::Error> {
        Ok(())
    }
}

/// Sets how an input is deinterlaced.
///
/// Since obs-websocket 5.6.0.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SetInputDeinterlaceMode {
    /// The input.
    #[serde(flatten, with = "crate::id::input")]
    pub input: Id,
    /// How the input is deinterlaced.
    pub input_deinterlace_mode: DeinterlaceMode,
}

impl SetInputDeinterlaceMode {
    /// What it says.
    #[must_use]
    pub fn new(input: impl Into<Id>, input_deinterlace_mode: DeinterlaceMode) -> Self {
        Self { input: input.into(), input_deinterlace_mode }
    }
}

impl Request for SetInputDeinterlaceMode {
    const TYPE: &'static str = "SetInputDeinterlaceMode";
    type Response = ();

    fn response(_data: &Value) -> Result<(), serde_json::Error> {
        Ok(())
    }
}

/// Renames an input.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SetInputName {
    /// The input.
    #[serde(flatten, with = "crate::id::input")]
    pub input: Id,
    /// Name that the input gets.
    pub new_input_name: String,
}

impl SetInputName {
    /// What it says.
    #[must_use]
    pub fn new(input: impl Into<Id>, new_input_name: impl Into<String>) -> Self {
        Self { input: input.into(), new_input_name: new_input_name.into() }
    }
}

impl Request for SetInputName {
    const TYPE: &'static str = "SetInputName";
    type Response = ();

    fn response(_data: &Value) -> Result<(), serde_json::Error> {
        Ok(())
    }
}

/// Sets settings of an input.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SetInputSettings {
    /// The input.
    #[serde(flatten, with = "crate::id::input")]
    pub input: Id,
    /// Settings of the input: an object.
    #[serde(default)]
    pub input_settings: Value,
    /// Whether the settings are laid over the present ones, as unless set; otherwise they replace them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub overlay: Option<bool>,
}

impl SetInputSettings {
    /// With what it needs; what may be set beside is left out.
    #[must_use]
    pub fn new(input: impl Into<Id>, input_settings: impl Into<Value>) -> Self {
        Self { input: input.into(), input_settings: input_settings.into(), overlay: None }
    }

    /// Whether the settings are laid over the present ones, as unless set; otherwise they replace them.
    #[must_use]
    pub fn overlay(mut self, overlay: bool) -> Self {
        self.overlay = Some(overlay);
        self
    }
}

impl Request for SetInputSettings {
    const TYPE: &'static str = "SetInputSettings";
    type Response = ();

    fn response(_data: &Value) -> Result<(), serde_json::Error> {
        Ok(())
    }
}
