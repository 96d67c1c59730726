//! A room that is needed although nobody is in it.

use std::sync::Arc;

use crate::{Hub, groups::Group, handler::Handler};

/// Keeps a room while it is needed without anybody in it.
pub(crate) struct Pin<'a, A: Handler> {
    hub: &'a Hub<A>,
    group: Arc<Group<A>>,
}

impl<'a, A: Handler> Pin<'a, A> {
    pub(crate) fn new(hub: &'a Hub<A>, group: Arc<Group<A>>) -> Self {
        Self { hub, group }
    }

    pub(crate) fn group(&self) -> &Arc<Group<A>> {
        &self.group
    }

    /// Has what is handed on be kept, until the guard is dropped.
    pub(crate) fn read(&self) -> Reading<'_, A> {
        self.group.lock().stream.get_or_insert_default().begin_read();
        Reading(&self.group)
    }
}

impl<A: Handler> Drop for Pin<'_, A> {
    fn drop(&mut self) {
        self.hub.unpin_room(&self.group);
    }
}

/// Keeps what is handed on in a room, while somebody reads its history.
pub(crate) struct Reading<'a, A: Handler>(&'a Arc<Group<A>>);

impl<A: Handler> Drop for Reading<'_, A> {
    fn drop(&mut self) {
        if let Some(stream) = &mut self.0.lock().stream {
            stream.end_read();
        }
    }
}
