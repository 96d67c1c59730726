//! The frames of the hub's JSON protocol (docs/reference/hub-protocol.md), as far as this chat needs them.

use serde::{Deserialize, Serialize};

/// What is said to the server.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(crate) enum Ask<'a> {
    Auth {
        id: u64,
        token: &'a str,
    },
    Join {
        id: u64,
        room: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        since: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        newest: Option<u32>,
        presence: Empty,
        watch: bool,
    },
    Publish {
        id: u64,
        room: &'a str,
        data: &'a Line,
    },
    Ping,
}

/// `{}`.
#[derive(Debug, Serialize)]
pub(crate) struct Empty {}

/// A line of the chat. Its author names it, so that one which is sent again can be told from another.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub(crate) struct Line {
    pub(crate) id: String,
    pub(crate) text: String,
}

/// What the server says.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(crate) enum Told {
    Welcome,
    Ok {
        id: Option<u64>,
        user: Option<String>,
    },
    Error {
        id: Option<u64>,
        message: String,
    },
    Joined {
        recovered: bool,
        messages: u64,
        position: Option<String>,
    },
    Message {
        position: Option<String>,
        from: Option<From>,
        data: Line,
    },
    Present {
        members: Vec<Member>,
    },
    Presence {
        event: String,
        name: String,
    },
    Lost,
    /// Frames that need no answer, and those of newer servers.
    #[serde(other)]
    Other,
}

#[derive(Debug, Deserialize)]
pub(crate) struct From {
    pub(crate) user: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Member {
    pub(crate) name: String,
}

impl Ask<'_> {
    pub(crate) fn to_json(&self) -> String {
        // Maps with strings for keys always become JSON.
        serde_json::to_string(self).unwrap_or_default()
    }
}
