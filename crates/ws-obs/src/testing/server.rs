//! The server and its handles.

use std::{
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
    sync::watch,
};

use super::{
    Answer, MemoryConnector, Received,
    script::Script,
    session::{Out, Peer, run},
};
use crate::{
    Obs,
    message::EventMessage,
    protocol::{self, EventData, Request},
    types::{CloseCode, EventSubscription, OpCode},
};

/// A scripted server of obs-websocket; see [the module](super).
///
/// Cheap to clone; all clones are the same server. Every setting may be changed while clients are connected.
#[derive(Clone, Debug)]
pub struct Server {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    script: Mutex<Script>,
    received: Mutex<Vec<Received>>,
    /// The sessions that are identified.
    peers: watch::Sender<Vec<Arc<Peer>>>,
}

impl Default for Server {
    fn default() -> Self {
        Self::new()
    }
}

impl Server {
    /// A server that wants no password, speaks JSON and MessagePack, and knows no request.
    #[must_use]
    pub fn new() -> Self {
        Self {
            inner: Arc::new(Inner {
                script: Mutex::new(Script::new()),
                received: Mutex::default(),
                peers: watch::Sender::new(Vec::new()),
            }),
        }
    }

    /// Wants this password.
    #[must_use]
    pub fn password(self, password: impl Into<String>) -> Self {
        self.script().password = Some(password.into());
        self
    }

    /// Says that it is of this version of obs-websocket, and speaks this version of the protocol at the most.
    #[must_use]
    pub fn version(self, web_socket_version: impl Into<String>, rpc_version: u32) -> Self {
        self.set(|script| {
            script.web_socket_version = web_socket_version.into();
            script.rpc_version = rpc_version;
        })
    }

    /// Speaks JSON alone.
    #[must_use]
    pub fn json_only(self) -> Self {
        self.set(|script| script.speaks_msgpack = false)
    }

    /// Says nothing to those who connect.
    #[must_use]
    pub fn without_greeting(self) -> Self {
        self.set(|script| script.greets = false)
    }

    /// Does not answer those who say who they are.
    #[must_use]
    pub fn without_identifying(self) -> Self {
        self.set(|script| script.identifies = false)
    }

    /// Takes this time to change what a client is subscribed to.
    #[must_use]
    pub fn resubscribe_after(self, delay: Duration) -> Self {
        self.set(|script| script.reidentify_delay = delay)
    }

    /// Holds answers until there are so many, and sends them in the other order.
    #[must_use]
    pub fn reorder(self, count: usize) -> Self {
        self.set(|script| script.reorder = count.max(1))
    }

    /// Answers these requests by a function, which may use this server: tell of an event, or be not ready for a time.
    #[must_use]
    pub fn on<R: Request + DeserializeOwned>(
        self,
        mut answer: impl FnMut(R) -> Answer + Send + 'static,
    ) -> Self {
        self.on_raw(R::TYPE, move |received| match protocol::decode(&received.data) {
            Ok(request) => answer(request),
            Err(error) => Answer::fail(crate::types::RequestStatus::MISSING_REQUEST_FIELD, error.to_string()),
        })
    }

    /// Answers these requests with this data, an object.
    ///
    /// # Panics
    ///
    /// If the data is no answer to such a request.
    #[must_use]
    pub fn answer<R: Request>(self, data: Value) -> Self {
        if let Err(error) = R::response(&data) {
            panic!("no answer to {}: {error}", R::TYPE);
        }
        self.on_raw(R::TYPE, move |_received| Answer::data(data.clone()))
    }

    /// Answers requests of this name by a function.
    #[must_use]
    pub fn on_raw(
        self,
        request_type: impl Into<String>,
        answer: impl FnMut(&Received) -> Answer + Send + 'static,
    ) -> Self {
        self.script().handlers.insert(request_type.into(), Arc::new(Mutex::new(answer)));
        self
    }

    /// Whether requests are answered as the script says, as unless set, or with
    /// [`NOT_READY`](crate::types::RequestStatus::NOT_READY), as while OBS starts.
    pub fn set_ready(&self, is_ready: bool) {
        self.script().is_ready = is_ready;
    }

    /// Whether [`obs`](Self::obs) and [`connector`](Self::connector) reach the server, as unless set, or are refused, as while OBS does not run.
    pub fn set_reachable(&self, is_reachable: bool) {
        self.script().is_reachable = is_reachable;
    }

    /// Where this server is, in memory, for a client.
    pub fn obs(&self) -> Obs<MemoryConnector> {
        Obs::new("ws://obs.test:4455").connector(self.connector())
    }

    /// Opens connections to this server in memory, for [`Obs::connector`] or a dialer.
    #[must_use]
    pub fn connector(&self) -> MemoryConnector {
        MemoryConnector::new(self.clone())
    }

    /// Listens on a free port of the loopback interface until the runtime ends, and gives the URL.
    ///
    /// # Errors
    ///
    /// When there is no port.
    pub async fn listen(&self) -> io::Result<String> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("ws://{}", listener.local_addr()?);
        let server = self.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                server.serve(stream);
            }
        });
        Ok(url)
    }

    /// Speaks with a client on a transport that is open.
    pub fn serve(&self, io: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
        tokio::spawn(run(self.clone(), io));
    }

    /// Tells of an event all who subscribed to it.
    ///
    /// # Panics
    ///
    /// If the data is not that of such an event.
    pub fn emit<E: EventData>(&self, data: Value) {
        if let Err(error) = protocol::decode::<E>(&data) {
            panic!("no {}: {error}", E::TYPE);
        }
        self.emit_raw(E::TYPE, E::SUBSCRIPTION, data);
    }

    /// As [`emit`](Self::emit), for an event of any name.
    pub fn emit_raw(&self, event_type: impl Into<String>, intent: EventSubscription, data: Value) {
        let event =
            EventMessage { event_type: event_type.into(), event_intent: intent.bits(), event_data: data };
        let event = serde_json::to_value(event).unwrap_or_default();
        for peer in self.peers().iter().filter(|peer| peer.subscription().intersects(intent)) {
            peer.send(Out::Say(OpCode::EVENT, event.clone()));
        }
    }

    /// Sends all clients this text as it is, whatever it says.
    pub fn send_text(&self, text: impl Into<String>) {
        let text = text.into();
        self.to_all(|| Out::Text(text.clone()));
    }

    /// Closes all sessions with this code. [`SESSION_INVALIDATED`](CloseCode::SESSION_INVALIDATED) is what OBS says to a client that
    /// somebody removed; 1001 is what it says when it ends.
    pub fn close(&self, code: CloseCode) {
        self.to_all(|| Out::Close(code));
    }

    /// Ends all transports without a closing handshake, as when OBS crashes.
    pub fn reset(&self) {
        self.to_all(|| Out::Reset);
    }

    /// Neither reads nor writes any more in the present sessions, and keeps their transports open, as when the network is gone.
    pub fn freeze(&self) {
        self.to_all(|| Out::Freeze);
    }

    /// All requests so far.
    #[must_use]
    pub fn received(&self) -> Vec<Received> {
        self.inner.received.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How many clients are identified.
    #[must_use]
    pub fn sessions(&self) -> usize {
        self.peers().len()
    }

    /// Waits until so many clients are identified, and no more.
    pub async fn wait_for_sessions(&self, count: usize) {
        // The sender is here.
        let _ = self.inner.peers.subscribe().wait_for(|peers| peers.len() == count).await;
    }

    /// What the client that was identified last has subscribed to.
    #[must_use]
    pub fn subscription(&self) -> Option<EventSubscription> {
        self.peers().last().map(|peer| peer.subscription())
    }

    pub(super) fn is_reachable(&self) -> bool {
        self.script().is_reachable
    }

    pub(super) fn script(&self) -> MutexGuard<'_, Script> {
        self.inner.script.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn record(&self, received: Received) {
        self.inner.received.lock().unwrap_or_else(PoisonError::into_inner).push(received);
    }

    pub(super) fn answer_to(&self, received: &Received) -> Answer {
        let handler = self.script().handler(&received.request_type);
        match handler {
            Ok(handler) => handler.lock().unwrap_or_else(PoisonError::into_inner)(received),
            Err(status) => Answer::fail(status, ""),
        }
    }

    pub(super) fn add(&self, peer: Arc<Peer>) {
        self.inner.peers.send_modify(|peers| peers.push(peer));
    }

    pub(super) fn remove(&self, peer: &Arc<Peer>) {
        self.inner.peers.send_modify(|peers| peers.retain(|each| !Arc::ptr_eq(each, peer)));
    }

    fn peers(&self) -> Vec<Arc<Peer>> {
        self.inner.peers.borrow().clone()
    }

    fn to_all(&self, out: impl Fn() -> Out) {
        for peer in self.peers() {
            peer.send(out());
        }
    }

    fn set(self, set: impl FnOnce(&mut Script)) -> Self {
        set(&mut self.script());
        self
    }
}
