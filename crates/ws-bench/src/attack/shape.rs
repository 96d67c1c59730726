//! What attackers do.

use std::{fmt, str::FromStr};

/// A kind of attack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// Come and go, as fast as they can.
    Churn,
    /// Messages without end, in fragments of one byte.
    Fragments,
    /// Say nothing.
    Idle,
    /// Pings as fast as the server takes them.
    Pings,
    /// Ask for echoes and never read them.
    SlowReaders,
    /// A byte of the request a second.
    Slowloris,
}

impl Shape {
    pub(super) const NAMES: &str = "churn, fragments, idle, pings, slow-readers or slowloris";

    /// How many connections it takes to be one.
    pub(super) fn connections(self) -> usize {
        match self {
            Self::Churn => 1_000_000,
            Self::Fragments | Self::Pings => 500,
            Self::Idle => 100_000,
            Self::SlowReaders => 10_000,
            Self::Slowloris => 5_000,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Churn => "churn",
            Self::Fragments => "fragments",
            Self::Idle => "idle",
            Self::Pings => "pings",
            Self::SlowReaders => "slow-readers",
            Self::Slowloris => "slowloris",
        }
    }
}

impl FromStr for Shape {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let all = [Self::Churn, Self::Fragments, Self::Idle, Self::Pings, Self::SlowReaders, Self::Slowloris];
        let found = all.into_iter().find(|shape| shape.name() == name);
        found.ok_or_else(|| format!("no shape {name}; there are {}", Self::NAMES))
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
