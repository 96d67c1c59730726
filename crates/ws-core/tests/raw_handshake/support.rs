//! Requests and responses as text, and who plays the other end.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex},
    time::timeout,
};
use ws_core::raw::handshake::{DialError, Dialer, Handshake, UpgradeError, Upgrader};

/// The key of RFC 6455, 1.3, and what answers it.
pub(crate) const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
pub(crate) const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// How long to wait for what must come; time is virtual.
const PATIENCE: Duration = Duration::from_secs(600);

/// Bytes that an in-memory stream takes before its writer waits.
pub(crate) const CAPACITY: usize = 4 << 20;

/// A request that is fine unless it is changed.
#[derive(Clone)]
pub(crate) struct Request {
    line: String,
    headers: Vec<(String, Vec<u8>)>,
}

impl Request {
    pub(crate) fn new() -> Self {
        let fields = [
            ("Host", "example.org"),
            ("Upgrade", "websocket"),
            ("Connection", "Upgrade"),
            ("Sec-WebSocket-Version", "13"),
            ("Sec-WebSocket-Key", KEY),
        ];
        Self { line: "GET / HTTP/1.1".into(), headers: vec![] }.and_all(&fields)
    }

    pub(crate) fn line(mut self, line: &str) -> Self {
        self.line = line.into();
        self
    }

    /// With one more line.
    pub(crate) fn and(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers.push((name.into(), value.as_ref().to_vec()));
        self
    }

    fn and_all(self, fields: &[(&str, &str)]) -> Self {
        fields.iter().fold(self, |request, (name, value)| request.and(name, value))
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(found, _)| !found.eq_ignore_ascii_case(name));
        self
    }

    /// With these lines for a header instead of its own.
    pub(crate) fn with<V: AsRef<[u8]>>(self, name: &str, values: &[V]) -> Self {
        values.iter().fold(self.without(name), |request, value| request.and(name, value))
    }

    /// With all names changed.
    pub(crate) fn renamed(mut self, rename: impl Fn(&str) -> String) -> Self {
        self.headers.iter_mut().for_each(|(name, _)| *name = rename(name));
        self
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut bytes = format!("{}\r\n", self.line).into_bytes();
        for (name, value) in &self.headers {
            bytes.extend_from_slice(name.as_bytes());
            bytes.extend_from_slice(b": ");
            bytes.extend_from_slice(value);
            bytes.extend_from_slice(b"\r\n");
        }
        bytes.extend_from_slice(b"\r\n");
        bytes
    }
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Response {
    #[track_caller]
    pub(crate) fn parse(bytes: &[u8]) -> Self {
        let text = String::from_utf8(bytes.to_vec()).expect("responses are text");
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no whole head: {text:?}"));
        let mut lines = head.split("\r\n");
        let status = lines.next().and_then(|line| line.strip_prefix("HTTP/1.1 ")).expect("a status line");
        let field = |line: &str| {
            let (name, value) = line.split_once(": ").expect("a field");
            (name.to_owned(), value.to_owned())
        };
        let status = status[..3].parse().expect("a status");
        Self { status, headers: lines.map(field).collect(), body: body.into() }
    }

    /// The one line of a header.
    #[track_caller]
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.headers.iter().filter(|(found, _)| found.eq_ignore_ascii_case(name));
        let first = lines.next().map(|(_, value)| value.as_str());
        assert!(lines.next().is_none(), "{name} is repeated in {self:?}");
        first
    }

    /// A refusal that a client can read, and behind which nothing follows.
    #[track_caller]
    pub(crate) fn assert_refusal(&self) {
        assert_eq!(self.header("content-type"), Some("text/plain; charset=utf-8"));
        assert_eq!(self.header("content-length"), Some(self.body.len().to_string().as_str()));
        let upgrade = self.status == 426;
        assert_eq!(self.header("connection"), Some(if upgrade { "Upgrade, close" } else { "close" }));
        assert_eq!(self.header("upgrade"), upgrade.then_some("websocket"));
        assert!(!self.body.is_empty() && self.header("sec-websocket-accept").is_none(), "{self:?}");
    }
}

/// Sends bytes to a server, and gives what that made of them and what it wrote until it was dropped.
pub(crate) async fn serve(upgrader: &Upgrader, input: &[u8]) -> (Result<Handshake, UpgradeError>, Vec<u8>) {
    let (mut near, mut far) = duplex(CAPACITY);
    far.write_all(input).await.unwrap();
    let result = upgrader.upgrade(&mut near).await;
    drop(near);
    (result, read_to_end(far).await)
}

/// As [`serve`], for a request that is to be refused.
pub(crate) async fn refused(upgrader: &Upgrader, input: &[u8]) -> (UpgradeError, Response) {
    let (result, output) = serve(upgrader, input).await;
    let response = Response::parse(&output);
    let error = result.err().unwrap_or_else(|| panic!("accepted: {}", input.escape_ascii()));
    assert_eq!(error.status().map(|status| status.as_u16()), Some(response.status));
    (error, response)
}

pub(crate) async fn read_to_end(mut stream: DuplexStream) -> Vec<u8> {
    read_to_end_of(&mut stream).await
}

/// Reads until the other end shuts down.
pub(crate) async fn read_to_end_of(stream: &mut DuplexStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    timeout(PATIENCE, stream.read_to_end(&mut bytes)).await.expect("the stream has an end").unwrap();
    bytes
}

/// Reads a head, byte by byte, and nothing behind it.
pub(crate) async fn read_head(stream: &mut DuplexStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(timeout(PATIENCE, stream.read_u8()).await.expect("the head has an end").unwrap());
    }
    String::from_utf8(head).unwrap()
}

/// The response that accepts the key in this request.
pub(crate) fn accepting(request: &str) -> String {
    let key = request.split("Sec-WebSocket-Key: ").nth(1).and_then(|rest| rest.split("\r\n").next()).unwrap();
    let accept = ws_core::handshake::accept_key(key.as_bytes());
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {}\r\n\r\n",
        accept.to_str().unwrap()
    )
}

/// Dials a server that answers with what a function makes of the request, and gives what else the client wrote.
pub(crate) async fn dial(
    dialer: &Dialer,
    uri: &str,
    answer: impl FnOnce(&str) -> Vec<u8>,
) -> (Result<Handshake, DialError>, Vec<u8>) {
    let (mut near, mut far) = duplex(CAPACITY);
    let uri = uri.parse().unwrap();
    let server = async {
        let request = read_head(&mut far).await;
        far.write_all(&answer(&request)).await.unwrap();
        far
    };
    let (result, far) = tokio::join!(dialer.handshake(&mut near, &uri), server);
    drop(near);
    (result, read_to_end(far).await)
}
