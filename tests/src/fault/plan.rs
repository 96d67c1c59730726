//! What is to happen to a connection.

use std::{num::NonZeroU32, str::FromStr, time::Duration};

/// What is to happen to one connection. By default nothing does: bytes and ends are passed on.
#[derive(Clone, Copy, Debug, Default)]
#[must_use]
pub struct Plan {
    lanes: [Lane; 2],
    records: bool,
}

/// What is to happen to the bytes of one direction.
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct Lane {
    pub(super) fault: Option<(u64, Fault)>,
    pub(super) delay: Duration,
    pub(super) piece: usize,
    pub(super) rate: Option<NonZeroU32>,
}

/// Where bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "there are two")]
pub enum Direction {
    /// From the client.
    ToServer,
    /// From the server.
    ToClient,
}

/// What comes after the last byte that passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "tests go through all of them")]
pub enum Fault {
    /// FIN to both ends; nothing passes any more in either direction.
    Cut,
    /// FIN to the end that the direction leads to; the other direction goes on.
    HalfClose,
    /// RST to both ends.
    Reset,
    /// Silence in this direction: nothing is read any more, and the connection stays open.
    Stall,
}

impl Plan {
    /// Passes everything on.
    pub fn new() -> Self {
        Self::default()
    }

    /// Passes everything on until `offset` bytes have gone in this direction.
    pub fn fault(direction: Direction, offset: u64, fault: Fault) -> Self {
        Self::new().lane(direction, Lane::new().fault(offset, fault))
    }

    /// Sets what happens in one direction.
    pub fn lane(mut self, direction: Direction, lane: Lane) -> Self {
        self.lanes[direction as usize] = lane;
        self
    }

    /// Whether the report has the bytes that passed, and not their number alone.
    pub fn record(mut self, records: bool) -> Self {
        self.records = records;
        self
    }

    /// One of many, the same for the same numbers: a fault of any kind within the first `within` bytes of one direction, pieces
    /// of any size and a delay of up to three milliseconds in each.
    pub fn random(seed: u64, connection: u64, within: u64) -> Self {
        let mut random = SplitMix(seed ^ connection.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let mut plan = Self::new();
        for lane in &mut plan.lanes {
            *lane = Lane::new()
                .piece([1, 2, 7, 100, usize::MAX][random.below(5) as usize])
                .delay(Duration::from_millis(random.below(4)));
        }
        let fault = Fault::ALL[random.below(4) as usize];
        let lane = &mut plan.lanes[random.below(2) as usize];
        lane.fault = Some((random.below(within.max(1)), fault));
        plan
    }

    pub(super) fn of(&self, direction: Direction) -> Lane {
        self.lanes[direction as usize]
    }

    pub(super) fn records(&self) -> bool {
        self.records
    }
}

impl Lane {
    /// Passes everything on.
    pub fn new() -> Self {
        Self { fault: None, delay: Duration::ZERO, piece: usize::MAX, rate: None }
    }

    /// Ends after `offset` bytes, with 0 as soon as the connection is there.
    pub fn fault(mut self, offset: u64, fault: Fault) -> Self {
        self.fault = Some((offset, fault));
        self
    }

    /// Lets each piece wait so long.
    pub fn delay(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// Writes no more than so many bytes at once; at least one.
    pub fn piece(mut self, bytes: usize) -> Self {
        self.piece = bytes.max(1);
        self
    }

    /// Passes no more than so many bytes a second on; 0 is any number.
    pub fn rate(mut self, bytes_per_second: u32) -> Self {
        self.rate = NonZeroU32::new(bytes_per_second);
        self
    }
}

impl Default for Lane {
    fn default() -> Self {
        Self::new()
    }
}

impl Direction {
    /// Both.
    pub const ALL: [Self; 2] = [Self::ToServer, Self::ToClient];
}

impl Fault {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Cut, Self::HalfClose, Self::Reset, Self::Stall];
}

impl FromStr for Fault {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        match name {
            "cut" => Ok(Self::Cut),
            "half-close" => Ok(Self::HalfClose),
            "reset" => Ok(Self::Reset),
            "stall" => Ok(Self::Stall),
            _ => Err(format!("there is no fault {name}")),
        }
    }
}

/// SplitMix64: any seed will do.
struct SplitMix(u64);

impl SplitMix {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % end
    }
}
