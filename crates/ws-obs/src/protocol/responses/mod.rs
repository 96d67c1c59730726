//! The answers to the requests of the same names.
// Generated from schema/protocol.toml by tests/schema: change that instead.

mod canvases;
mod config;
mod filters;
mod general;
mod input_audio;
mod inputs;
mod media_inputs;
mod outputs;
mod record;
mod scene_item_placement;
mod scene_items;
mod scenes;
mod sources;
mod stream;
mod transitions;
mod ui;

pub use self::{
    canvases::*, config::*, filters::*, general::*, input_audio::*, inputs::*, media_inputs::*, outputs::*,
    record::*, scene_item_placement::*, scene_items::*, scenes::*, sources::*, stream::*, transitions::*,
    ui::*,
};
