//! A connection to a server in this process, and the WebSockets on it, frame by frame.

use std::{convert::Infallible, future::poll_fn};

use bytes::Bytes;
use h2::{
    RecvStream, SendStream,
    client::{self, ResponseFuture, SendRequest},
    ext::Protocol,
};
use http::{Request, Response, request};
use hyper::{body::Incoming, server::conn::http2};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    service::TowerToHyperService,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    task::JoinHandle,
};
use tower::Service;
use ws_tower::{ResponseBody, Upgrader};

use crate::support::{masked, within};

pub type Server = http2::Builder<TokioExecutor>;

/// A server as `ws_tower::http2` prepares it.
pub fn configured() -> Server {
    let mut server = http2::Builder::new(TokioExecutor::new());
    ws_tower::http2::configure(&mut server);
    server
}

/// A server with hyper's own settings.
pub fn unconfigured() -> Server {
    let mut server = http2::Builder::new(TokioExecutor::new());
    server.enable_connect_protocol();
    server
}

/// A connection of HTTP/2.
pub struct Connection {
    pub requests: SendRequest<Bytes>,
    /// How it ended.
    pub end: JoinHandle<Result<(), h2::Error>>,
}

impl Connection {
    /// To a service, through a pipe.
    pub async fn to<S>(server: &Server, service: S) -> Self
    where
        S: Service<Request<Incoming>, Response = Response<ResponseBody>, Error = Infallible>
            + Clone
            + Send
            + 'static,
        S::Future: Send + 'static,
    {
        Self::to_with(server, service, &client::Builder::new()).await
    }

    /// The same with settings of the client.
    pub async fn to_with<S>(server: &Server, service: S, client: &client::Builder) -> Self
    where
        S: Service<Request<Incoming>, Response = Response<ResponseBody>, Error = Infallible>
            + Clone
            + Send
            + 'static,
        S::Future: Send + 'static,
    {
        let (near, far) = tokio::io::duplex(64 << 10);
        tokio::spawn(server.serve_connection(TokioIo::new(far), TowerToHyperService::new(service)));
        Self::over_with(near, client).await
    }

    /// To whatever is at the other end.
    pub async fn over<T: AsyncRead + AsyncWrite + Unpin + Send + 'static>(io: T) -> Self {
        Self::over_with(io, &client::Builder::new()).await
    }

    async fn over_with<T>(io: T, client: &client::Builder) -> Self
    where
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (requests, connection) = within(client.handshake(io)).await.expect("HTTP/2");
        let end = tokio::spawn(connection);
        // The server's settings say it, and arrive when they arrive.
        while !requests.is_extended_connect_protocol_enabled() {
            assert!(!end.is_finished(), "the server takes no extended CONNECT");
            tokio::task::yield_now().await;
        }
        Self { requests, end }
    }

    /// Sends a request and gets the head of the answer, and both directions of the stream.
    pub async fn ask(&self, request: Request<()>) -> (Response<RecvStream>, SendStream<Bytes>) {
        let mut requests = within(self.requests.clone().ready()).await.expect("room for a stream");
        let (answer, send): (ResponseFuture, _) = requests.send_request(request, false).expect("a request");
        (within(answer).await.expect("an answer"), send)
    }

    /// Opens a WebSocket.
    pub async fn open(&self) -> Socket {
        let (response, send) = self.ask(handshake().body(()).expect("a request")).await;
        assert_eq!(response.status(), 200);
        Socket { send, recv: response.into_body(), read: Vec::new() }
    }
}

/// A correct handshake for `/ws`.
pub fn handshake() -> request::Builder {
    Request::connect("https://server.example/ws")
        .extension(Protocol::from_static("websocket"))
        .header("sec-websocket-version", "13")
}

/// Echoes what it gets.
pub fn echo()
-> impl Service<Request<Incoming>, Response = Response<ResponseBody>, Error = Infallible, Future: Send>
+ Clone
+ Send
+ 'static {
    Upgrader::new().service(|mut conn| async move {
        while let Ok(Some(message)) = conn.read_message().await {
            if conn.write_message(message).await.is_err() {
                return;
            }
        }
    })
}

/// A WebSocket on a stream.
pub struct Socket {
    pub send: SendStream<Bytes>,
    pub recv: RecvStream,
    read: Vec<u8>,
}

impl Socket {
    /// Sends bytes in one DATA frame, once the window has room for it.
    pub async fn send_data(&mut self, bytes: Bytes) {
        assert!(self.try_send_data(bytes).await, "the stream ended");
    }

    /// The same; `false` if the stream has ended.
    pub async fn try_send_data(&mut self, bytes: Bytes) -> bool {
        self.send.reserve_capacity(bytes.len());
        while self.send.capacity() < bytes.len() {
            let Some(Ok(_)) = poll_fn(|cx| self.send.poll_capacity(cx)).await else { return false };
        }
        self.send.send_data(bytes, false).is_ok()
    }

    pub async fn send_frame(&mut self, opcode: u8, payload: &[u8]) {
        self.send_data(masked(opcode, payload).into()).await;
    }

    /// The next DATA frame; `None` at END_STREAM. The window is opened again.
    pub async fn data(&mut self) -> Option<Result<Bytes, h2::Error>> {
        let data = within(self.recv.data()).await;
        if let Some(Ok(bytes)) = &data {
            self.recv.flow_control().release_capacity(bytes.len()).expect("bytes that were received");
        }
        data
    }

    /// The next WebSocket frame, of at most 125 bytes.
    pub async fn frame(&mut self) -> (u8, Vec<u8>) {
        while self.read.len() < 2 || self.read.len() < 2 + usize::from(self.read[1]) {
            let data = self.data().await.expect("a frame before the end").expect("an open stream");
            self.read.extend_from_slice(&data);
        }
        let frame: Vec<u8> = self.read.drain(..2 + usize::from(self.read[1])).collect();
        assert_eq!(frame[0] & 0xF0, 0x80, "FIN and no reserved bits");
        (frame[0] & 0x0F, frame[2..].to_vec())
    }

    /// Sends a message, and expects it back.
    pub async fn echoes(&mut self, text: &str) {
        self.send_frame(1, text.as_bytes()).await;
        assert_eq!(within(self.frame()).await, (1, text.as_bytes().to_vec()));
    }
}
