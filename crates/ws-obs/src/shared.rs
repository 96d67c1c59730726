//! What handles, streams and the task behind them share.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use serde_json::Value;
use tokio::{
    sync::{Notify, OwnedSemaphorePermit, Semaphore, oneshot, watch},
    time::{Instant, timeout_at},
};
use ws_client::{
    CloseCode, CloseFrame, Message,
    reconnect::{Outbox, SendErrorKind},
};

use crate::{
    error::{Error, ErrorKind},
    message::{Answer, BatchAnswer, BoxError, Encoding},
    state::State,
    subscription::Subscriptions,
};

/// One for each client.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) outbox: Outbox,
    pub(crate) state: watch::Sender<State>,
    pub(crate) subscriptions: Subscriptions,
    /// Wakes the task when subscriptions have changed.
    pub(crate) changed: Notify,
    calls: Mutex<Calls>,
    in_flight: Arc<Semaphore>,
    next_id: AtomicU64,
    /// Whether the client was ever identified.
    pub(crate) was_up: AtomicBool,
    /// Whether requests were ever answered.
    was_connected: AtomicBool,
    /// Why this side ends the present connection.
    pub(crate) ending: Mutex<Option<Error>>,
}

/// The calls that wait for an answer, and whether more may be made.
#[derive(Debug)]
struct Calls {
    phase: Phase,
    pending: HashMap<u64, Pending>,
}

#[derive(Debug)]
enum Phase {
    /// For this reason, unless there was no connection yet.
    Down(Option<Error>),
    SettingUp(Encoding),
    Up(Encoding),
    Over(Error),
}

#[derive(Debug)]
struct Pending {
    answer: oneshot::Sender<Result<Reply, Error>>,
    _permit: OwnedSemaphorePermit,
}

/// What the server answers.
#[derive(Debug)]
pub(crate) enum Reply {
    One(Answer),
    Batch(BatchAnswer),
}

impl Shared {
    pub(crate) fn new(outbox: Outbox, max_in_flight: usize, event_buffer: usize) -> Self {
        Self {
            outbox,
            state: watch::Sender::new(State::Connecting),
            subscriptions: Subscriptions::new(event_buffer),
            changed: Notify::new(),
            calls: Mutex::new(Calls { phase: Phase::Down(None), pending: HashMap::new() }),
            in_flight: Arc::new(Semaphore::new(max_in_flight.clamp(1, Semaphore::MAX_PERMITS))),
            next_id: AtomicU64::new(1),
            was_up: AtomicBool::new(false),
            was_connected: AtomicBool::new(false),
            ending: Mutex::new(None),
        }
    }

    // The side of the handles.

    /// Sends a message that is written for an id, and waits for the answer to it.
    ///
    /// `is_setup` is for the function that sets a connection up: it need not wait for itself.
    pub(crate) async fn exchange(
        &self,
        deadline: Instant,
        is_setup: bool,
        write: impl Fn(Encoding, &str) -> Result<Message, BoxError>,
    ) -> Result<Reply, Error> {
        let timed_out = |_| Error::new(ErrorKind::TimedOut);
        timeout_at(deadline, async {
            let encoding = self.ready(is_setup).await?;
            let permit = Arc::clone(&self.in_flight).acquire_owned().await;
            let permit = permit.map_err(|_closed| Error::new(ErrorKind::ClientClosed))?;
            let id = self.next_id.fetch_add(1, Ordering::Relaxed);
            let message = write(encoding, &id.to_string())
                .map_err(|error| Error::new(ErrorKind::InvalidRequest).with_source(error))?;
            let (sender, answer) = oneshot::channel();
            let _call =
                self.begin(id, Pending { answer: sender, _permit: permit }, encoding, is_setup, message)?;
            // The task ends every call before it drops them.
            answer.await.unwrap_or_else(|_dropped| Err(ErrorKind::ConnectionLost.into()))
        })
        .await
        .map_err(timed_out)?
    }

    /// Waits while a connection is set up by somebody else, and gives what it speaks.
    async fn ready(&self, is_setup: bool) -> Result<Encoding, Error> {
        let mut states = self.state.subscribe();
        loop {
            states.mark_unchanged();
            match &self.calls().phase {
                Phase::Up(encoding) => return Ok(*encoding),
                Phase::SettingUp(encoding) if is_setup => return Ok(*encoding),
                Phase::SettingUp(_) => {}
                Phase::Down(last) => return Err(Error::not_connected(last.as_ref())),
                Phase::Over(error) => return Err(over(error)),
            }
            if states.changed().await.is_err() {
                return Err(ErrorKind::ClientClosed.into());
            }
        }
    }

    /// Registers a call and hands its message to the connection, both or none of it.
    fn begin(
        &self,
        id: u64,
        pending: Pending,
        encoding: Encoding,
        is_setup: bool,
        message: Message,
    ) -> Result<Call<'_>, Error> {
        let mut calls = self.calls();
        match &calls.phase {
            Phase::Up(now) if *now == encoding => {}
            Phase::SettingUp(now) if is_setup && *now == encoding => {}
            Phase::Over(error) => return Err(over(error)),
            Phase::Down(last) => return Err(Error::not_connected(last.as_ref())),
            // Another connection than the message was written for.
            Phase::Up(_) | Phase::SettingUp(_) => return Err(ErrorKind::NotConnected.into()),
        }
        // Under the lock: a connection that came up since would have been seen, so the message cannot go to a later one than
        // the call is registered with.
        self.outbox.try_send_now(message).map_err(|error| match error.kind() {
            SendErrorKind::Full => Error::new(ErrorKind::QueueFull),
            SendErrorKind::Closed => Error::new(ErrorKind::ClientClosed),
            _ => Error::new(ErrorKind::NotConnected),
        })?;
        calls.pending.insert(id, pending);
        drop(calls);
        Ok(Call { shared: self, id })
    }

    /// Closes the client.
    pub(crate) fn close(&self) {
        // This close frame may always be sent.
        let _ = self.outbox.close(CloseFrame::from(CloseCode::NORMAL_CLOSURE));
    }

    /// How many calls wait for their answer.
    pub(crate) fn pending(&self) -> usize {
        self.calls().pending.len()
    }

    // The side of the task.

    /// Gives an answer to whoever waits for it. Nobody may: the call timed out, or was dropped.
    pub(crate) fn answer(&self, id: &Value, reply: Reply) {
        let Some(id) = id.as_str().and_then(|id| id.parse().ok()) else { return };
        let pending = self.calls().pending.remove(&id);
        if let Some(pending) = pending {
            // The call may have just been dropped.
            let _ = pending.answer.send(Ok(reply));
        }
    }

    pub(crate) fn set_setting_up(&self, encoding: Encoding) {
        self.calls().phase = Phase::SettingUp(encoding);
    }

    pub(crate) fn set_up(&self, encoding: Encoding) {
        self.was_connected.store(true, Ordering::Relaxed);
        self.calls().phase = Phase::Up(encoding);
    }

    pub(crate) fn was_connected(&self) -> bool {
        self.was_connected.load(Ordering::Relaxed)
    }

    /// Ends all calls, and lets no more be made on this connection.
    pub(crate) fn set_down(&self, error: &Error, is_over: bool) {
        let pending = {
            let mut calls = self.calls();
            calls.phase = if is_over { Phase::Over(error.clone()) } else { Phase::Down(Some(error.clone())) };
            std::mem::take(&mut calls.pending)
        };
        for pending in pending.into_values() {
            let _ = pending.answer.send(Err(lost(error)));
        }
    }

    fn calls(&self) -> MutexGuard<'_, Calls> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn ending(&self) -> MutexGuard<'_, Option<Error>> {
        self.ending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What became of a call when the connection ended like that.
fn lost(error: &Error) -> Error {
    match error.kind() {
        ErrorKind::ClientClosed | ErrorKind::Closed(_) | ErrorKind::ConnectionLost => error.clone(),
        _ => Error::new(ErrorKind::ConnectionLost).with_source(error.clone()),
    }
}

/// What becomes of a call to a client that is over.
fn over(error: &Error) -> Error {
    match error.kind() {
        ErrorKind::ClientClosed => error.clone(),
        _ => Error::not_connected(Some(error)),
    }
}

/// A call that is forgotten when nobody waits for it any more.
struct Call<'a> {
    shared: &'a Shared,
    id: u64,
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        self.shared.calls().pending.remove(&self.id);
    }
}

/// Closes the client with its last handle.
#[derive(Debug)]
pub(crate) struct Handle {
    pub(crate) shared: Arc<Shared>,
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.shared.close();
    }
}
