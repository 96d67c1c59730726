//! Other nodes: what they are told, and what they tell.

mod events;
pub(crate) mod wire;

use std::sync::Arc;

use ws_core::CloseFrame;

pub(crate) use self::events::listen;
use crate::Envelope;

/// What is to be done with sessions, wherever they are.
#[derive(Clone, Debug)]
pub(crate) enum Operation {
    Send(Envelope),
    Join(Arc<str>),
    Leave(Arc<str>),
    Close(Option<CloseFrame>),
}
