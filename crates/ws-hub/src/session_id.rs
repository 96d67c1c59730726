//! Which session it is.

use std::{error, fmt, str::FromStr};

use crate::backplane::NodeId;

/// The identity of a session over all nodes: its node, and a number there that is not used again.
///
/// Written as the node and the number with a hyphen between.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId {
    pub(crate) node: NodeId,
    pub(crate) number: u64,
}

impl SessionId {
    /// The node that the session is on.
    #[must_use]
    pub fn node(&self) -> NodeId {
        self.node
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{:x}", self.node, self.number)
    }
}

impl FromStr for SessionId {
    type Err = ParseSessionIdError;

    fn from_str(text: &str) -> Result<Self, ParseSessionIdError> {
        let (node, number) = text.split_once('-').ok_or(ParseSessionIdError)?;
        let is_hex = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
        if node.len() != 32 || !is_hex(node) || !is_hex(number) {
            return Err(ParseSessionIdError);
        }
        let node = node.parse().map_err(|_| ParseSessionIdError)?;
        let number = u64::from_str_radix(number, 16).map_err(|_| ParseSessionIdError)?;
        Ok(Self { node, number })
    }
}

/// The text is not a [`SessionId`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ParseSessionIdError;

impl fmt::Display for ParseSessionIdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not the identity of a session")
    }
}

impl error::Error for ParseSessionIdError {}
