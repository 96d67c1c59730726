//! The task behind a client: it drives the connection, and moves what arrives to whoever waits for it.

use std::{
    future::{Future as _, poll_fn},
    pin::{Pin, pin},
    sync::{Arc, Mutex, PoisonError, Weak, atomic::Ordering},
    task::Poll,
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::timeout,
};
use ws_client::{
    CloseCode, CloseFrame, Message,
    reconnect::{Cause, Event, Reconnecting, Retry, SendErrorKind},
};

use crate::{
    client::Client,
    error::{Error, ErrorKind},
    identify::Session,
    message::{BoxError, Incoming, Reidentify},
    shared::{Handle, Reply, Shared},
    state::{ServerInfo, State},
    types::{CloseCode as ObsCloseCode, EventSubscription, OpCode},
};

/// Where the function that sets connections up leaves what it found.
pub(crate) type Slot = Arc<Mutex<Option<Session>>>;
/// What the application does with each connection.
pub(crate) type Hook = Box<dyn FnMut(Client) -> Running + Send>;
type Running = Pin<Box<dyn Future<Output = Result<(), BoxError>> + Send>>;

/// The task.
pub(crate) struct Driver<S> {
    pub(crate) link: Reconnecting<S>,
    pub(crate) shared: Arc<Shared>,
    pub(crate) handle: Weak<Handle>,
    pub(crate) slot: Slot,
    pub(crate) hook: Option<Hook>,
    pub(crate) timeout: Duration,
    /// The connection that is up.
    pub(crate) current: Option<Current>,
}

/// What there is to know of a connection that is up.
pub(crate) struct Current {
    server: Arc<ServerInfo>,
    /// What the server sends.
    subscribed: EventSubscription,
    /// What it was asked for since, and has not answered yet. Answers have no id, so there is one at a time.
    asked: Option<EventSubscription>,
    /// Whether it is still to be asked: there was no room to.
    is_behind: bool,
    hook: Option<Running>,
}

/// What the task woke up for.
enum Step {
    Link(Option<Event>),
    SetUp(Result<(), Error>),
    SubscriptionsChanged,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Driver<S> {
    pub(crate) async fn run(mut self) {
        loop {
            match self.step().await {
                Step::Link(Some(event)) => self.handle_event(event),
                Step::Link(None) => break,
                Step::SetUp(Ok(())) => self.set_up(),
                Step::SetUp(Err(error)) => self.end_connection(error),
                Step::SubscriptionsChanged => self.reidentify(),
            }
        }
    }

    async fn step(&mut self) -> Step {
        let Self { link, shared, current, .. } = self;
        let mut next = pin!(link.next());
        let mut changed = pin!(shared.changed.notified());
        poll_fn(|cx| {
            // The connection comes last: a flood may keep it ready for long.
            if changed.as_mut().poll(cx).is_ready() {
                return Poll::Ready(Step::SubscriptionsChanged);
            }
            if let Some(hook) = current.as_mut().and_then(|current| current.hook.as_mut()) {
                if let Poll::Ready(result) = hook.as_mut().poll(cx) {
                    let failed = |error| Error::new(ErrorKind::Setup).with_source(error);
                    return Poll::Ready(Step::SetUp(result.map_err(failed)));
                }
            }
            next.as_mut().poll(cx).map(Step::Link)
        })
        .await
    }

    fn handle_event(&mut self, event: Event) {
        match event {
            Event::Up { .. } => self.begin(),
            Event::Message(message) => self.receive(&message),
            Event::Down { cause, retry_in, .. } | Event::Failed { cause, retry_in, .. } => {
                let own = self.shared.ending().take();
                let own = own.filter(|_own| !is_last(&cause) && !matches!(cause, Cause::CloseRequested));
                self.go_down(own.unwrap_or_else(|| cause.into()), retry_in);
            }
            _ => {}
        }
    }

    /// A connection is identified.
    fn begin(&mut self) {
        let session = self.slot.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(Session { server, subscribed, early }) = session else { return };
        let encoding = server.encoding;
        let server = Arc::new(server);
        self.current = Some(Current {
            server: Arc::clone(&server),
            subscribed,
            asked: None,
            is_behind: false,
            hook: None,
        });
        if self.shared.was_up.swap(true, Ordering::Relaxed) {
            self.shared.subscriptions.reconnected();
        }
        for event in early {
            self.shared.subscriptions.dispatch(&event);
        }
        // Streams may have come and gone since the client identified itself.
        self.reidentify();
        let client = self.handle.upgrade().map(|handle| Client::in_setup(handle, self.timeout));
        match (&mut self.hook, client) {
            (Some(hook), Some(client)) => {
                self.shared.set_setting_up(encoding);
                self.shared.state.send_replace(State::SettingUp(server));
                let running = hook(client);
                let bounded =
                    async { timeout(HOOK_TIMEOUT, running).await.unwrap_or(Err("it took too long".into())) };
                if let Some(current) = &mut self.current {
                    current.hook = Some(Box::pin(bounded));
                }
            }
            _ => self.set_up(),
        }
    }

    fn set_up(&mut self) {
        let Some(current) = &mut self.current else { return };
        current.hook = None;
        self.shared.set_up(current.server.encoding);
        self.shared.state.send_replace(State::Connected(Arc::clone(&current.server)));
    }

    fn receive(&mut self, message: &Message) {
        let Some(current) = &mut self.current else { return };
        match current.server.encoding.decode(message) {
            Ok(Incoming::Event(event)) => self.shared.subscriptions.dispatch(&event),
            Ok(Incoming::Response(answer)) => {
                let id = answer.request_id.clone();
                self.shared.answer(&id, Reply::One(answer));
            }
            Ok(Incoming::BatchResponse(answer)) => {
                let id = answer.request_id.clone();
                self.shared.answer(&id, Reply::Batch(answer));
            }
            Ok(Incoming::Identified(_)) => {
                if let Some(asked) = current.asked.take() {
                    current.subscribed = asked;
                }
                self.reidentify();
            }
            // Later versions may say more; a second greeting means nothing.
            Ok(Incoming::Hello(_) | Incoming::Other) => {}
            Err(error) => self.end_connection(Error::new(ErrorKind::Protocol).with_source(error)),
        }
        // What arrives answers what was sent, so that there may be room again.
        if self.current.as_ref().is_some_and(|current| current.is_behind) {
            self.reidentify();
        }
    }

    /// Asks the server for what the streams want now, unless it is asked already.
    fn reidentify(&mut self) {
        let Some(current) = &mut self.current else { return };
        if current.asked.is_some() {
            return;
        }
        let wanted = self.shared.subscriptions.ask(current.subscribed);
        current.is_behind = false;
        if wanted == current.subscribed {
            return;
        }
        let message = Reidentify { event_subscriptions: wanted.bits() };
        let Ok(message) = current.server.encoding.encode(OpCode::REIDENTIFY, &message) else { return };
        match self.shared.outbox.try_send_now(message) {
            Ok(()) => current.asked = Some(wanted),
            // If the connection has just ended, the next one is identified with what is wanted then.
            Err(error) => current.is_behind = error.kind() == SendErrorKind::Full,
        }
    }

    /// Ends the connection from this side, to begin anew.
    fn end_connection(&mut self, error: Error) {
        if let Some(current) = &mut self.current {
            current.hook = None;
        }
        // 1007: data that is not consistent with the type of the message.
        let code = if error.kind() == ErrorKind::Protocol {
            CloseCode::INVALID_PAYLOAD
        } else {
            CloseCode::NORMAL_CLOSURE
        };
        // Who waits is told now: the closing handshake may take its time.
        self.shared.set_down(&error, false);
        self.shared.state.send_replace(State::Closing(error.clone()));
        self.shared.ending().get_or_insert(error);
        if let Some(conn) = self.link.conn() {
            // These codes may always be sent.
            let _ = conn.control().close(CloseFrame::from(code));
        }
    }
}

impl<S> Driver<S> {
    fn go_down(&mut self, error: Error, retry_in: Option<Duration>) {
        self.current = None;
        self.shared.set_down(&error, retry_in.is_none());
        let state = match retry_in {
            Some(retry_in) => State::Waiting { error, retry_in },
            None => State::Closed(error),
        };
        self.shared.state.send_replace(state);
        // Those whom it wakes look at the state.
        self.shared.subscriptions.disconnected();
    }

    fn finish(&mut self) {
        if !matches!(*self.shared.state.borrow(), State::Closed(_)) {
            // Closed while there was no connection.
            self.go_down(ErrorKind::ClientClosed.into(), None);
        }
        self.shared.subscriptions.end();
    }
}

/// Whether there is another attempt.
pub(crate) fn retry(shared: &Shared, cause: &Cause) -> Retry {
    if is_last(cause) {
        return Retry::Stop;
    }
    // This side ended it, to begin anew.
    if shared.ending().is_some() {
        return Retry::Backoff;
    }
    match cause {
        Cause::Application(error) => match error.downcast_ref::<Error>() {
            Some(error) => after_identifying(error),
            None => Retry::Backoff,
        },
        Cause::Closed(Some(frame)) => after_close(frame.code),
        // An answer that is too large: what asked for it has failed with the connection, and is not sent again.
        Cause::Failed(error) if error.close_code() == Some(CloseCode::MESSAGE_TOO_BIG) => Retry::Backoff,
        cause => cause.default_retry(),
    }
}

/// Whether the server closed the connection with a code of its own that is not followed by another one, whatever this side
/// was about.
fn is_last(cause: &Cause) -> bool {
    matches!(cause, Cause::Closed(Some(frame)) if ends_the_client(frame.code))
}

fn after_identifying(error: &Error) -> Retry {
    match error.kind() {
        ErrorKind::Closed(code) => after_close(code.code().into()),
        ErrorKind::AuthenticationFailed
        | ErrorKind::InvalidRequest
        | ErrorKind::PasswordRequired
        | ErrorKind::Protocol
        | ErrorKind::UnsupportedRpcVersion => Retry::Stop,
        _ => Retry::Backoff,
    }
}

/// What follows a close code.
fn after_close(code: CloseCode) -> Retry {
    match code {
        code if ends_the_client(code) => Retry::Stop,
        // A request that is too large for the server has failed with the connection, and is not sent again.
        CloseCode::MESSAGE_TOO_BIG => Retry::Backoff,
        code => Retry::after_close(code),
    }
}

/// The codes of the server from 4002 on: they say that the next connection would end like that, too, or must not be (4011).
fn ends_the_client(code: CloseCode) -> bool {
    let code = ObsCloseCode::new(code.as_u16());
    code.name().is_some() && code != ObsCloseCode::UNKNOWN_REASON
}

impl<S> Drop for Driver<S> {
    /// At the end, and when a runtime that ends drops its tasks: who waits in another one is told.
    fn drop(&mut self) {
        self.finish();
    }
}

/// More than some requests need, so that a function that waits for what never comes does not hold everybody up for good.
const HOOK_TIMEOUT: Duration = Duration::from_secs(60);
