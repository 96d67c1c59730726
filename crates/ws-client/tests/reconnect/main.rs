//! A client that dials again: over memory, against servers that the test plays.

#[path = "../support/mod.rs"]
mod support;

mod acknowledged;
mod backoff;
mod cancel;
mod closing;
mod directions;
mod events;
mod once;
mod queue;
mod restart;
mod retry;
mod setup;

use std::{
    convert::Infallible,
    future::{Ready, pending, ready},
    sync::{Arc, Mutex},
    task::{Context, Poll},
    time::Duration,
};

use http::{Response, Uri};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream},
    sync::mpsc,
    time::{Instant, sleep, timeout},
};
use tower_service::Service;
use ws_client::{
    CloseCode, CloseFrame, Config, Conn, DialError, DialErrorKind, Dialer, Error, ErrorKind, Message,
    reconnect::{Backoff, Cause, Event, Outbox, Reconnecting, Retry, SendErrorKind},
    ws_core::{KeepAlive, MessageKind, Negotiated, Role},
};

use support::{accept_handshake, answer, fields, read_head};

type Client = Reconnecting<DuplexStream>;
type Server = Conn<DuplexStream>;

/// Beyond every wait of a client; the clock of the tests is paused.
const AGES: Duration = Duration::from_secs(1 << 20);

fn conn(io: DuplexStream, role: Role) -> Conn<DuplexStream> {
    Conn::new(io, role, Config::new(), Negotiated::new())
}

/// A client, and the servers that it reaches, one after the other.
fn connected() -> (Client, mpsc::UnboundedReceiver<Server>) {
    connected_through(1 << 20)
}

fn connected_through(capacity: usize) -> (Client, mpsc::UnboundedReceiver<Server>) {
    let (accepted, servers) = mpsc::unbounded_channel();
    let client = Reconnecting::from_fn(move |_attempt| {
        let (near, far) = tokio::io::duplex(capacity);
        let _ = accepted.send(conn(far, Role::Server));
        async move { Ok((conn(near, Role::Client), Response::new(()))) }
    });
    (client, servers)
}

/// A client that reaches nobody, for these reasons, and then one server.
fn failing(kinds: impl IntoIterator<Item = DialErrorKind>) -> (Client, mpsc::UnboundedReceiver<Server>) {
    let (accepted, servers) = mpsc::unbounded_channel();
    let mut kinds = kinds.into_iter().collect::<Vec<_>>().into_iter();
    let client = Reconnecting::from_fn(move |_attempt| {
        let failure = kinds.next();
        let (near, far) = tokio::io::duplex(1 << 20);
        let accepted = accepted.clone();
        async move {
            if let Some(kind) = failure {
                return Err(DialError::from(kind).into());
            }
            let _ = accepted.send(conn(far, Role::Server));
            Ok((conn(near, Role::Client), Response::new(())))
        }
    });
    (client, servers)
}

async fn next(client: &mut Client) -> Event {
    timeout(AGES, client.next()).await.expect("the client has stalled").expect("the client is over")
}

async fn expect_up(client: &mut Client) {
    let event = next(client).await;
    assert!(matches!(event, Event::Up { .. }), "{event:?}");
}

async fn expect_down(client: &mut Client) -> (Cause, Option<Duration>) {
    match next(client).await {
        Event::Down { cause, retry_in, .. } => (cause, retry_in),
        event => panic!("{event:?}"),
    }
}

async fn expect_failed(client: &mut Client) -> (Cause, Option<Duration>) {
    match next(client).await {
        Event::Failed { cause, retry_in, .. } => (cause, retry_in),
        event => panic!("{event:?}"),
    }
}

async fn expect_end(client: &mut Client) {
    for _ in 0..2 {
        assert!(timeout(AGES, client.next()).await.expect("the client has stalled").is_none());
    }
}

/// Drives the client while something else goes on; it must have nothing to tell.
async fn while_quiet<T>(client: &mut Client, other: impl Future<Output = T>) -> T {
    tokio::select! {
        biased;
        result = other => result,
        event = client.next() => panic!("{event:?}"),
    }
}

async fn read(server: &mut Server) -> Message {
    timeout(AGES, server.read_message()).await.expect("nothing arrives").unwrap().expect("closed")
}

fn lost(cause: &Cause) -> bool {
    matches!(cause, Cause::Failed(error) if error.kind() == &ErrorKind::ConnectionLost)
}

/// A connector whose transports lead to a script.
fn memory<F>(script: impl Fn(DuplexStream) -> F + Send + Sync + 'static) -> Memory
where
    F: Future<Output = ()> + Send + 'static,
{
    Memory(Arc::new(move |io| drop(tokio::spawn(script(io)))))
}

#[derive(Clone)]
struct Memory(Arc<dyn Fn(DuplexStream) + Send + Sync>);

impl Service<Uri> for Memory {
    type Response = DuplexStream;
    type Error = Infallible;
    type Future = Ready<Result<DuplexStream, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        let (near, far) = tokio::io::duplex(1 << 16);
        (self.0)(far);
        ready(Ok(near))
    }
}
