//! What requests, answers and events are made of.

mod code;
mod codes;
mod objects;
mod subscription;
mod text;
mod texts;

pub use self::{codes::*, objects::*, subscription::EventSubscription, texts::*};
