//! Messages in order.

use std::{collections::VecDeque, sync::Arc};

use crate::envelope::Outgoing;

/// Messages in order. One needs no buffer, and an empty one keeps none.
#[derive(Default)]
pub(crate) struct Fifo {
    first: Option<Arc<Outgoing>>,
    rest: VecDeque<Arc<Outgoing>>,
}

impl Fifo {
    pub(crate) fn len(&self) -> usize {
        usize::from(self.first.is_some()) + self.rest.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    pub(crate) fn push(&mut self, message: Arc<Outgoing>) {
        if self.first.is_none() {
            self.first = Some(message);
        } else {
            self.rest.push_back(message);
        }
    }

    pub(crate) fn pop(&mut self) -> Option<Arc<Outgoing>> {
        let message = self.first.take()?;
        self.first = self.rest.pop_front();
        if self.rest.is_empty() && self.rest.capacity() > 0 {
            self.rest = VecDeque::new();
        }
        Some(message)
    }

    /// The oldest that may be dropped to make room.
    pub(super) fn pop_droppable(&mut self) -> Option<Arc<Outgoing>> {
        if self.first.as_ref().is_some_and(|first| !first.kept) {
            return self.pop();
        }
        let at = self.rest.iter().position(|message| !message.kept)?;
        self.rest.remove(at)
    }

    pub(super) fn remove_key(&mut self, key: &str) -> Option<Arc<Outgoing>> {
        if self.first.as_ref().is_some_and(|first| first.key.as_deref() == Some(key)) {
            return self.pop();
        }
        let at = self.rest.iter().position(|message| message.key.as_deref() == Some(key))?;
        self.rest.remove(at)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Arc<Outgoing>> {
        self.first.iter().chain(&self.rest)
    }

    pub(super) fn find_key(&mut self, key: &str) -> Option<&mut Arc<Outgoing>> {
        self.first.iter_mut().chain(&mut self.rest).find(|message| message.key.as_deref() == Some(key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_queue_holds_no_buffer() {
        let mut fifo = Fifo::default();
        for text in ["a", "b", "c"] {
            fifo.push(Outgoing::kept(text.into()));
        }
        assert!(fifo.rest.capacity() > 0);
        while fifo.pop().is_some() {}
        assert_eq!((fifo.rest.capacity(), fifo.len()), (0, 0));
    }
}
