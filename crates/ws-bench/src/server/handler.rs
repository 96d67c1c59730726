//! What servers do with messages, for all libraries whose sockets are a `Stream` and a `Sink`.

use std::{
    pin::pin,
    sync::{Arc, Mutex, PoisonError},
};

use futures_channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded};
use futures_util::{FutureExt as _, Sink, SinkExt as _, Stream, StreamExt as _, future};

/// A read buffer for many connections, of libraries that have 128 KiB unless set, and fill all of it with zeros before each read.
pub(super) const SMALL_BUFFER: usize = 4096;

/// A library's messages, as far as a server that echoes has to know them.
pub(super) trait Data: Clone + Send + Unpin + 'static {
    /// Whether it is text or binary, and not a control frame.
    fn is_data(&self) -> bool;
}

/// What is done with the messages of a connection: a type for each, so that a task is no larger than its own loop needs.
pub(super) trait Handler<M>: Clone + Send + Sync + 'static {
    /// Serves one connection to its end.
    fn serve<S, E>(self, socket: S) -> impl Future<Output = Result<(), E>> + Send
    where
        S: Stream<Item = Result<M, E>> + Sink<M, Error = E> + Send + Unpin,
        E: Send;
}

/// Each is sent back before the next is read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Echo;

/// Those that are there are sent back together.
#[derive(Clone, Copy, Debug)]
pub(super) struct EchoBatched;

/// Each is sent to all connections.
#[derive(Debug)]
pub(super) struct Broadcast<M>(Hub<M>);

impl<M: Data> Handler<M> for Echo {
    fn serve<S, E>(self, socket: S) -> impl Future<Output = Result<(), E>> + Send
    where
        S: Stream<Item = Result<M, E>> + Sink<M, Error = E> + Send + Unpin,
        E: Send,
    {
        echo(socket)
    }
}

impl<M: Data> Handler<M> for EchoBatched {
    fn serve<S, E>(self, socket: S) -> impl Future<Output = Result<(), E>> + Send
    where
        S: Stream<Item = Result<M, E>> + Sink<M, Error = E> + Send + Unpin,
        E: Send,
    {
        echo_batched(socket)
    }
}

impl<M: Data> Handler<M> for Broadcast<M> {
    fn serve<S, E>(self, socket: S) -> impl Future<Output = Result<(), E>> + Send
    where
        S: Stream<Item = Result<M, E>> + Sink<M, Error = E> + Send + Unpin,
        E: Send,
    {
        broadcast(socket, self.0)
    }
}

impl<M> Clone for Broadcast<M> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<M> Default for Broadcast<M> {
    fn default() -> Self {
        Self(Hub::default())
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
pub(super) async fn echo_batched<S, M, E>(mut socket: S) -> Result<(), E>
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

/// As [`echo_batched`], of a socket in two halves.
pub(super) async fn echo_batched_halves<M, E>(
    mut stream: impl Stream<Item = Result<M, E>> + Unpin,
    mut sink: impl Sink<M, Error = E> + Unpin,
) -> Result<(), E>
where
    M: Data,
{
    let mut next = stream.next().await;
    while let Some(message) = next {
        let message = message?;
        if message.is_data() {
            sink.feed(message).await?;
        }
        next = match stream.next().now_or_never() {
            Some(next) => next,
            None => {
                sink.flush().await?;
                stream.next().await
            }
        };
    }
    Ok(())
}

/// Has a channel for each connection, forwarded to its sink, as the example of tokio-tungstenite has.
async fn broadcast<S, M, E>(socket: S, hub: Hub<M>) -> Result<(), E>
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
