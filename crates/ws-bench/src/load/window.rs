//! The stretch of a run that is measured.

use std::{
    io, process,
    time::{Duration, Instant},
};

use super::{latency::Latency, replies::Counted};
use crate::{
    Result,
    procfs::{cpu_time, resident_kib},
};

/// When a run ends.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Limit {
    /// After this many messages, rounded up to whole batches. All of them are counted.
    Messages(u64),
    /// After a window of this length, which begins when the warm-up is over.
    Window { warm_up: Duration, measured: Duration },
}

/// What came back in the measured window.
#[derive(Clone, Debug)]
pub(crate) struct Measured {
    pub(crate) replies: Counted,
    pub(crate) wall: Duration,
    /// CPU time of the server.
    pub(crate) server: Duration,
    /// CPU time of this process.
    pub(crate) generator: Duration,
    /// From the sending of a batch to the last of its replies.
    pub(crate) latency: Latency,
    /// Resident memory of the server in KiB with all connections open, before the first message and after the last.
    pub(crate) resident: [u64; 2],
}

impl Measured {
    pub(crate) fn nothing() -> Self {
        Self {
            replies: Counted::default(),
            wall: Duration::ZERO,
            server: Duration::ZERO,
            generator: Duration::ZERO,
            latency: Latency::new(),
            resident: [0; 2],
        }
    }
}

/// Knows when the measured window begins and ends, and collects what happens in it.
pub(super) struct Window {
    limit: Limit,
    phase: Phase,
    opened: Instant,
    /// Messages that may still be sent under [`Limit::Messages`].
    unsent: u64,
    server: u32,
    /// CPU time of server and generator when the window opened.
    cpu: (Duration, Duration),
    pub(super) measured: Measured,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    WarmUp,
    Measuring,
    Over,
}

impl Window {
    pub(super) fn open(limit: Limit, depth: usize, server: u32) -> Result<Self> {
        let (limit, phase, unsent) = match limit {
            Limit::Messages(messages) => {
                let whole_batches = messages.next_multiple_of(depth as u64);
                (Limit::Messages(whole_batches), Phase::Measuring, whole_batches)
            }
            Limit::Window { .. } => (limit, Phase::WarmUp, u64::MAX),
        };
        let mut measured = Measured::nothing();
        measured.resident[0] = resident_kib(server)?;
        Ok(Self { limit, phase, opened: Instant::now(), unsent, server, cpu: sample(server)?, measured })
    }

    pub(super) fn is_over(&self) -> bool {
        self.phase == Phase::Over
    }

    /// Whether another batch belongs to this run.
    pub(super) fn takes_batch(&mut self, depth: usize) -> bool {
        let takes = self.unsent > 0;
        self.unsent = self.unsent.saturating_sub(depth as u64);
        takes
    }

    pub(super) fn turn(&mut self, now: Instant) -> Result<()> {
        let open = now - self.opened;
        match (self.limit, self.phase) {
            (Limit::Window { warm_up, .. }, Phase::WarmUp) if open >= warm_up => {
                self.phase = Phase::Measuring;
                self.measured.replies = Counted::default();
                self.measured.latency = Latency::new();
                self.cpu = sample(self.server)?;
                self.opened = Instant::now();
                Ok(())
            }
            (Limit::Window { measured, .. }, Phase::Measuring) if open >= measured => self.end(),
            (Limit::Messages(messages), Phase::Measuring) if self.measured.replies.messages >= messages => {
                self.end()
            }
            _ => Ok(()),
        }
    }

    fn end(&mut self) -> Result<()> {
        let (server, generator) = sample(self.server)?;
        self.phase = Phase::Over;
        self.measured.wall = self.opened.elapsed();
        self.measured.server = server.saturating_sub(self.cpu.0);
        self.measured.generator = generator.saturating_sub(self.cpu.1);
        self.measured.resident[1] = resident_kib(self.server)?;
        Ok(())
    }
}

fn sample(server: u32) -> io::Result<(Duration, Duration)> {
    Ok((cpu_time(server)?, cpu_time(process::id())?))
}
