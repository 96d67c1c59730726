//! A client made of a socket and bytes: what a peer that knows no rules can send.

use std::{io, net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};
use ws_core::frame::{FrameHeader, MaskingKey, Opcode, apply_mask};

/// A socket to a server.
#[derive(Debug)]
pub struct RawClient {
    stream: TcpStream,
}

impl RawClient {
    /// Connects without sending anything.
    ///
    /// # Errors
    /// When the server does not accept.
    pub async fn connect(addr: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(addr).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream })
    }

    /// Connects and does the opening handshake for `/ws`, with `early` right behind the request.
    ///
    /// # Errors
    /// When the server does not accept, or does not answer with 101.
    pub async fn upgrade(addr: SocketAddr, early: &[u8]) -> io::Result<Self> {
        let mut client = Self::connect(addr).await?;
        let mut bytes = request(addr).into_bytes();
        bytes.extend_from_slice(early);
        client.send(&bytes).await?;
        let head = client.read_head().await?;
        if head.starts_with("HTTP/1.1 101 ") { Ok(client) } else { Err(io::Error::other(head)) }
    }

    /// Sends bytes as they are.
    ///
    /// # Errors
    /// When the socket fails.
    pub async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await
    }

    /// Reads the head of a response, up to the empty line and no further.
    ///
    /// # Errors
    /// When the server closes, or says nothing for a while.
    pub async fn read_head(&mut self) -> io::Result<String> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(timeout(PATIENCE, self.stream.read_u8()).await??);
        }
        Ok(String::from_utf8_lossy(&head).into_owned())
    }

    /// Reads one frame of a server.
    ///
    /// # Errors
    /// When the server closes, or says nothing for a while, or sends what is no frame.
    pub async fn read_frame(&mut self) -> io::Result<(FrameHeader, Vec<u8>)> {
        let mut bytes = Vec::new();
        let header = loop {
            match FrameHeader::decode(&bytes).map_err(io::Error::other)? {
                Some((header, _)) => break header,
                None => bytes.push(timeout(PATIENCE, self.stream.read_u8()).await??),
            }
        };
        let mut payload = vec![0; usize::try_from(header.payload_len).map_err(io::Error::other)?];
        timeout(PATIENCE, self.stream.read_exact(&mut payload)).await??;
        Ok((header, payload))
    }

    /// Reads until the server closes its end.
    ///
    /// # Errors
    /// When it does not close for a while.
    pub async fn read_to_end(&mut self) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        match timeout(PATIENCE, self.stream.read_to_end(&mut bytes)).await? {
            // Closed over bytes that it had not read: that is an end, too.
            Err(error) if error.kind() != io::ErrorKind::ConnectionReset => Err(error),
            _ => Ok(bytes),
        }
    }

    /// The socket.
    #[must_use]
    pub fn into_stream(self) -> TcpStream {
        self.stream
    }
}

/// The head of a correct opening handshake for `/ws`.
#[must_use]
pub fn request(addr: SocketAddr) -> String {
    format!(
        "GET /ws HTTP/1.1\r\nHost: {addr}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
}

/// A whole frame of a client.
#[must_use]
pub fn frame(opcode: Opcode, payload: &[u8]) -> Vec<u8> {
    let key = MaskingKey::new([0x37, 0xFA, 0x21, 0x3D]);
    let header = FrameHeader { mask: Some(key), ..FrameHeader::new(opcode, payload.len() as u64) };
    let mut bytes = header.encode().to_vec();
    bytes.extend_from_slice(payload);
    let start = bytes.len() - payload.len();
    apply_mask(&mut bytes[start..], key);
    bytes
}

/// How long a server may think.
const PATIENCE: Duration = Duration::from_secs(20);
