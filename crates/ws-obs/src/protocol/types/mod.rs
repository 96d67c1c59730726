//! What requests, answers and events are made of.

mod alignment;
mod code;
mod codes;
mod objects;
mod subscription;
mod text;
mod texts;

pub use self::{alignment::Alignment, codes::*, objects::*, subscription::EventSubscription, texts::*};
