//! What a control frame asks for (RFC 6455, 5.5).

use bytes::Bytes;

use super::{Frame, parse_close};
use crate::{
    CloseCode, CloseFrame, ProtocolError,
    frame::{FrameHeader, MAX_CONTROL_PAYLOAD, Opcode},
};

/// A control frame, understood, with the answer that it asks for.
///
/// Answers are unmasked; a client sends them through [`Frame::sent_by`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "RFC 6455 has these three control frames")]
pub enum ControlFrame {
    /// A ping (5.5.2).
    Ping {
        /// A pong with the payload of the ping.
        reply: Frame,
    },
    /// A pong, asked for or not (5.5.3).
    Pong {
        /// The payload, that of a ping if it answers one.
        payload: Bytes,
    },
    /// A close frame (5.5.1).
    Close {
        /// What the peer said; `None` without a code.
        frame: Option<CloseFrame>,
        /// A close frame that echoes the code. It is not to be sent by an endpoint that has sent one before.
        reply: Frame,
    },
}

impl ControlFrame {
    /// The frame to send, if the control frame asks for one.
    #[must_use]
    pub fn into_reply(self) -> Option<Frame> {
        match self {
            Self::Ping { reply } | Self::Close { reply, .. } => Some(reply),
            Self::Pong { .. } => None,
        }
    }
}

/// Understands a control frame and makes the answer; `None` for a data frame.
///
/// The payload is the unmasked one. The frame needs no other check before.
///
/// ```
/// use ws_core::{
///     frame::{FrameHeader, Opcode},
///     raw::{self, ControlFrame, Frame},
/// };
///
/// let ping = FrameHeader::new(Opcode::PING, 2);
/// let pong = Frame::pong("hi")?;
/// assert_eq!(raw::handle_control(&ping, b"hi")?, Some(ControlFrame::Ping { reply: pong }));
///
/// let close = FrameHeader::new(Opcode::CLOSE, 1);
/// let wrong = raw::handle_control(&close, b"?").unwrap_err();
/// assert_eq!(raw::failing_close(wrong).payload()[..2], 1002u16.to_be_bytes());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// The rule that the frame breaks. Answer it with [`failing_close`], and read no further.
pub fn handle_control(header: &FrameHeader, payload: &[u8]) -> Result<Option<ControlFrame>, ProtocolError> {
    if !header.opcode.is_control() {
        return Ok(None);
    }
    if !header.fin {
        return Err(ProtocolError::FragmentedControl);
    }
    if payload.len() > MAX_CONTROL_PAYLOAD {
        return Err(ProtocolError::ControlTooLong);
    }
    Ok(Some(match header.opcode {
        Opcode::PING => {
            ControlFrame::Ping { reply: Frame::new(Opcode::PONG, Bytes::copy_from_slice(payload)) }
        }
        Opcode::PONG => ControlFrame::Pong { payload: Bytes::copy_from_slice(payload) },
        Opcode::CLOSE => {
            let frame = parse_close(payload)?;
            let code = frame.as_ref().map(|frame| frame.code);
            ControlFrame::Close { reply: echo(code), frame }
        }
        _ => return Err(ProtocolError::ReservedOpcode),
    }))
}

/// The close frame that fails a connection for a broken rule, unmasked (7.1.7). It carries a code and no reason.
pub fn failing_close(error: ProtocolError) -> Frame {
    echo(Some(error.close_code()))
}

/// A close frame with a code that is known to be sendable, or without one.
pub(super) fn echo(code: Option<CloseCode>) -> Frame {
    let payload = code.map(|code| Bytes::copy_from_slice(&code.as_u16().to_be_bytes()));
    Frame::new(Opcode::CLOSE, payload.unwrap_or_default())
}
