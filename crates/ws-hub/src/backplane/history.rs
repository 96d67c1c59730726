//! Where a message stands in the history of its room, and what is read from there.

use std::fmt;
use std::str::FromStr;

use bytes::Bytes;

use super::NodeId;

/// The life of a history: offsets of two epochs cannot be compared.
///
/// A room gets a new one when its history was lost, with the server's memory or by its age. Written as 16 hexadecimal
/// digits, since JavaScript's numbers do not hold 64 bits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch(u64);

impl Epoch {
    /// The epoch with this number.
    #[must_use]
    pub const fn from_u64(number: u64) -> Self {
        Self(number)
    }

    /// The number.
    #[must_use]
    pub const fn as_u64(self) -> u64 {
        self.0
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Debug for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Epoch({self})")
    }
}

/// A place in the history of a room: an epoch and an offset.
///
/// Offsets of a room grow, but not always by one; offset 0 stands before the first message. Written as `epoch-offset`,
/// which a client may hand back.
///
/// ```
/// use ws_hub::backplane::{Epoch, Position};
///
/// let position = Position::new(Epoch::from_u64(0xab), 7);
/// assert_eq!(position.to_string(), "00000000000000ab-7");
/// assert_eq!("00000000000000ab-7".parse(), Ok(position));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Position {
    /// The life of the history.
    pub epoch: Epoch,
    /// The place in it.
    pub offset: u64,
}

impl Position {
    /// A place in the history of a room.
    #[must_use]
    pub const fn new(epoch: Epoch, offset: u64) -> Self {
        Self { epoch, offset }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.epoch, self.offset)
    }
}

impl FromStr for Position {
    type Err = ParsePositionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (epoch, offset) = text.split_once('-').ok_or(ParsePositionError)?;
        // Both parsers admit a sign, which what we write has not.
        if epoch.len() != 16 || !epoch.bytes().all(|byte| byte.is_ascii_hexdigit()) || offset.starts_with('+')
        {
            return Err(ParsePositionError);
        }
        let epoch = u64::from_str_radix(epoch, 16).map_err(|_| ParsePositionError)?;
        Ok(Self { epoch: Epoch(epoch), offset: offset.parse().map_err(|_| ParsePositionError)? })
    }
}

/// The text is not a [`Position`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ParsePositionError;

impl fmt::Display for ParsePositionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a position: an epoch of 16 hexadecimal digits, a hyphen, an offset")
    }
}

impl std::error::Error for ParsePositionError {}

/// Where a retained message stands: its own position, and the offset of the message before it.
///
/// A node that has seen a room's message at `previous` has missed nothing before this one. Where it has seen an earlier
/// one, there is a gap, which [`Backplane::history`](super::Backplane::history) fills or cannot fill.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Placement {
    /// The message's own position.
    pub position: Position,
    /// The offset of the room's message before it, 0 when there was none in this epoch.
    pub previous: u64,
}

impl Placement {
    /// Whether nothing stands between `last` and this message.
    #[must_use]
    pub fn follows(&self, last: Position) -> bool {
        last.epoch == self.position.epoch && last.offset == self.previous
    }

    /// Whether something stands between `last` and this message, or may.
    pub(crate) fn is_beyond(&self, last: Position) -> bool {
        last.epoch != self.position.epoch || last.offset < self.previous
    }
}

/// A message of a room's history.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Retained {
    /// The node that published it.
    pub origin: NodeId,
    /// Its place in the epoch of the [`History`].
    pub offset: u64,
    /// What it carries.
    pub payload: Bytes,
}

impl fmt::Debug for Retained {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Retained")
            .field("origin", &self.origin)
            .field("offset", &self.offset)
            .field("len", &self.payload.len())
            .finish()
    }
}

/// What was read from the history of a room.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct History {
    /// Whether `messages` is all that came after the position asked for, or, where none was asked for, the newest ones.
    ///
    /// Never a part: when it is false, `messages` is empty.
    pub exact: bool,
    /// The messages, oldest first.
    pub messages: Vec<Retained>,
    /// The place of the room's newest message, from where to go on.
    pub position: Position,
}
