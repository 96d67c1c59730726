//! The handle of a client.

use std::{fmt, sync::Arc, time::Duration};

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use tokio::time::{Instant, sleep, timeout_at};

use crate::{
    error::{Error, ErrorKind},
    events::Event,
    message::{Answer, RequestMessage},
    protocol::{EventData, RawEvent, Request},
    requests::CallVendorRequest,
    shared::{Handle, Reply, Shared},
    state::{State, States},
    subscription::{Events, Gap},
    types::{EventSubscription, OpCode, RequestStatus},
};

/// A client of OBS: makes requests, subscribes to events.
///
/// Cheap to clone; all clones share one connection, and as many requests as are wanted may be on their way at the same time. A task of the
/// runtime drives it. When the last clone and the last stream of [events](Self::events) are dropped, the connection is closed with 1000.
///
/// The server runs requests by several threads: of two that are sent without waiting for the first, the second may be done first. Wait for
/// the first, or send a serial [batch](crate::Batch).
#[derive(Clone)]
pub struct Client {
    handle: Arc<Handle>,
    timeout: Duration,
    is_setup: bool,
}

impl Client {
    /// Makes a request, and gives its answer.
    ///
    /// While OBS says that it is [not ready](RequestStatus::NOT_READY), because it is starting or switching the scene collection, the
    /// request is sent again, until its deadline.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Request`] with the status if the server did not do it; [`ErrorKind::NotConnected`] if there is no connection now, and
    /// the request was not sent; [`ErrorKind::ConnectionLost`], [`ErrorKind::Closed`] and [`ErrorKind::TimedOut`] if it was sent and
    /// may have been done.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future forgets the answer. The request may have been sent.
    pub async fn call<R: Request>(&self, request: R) -> Result<R::Response, Error> {
        let data = serde_json::to_value(&request).map_err(|error| invalid(R::TYPE, error))?;
        let data = self.request(R::TYPE, data).await?;
        R::response(&data)
            .map_err(|error| Error::new(ErrorKind::InvalidResponse).with_source(error).of(R::TYPE))
    }

    /// Makes a request that has no type here. The data is an object, or `Null` for none; so is the answer.
    ///
    /// # Errors
    ///
    /// As [`call`](Self::call), and [`ErrorKind::InvalidRequest`] for data that is neither.
    ///
    /// # Cancel safety
    ///
    /// As [`call`](Self::call).
    pub async fn call_raw(&self, request_type: &str, data: Value) -> Result<Value, Error> {
        self.request(request_type, data).await
    }

    /// Makes a request of a vendor, a plugin or script of OBS, and gives the answer of the vendor.
    ///
    /// ```no_run
    /// # async fn run(client: ws_obs::Client) -> Result<(), ws_obs::Error> {
    /// # use ws_obs::serde_json::{Value, json};
    /// let answer: Value = client.call_vendor("obs-browser", "emit_event", json!({"event_name": "hello"})).await?;
    /// # let _ = answer;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`call`](Self::call).
    ///
    /// # Cancel safety
    ///
    /// As [`call`](Self::call).
    pub async fn call_vendor<T: DeserializeOwned>(
        &self,
        vendor: &str,
        request_type: &str,
        data: impl Serialize,
    ) -> Result<T, Error> {
        let data = serde_json::to_value(data).map_err(|error| invalid(CallVendorRequest::TYPE, error))?;
        let mut request = CallVendorRequest::new(vendor, request_type);
        if !data.is_null() {
            request = request.request_data(data);
        }
        let answer = self.call(request).await?;
        crate::protocol::decode(&answer.response_data)
            .map_err(|error| Error::new(ErrorKind::InvalidResponse).with_source(error).of(request_type))
    }

    /// The same client with another deadline for its requests: for one of them, or for a clone that is kept.
    ///
    /// ```no_run
    /// # async fn run(client: ws_obs::Client) -> Result<(), ws_obs::Error> {
    /// use std::time::Duration;
    /// use ws_obs::requests::SetCurrentSceneCollection;
    ///
    /// client.with_timeout(Duration::from_secs(60)).call(SetCurrentSceneCollection::new("Evening")).await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn with_timeout(&self, timeout: Duration) -> Self {
        Self { timeout, ..self.clone() }
    }

    /// Subscribes to kinds of events, and gives them as they arrive.
    ///
    /// The server is asked for what all streams want together, and asked again after each reconnection. This waits for it to confirm,
    /// so that nothing that happens afterwards is missed; while there is no connection, it does not wait.
    ///
    /// ```no_run
    /// # async fn run(client: ws_obs::Client) -> Result<(), ws_obs::Error> {
    /// use ws_obs::{events::Event, types::EventSubscription};
    ///
    /// let mut events = client.events(EventSubscription::SCENES | EventSubscription::OUTPUTS).await?;
    /// while let Some(event) = events.next().await {
    ///     match event {
    ///         Ok(Event::CurrentProgramSceneChanged(scene)) => println!("on air: {}", scene.scene_name),
    ///         Ok(_) => {}
    ///         Err(gap) => eprintln!("{gap}"),
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::TimedOut`] if the server does not confirm; [`ErrorKind::ClientClosed`], or [`ErrorKind::NotConnected`] with
    /// the reason, when the client is over.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future ends the subscription.
    pub async fn events(&self, subscription: EventSubscription) -> Result<Events<Event>, Error> {
        self.subscribe(subscription, None, |event| Ok(event.into())).await
    }

    /// Subscribes to one type of events; otherwise as [`events`](Self::events).
    ///
    /// ```no_run
    /// # async fn run(client: ws_obs::Client) -> Result<(), Box<dyn std::error::Error>> {
    /// use ws_obs::events::RecordStateChanged;
    ///
    /// let mut states = client.events_of::<RecordStateChanged>().await?;
    /// while let Some(state) = states.next().await {
    ///     println!("recording: {}", state?.output_state);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`events`](Self::events).
    ///
    /// # Cancel safety
    ///
    /// As [`events`](Self::events).
    pub async fn events_of<E: EventData>(&self) -> Result<Events<E>, Error> {
        let decode = |event: RawEvent| event.decode().map_err(|_| Gap::Unreadable(event.event_type));
        self.subscribe(E::SUBSCRIPTION, Some(E::TYPE), decode).await
    }

    /// Subscribes to kinds of events, and gives them without types; otherwise as [`events`](Self::events).
    ///
    /// # Errors
    ///
    /// As [`events`](Self::events).
    ///
    /// # Cancel safety
    ///
    /// As [`events`](Self::events).
    pub async fn raw_events(&self, subscription: EventSubscription) -> Result<Events<RawEvent>, Error> {
        self.subscribe(subscription, None, Ok).await
    }

    /// How the client stands.
    #[must_use]
    pub fn state(&self) -> State {
        self.shared().state.borrow().clone()
    }

    /// How the client stands, now and from now on.
    #[must_use]
    pub fn states(&self) -> States {
        States::new(self.shared().state.subscribe())
    }

    /// Waits until the client is connected, as long as it takes.
    ///
    /// # Errors
    ///
    /// The reason, when the client is over.
    ///
    /// # Cancel safety
    ///
    /// Safe.
    pub async fn connected(&self) -> Result<(), Error> {
        let mut states = self.shared().state.subscribe();
        let state = states.wait_for(|state| matches!(state, State::Connected(_) | State::Closed(_))).await;
        match state.as_deref() {
            Ok(State::Closed(error)) => Err(error.clone()),
            _ => Ok(()),
        }
    }

    /// Closes the connection with 1000, for all clones and streams, and waits until that is done, 5 seconds at the longest.
    ///
    /// Requests that wait for their answers fail with [`ErrorKind::ClientClosed`].
    ///
    /// # Cancel safety
    ///
    /// It closes even if the future is dropped after its first poll.
    pub async fn close(&self) {
        self.shared().close();
        let mut states = self.shared().state.subscribe();
        let _ = states.wait_for(|state| matches!(state, State::Closed(_))).await;
    }

    pub(crate) fn new(handle: Arc<Handle>, timeout: Duration) -> Self {
        Self { handle, timeout, is_setup: false }
    }

    /// A client that may be used while the connection is set up.
    pub(crate) fn in_setup(handle: Arc<Handle>, timeout: Duration) -> Self {
        Self { handle, timeout, is_setup: true }
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.handle.shared
    }

    pub(crate) fn deadline(&self) -> Instant {
        self.deadline_after(Duration::ZERO)
    }

    /// The deadline of something that takes this time by itself.
    pub(crate) fn deadline_after(&self, time: Duration) -> Instant {
        let now = Instant::now();
        now.checked_add(self.timeout.saturating_add(time)).unwrap_or(now + FAR)
    }

    pub(crate) fn is_setup(&self) -> bool {
        self.is_setup
    }

    /// Makes a request, again while OBS is not ready.
    pub(crate) async fn request(&self, request_type: &str, data: Value) -> Result<Value, Error> {
        if !(data.is_object() || data.is_null()) {
            return Err(Error::new(ErrorKind::InvalidRequest)
                .with_source("its data is no object")
                .of(request_type));
        }
        let deadline = self.deadline();
        let mut waits = Waits::until(deadline);
        loop {
            let reply = self
                .shared()
                .exchange(deadline, self.is_setup, |encoding, id| {
                    let message = RequestMessage { request_type, request_id: id, request_data: &data };
                    encoding.encode(OpCode::REQUEST, &message)
                })
                .await;
            let result = match reply {
                Ok(Reply::One(answer)) => outcome(answer),
                Ok(Reply::Batch(_)) => Err(ErrorKind::Protocol.into()),
                Err(error) => Err(error),
            };
            match result {
                Err(error) if error.status() == Some(RequestStatus::NOT_READY) && waits.next().await => {}
                result => return result.map_err(|error| error.of(request_type)),
            }
        }
    }

    async fn subscribe<E>(
        &self,
        mask: EventSubscription,
        event_type: Option<&'static str>,
        decode: fn(RawEvent) -> Result<E, Gap>,
    ) -> Result<Events<E>, Error> {
        let shared = self.shared();
        let mut changes = shared.subscriptions.changes();
        let events =
            Events::new(shared.subscriptions.open(mask, event_type), Arc::clone(&self.handle), decode);
        shared.changed.notify_one();
        let deadline = self.deadline();
        timeout_at(deadline, async {
            loop {
                match &*shared.state.borrow() {
                    State::Closed(error) if error.kind() == ErrorKind::ClientClosed => {
                        return Err(error.clone());
                    }
                    State::Closed(error) => return Err(Error::not_connected(Some(error))),
                    // The next connection is identified with it.
                    State::Closing(_) | State::Connecting | State::Waiting { .. } => return Ok(()),
                    State::Connected(_) | State::SettingUp(_) => {}
                }
                if shared.subscriptions.is_confirmed(mask) {
                    return Ok(());
                }
                // A connection that ends is a change, too.
                let _ = changes.changed().await;
            }
        })
        .await
        .map_err(|_elapsed| Error::new(ErrorKind::TimedOut))??;
        Ok(events)
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("state", &self.state())
            .field("timeout", &self.timeout)
            .field("pending", &self.shared().pending())
            .finish_non_exhaustive()
    }
}

/// The data of an answer, or why there is none.
pub(crate) fn outcome(answer: Answer) -> Result<Value, Error> {
    let status = answer.request_status;
    if status.code == RequestStatus::SUCCESS {
        return Ok(answer.response_data);
    }
    Err(Error::new(ErrorKind::Request(status.code)).with_comment(status.comment))
}

fn invalid(request_type: &str, error: serde_json::Error) -> Error {
    Error::new(ErrorKind::InvalidRequest).with_source(error).of(request_type)
}

/// When to ask again a server that is not ready.
pub(crate) struct Waits {
    next: Duration,
    deadline: Instant,
}

impl Waits {
    pub(crate) fn until(deadline: Instant) -> Self {
        Self { next: FIRST_WAIT, deadline }
    }

    /// Waits, and says whether there is time left to ask again.
    pub(crate) async fn next(&mut self) -> bool {
        if Instant::now() + self.next >= self.deadline {
            return false;
        }
        sleep(self.next).await;
        self.next = (self.next * 2).min(MAX_WAIT);
        true
    }
}

/// A scene collection takes some tenths of a second to switch, a start some seconds.
const FIRST_WAIT: Duration = Duration::from_millis(100);
const MAX_WAIT: Duration = Duration::from_secs(1);
/// As long as a clock can be asked for.
const FAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);
