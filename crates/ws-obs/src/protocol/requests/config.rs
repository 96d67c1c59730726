//! Requests: config.
// Generated from schema/protocol.toml by tests/schema: change that instead.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{protocol::Request, responses, types::Realm};

/// Makes a profile and switches to it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CreateProfile {
    /// Name of the profile.
    pub profile_name: String,
}

impl CreateProfile {
    /// What it says.
    #[must_use]
    pub fn new(profile_name: impl Into<String>) -> Self {
        Self { profile_name: profile_name.into() }
    }
}

impl Request for CreateProfile {
    const TYPE: &'static str = "CreateProfile";
    type Response = ();

    fn response(_data: &Value) -> Result<(), serde_json::Error> {
        Ok(())
    }
}

/// Makes a scene collection and switches to it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CreateSceneCollection {
    /// Name of the scene collection.
    pub scene_collection_name: String,
}

impl CreateSceneCollection {
    /// What it says.
    #[must_use]
    pub fn new(scene_collection_name: impl Into<String>) -> Self {
        Self { scene_collection_name: scene_collection_name.into() }
    }
}

impl Request for CreateSceneCollection {
    const TYPE: &'static str = "CreateSceneCollection";
    type Response = ();

    fn response(_data: &Value) -> Result<(), serde_json::Error> {
        Ok(())
    }
}

/// Reads data that a client has kept in OBS.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetPersistentData {
    /// Where the data is kept.
    pub realm: Realm,
    /// Name under which the data is kept.
    pub slot_name: String,
}

impl GetPersistentData {
    /// What it says.
    #[must_use]
    pub fn new(realm: Realm, slot_name: impl Into<String>) -> Self {
        Self { realm, slot_name: slot_name.into() }
    }
}

impl Request for GetPersistentData {
    const TYPE: &'static str = "GetPersistentData";
    type Response = responses::GetPersistentData;
}

/// Lists the profiles.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetProfileList {}

impl GetProfileList {
    /// What it says.
    #[must_use]
    pub fn new() -> Self {
        Self {}
    }
}

impl Request for GetProfileList {
    const TYPE: &'static str = "GetProfileList";
    type Response = responses::GetProfileList;
}

/// Reads a parameter of the profile in use.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetProfileParameter {
    /// Section of the parameter in the profile.
    pub parameter_category: String,
    /// Name of the parameter.
    pub parameter_name: String,
}

impl GetProfileParameter {
    /// What it says.
    #[must_use]
    pub fn new(parameter_category: impl Into<String>, parameter_name: impl Into<String>) -> Self {
        Self { parameter_category: parameter_category.into(), parameter_name: parameter_name.into() }
    }
}

impl Request for GetProfileParameter {
    const TYPE: &'static str = "GetProfileParameter";
    type Response = responses::GetProfileParameter;
}

/// Tells where recordings are written.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetRecordDirectory {}

impl GetRecordDirectory {
    /// What it says.
    #[must_use]
    pub fn new() -> Self {
        Self {}
    }
}

impl Request for GetRecordDirectory {
    const TYPE: &'static str = "GetRecordDirectory";
    type Response = responses::GetRecordDirectory;
}

/// Lists the scene collections.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetSceneCollectionList {}

impl GetSceneCollectionList {
    /// What it says.
    #[must_use]
    pub fn new() -> Self {
        Self {}
    }
}

impl Request for GetSceneCollectionList {
    const TYPE: &'static str = "GetSceneCollectionList";
    type Response = responses::GetSceneCollectionList;
}

/// Reads where the stream goes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetStreamServiceSettings {}

impl GetStreamServiceSettings {
    /// What it says.
    #[must_use]
    pub fn new() -> Self {
        Self {}
    }
}

impl Request for GetStreamServiceSettings {
    const TYPE: &'static str = "GetStreamServiceSettings";
    type Response = responses::GetStreamServiceSettings;
}

/// Reads the frame rate and the sizes of the video.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetVideoSettings {}

impl GetVideoSettings {
    /// What it says.
    #[must_use]
    pub fn new() -> Self {
        Self {}
    }
}

impl Request for GetVideoSettings {
    const TYPE: &'static str = "GetVideoSettings";
    type Response = responses::GetVideoSettings;
}

/// Removes a profile; if it is the one in use, OBS switches to another first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct RemoveProfile {
    /// Name of the profile.
    pub profile_name: String,
}

impl RemoveProfile {
    /// What it says.
    #[must_use]
    pub fn new(profile_name: impl Into<String>) -> Self {
        Self { profile_name: profile_name.into() }
    }
}

impl Request for RemoveProfile {
    const TYPE: &'static str = "RemoveProfile";
    type Response = ();

    fn response(_data: &Value) -> Result<(), serde_json::Error> {
        Ok(())
    }
}

/// Switches to a profile.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SetCurrentProfile {
    /// Name of the profile.
    pub profile_name: String,
}

impl SetCurrentProfile {
    /// What it says.
    #[must_use]
    pub fn new(profile_name: impl Into<String>) -> Self {
        Self { profile_name: profile_name.into() }
    }
}

impl Request for SetCurrentProfile {
    const TYPE: &'static str = "SetCurrentProfile";
    type Response = ();

    fn response(_data: &Value) -> Result<(), serde_json::Error> {
        Ok(())
    }
}

/// Switches to a scene collection, and answers when that is done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SetCurrentSceneCollection {
    /// Name of the scene collection.
    pub scene_collection_name: String,
}

impl SetCurrentSceneCollection {
    /// What it says.
    #[must_use]
    pub fn new(scene_collection_name: impl Into<String>) -> Self {
        Self { scene_collection_name: scene_collection_name.into() }
    }
}

impl Request for SetCurrentSceneCollection {
    const TYPE: &'static str = "SetCurrentSceneCollection";
    type Response = ();

    fn response(_data: &Value) -> Result<(), serde_json::Error> {
        Ok(())
    }
}

/// Keeps data in OBS, for any client to read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SetPersistentData {
    /// Where the data is kept.
    pub realm: Realm,
    /// Name under which the data is kept.
    pub slot_name: String,
    /// The data.
    #[serde(default)]
    pub slot_value: Value,
}

impl SetPersistentData {
    /// What it says.
    #[must_use]
    pub fn new(realm: Realm, slot_name: impl Into<String>, slot_value: impl Into<Value>) -> Self {
        Self { realm, slot_name: slot_name.into(), slot_value: slot_value.into() }
    }
}

impl Request for SetPersistentData {
    const TYPE: &'static str = "SetPersistentData";
    type Response = ();

    fn response(_data: &Value) -> Result<(), serde_json::Error> {
        Ok(())
    }
}

/// Sets a parameter of the profile in use.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SetProfileParameter {
    /// Section of the parameter in the profile.
    pub parameter_category: String,
    /// Name of the parameter.
    pub parameter_name: String,
    /// Value of the parameter.
    pub parameter_value: String,
}

impl SetProfileParameter {
    /// What it says.
    #[must_use]
    pub fn new(
        parameter_category: impl Into<String>,
        parameter_name: impl Into<String>,
        parameter_value: impl Into<String>,
    ) -> Self {
        Self {
            parameter_category: parameter_category.into(),
            parameter_name: parameter_name.into(),
            parameter_value: parameter_value.into(),
        }
    }
}

impl Request for SetProfileParameter {
    const TYPE: &'static str = "SetProfileParameter";
    type Response = ();

    fn response(_data: &Value) -> Result<(), serde_json::Error> {
        Ok(())
    }
}

/// Sets where recordings are written.
///
/// Since obs-websocket 5.3.0.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SetRecordDirectory {
    /// Path of the directory of recordings.
    pub record_directory: String,
}

impl SetRecordDirectory {
    /// What it says.
    #[must_use]
    pub fn new(record_directory: impl Into<String>) -> Self {
        Self { record_directory: record_directory.into() }
    }
}

impl Request for SetRecordDirectory {
    const TYPE: &'static str = "SetRecordDirectory";
    type Response = ();

    fn response(_data: &Value) -> Result<(), serde_json::Error> {
        Ok(())
    }
}

/// Sets where the stream goes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SetStreamServiceSettings {
    /// Type of the service, such as `rtmp_custom` or `rtmp_common`.
    pub stream_service_type: String,
    /// Settings of the service: an object.
    #[serde(default)]
    pub stream_service_settings: Value,
}

impl SetStreamServiceSettings {
    /// What it says.
    #[must_use]
    pub fn new(stream_service_type: impl Into<String>, stream_service_settings: impl Into<Value>) -> Self {
        Self {
            stream_service_type: stream_service_type.into(),
            stream_service_settings: stream_service_settings.into(),
        }
    }
}

impl Request for SetStreamServiceSettings {
    const TYPE: &'static str = "SetStreamServiceSettings";
    type Response = ();

    fn response(_data: &Value) -> Result<(), serde_json::Error> {
        Ok(())
    }
}

/// Sets the frame rate or sizes of the video; numbers that belong together go together.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SetVideoSettings {
    /// Numerator of the frame rate. 1 at least.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fps_numerator: Option<u32>,
    /// Denominator of the frame rate. 1 at least.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fps_denominator: Option<u32>,
    /// Width of the canvas, in pixels. From 1 to 4096.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base_width: Option<u32>,
    /// Height of the canvas, in pixels. From 1 to 4096.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base_height: Option<u32>,
    /// Width of what is sent, in pixels. From 1 to 4096.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_width: Option<u32>,
    /// Height of what is sent, in pixels. From 1 to 4096.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_height: Option<u32>,
}

impl SetVideoSettings {
    /// With nothing set.
    #[must_use]
    pub fn new() -> Self {
        Self {
            fps_numerator: None,
            fps_denominator: None,
            base_width: None,
            base_height: None,
            output_width: None,
            output_height: None,
        }
    }

    /// Numerator of the frame rate. 1 at least.
    #[must_use]
    pub fn fps_numerator(mut self, fps_numerator: u32) -> Self {
        self.fps_numerator = Some(fps_numerator);
        self
    }

    /// Denominator of the frame rate. 1 at least.
    #[must_use]
    pub fn fps_denominator(mut self, fps_denominator: u32) -> Self {
        self.fps_denominator = Some(fps_denominator);
        self
    }

    /// Width of the canvas, in pixels. From 1 to 4096.
    #[must_use]
    pub fn base_width(mut self, base_width: u32) -> Self {
        self.base_width = Some(base_width);
        self
    }

    /// Height of the canvas, in pixels. From 1 to 4096.
    #[must_use]
    pub fn base_height(mut self, base_height: u32) -> Self {
        self.base_height = Some(base_height);
        self
    }

    /// Width of what is sent, in pixels. From 1 to 4096.
    #[must_use]
    pub fn output_width(mut self, output_width: u32) -> Self {
        self.output_width = Some(output_width);
        self
    }

    /// Height of what is sent, in pixels. From 1 to 4096.
    #[must_use]
    pub fn output_height(mut self, output_height: u32) -> Self {
        self.output_height = Some(output_height);
        self
    }
}

impl Request for SetVideoSettings {
    const TYPE: &'static str = "SetVideoSettings";
    type Response = ();

    fn response(_data: &Value) -> Result<(), serde_json::Error> {
        Ok(())
    }
}
