//! A server that says what a script cannot: in another order, too much, too late.

use std::{
    future::{Ready, ready},
    io,
    sync::{Arc, Mutex},
    task::{Context, Poll},
};

use tokio::io::{DuplexStream, duplex};
use tower_service::Service;
use ws_obs::{
    Obs,
    serde_json::{self, Value, json},
    ws_client::{Config, Conn, Message, http::Uri, ws_core::raw::handshake::Upgrader},
};

/// A transport for one connection.
#[derive(Clone)]
pub(crate) struct Once(Arc<Mutex<Option<DuplexStream>>>);

impl Service<Uri> for Once {
    type Response = DuplexStream;
    type Error = io::Error;
    type Future = Ready<io::Result<DuplexStream>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _uri: Uri) -> Self::Future {
        ready(self.0.lock().unwrap().take().ok_or_else(|| io::ErrorKind::ConnectionRefused.into()))
    }
}

/// A client, and the server's end of its only connection.
pub(crate) fn pair() -> (Obs<Once>, DuplexStream) {
    let (near, far) = duplex(4096);
    let once = Once(Arc::new(Mutex::new(Some(near))));
    (Obs::new("ws://obs.test:4455").connector(once).reconnect(None), far)
}

/// The server's part up to its answer to the client, who has said who it is.
pub(crate) async fn greet(io: DuplexStream) -> Conn<DuplexStream> {
    let mut conn = Upgrader::new().accept(io, Config::new()).await.unwrap();
    say(&mut conn, 0, json!({"obsWebSocketVersion": "5.5.0", "rpcVersion": 1})).await;
    assert_eq!(hear(&mut conn).await.unwrap()["op"], 1);
    conn
}

pub(crate) async fn identified(conn: &mut Conn<DuplexStream>) {
    say(conn, 2, json!({"negotiatedRpcVersion": 1})).await;
}

pub(crate) async fn say(conn: &mut Conn<DuplexStream>, op: u8, data: Value) {
    conn.write_message(json!({"op": op, "d": data}).to_string()).await.unwrap();
}

/// What the client says next, unless the connection ends.
pub(crate) async fn hear(conn: &mut Conn<DuplexStream>) -> Option<Value> {
    match conn.read_message().await {
        Ok(Some(Message::Text(text))) => Some(serde_json::from_str(&text).unwrap()),
        _ => None,
    }
}
