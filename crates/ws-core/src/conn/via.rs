//! How a reader or writer of one message reaches its connection.

use super::{Conn, split::Joint};

/// A connection that is held as a whole, or one that the other half uses, too.
#[derive(Debug)]
pub(super) enum Via<'a, S> {
    Whole(&'a mut Conn<S>),
    Half(&'a Joint<S>),
}

impl<S> Via<'_, S> {
    /// Does one step with the connection. Nothing waits inside.
    pub(super) fn with<T>(&mut self, step: impl FnOnce(&mut Conn<S>) -> T) -> T {
        match self {
            Self::Whole(conn) => step(conn),
            Self::Half(joint) => step(&mut joint.lock()),
        }
    }
}
