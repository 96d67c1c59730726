//! What an idle connection costs in resident memory, and what of it is given back.

use std::{
    thread,
    time::{Duration, Instant},
};

use crate::{
    Result,
    args::Args,
    child::ServerProcess,
    limits,
    load::Prepared,
    out::say,
    procfs::resident_kib,
    server::Server,
    stats::print_table,
    workload::{IDLE, Workload},
};

/// `ws-bench idle`.
pub(crate) fn main(mut args: Args) -> Result<()> {
    let servers = Server::list(&args.option("servers", String::new())?)?;
    let name = args.option("workload", String::new())?;
    let asked: usize = args.option("connections", 10_000)?;
    let workload = if name.is_empty() { IDLE } else { Workload::find(&name)? };
    // As many as fill every window that is kept.
    let messages: usize = args.option("messages", if workload.deflate.is_some() { 16 } else { 1 })?;
    let workers: usize = args.option("workers", 1)?;
    args.finish()?;

    let connections = limits::connections(asked)?;
    say!(
        "{connections} connections, each echoed {messages} of {} and stays open\n",
        if name.is_empty() { "1 KiB" } else { &name },
    )?;
    let mut rows = Vec::new();
    for server in Server::for_workload(&servers, &workload)? {
        match measure(server, &workload, connections, messages, workers) {
            Ok(resident) => rows.push(resident.row(server.name, connections)),
            Err(error) => say!("without {}: {error}", server.name)?,
        }
    }
    print_table(
        &["server", "KiB/connection", "RSS before, KiB", "RSS after, KiB", "kept 1 s, MiB", "kept 5 s, MiB"],
        &rows,
    )?;
    Ok(())
}

/// KiB of the server.
struct Resident {
    before: u64,
    open: u64,
    /// A while after all connections have closed, and a longer while.
    closed: [u64; 2],
}

impl Resident {
    fn row(&self, server: &str, connections: usize) -> Vec<String> {
        let grown = |now: u64| now as f64 - self.before as f64;
        vec![
            server.to_owned(),
            format!("{:.2}", grown(self.open) / connections as f64),
            self.before.to_string(),
            self.open.to_string(),
            format!("{:.1}", grown(self.closed[0]) / 1024.0),
            format!("{:.1}", grown(self.closed[1]) / 1024.0),
        ]
    }
}

fn measure(
    server: &Server,
    workload: &Workload,
    connections: usize,
    messages: usize,
    workers: usize,
) -> Result<Resident> {
    let prepared = Prepared::new(workload);
    let server = ServerProcess::start(server, workload.traffic, workers)?;
    let before = resident_kib(server.pid())?;
    let mut clients = Vec::with_capacity(connections);
    for index in 0..connections {
        let mut client = server.target.open(&prepared, index)?;
        for _ in 0..messages {
            client.echo()?;
        }
        clients.push(client.stream);
    }
    let open = resident_kib(server.pid())?;
    drop(clients);
    let closing = Instant::now();
    let mut closed = [0; 2];
    for (after, kept) in AFTER.into_iter().zip(&mut closed) {
        thread::sleep(after.saturating_sub(closing.elapsed()));
        *kept = resident_kib(server.pid())?;
    }
    Ok(Resident { before, open, closed })
}

/// When is asked what has been given back: some allocators wait for a while.
const AFTER: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(5)];
