//! A connection before the load: TCP, opening handshake by hand, checked echoes.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    rc::Rc,
    thread,
    time::Duration,
};

use rustix::net::sockopt;

use super::{
    deflate::Inflater,
    extension::{self, Encoding},
    frame::RSV1,
    prepared::Prepared,
    replies::Replies,
    requests::Requests,
};
use crate::{Result, workload::Takeover};

/// Where the load goes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target {
    pub(crate) addr: SocketAddr,
    /// Whether the server speaks WebSocket, or echoes bytes as they are.
    pub(crate) websocket: bool,
}

/// A connection that is open, and what can be sent over it.
pub(crate) struct Client {
    pub(crate) stream: TcpStream,
    pub(crate) requests: Rc<Requests>,
    /// Expects the replies to what follows.
    pub(crate) replies: Replies,
    /// The message that is next.
    pub(crate) variant: usize,
    websocket: bool,
    inflater: Option<Inflater>,
}

impl Target {
    /// Opens a connection up to and with the opening handshake. `index` says which of all it is.
    ///
    /// # Errors
    /// When the server cannot be reached, takes longer than five seconds, refuses, or does not agree to the
    /// compression of the workload.
    pub(crate) fn open(&self, prepared: &Prepared, index: usize) -> Result<Client> {
        let stream = TcpStream::connect_timeout(&self.addr, PATIENCE)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        // Closed by reset: thousands of sockets in TIME_WAIT would use up the ports of the next run.
        sockopt::set_socket_linger(&stream, Some(Duration::ZERO))?;
        let encoding = if self.websocket {
            upgrade(&stream, prepared.deflate())?
        } else {
            Encoding::widest(prepared.deflate())
        };
        let requests = prepared.requests(encoding)?;
        let variant = requests.first(index);
        let replies = if self.websocket { Replies::frames } else { Replies::echo };
        let inflater = match encoding {
            Encoding::Deflate { takeover, .. } if self.websocket => Some(Inflater::new(takeover)),
            Encoding::Deflate { .. } | Encoding::Plain => None,
        };
        let replies = replies(requests.clone(), variant);
        Ok(Client { stream, requests, replies, variant, websocket: self.websocket, inflater })
    }
}

impl Client {
    /// Sends the next message and compares what comes back byte for byte.
    ///
    /// # Errors
    /// When the reply differs or does not come.
    pub(crate) fn echo(&mut self) -> Result<()> {
        let (stream, requests) = (&self.stream, &self.requests);
        let request = &requests.bytes()[requests.batch(self.variant, 1)];
        // A plain echo answers before it has everything, so both directions must move at once.
        let reply = thread::scope(|scope| -> Result<Vec<u8>> {
            let writer = scope.spawn(|| (&mut &*stream).write_all(request));
            let reply = if self.websocket { read_frame(stream)? } else { read(stream, request.len())? };
            writer.join().map_err(|_| "the writer panicked")??;
            Ok(reply)
        })?;
        let is_one = self.replies.receive(&reply)?.messages == 1;
        let payload = requests.payload(self.variant);
        let is_same = match &mut self.inflater {
            Some(inflater) if reply[0] & RSV1 != 0 => inflater.is(payload, &reply[header_len(&reply)..]),
            _ if self.websocket => reply[header_len(&reply)..] == *payload,
            _ => reply == request,
        };
        if !is_one || !is_same {
            return Err(format!("the payload of message {} came back changed", self.variant).into());
        }
        self.variant += 1;
        Ok(())
    }
}

fn read(mut stream: &TcpStream, len: usize) -> Result<Vec<u8>> {
    let mut bytes = vec![0; len];
    stream.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// Reads the bytes of a frame; whether it is the right one is not looked at here.
fn read_frame(stream: &TcpStream) -> Result<Vec<u8>> {
    let mut frame = read(stream, 2)?;
    frame.extend(read(stream, header_len(&frame) - 2)?);
    let len = match frame[2..] {
        [] => usize::from(frame[1] & 0x7f),
        ref bytes => bytes.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte)),
    };
    if len > LARGEST {
        return Err(format!("a reply of {len} B").into());
    }
    frame.extend(read(stream, len)?);
    Ok(frame)
}

fn header_len(frame: &[u8]) -> usize {
    match frame[1] & 0x7f {
        126 => 4,
        127 => 10,
        _ => 2,
    }
}

/// The key of RFC 6455 1.3 and its accept value: no SHA-1 needed to check the answer.
fn upgrade(mut stream: &TcpStream, deflate: Option<Takeover>) -> Result<Encoding> {
    const REQUEST: &str = "GET /ws HTTP/1.1\r\n\
        Host: 127.0.0.1\r\n\
        Connection: Upgrade\r\n\
        Upgrade: websocket\r\n\
        Sec-WebSocket-Version: 13\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
    const LIMIT: usize = 4096;

    let mut request = REQUEST.to_owned();
    if let Some(takeover) = deflate {
        request += &format!("Sec-WebSocket-Extensions: {}\r\n", extension::offer(takeover));
    }
    request += "\r\n";
    stream.write_all(request.as_bytes())?;
    let mut head = Vec::new();
    let mut chunk = [0; 1024];
    while !head.ends_with(b"\r\n\r\n") {
        let len = stream.read(&mut chunk)?;
        head.extend_from_slice(&chunk[..len]);
        if len == 0 || head.len() > LIMIT {
            return Err(format!("no whole response: {}", String::from_utf8_lossy(&head)).into());
        }
    }
    let head = String::from_utf8_lossy(&head);
    let field = |wanted: &str| {
        let mut fields = head.lines().filter_map(|line| line.split_once(':'));
        fields.find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value.trim())
    };
    if !head.starts_with("HTTP/1.1 101 ") || field("sec-websocket-accept") != Some(ACCEPT) {
        return Err(format!("the server refused the upgrade: {head}").into());
    }
    let agreed = field("sec-websocket-extensions");
    match deflate {
        Some(takeover) => extension::agreed(takeover, agreed),
        None if agreed.is_some() => {
            Err(format!("the server agreed to nothing that was offered: {head}").into())
        }
        None => Ok(Encoding::Plain),
    }
}

const PATIENCE: Duration = Duration::from_secs(5);
/// More than any reply has.
const LARGEST: usize = 16 << 20;
