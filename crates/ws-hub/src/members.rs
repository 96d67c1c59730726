//! A set of sessions that is walked without a lock.

use std::{collections::HashMap, sync::Arc};

use crate::{Session, handler::Handler};

/// Sessions in chunks. A walk takes the chunks, not the sessions: one count for 64 of them, and no lock while it lasts. What
/// comes and goes meanwhile changes copies of the chunks that are walked.
pub(crate) struct Members<A: Handler> {
    chunks: Vec<Arc<Vec<Session<A>>>>,
    /// Where each session stands, once there is more than one chunk to look through.
    #[expect(
        clippy::box_collection,
        reason = "there are as many of these as rooms and users, most of them small"
    )]
    index: Option<Box<HashMap<u64, usize>>>,
}

/// Sessions as they were at one time.
pub(crate) struct Snapshot<A: Handler>(Vec<Arc<Vec<Session<A>>>>);

impl<A: Handler> Default for Members<A> {
    fn default() -> Self {
        Self { chunks: Vec::new(), index: None }
    }
}

impl<A: Handler> Members<A> {
    pub(crate) fn len(&self) -> usize {
        match self.chunks.split_last() {
            Some((last, full)) => full.len() * CHUNK + last.len(),
            None => 0,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }

    /// The session with this number.
    pub(crate) fn get(&self, number: u64) -> Option<&Session<A>> {
        let at = self.position(number)?;
        self.chunks.get(at / CHUNK)?.get(at % CHUNK)
    }

    /// Adds a session; false if it is there.
    pub(crate) fn insert(&mut self, session: &Session<A>) -> bool {
        let number = session.number();
        if self.position(number).is_some() {
            return false;
        }
        let at = self.len();
        match self.chunks.last_mut() {
            Some(last) if last.len() < CHUNK => Arc::make_mut(last).push(session.clone()),
            _ => {
                if self.chunks.len() == 1 {
                    let numbers = self.chunks[0].iter().map(Session::number).enumerate();
                    self.index = Some(Box::new(numbers.map(|(at, number)| (number, at)).collect()));
                }
                self.chunks.push(Arc::new(vec![session.clone()]));
            }
        }
        if let Some(index) = &mut self.index {
            index.insert(number, at);
        }
        true
    }

    /// Removes a session and gives it back, to be dropped without a lock.
    pub(crate) fn remove(&mut self, number: u64) -> Option<Session<A>> {
        let at = self.position(number)?;
        let last = self.chunks.last_mut()?;
        let moved = Arc::make_mut(last).pop()?;
        if last.is_empty() {
            self.chunks.pop();
        }
        if let Some(index) = &mut self.index {
            index.remove(&number);
        }
        let removed = if moved.number() == number {
            moved
        } else {
            if let Some(index) = &mut self.index {
                index.insert(moved.number(), at);
            }
            std::mem::replace(Arc::make_mut(&mut self.chunks[at / CHUNK]).get_mut(at % CHUNK)?, moved)
        };
        if self.len() <= CHUNK / 2 {
            self.index = None;
        }
        Some(removed)
    }

    pub(crate) fn snapshot(&self) -> Snapshot<A> {
        Snapshot(self.chunks.clone())
    }

    fn position(&self, number: u64) -> Option<usize> {
        match &self.index {
            Some(index) => index.get(&number).copied(),
            None => {
                let mut sessions = self.chunks.iter().flat_map(|chunk| chunk.iter());
                sessions.position(|session| session.number() == number)
            }
        }
    }
}

impl<A: Handler> Snapshot<A> {
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Session<A>> {
        self.0.iter().flat_map(|chunk| chunk.iter())
    }

    pub(crate) fn len(&self) -> usize {
        match self.0.split_last() {
            Some((last, full)) => full.len() * CHUNK + last.len(),
            None => 0,
        }
    }
}

/// Sessions that are counted, and copied while a walk lasts, together.
const CHUNK: usize = 64;
