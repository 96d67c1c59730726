//! Servers on loopback and a client that is nothing but a socket: what goes over the wire is written out in the tests.
#![allow(dead_code, unreachable_pub, reason = "each test binary uses its part")]

use std::{convert::Infallible, net::SocketAddr, time::Duration};

use axum::Router;
use http::{Request, Response};
use hyper::{body::Incoming, server::conn::http1};
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream},
    net::{TcpListener, TcpStream},
};
use tower::Service;
use ws_core::{Config, Conn, Negotiated, Role};
use ws_tower::ResponseBody;

/// The key of RFC 6455, 1.3, and what a server makes of it.
pub const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
pub const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// Bounds whatever waits for the network.
pub async fn within<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(10), future).await.expect("done within ten seconds")
}

/// Serves a router with `axum::serve`.
pub async fn serve_axum(app: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a loopback port");
    let addr = listener.local_addr().expect("an address");
    tokio::spawn(async move { axum::serve(listener, app).await });
    addr
}

/// Serves a tower service with hyper's own HTTP/1 connection, without axum and hyper-util's server.
pub async fn serve_hyper<S>(service: S) -> SocketAddr
where
    S: Service<Request<Incoming>, Response = Response<ResponseBody>, Error = Infallible>
        + Clone
        + Send
        + 'static,
    S::Future: Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a loopback port");
    let addr = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let service = TowerToHyperService::new(service.clone());
            let conn = http1::Builder::new().serve_connection(TokioIo::new(stream), service).with_upgrades();
            tokio::spawn(conn);
        }
    });
    addr
}

/// Opens a connection to a service in memory, without sockets: the head of the response, and the client's end of the
/// connection with what was read behind it.
pub async fn open_in_memory<S>(service: S) -> (Head, Conn<DuplexStream>)
where
    S: Service<Request<Incoming>, Response = Response<ResponseBody>, Error = Infallible>
        + Clone
        + Send
        + 'static,
    S::Future: Send + 'static,
{
    let (near, mut far) = tokio::io::duplex(4096);
    let service = TowerToHyperService::new(service);
    tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(near), service).with_upgrades());
    far.write_all(&Handshake::new("/").bytes()).await.expect("sent");
    let mut read = Vec::new();
    let end = loop {
        if let Some(at) = read.windows(4).position(|window| window == b"\r\n\r\n") {
            break at + 4;
        }
        assert_ne!(far.read_buf(&mut read).await.expect("read"), 0, "{}", read.escape_ascii());
    };
    let conn = Conn::with_read_buf(far, Role::Client, Config::new(), Negotiated::new(), read[end..].into());
    (Head::parse(&read[..end]), conn)
}

/// An opening handshake, line by line, to be bent by the test.
#[derive(Clone)]
pub struct Handshake {
    line: String,
    headers: Vec<(String, String)>,
}

impl Handshake {
    /// A correct one for `path`.
    pub fn new(path: &str) -> Self {
        Self { line: format!("GET {path} HTTP/1.1"), headers: Vec::new() }
            .add("Host", "server.example")
            .add("Connection", "Upgrade")
            .add("Upgrade", "websocket")
            .add("Sec-WebSocket-Version", "13")
            .add("Sec-WebSocket-Key", KEY)
    }

    /// Replaces the request line.
    pub fn line(mut self, line: &str) -> Self {
        line.clone_into(&mut self.line);
        self
    }

    /// Adds a header line.
    pub fn add(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Removes all lines of a header.
    pub fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(other, _)| other != name);
        self
    }

    /// Replaces all lines of a header with one.
    pub fn set(self, name: &str, value: &str) -> Self {
        self.without(name).add(name, value)
    }

    pub fn bytes(&self) -> Vec<u8> {
        let mut head = format!("{}\r\n", self.line);
        for (name, value) in &self.headers {
            head += &format!("{name}: {value}\r\n");
        }
        (head + "\r\n").into_bytes()
    }
}

/// The head of a response.
#[derive(Debug)]
pub struct Head {
    pub status: u16,
    headers: Vec<(String, String)>,
}

impl Head {
    fn parse(head: &[u8]) -> Self {
        let head = std::str::from_utf8(head).expect("a head is ASCII");
        let mut lines = head.trim_end().split("\r\n");
        let status = lines.next().and_then(|line| line.split(' ').nth(1)).expect("a status line");
        let header = |line: &str| {
            let (name, value) = line.split_once(':').expect("a header line");
            (name.to_ascii_lowercase(), value.trim().to_owned())
        };
        Self { status: status.parse().expect("a status"), headers: lines.map(header).collect() }
    }

    /// The values of all lines of a header, joined by commas; `None` if there is none.
    pub fn get(&self, name: &str) -> Option<String> {
        let values: Vec<_> = self.headers.iter().filter(|(other, _)| other == name).collect();
        (!values.is_empty())
            .then(|| values.iter().map(|(_, value)| value.as_str()).collect::<Vec<_>>().join(", "))
    }

    /// Whether a header's list has a token.
    pub fn has(&self, name: &str, token: &str) -> bool {
        self.get(name).is_some_and(|list| list.split(',').any(|item| item.trim().eq_ignore_ascii_case(token)))
    }
}

/// A client that is nothing but a socket.
#[derive(Debug)]
pub struct Raw {
    stream: TcpStream,
    read: Vec<u8>,
}

impl Raw {
    pub async fn connect(addr: SocketAddr) -> Self {
        Self { stream: within(TcpStream::connect(addr)).await.expect("a connection"), read: Vec::new() }
    }

    /// Connects, sends a handshake, and reads the head of the response.
    pub async fn open(addr: SocketAddr, handshake: &Handshake) -> (Self, Head) {
        let mut raw = Self::connect(addr).await;
        raw.send(&handshake.bytes()).await;
        let head = raw.head().await;
        (raw, head)
    }

    pub fn local_addr(&self) -> SocketAddr {
        self.stream.local_addr().expect("an address")
    }

    pub async fn send(&mut self, bytes: &[u8]) {
        within(self.stream.write_all(bytes)).await.expect("bytes are sent");
    }

    /// Ends the write direction.
    pub async fn shutdown(&mut self) {
        within(self.stream.shutdown()).await.expect("the write direction ends");
    }

    /// Reads the head of a response.
    pub async fn head(&mut self) -> Head {
        let end = loop {
            if let Some(at) = self.read.windows(4).position(|window| window == b"\r\n\r\n") {
                break at + 4;
            }
            assert!(self.fill().await, "the server closed inside the head: {:?}", self.read.escape_ascii());
        };
        let head: Vec<u8> = self.read.drain(..end).collect();
        Head::parse(&head)
    }

    /// Reads until the server closes.
    pub async fn rest(&mut self) -> Vec<u8> {
        while self.fill().await {}
        std::mem::take(&mut self.read)
    }

    /// Sends a frame as a client does, masked with a fixed key.
    pub async fn send_frame(&mut self, opcode: u8, payload: &[u8]) {
        self.send(&masked(opcode, payload)).await;
    }

    /// Reads a frame with at most 65,535 bytes: opcode and payload. FIN must be set, MASK must not.
    pub async fn frame(&mut self) -> (u8, Vec<u8>) {
        self.have(2).await;
        assert_eq!(self.read[0] & 0xF0, 0x80, "FIN and no reserved bits");
        let (len, start) = match self.read[1] {
            len @ 0..=125 => (usize::from(len), 2),
            126 => {
                self.have(4).await;
                (usize::from(u16::from_be_bytes([self.read[2], self.read[3]])), 4)
            }
            other => panic!("masked or too long: {other}"),
        };
        self.have(start + len).await;
        let opcode = self.read[0] & 0x0F;
        let frame: Vec<u8> = self.read.drain(..start + len).collect();
        (opcode, frame[start..].to_vec())
    }

    async fn have(&mut self, bytes: usize) {
        while self.read.len() < bytes {
            assert!(self.fill().await, "the server closed inside a frame: {:?}", self.read.escape_ascii());
        }
    }

    /// Reads some bytes; `false` once the server has closed.
    async fn fill(&mut self) -> bool {
        match within(self.stream.read_buf(&mut self.read)).await {
            Ok(0) => false,
            Ok(_) => true,
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => false,
            Err(error) => panic!("the socket failed: {error}"),
        }
    }
}

/// A frame with at most 125 bytes as a client sends it.
pub fn masked(opcode: u8, payload: &[u8]) -> Vec<u8> {
    const KEY: [u8; 4] = [0x37, 0xFA, 0x21, 0x3D];
    let len = u8::try_from(payload.len()).ok().filter(|len| *len <= 125).expect("a short payload");
    let mut frame = vec![0x80 | opcode, 0x80 | len];
    frame.extend(KEY);
    frame.extend(payload.iter().zip(KEY.iter().cycle()).map(|(byte, key)| byte ^ key));
    frame
}

pub const TEXT: u8 = 1;
pub const BINARY: u8 = 2;
pub const CLOSE: u8 = 8;
pub const PING: u8 = 9;
pub const PONG: u8 = 10;
