//! Objects within requests, answers and events.
// Generated from schema/protocol.toml by tests/schema: change that instead.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Alignment, BlendMode, BoundsType, SourceType};

/// A canvas.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Canvas {
    /// Name of the canvas.
    pub canvas_name: String,
    /// UUID of the canvas.
    pub canvas_uuid: String,
    /// What the canvas does, by name: `MAIN`, `ACTIVATE`, `MIX_AUDIO`, `SCENE_REF`, `EPHEMERAL`.
    pub canvas_flags: BTreeMap<String, bool>,
    /// Video of the canvas. `None` if there is none, or the server is too old to tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub canvas_video_settings: Option<CanvasVideoSettings>,
}

/// Video of a canvas; all of it is `None` when the canvas has none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CanvasVideoSettings {
    /// Numerator of the frame rate. `None` if there is none, or the server is too old to tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fps_numerator: Option<u32>,
    /// Denominator of the frame rate. `None` if there is none, or the server is too old to tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fps_denominator: Option<u32>,
    /// Width of the canvas, in pixels. `None` if there is none, or the server is too old to tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base_width: Option<u32>,
    /// Height of the canvas, in pixels. `None` if there is none, or the server is too old to tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base_height: Option<u32>,
    /// Width of what is sent, in pixels. `None` if there is none, or the server is too old to tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_width: Option<u32>,
    /// Height of what is sent, in pixels. `None` if there is none, or the server is too old to tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_height: Option<u32>,
}

/// A filter of a source.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Filter {
    /// Name of the filter.
    pub filter_name: String,
    /// Whether the filter is on.
    pub filter_enabled: bool,
    /// Position of the filter in its list, from 0.
    pub filter_index: u32,
    /// Kind of the filter.
    pub filter_kind: String,
    /// Settings of the filter: an object.
    #[serde(default)]
    pub filter_settings: Value,
}

/// An input.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Input {
    /// Name of the input.
    pub input_name: String,
    /// UUID of the input. `None` if there is none, or the server is too old to tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_uuid: Option<String>,
    /// Kind of the input, with its version.
    pub input_kind: String,
    /// Kind of the input without its version.
    pub unversioned_input_kind: String,
    /// Bits of what the kind can do, as libobs numbers them. `None` if there is none, or the server is too old to tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_kind_caps: Option<u32>,
}

/// The levels of an input.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct InputLevels {
    /// Name of the input.
    pub input_name: String,
    /// UUID of the input. `None` if there is none, or the server is too old to tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_uuid: Option<String>,
    /// For each channel the magnitude, the peak, and the peak before the volume, as factors.
    pub input_levels_mul: Vec<[f64; 3]>,
}

/// Keys held down with another one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct KeyModifiers {
    /// Shift.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shift: Option<bool>,
    /// Control.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub control: Option<bool>,
    /// Alt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alt: Option<bool>,
    /// Command, on macOS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<bool>,
}

impl KeyModifiers {
    /// With nothing set.
    #[must_use]
    pub fn new() -> Self {
        Self { shift: None, control: None, alt: None, command: None }
    }

    /// Shift.
    #[must_use]
    pub fn shift(mut self, shift: bool) -> Self {
        self.shift = Some(shift);
        self
    }

    /// Control.
    #[must_use]
    pub fn control(mut self, control: bool) -> Self {
        self.control = Some(control);
        self
    }

    /// Alt.
    #[must_use]
    pub fn alt(mut self, alt: bool) -> Self {
        self.alt = Some(alt);
        self
    }

    /// Command, on macOS.
    #[must_use]
    pub fn command(mut self, command: bool) -> Self {
        self.command = Some(command);
        self
    }
}

/// A monitor of the machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Monitor {
    /// Name of the monitor.
    pub monitor_name: String,
    /// Number of the monitor, from 0; -1 for a window.
    pub monitor_index: i32,
    /// Width of the monitor, in pixels.
    pub monitor_width: u32,
    /// Height of the monitor, in pixels.
    pub monitor_height: u32,
    /// Place of the monitor from the left, in pixels.
    pub monitor_position_x: i32,
    /// Place of the monitor from the top, in pixels.
    pub monitor_position_y: i32,
}

/// An output.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Output {
    /// Name of the output.
    pub output_name: String,
    /// Kind of the output.
    pub output_kind: String,
    /// Width of what is sent, in pixels.
    pub output_width: u32,
    /// Height of what is sent, in pixels.
    pub output_height: u32,
    /// Whether the output runs.
    pub output_active: bool,
    /// What the output can do, by the names of libobs.
    pub output_flags: BTreeMap<String, bool>,
}

/// An item that a property can be chosen from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct PropertyItem {
    /// Name that people see.
    pub item_name: String,
    /// Whether the item can be chosen.
    pub item_enabled: bool,
    /// Value that the setting takes.
    #[serde(default)]
    pub item_value: Value,
}

/// A scene.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Scene {
    /// Name of the scene.
    pub scene_name: String,
    /// UUID of the scene. `None` if there is none, or the server is too old to tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scene_uuid: Option<String>,
    /// Position of the scene in the list. `None` if there is none, or the server is too old to tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scene_index: Option<u32>,
}

/// An item of a scene.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SceneItem {
    /// Number of the item in its scene.
    pub scene_item_id: i64,
    /// Position of the item in its scene, from 0, the lowest.
    pub scene_item_index: u32,
    /// Whether the item is shown.
    pub scene_item_enabled: bool,
    /// Whether the item is locked.
    pub scene_item_locked: bool,
    /// Position, size, crop and rotation of the item.
    pub scene_item_transform: SceneItemTransform,
    /// How the item is blended with what is below it.
    pub scene_item_blend_mode: BlendMode,
    /// Name of the source.
    pub source_name: String,
    /// UUID of the source. `None` if there is none, or the server is too old to tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_uuid: Option<String>,
    /// What the source is.
    pub source_type: SourceType,
    /// Kind of the input, with its version. `None` if there is none, or the server is too old to tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_kind: Option<String>,
    /// Whether it is a group. `None` if there is none, or the server is too old to tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_group: Option<bool>,
}

/// Where in its scene an item is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SceneItemPosition {
    /// Number of the item in its scene.
    pub scene_item_id: i64,
    /// Position of the item in its scene, from 0, the lowest.
    pub scene_item_index: u32,
}

/// Position, size, crop and rotation of an item.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SceneItemTransform {
    /// Width of the source, in pixels.
    pub source_width: f64,
    /// Height of the source, in pixels.
    pub source_height: f64,
    /// Distance from the left, in pixels.
    pub position_x: f64,
    /// Distance from the top, in pixels.
    pub position_y: f64,
    /// Rotation clockwise, in degrees.
    pub rotation: f64,
    /// Scale along the width.
    pub scale_x: f64,
    /// Scale along the height.
    pub scale_y: f64,
    /// Width that results, in pixels.
    pub width: f64,
    /// Height that results, in pixels.
    pub height: f64,
    /// Which point of the item the position means.
    pub alignment: Alignment,
    /// How the item fits its bounds.
    pub bounds_type: BoundsType,
    /// Where in its bounds the item lies.
    pub bounds_alignment: Alignment,
    /// Width of the bounds, in pixels.
    pub bounds_width: f64,
    /// Height of the bounds, in pixels.
    pub bounds_height: f64,
    /// Pixels cut off at the left.
    pub crop_left: u32,
    /// Pixels cut off at the right.
    pub crop_right: u32,
    /// Pixels cut off at the top.
    pub crop_top: u32,
    /// Pixels cut off at the bottom.
    pub crop_bottom: u32,
    /// Whether what is outside of the bounds is cut off. `None` if there is none, or the server is too old to tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crop_to_bounds: Option<bool>,
}

/// What to change of position, size, crop and rotation of an item; `None` stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SceneItemTransformUpdate {
    /// Distance from the left, in pixels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position_x: Option<f64>,
    /// Distance from the top, in pixels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position_y: Option<f64>,
    /// Rotation clockwise, in degrees.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rotation: Option<f64>,
    /// Scale along the width.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scale_x: Option<f64>,
    /// Scale along the height.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scale_y: Option<f64>,
    /// Which point of the item the position means.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alignment: Option<Alignment>,
    /// How the item fits its bounds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bounds_type: Option<BoundsType>,
    /// Where in its bounds the item lies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bounds_alignment: Option<Alignment>,
    /// Width of the bounds, in pixels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bounds_width: Option<f64>,
    /// Height of the bounds, in pixels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bounds_height: Option<f64>,
    /// Pixels cut off at the left.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crop_left: Option<u32>,
    /// Pixels cut off at the right.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crop_right: Option<u32>,
    /// Pixels cut off at the top.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crop_top: Option<u32>,
    /// Pixels cut off at the bottom.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crop_bottom: Option<u32>,
    /// Whether what is outside of the bounds is cut off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crop_to_bounds: Option<bool>,
}

impl SceneItemTransformUpdate {
    /// With nothing set.
    #[must_use]
    pub fn new() -> Self {
        Self {
            position_x: None,
            position_y: None,
            rotation: None,
            scale_x: None,
            scale_y: None,
            alignment: None,
            bounds_type: None,
            bounds_alignment: None,
            bounds_width: None,
            bounds_height: None,
            crop_left: None,
            crop_right: None,
            crop_top: None,
            crop_bottom: None,
            crop_to_bounds: None,
        }
    }

    /// Distance from the left, in pixels.
    #[must_use]
    pub fn position_x(mut self, position_x: f64) -> Self {
        self.position_x = Some(position_x);
        self
    }

    /// Distance from the top, in pixels.
    #[must_use]
    pub fn position_y(mut self, position_y: f64) -> Self {
        self.position_y = Some(position_y);
        self
    }

    /// Rotation clockwise, in degrees.
    #[must_use]
    pub fn rotation(mut self, rotation: f64) -> Self {
        self.rotation = Some(rotation);
        self
    }

    /// Scale along the width.
    #[must_use]
    pub fn scale_x(mut self, scale_x: f64) -> Self {
        self.scale_x = Some(scale_x);
        self
    }

    /// Scale along the height.
    #[must_use]
    pub fn scale_y(mut self, scale_y: f64) -> Self {
        self.scale_y = Some(scale_y);
        self
    }

    /// Which point of the item the position means.
    #[must_use]
    pub fn alignment(mut self, alignment: Alignment) -> Self {
        self.alignment = Some(alignment);
        self
    }

    /// How the item fits its bounds.
    #[must_use]
    pub fn bounds_type(mut self, bounds_type: BoundsType) -> Self {
        self.bounds_type = Some(bounds_type);
        self
    }

    /// Where in its bounds the item lies.
    #[must_use]
    pub fn bounds_alignment(mut self, bounds_alignment: Alignment) -> Self {
        self.bounds_alignment = Some(bounds_alignment);
        self
    }

    /// Width of the bounds, in pixels.
    #[must_use]
    pub fn bounds_width(mut self, bounds_width: f64) -> Self {
        self.bounds_width = Some(bounds_width);
        self
    }

    /// Height of the bounds, in pixels.
    #[must_use]
    pub fn bounds_height(mut self, bounds_height: f64) -> Self {
        self.bounds_height = Some(bounds_height);
        self
    }

    /// Pixels cut off at the left.
    #[must_use]
    pub fn crop_left(mut self, crop_left: u32) -> Self {
        self.crop_left = Some(crop_left);
        self
    }

    /// Pixels cut off at the right.
    #[must_use]
    pub fn crop_right(mut self, crop_right: u32) -> Self {
        self.crop_right = Some(crop_right);
        self
    }

    /// Pixels cut off at the top.
    #[must_use]
    pub fn crop_top(mut self, crop_top: u32) -> Self {
        self.crop_top = Some(crop_top);
        self
    }

    /// Pixels cut off at the bottom.
    #[must_use]
    pub fn crop_bottom(mut self, crop_bottom: u32) -> Self {
        self.crop_bottom = Some(crop_bottom);
        self
    }

    /// Whether what is outside of the bounds is cut off.
    #[must_use]
    pub fn crop_to_bounds(mut self, crop_to_bounds: bool) -> Self {
        self.crop_to_bounds = Some(crop_to_bounds);
        self
    }
}

/// A transition between scenes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Transition {
    /// Name of the transition.
    pub transition_name: String,
    /// UUID of the transition. `None` if there is none, or the server is too old to tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transition_uuid: Option<String>,
    /// Kind of the transition.
    pub transition_kind: String,
    /// Whether the duration of the transition is fixed.
    pub transition_fixed: bool,
    /// Whether the transition has settings.
    pub transition_configurable: bool,
}
