//! One count.
//!
//! The server, or the client, runs twice under callgrind, with few and with many messages. Start-up, handshakes and
//! checks cost the same in both, so the difference belongs to the messages alone.

use std::{env, fs, path::Path, process};

use crate::{
    Result,
    callgrind::{By, Profile},
    child::ServerProcess,
    client::Client,
    load::{self, Limit, Measured, Prepared},
    server::Server,
    workload::{Traffic, Workload},
};

/// What some messages cost.
pub(super) struct Count {
    pub(super) messages: u64,
    few: Profile,
    many: Profile,
}

impl Count {
    /// # Errors
    /// When there is no valgrind, or the server fails.
    pub(super) fn of(server: &Server, workload: &Workload, connections: usize) -> Result<Self> {
        Self::with(workload, connections, |workload, messages, out| {
            let prepared = Prepared::new(workload);
            let process = ServerProcess::start_in_callgrind(server, workload.traffic, out)?;
            let limit = Limit::Messages(messages);
            let measured = load::run(&process.target, workload, &prepared, limit, process.pid())?;
            process.terminate()?;
            Ok(measured)
        })
    }

    /// As [`of`](Self::of), of a client.
    pub(super) fn of_client(client: &Client, workload: &Workload, connections: usize) -> Result<Self> {
        Self::with(workload, connections, |workload, messages, out| client.count(workload, messages, out))
    }

    fn with(
        workload: &Workload,
        connections: usize,
        run: impl Fn(&Workload, u64, &Path) -> Result<Measured>,
    ) -> Result<Self> {
        let workload = Workload { connections, ..*workload };
        let per_round = (connections * workload.depth) as u64;
        // Enough rounds to even out how many connections a wake-up finds ready.
        let few = 20 * per_round;
        // What takes a hundred times as many instructions is done less often.
        let is_long = workload.deflate.is_some() || workload.traffic == Traffic::Handshake;
        let bytes = if is_long { BYTES / 16 } else { BYTES };
        let many = few + (bytes / workload.size.max(MIN_SIZE) as u64).next_multiple_of(per_round);

        let profile = |messages| -> Result<(u64, Profile)> {
            let out = env::temp_dir().join(format!("ws-bench-callgrind-{}", process::id()));
            let measured = run(&workload, messages, &out)?;
            let text = fs::read_to_string(&out)?;
            fs::remove_file(&out)?;
            Ok((measured.replies.messages, Profile::parse(&text)))
        };
        let (few_messages, few) = profile(few)?;
        let (many_messages, many) = profile(many)?;
        Ok(Self { messages: many_messages - few_messages, few, many })
    }

    /// Instructions of one message.
    pub(super) fn each(&self) -> f64 {
        (self.many.total() as f64 - self.few.total() as f64) / self.messages as f64
    }

    /// Where they are, the most first.
    pub(super) fn by(&self, by: By) -> impl Iterator<Item = (String, f64)> {
        let messages = self.messages as f64;
        self.many.minus(&self.few, by).into_iter().map(move |(name, cost)| (name, cost as f64 / messages))
    }
}

/// Payload bytes in the difference of the two runs, as if no message were smaller than the minimum.
const BYTES: u64 = 40 << 20;
const MIN_SIZE: usize = 2048;
