//! What a connection sends, how much of it is in flight, and over how many connections.

use std::str::FromStr;

use crate::Result;

/// One row of the tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Workload {
    pub(crate) name: &'static str,
    pub(crate) content: Content,
    /// Bytes of payload in a message; of JSON, in the middle.
    pub(crate) size: usize,
    pub(crate) connections: usize,
    /// Requests sent at once; the next batch follows when all have been answered.
    pub(crate) depth: usize,
    /// What is offered of permessage-deflate, and has to be agreed on.
    pub(crate) deflate: Option<Takeover>,
    pub(crate) traffic: Traffic,
    /// Connections beside the others that never read.
    pub(crate) deaf: usize,
}

/// What goes back and forth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Traffic {
    /// What a connection sends comes back to it.
    Echo,
    /// What the first connection sends comes to all.
    Broadcast,
    /// A connection opens and closes, and there is another.
    Handshake,
}

impl Traffic {
    const ALL: [Self; 3] = [Self::Echo, Self::Broadcast, Self::Handshake];

    /// As it stands on a command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Echo => "echo",
            Self::Broadcast => "broadcast",
            Self::Handshake => "handshake",
        }
    }
}

impl FromStr for Traffic {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|traffic| traffic.name() == name);
        found.ok_or_else(|| "neither echo, broadcast nor handshake".to_owned())
    }
}

/// What the payload is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    /// A text message of printable ASCII.
    Ascii,
    /// A binary message of random bytes.
    Binary,
    /// A text message of letters, as the data of an event of Socket.IO, whose handshakes come before.
    Event,
    /// A text message: a JSON document of 1 to 4 KiB.
    Json,
    /// A text message of ASCII and, rarely, of two-byte characters.
    MostlyAscii,
    /// A text message of three-byte characters.
    Multibyte,
    /// A text message of words, the frequent ones frequent.
    Prose,
}

/// Whether a message may refer to the ones before it (RFC 7692, 7.1.1); the same in both directions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Takeover {
    No,
    Yes,
}

impl Workload {
    /// # Errors
    /// When no workload has this name.
    pub(crate) fn find(name: &str) -> Result<Self> {
        let found = ALL.iter().find(|workload| workload.name == name);
        found.copied().ok_or_else(|| format!("no workload {name}; `--workload list` shows them").into())
    }

    /// Reads a comma-separated list; `all` means all.
    ///
    /// # Errors
    /// When it has an unknown name.
    pub(crate) fn list(names: &str) -> Result<Vec<Self>> {
        match names {
            "all" => Ok(ALL.to_vec()),
            names => names.split(',').map(Self::find).collect(),
        }
    }

    /// Different messages in a run.
    ///
    /// Each has its own masking key and payload, so that a server that echoes the wrong bytes, or unmasks with the wrong key,
    /// is found out. JSON documents are more than a window of 32 KiB holds: none finds itself in it when its turn comes again.
    pub(crate) fn variants(&self) -> usize {
        match self.content {
            _ if self.size == 0 => 1,
            Content::Json => 64,
            Content::Ascii
            | Content::Binary
            | Content::Event
            | Content::MostlyAscii
            | Content::Multibyte
            | Content::Prose => 16,
        }
    }

    /// The workload in words.
    pub(crate) fn about(&self) -> String {
        let Self { content, size, connections, depth, deflate, traffic, .. } = self;
        let content = match content {
            Content::Ascii => "ASCII text",
            Content::Binary => "binary",
            Content::Event => "an event of Socket.IO with",
            Content::Json => "JSON, 1 to 4 KiB, in the middle",
            Content::MostlyAscii => "text of which 0.5 % is multibyte,",
            Content::Multibyte => "multibyte text",
            Content::Prose => "prose",
        };
        let deflate = match deflate {
            None => "",
            Some(Takeover::No) => ", permessage-deflate without context takeover",
            Some(Takeover::Yes) => ", permessage-deflate with context takeover",
        };
        match traffic {
            Traffic::Echo => {
                format!("{content} {size} B, {connections} connections, depth {depth}{deflate}")
            }
            Traffic::Broadcast => {
                format!("{content} {size} B from one to all of {connections} connections, depth {depth}")
            }
            Traffic::Handshake => format!("opening and closing handshake, {connections} at a time"),
        }
    }

    const fn deflated(self, name: &'static str, takeover: Takeover) -> Self {
        Self { name, deflate: Some(takeover), ..self }
    }
}

/// Every workload there is.
pub(crate) const ALL: &[Workload] = &[
    row("t32-d1", Content::Ascii, 32, 100, 1),
    row("t32-d16", Content::Ascii, 32, 100, 16),
    row("b1k-d1", Content::Binary, 1 << 10, 100, 1),
    row("b1k-d16", Content::Binary, 1 << 10, 100, 16),
    row("b16k", Content::Binary, 16 << 10, 100, 1),
    row("b64k", Content::Binary, 64 << 10, 32, 1),
    row("b1m", Content::Binary, 1 << 20, 8, 1),
    row("ta64k", Content::MostlyAscii, 64 << 10, 32, 1),
    row("tm64k", Content::Multibyte, 64 << 10, 32, 1),
    JSON,
    JSON.deflated("json-nct", Takeover::No),
    JSON.deflated("json-ct", Takeover::Yes),
    PROSE,
    PROSE.deflated("prose64k-nct", Takeover::No),
    PROSE.deflated("prose64k-ct", Takeover::Yes),
    // No payload; the connections are the slots.
    Workload { traffic: Traffic::Handshake, ..row("hs", Content::Binary, 0, 32, 1) },
    Workload { traffic: Traffic::Broadcast, ..row("bcast", Content::Ascii, 128, 1000, 1) },
    Workload { traffic: Traffic::Broadcast, ..row("bcast-d16", Content::Ascii, 128, 1000, 16) },
];

/// The message every idle connection echoes once, unless another workload is asked for.
pub(crate) const IDLE: Workload = row("idle", Content::Binary, 1 << 10, 0, 1);

/// What goes to all in a room, and the same for Socket.IO.
pub(crate) const HUB: Workload =
    Workload { traffic: Traffic::Broadcast, ..row("hub", Content::Ascii, 256, 1000, 1) };
pub(crate) const EVENT: Workload = Workload { content: Content::Event, ..HUB };

/// What is compressed, as it is.
const JSON: Workload = row("json-plain", Content::Json, 2560, 100, 1);
const PROSE: Workload = row("prose64k-plain", Content::Prose, 64 << 10, 32, 1);

const fn row(
    name: &'static str,
    content: Content,
    size: usize,
    connections: usize,
    depth: usize,
) -> Workload {
    Workload { name, content, size, connections, depth, deflate: None, traffic: Traffic::Echo, deaf: 0 }
}
