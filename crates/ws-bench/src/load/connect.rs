//! Connections before the load: TCP, opening handshake by hand, one checked echo.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    thread,
    time::Duration,
};

use rustix::net::sockopt;

use super::{prepared::Prepared, replies::Replies};
use crate::Result;

/// Where the load goes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target {
    pub(crate) addr: SocketAddr,
    /// Whether the server speaks WebSocket, or echoes bytes as they are.
    pub(crate) websocket: bool,
}

impl Target {
    /// Opens a connection up to and with the opening handshake.
    ///
    /// # Errors
    /// When the server cannot be reached, takes longer than five seconds, or refuses.
    pub(crate) fn open(&self) -> Result<TcpStream> {
        let stream = TcpStream::connect_timeout(&self.addr, PATIENCE)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        // Closed by reset: thousands of sockets in TIME_WAIT would use up the ports of the next run.
        sockopt::set_socket_linger(&stream, Some(Duration::ZERO))?;
        if self.websocket {
            upgrade(&stream)?;
        }
        Ok(stream)
    }

    pub(crate) fn replies(&self, prepared: &Prepared) -> Replies {
        if self.websocket { Replies::frames(prepared) } else { Replies::plain(prepared) }
    }

    /// Sends one message and compares what comes back byte for byte.
    ///
    /// # Errors
    /// When the reply differs or does not come.
    pub(crate) fn echo(&self, stream: &TcpStream, prepared: &Prepared, variant: usize) -> Result<()> {
        let request = &prepared.bytes()[prepared.batch(variant, 1)];
        let mut replies = self.replies(prepared);
        let mut reply = vec![0; replies.reply_len()];
        // A plain echo answers before it has everything, so both directions must move at once.
        thread::scope(|scope| -> Result<()> {
            let writer = scope.spawn(|| (&mut &*stream).write_all(request));
            (&mut &*stream).read_exact(&mut reply)?;
            writer.join().map_err(|_| "the writer panicked")??;
            Ok(())
        })?;
        let expected = if self.websocket { prepared.payload(variant) } else { request };
        if replies.receive(&reply)? != 1 || !reply.ends_with(expected) {
            return Err(format!("the payload of message {variant} came back changed").into());
        }
        Ok(())
    }
}

/// The key of RFC 6455 1.3 and its accept value: no SHA-1 needed to check the answer.
fn upgrade(mut stream: &TcpStream) -> Result<()> {
    const REQUEST: &str = "GET /ws HTTP/1.1\r\n\
        Host: 127.0.0.1\r\n\
        Connection: Upgrade\r\n\
        Upgrade: websocket\r\n\
        Sec-WebSocket-Version: 13\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
    const LIMIT: usize = 4096;

    stream.write_all(REQUEST.as_bytes())?;
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
    let accepted = head.lines().any(|line| match line.split_once(':') {
        Some((name, value)) => name.eq_ignore_ascii_case("sec-websocket-accept") && value.trim() == ACCEPT,
        None => false,
    });
    if head.starts_with("HTTP/1.1 101 ") && accepted {
        Ok(())
    } else {
        Err(format!("the server refused the upgrade: {head}").into())
    }
}

const PATIENCE: Duration = Duration::from_secs(5);
