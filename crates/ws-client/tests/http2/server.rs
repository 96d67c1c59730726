//! A server of HTTP/2 that does what the test says, stream by stream.

use std::{
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Buf, Bytes};
use h2::{
    Reason, RecvStream, SendStream,
    server::{self, SendResponse},
};
use http::{Request, Response};
use tokio::{
    io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf},
    net::TcpListener,
    sync::mpsc,
    task::JoinHandle,
    time::timeout,
};
use ws_client::{Config, Conn, DialError, Dialer, Http2Connection, Http2Dialer, ws_core};
use ws_core::{Negotiated, Role};

use crate::support::PATIENCE;

/// A server that takes WebSockets.
pub fn builder() -> server::Builder {
    let mut builder = server::Builder::new();
    builder.enable_connect_protocol();
    builder
}

/// One connection, at the server.
pub struct Server {
    requests: mpsc::UnboundedReceiver<Asked>,
    commands: mpsc::UnboundedSender<Command>,
    /// How it ended.
    pub end: JoinHandle<Result<(), h2::Error>>,
}

enum Command {
    GoAway(Reason),
    Shutdown,
}

/// A request that waits for its answer.
pub struct Asked {
    pub request: Request<RecvStream>,
    pub respond: SendResponse<Bytes>,
}

impl Server {
    pub fn new<S>(io: S, builder: server::Builder) -> Self
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let (asked, requests) = mpsc::unbounded_channel();
        let (commands, mut told) = mpsc::unbounded_channel();
        let end = tokio::spawn(async move {
            let mut connection = builder.handshake::<_, Bytes>(io).await?;
            loop {
                tokio::select! {
                    accepted = connection.accept() => match accepted {
                        Some(Ok((request, respond))) => drop(asked.send(Asked { request, respond })),
                        Some(Err(error)) => return Err(error),
                        None => return Ok(()),
                    },
                    Some(command) = told.recv() => match command {
                        Command::GoAway(reason) => connection.abrupt_shutdown(reason),
                        Command::Shutdown => connection.graceful_shutdown(),
                    },
                }
            }
        });
        Self { requests, commands, end }
    }

    /// The next request.
    pub async fn asked(&mut self) -> Asked {
        within(self.requests.recv()).await.expect("a request")
    }

    /// Whether no request came that was not taken.
    pub fn is_quiet(&self) -> bool {
        self.requests.is_empty()
    }

    /// Accepts the next WebSocket.
    pub async fn accept(&mut self) -> Conn<Stream> {
        self.asked().await.accept()
    }

    /// Ends the connection at once, and tells the last stream that was processed.
    pub fn go_away(&self, reason: Reason) {
        let _ = self.commands.send(Command::GoAway(reason));
    }

    /// Takes no more streams.
    pub fn shut_down(&self) {
        let _ = self.commands.send(Command::Shutdown);
    }

    /// Waits until the client has ended the connection.
    pub async fn ended(self) -> Result<(), h2::Error> {
        within(self.end).await.expect("the server panicked")
    }
}

impl Asked {
    pub fn accept(self) -> Conn<Stream> {
        self.accept_with(Response::new(()))
    }

    pub fn accept_with(mut self, response: Response<()>) -> Conn<Stream> {
        let send = self.respond.send_response(response, false).expect("a stream");
        let stream = Stream { send, recv: self.request.into_body(), unread: Bytes::new() };
        Conn::new(stream, Role::Server, Config::new(), Negotiated::new())
    }

    pub fn reset(mut self, reason: Reason) {
        self.respond.send_reset(reason);
    }
}

/// A stream at the server.
pub struct Stream {
    send: SendStream<Bytes>,
    recv: RecvStream,
    unread: Bytes,
}

impl Stream {
    pub fn reset(&mut self, reason: Reason) {
        self.send.send_reset(reason);
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        while self.unread.is_empty() {
            match ready!(self.recv.poll_data(cx)) {
                Some(Ok(data)) => self.unread = data,
                Some(Err(error)) => return Poll::Ready(Err(std::io::Error::other(error))),
                None => return Poll::Ready(Ok(())),
            }
        }
        let length = self.unread.len().min(buf.remaining());
        buf.put_slice(&self.unread[..length]);
        self.unread.advance(length);
        let _ = self.recv.flow_control().release_capacity(length);
        Poll::Ready(Ok(()))
    }
}

/// Without flow control: what tests send is small, or h2's to hold.
impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, buf: &[u8]) -> Poll<std::io::Result<usize>> {
        let data = Bytes::copy_from_slice(buf);
        Poll::Ready(self.send.send_data(data, false).map(|()| buf.len()).map_err(std::io::Error::other))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        let _ = self.send.send_data(Bytes::new(), true);
        Poll::Ready(Ok(()))
    }
}

/// A server with one connection over memory.
pub async fn pair(dialer: Http2Dialer) -> (Result<Http2Connection, DialError>, Server) {
    pair_with(dialer, builder()).await
}

pub async fn pair_with(
    dialer: Http2Dialer,
    builder: server::Builder,
) -> (Result<Http2Connection, DialError>, Server) {
    let (near, far) = pipe();
    let server = Server::new(far, builder);
    (within(dialer.handshake(near)).await, server)
}

pub fn pipe() -> (DuplexStream, DuplexStream) {
    tokio::io::duplex(1 << 20)
}

/// A connection with defaults.
pub async fn connected() -> (Http2Connection, Server) {
    let (connection, server) = pair(Dialer::new().http2()).await;
    (connection.unwrap(), server)
}

/// A server of many connections on a loopback port.
pub struct Host {
    pub addr: SocketAddr,
    connections: mpsc::UnboundedReceiver<Server>,
}

impl Host {
    pub async fn new(builder: server::Builder) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let (sender, connections) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                stream.set_nodelay(true).unwrap();
                if sender.send(Server::new(stream, builder.clone())).is_err() {
                    return;
                }
            }
        });
        Self { addr, connections }
    }

    /// The next connection.
    pub async fn connection(&mut self) -> Server {
        within(self.connections.recv()).await.expect("a connection")
    }

    /// Whether there is no connection that was not taken.
    pub fn is_quiet(&self) -> bool {
        self.connections.is_empty()
    }

    pub fn url(&self) -> String {
        format!("ws://{}/chat", self.addr)
    }
}

/// A dialer for servers that speak HTTP/2 without TLS.
pub fn dialer() -> Http2Dialer {
    Dialer::new().http2().prior_knowledge(true)
}

/// Bounds what must not hang.
pub async fn within<F: Future>(future: F) -> F::Output {
    timeout(PATIENCE, future).await.expect("it hangs")
}
