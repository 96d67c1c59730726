//! What reading comes to, step by step.

use tokio::io::ReadBuf;

use crate::{Message, MessageKind};

/// What a step of reading came to.
#[derive(Debug)]
pub(super) enum Step {
    /// A control frame; it is dealt with already.
    Control(Message),
    /// Bytes of a data message.
    Data(Piece),
    /// The read deadline passed.
    TimedOut,
}

/// Bytes of a data message, which stay where they are until the next step.
#[derive(Clone, Copy, Debug)]
pub(super) struct Piece {
    pub(super) kind: MessageKind,
    pub(super) place: Place,
    pub(super) start: usize,
    pub(super) end: usize,
    /// The message is complete with these bytes.
    pub(super) last: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// In the read buffer.
    Buffer,
    /// In `Conn::message`, where messages are put together.
    Message,
    /// In the buffer of the caller, with [`Want::Bytes`].
    Caller,
}

/// The message that is arriving, if it has begun.
#[derive(Debug, Default)]
pub(super) enum Incoming {
    #[default]
    None,
    /// It is put together in `Conn::message`.
    Whole(MessageKind),
    /// It is given out in pieces, and this is the one that is not given out yet.
    Pieces(Piece),
    /// The rest of it is skipped.
    Skipped,
}

/// What the caller of a step has a use for.
#[derive(Debug)]
pub(super) enum Want<'a, 'b> {
    /// No data, only the end. No read deadline either.
    End,
    /// Whole messages.
    Message,
    /// Messages in pieces.
    Pieces,
    /// The next bytes of the message that is given out in pieces, best straight into this buffer.
    Bytes(&'a mut ReadBuf<'b>),
}
