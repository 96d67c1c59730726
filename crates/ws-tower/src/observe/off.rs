//! Nothing is told.

use http::request::Parts;
use ws_core::Conn;

use crate::{UpgradeError, Upgraded, Upgrader, rejection::WebSocketUpgradeRejection};

#[derive(Debug)]
pub(crate) struct Handshaking;

#[derive(Debug)]
pub(crate) struct Observer;

pub(crate) struct Scope;

impl Handshaking {
    pub(crate) fn begin(_: &Upgrader, _: &Parts) -> Self {
        Self
    }

    pub(crate) fn refused(self, _: &WebSocketUpgradeRejection) {}

    pub(crate) fn failed(&self, error: UpgradeError) -> UpgradeError {
        error
    }

    pub(crate) fn opened(&self, _: &mut Conn<Upgraded>) {}
}

impl Observer {
    pub(crate) const NONE: Self = Self;

    pub(crate) fn waits(&self) {}

    #[expect(clippy::needless_pass_by_ref_mut, reason = "an observer that is there notes it")]
    pub(crate) fn panicked(&mut self) {}

    pub(crate) fn scope(&self) -> Scope {
        Scope
    }
}

impl Scope {
    pub(crate) fn run<F: Future>(self, start: impl FnOnce() -> F) -> F {
        start()
    }
}
