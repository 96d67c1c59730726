//! One client, held to the protocol as OBS holds it: the checks are in the same order.

use std::{
    future::{Future, pending, poll_fn},
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    task::Poll,
    time::Duration,
};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::{Notify, mpsc},
    time::sleep,
};
use ws_client::{
    CloseFrame, Config, Message,
    ws_core::{ReadHalf, WriteHalf, raw::handshake::Upgrader},
};

use super::{Answer, Received, Server, batch, script::Act};
use crate::{
    identify::answer,
    message::{Challenge, Encoding, Hello, Identified},
    types::{CloseCode, EventSubscription, OpCode},
};

/// What goes to a client.
#[derive(Clone, Debug)]
pub(super) enum Out {
    Say(OpCode, Value),
    Text(String),
    Close(CloseCode),
    Reset,
    Freeze,
}

/// A client that is identified.
#[derive(Debug)]
pub(super) struct Peer {
    out: mpsc::UnboundedSender<Out>,
    subscription: AtomicU32,
}

impl Peer {
    pub(super) fn send(&self, out: Out) -> bool {
        self.out.send(out).is_ok()
    }

    fn identified(&self) {
        self.send(Out::Say(OpCode::IDENTIFIED, json!(Identified { negotiated_rpc_version: 1 })));
    }

    pub(super) fn subscription(&self) -> EventSubscription {
        EventSubscription::from_bits_retain(self.subscription.load(Ordering::Relaxed))
    }
}

/// What a client wants to subscribe to, if it says so.
fn subscriptions(data: &Value) -> Result<Option<u32>, Fault> {
    match &data["eventSubscriptions"] {
        Value::Null => Ok(None),
        bits => {
            let bits = bits.as_u64().and_then(|bits| u32::try_from(bits).ok());
            bits.map(Some).ok_or(CloseCode::INVALID_DATA_FIELD_TYPE)
        }
    }
}

/// Does something at once, or after a time.
fn after(delay: Duration, act: impl FnOnce() + Send + 'static) {
    if delay.is_zero() {
        return act();
    }
    tokio::spawn(async move {
        sleep(delay).await;
        act();
    });
}

/// What both directions of a session know.
pub(super) struct Session {
    pub(super) server: Server,
    peer: Arc<Peer>,
    challenge: Option<Challenge>,
    is_identified: bool,
    /// Answers that are held to be sent in another order.
    held: Arc<std::sync::Mutex<Vec<Value>>>,
}

/// Why a session ends, by the code that it ends with.
type Fault = CloseCode;

/// Speaks with a client until it or the script has enough.
pub(super) async fn run(server: Server, io: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
    let names = [
        Some(Encoding::Json),
        #[cfg(feature = "msgpack")]
        server.script().speaks_msgpack.then_some(Encoding::MsgPack),
    ];
    let names = names.into_iter().flatten().map(Encoding::subprotocol);
    // Whom this refuses has its answer.
    let config = Config::new().max_message_size(MAX_MESSAGE_SIZE);
    let Ok(conn) = Upgrader::new().subprotocols(names).accept(io, config).await else { return };
    let encoding = Encoding::chosen(conn.subprotocol());
    let (mut read, write) = conn.into_split();
    let (sender, receiver) = mpsc::unbounded_channel();
    let ended = Arc::new(Notify::new());
    tokio::spawn(write_all(write, receiver, encoding, Arc::clone(&ended)));
    let peer = Arc::new(Peer { out: sender, subscription: AtomicU32::new(0) });
    let mut session = Session {
        challenge: None,
        is_identified: false,
        held: Arc::default(),
        server: server.clone(),
        peer: Arc::clone(&peer),
    };
    session.greet();
    // The transport goes with both halves.
    while let Some(message) = until(&ended, read_message(&mut read)).await.flatten() {
        if let Err(code) = session.receive(encoding, &message) {
            peer.send(Out::Close(code));
            // The close frame is answered by reading on.
            while until(&ended, read_message(&mut read)).await.flatten().is_some() {}
            break;
        }
    }
    server.remove(&peer);
}

async fn read_message<S: AsyncRead + AsyncWrite + Unpin>(read: &mut ReadHalf<S>) -> Option<Message> {
    read.read_message().await.ok().flatten()
}

/// Waits for a future until the other direction has ended.
async fn until<T>(ended: &Notify, future: impl Future<Output = T>) -> Option<T> {
    let (mut future, mut ended) = (pin!(future), pin!(ended.notified()));
    poll_fn(|cx| match ended.as_mut().poll(cx) {
        Poll::Ready(()) => Poll::Ready(None),
        Poll::Pending => future.as_mut().poll(cx).map(Some),
    })
    .await
}

async fn write_all<S: AsyncRead + AsyncWrite + Unpin>(
    mut write: WriteHalf<S>,
    mut out: mpsc::UnboundedReceiver<Out>,
    encoding: Encoding,
    ended: Arc<Notify>,
) {
    while let Some(next) = out.recv().await {
        let message = match next {
            Out::Say(op, data) => match encoding.encode(op, &data) {
                Ok(message) => message,
                Err(_) => continue,
            },
            Out::Text(text) => Message::text(text),
            Out::Close(code) => {
                let _ = write.close(CloseFrame::new(code.code(), "")).await;
                break;
            }
            Out::Reset => break,
            Out::Freeze => {
                ended.notify_one();
                // Holding it, the transport stays open.
                let _write = write;
                return pending().await;
            }
        };
        if write.write_message(message).await.is_err() {
            break;
        }
    }
    ended.notify_one();
}

impl Session {
    fn greet(&mut self) {
        let script = self.server.script();
        if !script.greets {
            return;
        }
        if script.password.is_some() {
            self.challenge = Some(Challenge { challenge: "challenge".into(), salt: "salt".into() });
        }
        let hello = Hello {
            obs_studio_version: script.obs_version.clone(),
            obs_web_socket_version: script.web_socket_version.clone(),
            rpc_version: script.rpc_version,
            authentication: self
                .challenge
                .as_ref()
                .map(|each| Challenge { challenge: each.challenge.clone(), salt: each.salt.clone() }),
        };
        self.peer.send(Out::Say(OpCode::HELLO, json!(hello)));
    }

    fn receive(&mut self, encoding: Encoding, message: &Message) -> Result<(), Fault> {
        let message = encoding.decode_any(message).map_err(|_| CloseCode::MESSAGE_DECODE_ERROR)?;
        let message = message.as_object().ok_or(CloseCode::MESSAGE_DECODE_ERROR)?;
        if !self.is_identified && message.contains_key("request-type") {
            // A client of version 4.
            return Err(CloseCode::UNSUPPORTED_RPC_VERSION);
        }
        let op = message.get("op").and_then(Value::as_u64).ok_or(CloseCode::UNKNOWN_OP_CODE)?;
        let data = match message.get("d") {
            None | Some(Value::Null) => return Err(CloseCode::MISSING_DATA_FIELD),
            Some(data) if data.is_object() => data,
            Some(_) => return Err(CloseCode::INVALID_DATA_FIELD_TYPE),
        };
        let op = u8::try_from(op).map_or(OpCode::new(u8::MAX), OpCode::new);
        match op {
            OpCode::IDENTIFY => self.identify(data),
            _ if !self.is_identified => Err(CloseCode::NOT_IDENTIFIED),
            OpCode::REIDENTIFY => self.reidentify(data),
            OpCode::REQUEST => self.request(data),
            OpCode::REQUEST_BATCH => batch::start(self, data),
            _ => Err(CloseCode::UNKNOWN_OP_CODE),
        }
    }

    fn identify(&mut self, data: &Value) -> Result<(), Fault> {
        if self.is_identified {
            return Err(CloseCode::ALREADY_IDENTIFIED);
        }
        let (password, identifies) = {
            let script = self.server.script();
            (script.password.clone(), script.identifies)
        };
        if let (Some(challenge), Some(password)) = (&self.challenge, password) {
            if data["authentication"].as_str() != Some(&answer(&password, challenge)) {
                return Err(CloseCode::AUTHENTICATION_FAILED);
            }
        }
        let version = match &data["rpcVersion"] {
            Value::Null => return Err(CloseCode::MISSING_DATA_FIELD),
            version => version.as_u64().ok_or(CloseCode::INVALID_DATA_FIELD_TYPE)?,
        };
        if version != 1 {
            return Err(CloseCode::UNSUPPORTED_RPC_VERSION);
        }
        let bits = subscriptions(data)?.unwrap_or(EventSubscription::ALL.bits());
        self.peer.subscription.store(bits, Ordering::Relaxed);
        if !identifies {
            return Ok(());
        }
        self.is_identified = true;
        self.server.add(Arc::clone(&self.peer));
        self.peer.identified();
        Ok(())
    }

    fn reidentify(&self, data: &Value) -> Result<(), Fault> {
        let bits = subscriptions(data)?;
        let (peer, delay) = (Arc::clone(&self.peer), self.server.script().reidentify_delay);
        let subscribe = move || {
            // Without the field, everything stays as it is.
            if let Some(bits) = bits {
                peer.subscription.store(bits, Ordering::Relaxed);
            }
            peer.identified();
        };
        after(delay, subscribe);
        Ok(())
    }

    fn request(&self, data: &Value) -> Result<(), Fault> {
        let id = data.get("requestId").ok_or(CloseCode::MISSING_DATA_FIELD)?.clone();
        let request_type = data["requestType"].as_str().unwrap_or_default().to_owned();
        let received = Received {
            request_type: request_type.clone(),
            data: data["requestData"].clone(),
            is_batched: false,
        };
        self.server.record(received.clone());
        let Answer { act, delay } = self.server.answer_to(&received);
        let (peer, held, server) = (Arc::clone(&self.peer), Arc::clone(&self.held), self.server.clone());
        let say = move || match act {
            Act::Say(status, data) => {
                let mut message =
                    json!({"requestType": request_type, "requestId": id, "requestStatus": status});
                if !data.is_null() {
                    message["responseData"] = data;
                }
                let mut held = held.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                held.push(message);
                if held.len() >= server.script().reorder {
                    for message in held.drain(..).rev() {
                        peer.send(Out::Say(OpCode::REQUEST_RESPONSE, message));
                    }
                }
            }
            Act::Nothing => {}
            Act::Close(code) => {
                peer.send(Out::Close(code));
            }
            Act::Reset => {
                peer.send(Out::Reset);
            }
        };
        after(delay, say);
        Ok(())
    }

    /// The way back to the client, for what takes longer.
    pub(super) fn peer(&self) -> Arc<Peer> {
        Arc::clone(&self.peer)
    }
}

/// As much as OBS takes.
const MAX_MESSAGE_SIZE: u64 = 32_000_000;
