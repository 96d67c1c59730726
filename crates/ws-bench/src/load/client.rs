//! A connection before the load: TCP, opening handshake by hand, checked echoes.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    rc::Rc,
    thread,
    time::Duration,
};

use rustix::net::{self, AddressFamily, SocketType, sockopt};

use super::{
    deflate::Inflater, extension::Encoding, frame::RSV1, opening, prepared::Prepared, replies::Replies,
    requests::Requests, socketio,
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
        self.open_on(TcpStream::connect_timeout(&self.addr, PATIENCE)?, prepared, index)
    }

    /// As [`open`](Self::open), with as little room as there can be for what is never read.
    pub(crate) fn open_deaf(&self, prepared: &Prepared) -> Result<Client> {
        let socket = net::socket(AddressFamily::INET, SocketType::STREAM, None)?;
        // Beforehand: a window that was offered is not taken back.
        sockopt::set_socket_recv_buffer_size(&socket, 1)?;
        net::connect(&socket, &self.addr)?;
        self.open_on(socket.into(), prepared, 0)
    }

    fn open_on(&self, stream: TcpStream, prepared: &Prepared, index: usize) -> Result<Client> {
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        // Closed by reset: thousands of sockets in TIME_WAIT would use up the ports of the next run.
        sockopt::set_socket_linger(&stream, Some(Duration::ZERO))?;
        let encoding = if prepared.is_event {
            socketio::open(&stream)?
        } else if self.websocket {
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

fn upgrade(mut stream: &TcpStream, deflate: Option<Takeover>) -> Result<Encoding> {
    stream.write_all(opening::request(deflate).as_bytes())?;
    let mut head = Vec::new();
    let mut chunk = [0; 1024];
    while !opening::is_whole(&head)? {
        let len = stream.read(&mut chunk)?;
        if len == 0 {
            return Err(format!("no whole response: {}", String::from_utf8_lossy(&head)).into());
        }
        head.extend_from_slice(&chunk[..len]);
    }
    opening::agreed(&head, deflate)
}

fn read(mut stream: &TcpStream, len: usize) -> Result<Vec<u8>> {
    let mut bytes = vec![0; len];
    stream.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// Reads the bytes of a frame; whether it is the right one is not looked at here.
pub(super) fn read_frame(stream: &TcpStream) -> Result<Vec<u8>> {
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

pub(super) fn header_len(frame: &[u8]) -> usize {
    match frame[1] & 0x7f {
        126 => 4,
        127 => 10,
        _ => 2,
    }
}

const PATIENCE: Duration = Duration::from_secs(5);
/// More than any reply has.
const LARGEST: usize = 16 << 20;
