//! Whole messages in one call, without a state kept between calls.

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};

use super::{
    ControlFrame, Frame, FrameChecker, apply_mask_at,
    control::echo,
    frame::{payload_len, read_payload},
    handle_control, read_header, write_frame,
};
use crate::{
    CloseCode, Error, ErrorKind, Message, ProtocolError, Role, Utf8Bytes, Violation,
    frame::{FrameHeader, Opcode},
    utf8::Utf8Validator,
};

/// Reads the next data message of at most `limit` bytes, and answers control frames on the way.
///
/// `role` is this end of the connection. Pings are answered, pongs dropped, a close frame is echoed, and each answer is
/// flushed. `None` means that the peer closed with 1000, 1001 or no code. A peer that breaks the protocol, or a message
/// over the limit, is answered with the close frame that RFC 6455 asks for; the stream is of no more use then.
///
/// A message may come in 262,144 fragments. There is no limit on control frames: a peer that sends nothing else keeps the
/// call busy, so put a timeout around it.
///
/// Every call begins between messages and reads not one byte more than the message. A header takes a read or two of its
/// own, so wrap the stream into a `BufReader` that lives as long as the connection.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// use ws_core::{Message, Role, raw};
///
/// let (mut client, mut server) = tokio::io::duplex(1024);
/// raw::write_message(&mut client, Role::Client, "hello").await?;
/// let message = raw::read_message(&mut server, Role::Server, 64 << 10).await?;
/// assert_eq!(message, Some(Message::text("hello")));
/// # Ok::<(), ws_core::Error>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`ErrorKind::Closed`] for other close codes, [`ErrorKind::Protocol`] for a broken rule, [`ErrorKind::TooBig`] as soon
/// as a header announces more than the limit, [`ErrorKind::ConnectionLost`] for an end without a close frame,
/// [`ErrorKind::Io`] for a transport that fails.
///
/// # Cancel safety
/// **Not** cancel safe: a part of a message is lost with the future.
pub async fn read_message<S>(io: &mut S, role: Role, limit: u64) -> Result<Option<Message>, Error>
where
    S: AsyncRead + AsyncWrite + Unpin + ?Sized,
{
    let error = match read(io, role, limit).await {
        Ok(message) => return Ok(message),
        Err(error) => error,
    };
    let code = match error.kind() {
        ErrorKind::Protocol(rule) => Some(rule.close_code()),
        ErrorKind::TooBig { .. } => Some(CloseCode::MESSAGE_TOO_BIG),
        _ => None,
    };
    if code.is_some() {
        // The connection has failed already; that the peer cannot be told changes nothing.
        let _ = answer(io, role, echo(code)).await;
    }
    Err(error)
}

/// Writes a message in one frame and in one write, if the stream takes it.
///
/// `role` is this end of the connection: a client masks with a fresh key, in place unless the payload is shared. Control
/// frames can be written too. The stream is not flushed.
///
/// # Errors
/// [`ErrorKind::Usage`] for a control frame that must not be sent, [`ErrorKind::ConnectionLost`] and [`ErrorKind::Io`] when
/// the write fails.
///
/// # Cancel safety
/// **Not** cancel safe: a part of the frame may have been written.
pub async fn write_message<W>(io: &mut W, role: Role, message: impl Into<Message>) -> Result<(), Error>
where
    W: AsyncWrite + Unpin + ?Sized,
{
    let frame = Frame::try_from(message.into())?.sent_by(role)?;
    write_frame(io, &frame).await
}

async fn read<S>(io: &mut S, role: Role, limit: u64) -> Result<Option<Message>, Error>
where
    S: AsyncRead + AsyncWrite + Unpin + ?Sized,
{
    let mut checker = FrameChecker::from(role);
    let mut message = Gathered::default();
    loop {
        let Some(header) = read_header(io).await? else {
            return Err(Error::new(ErrorKind::ConnectionLost));
        };
        checker.check(&header).map_err(Violation::from)?;
        if !header.opcode.is_control() {
            message.read_fragment(io, &header, limit).await?;
            if header.fin {
                return message.finish().map(Some);
            }
            continue;
        }
        let mut payload = BytesMut::new();
        let mut offset = 0;
        let unmask = |piece: &mut [u8]| {
            unmask(piece, &header, &mut offset);
            Ok(())
        };
        read_payload(io, &mut payload, header.payload_len as usize, unmask).await?;
        match handle_control(&header, &payload).map_err(Violation::from)? {
            Some(ControlFrame::Ping { reply }) => answer(io, role, reply).await?,
            Some(ControlFrame::Close { frame, reply }) => {
                // The peer may be gone already, and has said all that it will say.
                let _ = answer(io, role, reply).await;
                let is_normal = frame.as_ref().is_none_or(|frame| frame.code.is_normal());
                return if is_normal { Ok(None) } else { Err(Error::new(ErrorKind::Closed(frame))) };
            }
            Some(ControlFrame::Pong { .. }) | None => {}
        }
    }
}

/// Sends what the peer waits for: a stream that buffers must not keep it.
async fn answer<W>(io: &mut W, role: Role, frame: Frame) -> Result<(), Error>
where
    W: AsyncWrite + Unpin + ?Sized,
{
    write_frame(io, &frame.sent_by(role)?).await?;
    io.flush().await.map_err(Error::transport)
}

/// A message of which some fragments have arrived.
#[derive(Default)]
struct Gathered {
    is_text: bool,
    payload: BytesMut,
    utf8: Utf8Validator,
    fragments: u32,
}

impl Gathered {
    async fn read_fragment<R>(&mut self, io: &mut R, header: &FrameHeader, limit: u64) -> Result<(), Error>
    where
        R: AsyncRead + Unpin + ?Sized,
    {
        if header.opcode != Opcode::CONTINUATION {
            self.is_text = header.opcode == Opcode::TEXT;
        }
        self.fragments += 1;
        if self.fragments > MAX_FRAGMENTS {
            return Err(Violation::from(ProtocolError::TooManyFragments).into());
        }
        let rest = limit - self.payload.len() as u64;
        let len = payload_len(header, rest).map_err(|_| Violation::TooBig { limit })?;
        let (is_text, utf8) = (self.is_text, &mut self.utf8);
        let mut offset = 0;
        // 8.1: checked as the bytes arrive, so that a bad byte fails the connection in the middle of a frame.
        let take = |piece: &mut [u8]| {
            unmask(piece, header, &mut offset);
            if is_text {
                utf8.push(piece).map_err(|_| ProtocolError::InvalidUtf8)?;
            }
            Ok(())
        };
        read_payload(io, &mut self.payload, len, take).await
    }

    fn finish(mut self) -> Result<Message, Error> {
        let payload = self.payload.freeze();
        if !self.is_text {
            return Ok(Message::Binary(payload));
        }
        self.utf8.finish().map_err(|_| Violation::from(ProtocolError::InvalidUtf8))?;
        Ok(Message::Text(Utf8Bytes::from_validated(payload)))
    }
}

fn unmask(piece: &mut [u8], header: &FrameHeader, offset: &mut u64) {
    if let Some(key) = header.mask {
        apply_mask_at(piece, key, *offset);
        *offset += piece.len() as u64;
    }
}

/// Fragments cost work even when they are empty, so a limit on bytes alone does not bound them.
const MAX_FRAGMENTS: u32 = 262_144;
