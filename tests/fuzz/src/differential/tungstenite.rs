//! The verdict of tungstenite.

use std::{collections::VecDeque, io};

use tungstenite::protocol::{Role as TheirRole, WebSocketConfig, WebSocketContext};
use ws_core::{CloseFrame, MessageKind, Role};

use super::Verdict;
use crate::endpoint::Told;

pub(super) fn verdict(role: Role, pieces: &[&[u8]]) -> Verdict {
    let role = match role {
        Role::Client => TheirRole::Client,
        Role::Server => TheirRole::Server,
    };
    let config = WebSocketConfig::default().read_buffer_size(64).write_buffer_size(0);
    let mut context = WebSocketContext::new(role, Some(config));
    // A read of nothing would be the end.
    let pieces = pieces.iter().filter(|piece| !piece.is_empty()).map(|piece| piece.to_vec()).collect();
    let mut stream = Pieces { pieces, blocked: true };
    let mut verdict = Verdict { told: Vec::new(), failed: None, odd: None };
    loop {
        match context.read(&mut stream) {
            Ok(message) => verdict.told.extend(told(message)),
            Err(tungstenite::Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => {
                if stream.pieces.is_empty() {
                    return verdict;
                }
            }
            Err(error) => {
                verdict.failed = match error {
                    // It stops after a close frame, as this stack does without an error.
                    tungstenite::Error::ConnectionClosed
                    | tungstenite::Error::Protocol(tungstenite::error::ProtocolError::ReceivedAfterClosing) => {
                        None
                    }
                    tungstenite::Error::Protocol(_) => Some(1002),
                    tungstenite::Error::Utf8(_) => Some(1007),
                    tungstenite::Error::Capacity(_) => Some(1009),
                    _ => Some(0),
                };
                return verdict;
            }
        }
    }
}

fn told(message: tungstenite::Message) -> Option<Told> {
    Some(match message {
        tungstenite::Message::Text(text) => Told::Message(MessageKind::Text, text.as_bytes().to_vec()),
        tungstenite::Message::Binary(data) => Told::Message(MessageKind::Binary, data.into()),
        tungstenite::Message::Ping(data) => Told::Ping(data.into()),
        tungstenite::Message::Pong(data) => Told::Pong(data.into()),
        tungstenite::Message::Close(frame) => {
            Told::Close(frame.map(|frame| CloseFrame::new(u16::from(frame.code), frame.reason.as_str())))
        }
        tungstenite::Message::Frame(_) => return None,
    })
}

/// Gives one piece a read, and would block between them and at the end.
struct Pieces {
    pieces: VecDeque<Vec<u8>>,
    blocked: bool,
}

impl io::Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.blocked = !self.blocked;
        let Some(piece) = self.pieces.front_mut().filter(|_| !self.blocked) else {
            return Err(io::ErrorKind::WouldBlock.into());
        };
        let count = piece.len().min(buffer.len());
        buffer[..count].copy_from_slice(&piece[..count]);
        piece.drain(..count);
        if piece.is_empty() {
            self.pieces.pop_front();
        }
        Ok(count)
    }
}

impl io::Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
