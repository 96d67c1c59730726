//! What servers do with messages, for all libraries whose sockets are a `Stream` and a `Sink`.

use std::{
    pin::pin,
    sync::{Arc, Mutex, PoisonError},
};

use futures_channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded};
use futures_util::{FutureExt as _, Sink, SinkExt as _, Stream, StreamExt as _, future};

use crate::workload::Traffic;

/// A library's messages, as far as a server that echoes has to know them.
pub(super) trait Data: Clone + Send + Unpin + 'static {
    /// Whether it is text or binary, and not a control frame.
    fn is_data(&self) -> bool;
}

/// What is done with the messages of a connection.
#[derive(Clone, Debug)]
pub(super) enum Handler<M> {
    /// Each is sent back before the next is read.
    Echo,
    /// Those that are there are sent back together.
    EchoBatched,
    /// Each is sent to all connections.
    Broadcast(Hub<M>),
}

impl<M: Data> Handler<M> {
    /// The plain way of doing it.
    pub(super) fn new(traffic: Traffic) -> Self {
        match traffic {
            Traffic::Echo | Traffic::Handshake => Self::Echo,
            Traffic::Broadcast => Self::Broadcast(Hub::default()),
        }
    }

    /// Serves one connection to its end.
    pub(super) async fn serve<S, E>(self, socket: S) -> Result<(), E>
    where
        S: Stream<Item = Result<M, E>> + Sink<M, Error = E> + Unpin,
    {
        match self {
            Self::Echo => echo(socket).await,
            Self::EchoBatched => echo_batched(socket).await,
            Self::Broadcast(hub) => broadcast(socket, &hub).await,
        }
    }
}

async fn echo<S, M, E>(mut socket: S) -> Result<(), E>
where
    S: Stream<Item = Result<M, E>> + Sink<M, Error = E> + Unpin,
    M: Data,
{
    while let Some(message) = socket.next().await {
        let message = message?;
        if message.is_data() {
            socket.send(message).await?;
        }
    }
    Ok(())
}

/// Feeds the sink while the stream has more, then flushes it.
async fn echo_batched<S, M, E>(mut socket: S) -> Result<(), E>
where
    S: Stream<Item = Result<M, E>> + Sink<M, Error = E> + Unpin,
    M: Data,
{
    let mut next = socket.next().await;
    while let Some(message) = next {
        let message = message?;
        if message.is_data() {
            socket.feed(message).await?;
        }
        next = match socket.next().now_or_never() {
            Some(next) => next,
            None => {
                socket.flush().await?;
                socket.next().await
            }
        };
    }
    Ok(())
}

/// Has a channel for each connection, forwarded to its sink, as the example of tokio-tungstenite has.
async fn broadcast<S, M, E>(socket: S, hub: &Hub<M>) -> Result<(), E>
where
    S: Stream<Item = Result<M, E>> + Sink<M, Error = E> + Unpin,
    M: Data,
{
    let inbox = hub.join();
    let (sink, mut stream) = socket.split();
    let incoming = async {
        while let Some(message) = stream.next().await {
            let message = message?;
            if message.is_data() {
                hub.publish(&message);
            }
        }
        Ok(())
    };
    let outgoing = inbox.map(Ok).forward(sink);
    future::select(pin!(incoming), pin!(outgoing)).await.factor_first().0
}

/// All connections of a server.
#[derive(Debug)]
pub(super) struct Hub<M>(Arc<Mutex<Vec<UnboundedSender<M>>>>);

impl<M: Clone> Hub<M> {
    /// What is published from now on.
    pub(super) fn join(&self) -> UnboundedReceiver<M> {
        let (sender, receiver) = unbounded();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(sender);
        receiver
    }

    /// Leaves a message with everyone, and forgets those who are gone.
    pub(super) fn publish(&self, message: &M) {
        let mut inboxes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        inboxes.retain(|inbox| inbox.unbounded_send(message.clone()).is_ok());
    }
}

impl<M> Clone for Hub<M> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<M> Default for Hub<M> {
    fn default() -> Self {
        Self(Arc::default())
    }
}
