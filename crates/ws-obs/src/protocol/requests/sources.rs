//! Requests: sources.
// Generated from schema/protocol.toml by tests/schema: change that instead.

use serde::{Deserialize, Serialize};

use crate::{Id, protocol::Request, responses};

/// Tells whether a source is on air, or shown anywhere.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetSourceActive {
    /// The source.
    #[serde(flatten, with = "crate::id::source")]
    pub source: Id,
    /// UUID of the canvas.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub canvas_uuid: Option<String>,
}

impl GetSourceActive {
    /// With what it needs; what may be set beside is left out.
    #[must_use]
    pub fn new(source: impl Into<Id>) -> Self {
        Self { source: source.into(), canvas_uuid: None }
    }

    /// UUID of the canvas.
    #[must_use]
    pub fn canvas_uuid(mut self, canvas_uuid: impl Into<String>) -> Self {
        self.canvas_uuid = Some(canvas_uuid.into());
        self
    }
}

impl Request for GetSourceActive {
    const TYPE: &'static str = "GetSourceActive";
    type Response = responses::GetSourceActive;
}

/// Takes a picture of a source, and gives it in the answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetSourceScreenshot {
    /// The source.
    #[serde(flatten, with = "crate::id::source")]
    pub source: Id,
    /// UUID of the canvas.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub canvas_uuid: Option<String>,
    /// Format of the picture, one of those that `GetVersion` lists.
    pub image_format: String,
    /// Width of the picture, in pixels. From 8 to 4096.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_width: Option<u32>,
    /// Height of the picture, in pixels. From 8 to 4096.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_height: Option<u32>,
    /// Quality of the compression; -1 for what the format does by itself. From -1 to 100.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_compression_quality: Option<i32>,
}

impl GetSourceScreenshot {
    /// With what it needs; what may be set beside is left out.
    #[must_use]
    pub fn new(source: impl Into<Id>, image_format: impl Into<String>) -> Self {
        Self {
            source: source.into(),
            canvas_uuid: None,
            image_format: image_format.into(),
            image_width: None,
            image_height: None,
            image_compression_quality: None,
        }
    }

    /// UUID of the canvas.
    #[must_use]
    pub fn canvas_uuid(mut self, canvas_uuid: impl Into<String>) -> Self {
        self.canvas_uuid = Some(canvas_uuid.into());
        self
    }

    /// Width of the picture, in pixels. From 8 to 4096.
    #[must_use]
    pub fn image_width(mut self, image_width: u32) -> Self {
        self.image_width = Some(image_width);
        self
    }

    /// Height of the picture, in pixels. From 8 to 4096.
    #[must_use]
    pub fn image_height(mut self, image_height: u32) -> Self {
        self.image_height = Some(image_height);
        self
    }

    /// Quality of the compression; -1 for what the format does by itself. From -1 to 100.
    #[must_use]
    pub fn image_compression_quality(mut self, image_compression_quality: i32) -> Self {
        self.image_compression_quality = Some(image_compression_quality);
        self
    }
}

impl Request for GetSourceScreenshot {
    const TYPE: &'static str = "GetSourceScreenshot";
    type Response = responses::GetSourceScreenshot;
}

/// Takes a picture of a source, and writes it to a file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SaveSourceScreenshot {
    /// The source.
    #[serde(flatten, with = "crate::id::source")]
    pub source: Id,
    /// UUID of the canvas.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub canvas_uuid: Option<String>,
    /// Format of the picture, one of those that `GetVersion` lists.
    pub image_format: String,
    /// Path of the file to write, on the machine of OBS.
    pub image_file_path: String,
    /// Width of the picture, in pixels. From 8 to 4096.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_width: Option<u32>,
    /// Height of the picture, in pixels. From 8 to 4096.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_height: Option<u32>,
    /// Quality of the compression; -1 for what the format does by itself. From -1 to 100.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_compression_quality: Option<i32>,
}

impl SaveSourceScreenshot {
    /// With what it needs; what may be set beside is left out.
    #[must_use]
    pub fn new(
        source: impl Into<Id>,
        image_format: impl Into<String>,
        image_file_path: impl Into<String>,
    ) -> Self {
        Self {
            source: source.into(),
            canvas_uuid: None,
            image_format: image_format.into(),
            image_file_path: image_file_path.into(),
            image_width: None,
            image_height: None,
            image_compression_quality: None,
        }
    }

    /// UUID of the canvas.
    #[must_use]
    pub fn canvas_uuid(mut self, canvas_uuid: impl Into<String>) -> Self {
        self.canvas_uuid = Some(canvas_uuid.into());
        self
    }

    /// Width of the picture, in pixels. From 8 to 4096.
    #[must_use]
    pub fn image_width(mut self, image_width: u32) -> Self {
        self.image_width = Some(image_width);
        self
    }

    /// Height of the picture, in pixels. From 8 to 4096.
    #[must_use]
    pub fn image_height(mut self, image_height: u32) -> Self {
        self.image_height = Some(image_height);
        self
    }

    /// Quality of the compression; -1 for what the format does by itself. From -1 to 100.
    #[must_use]
    pub fn image_compression_quality(mut self, image_compression_quality: i32) -> Self {
        self.image_compression_quality = Some(image_compression_quality);
        self
    }
}

impl Request for SaveSourceScreenshot {
    const TYPE: &'static str = "SaveSourceScreenshot";
    type Response = ();

    fn response(_data: &serde_json::Value) -> Result<(), serde_json::Error> {
        Ok(())
    }
}
