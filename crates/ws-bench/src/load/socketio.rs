//! The handshakes of Engine.IO 4 and of Socket.IO 5, over WebSocket from the beginning.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
};

use super::{
    client::{header_len, read_frame},
    extension::Encoding,
    frame::{FIN, masked},
    opening::{self, REQUEST},
};
use crate::Result;

/// Opens a session up to the namespace `/`.
///
/// # Errors
/// When the server refuses, or says something else.
pub(super) fn open(mut stream: &TcpStream) -> Result<Encoding> {
    let request = REQUEST.replacen("/ws", "/socket.io/?EIO=4&transport=websocket", 1) + "\r\n";
    stream.write_all(request.as_bytes())?;
    // The server goes on without being asked, so not a byte more is read than the response has.
    let mut head = Vec::new();
    while !opening::is_whole(&head)? {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        head.extend(byte);
    }
    let encoding = opening::agreed(&head, None)?;
    // Engine.IO: `open`, with what is to be known of the session.
    let mut expected = vec!["0{"];
    expect(stream, &mut expected)?;
    // Socket.IO, in messages of Engine.IO (4): `connect`, and its answer. Engine.IO pings at once, and then once an hour.
    stream.write_all(&masked(FIN | TEXT, b"40", MASK))?;
    expected.extend(["40{", "2"]);
    while !expected.is_empty() {
        if expect(stream, &mut expected)? == "2" {
            stream.write_all(&masked(FIN | TEXT, b"3", MASK))?;
        }
    }
    Ok(encoding)
}

/// Reads a frame that begins with one of these, takes that off the list and gives it.
fn expect(stream: &TcpStream, expected: &mut Vec<&'static str>) -> Result<&'static str> {
    let frame = read_frame(stream)?;
    let payload = &frame[header_len(&frame)..];
    let found = expected.iter().position(|start| payload.starts_with(start.as_bytes()));
    match found.filter(|_| frame[0] == FIN | TEXT) {
        Some(at) => Ok(expected.remove(at)),
        None => Err(format!("not one of {expected:?}: {}", String::from_utf8_lossy(payload)).into()),
    }
}

const TEXT: u8 = 1;
const MASK: [u8; 4] = *b"mask";
