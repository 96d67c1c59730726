//! What an idle connection costs in resident memory, and what of it is given back.

use std::{thread, time::Duration};

use crate::{
    Result,
    args::Args,
    child::ServerProcess,
    limits,
    load::Prepared,
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
    args.finish()?;

    let connections = limits::connections(asked)?;
    println!(
        "{connections} connections, each echoed {messages} of {} and stays open\n",
        if name.is_empty() { "1 KiB" } else { &name },
    );
    let mut rows = Vec::new();
    for server in Server::for_workload(&servers, &workload) {
        match measure(server, &workload, connections, messages) {
            Ok(resident) => rows.push(resident.row(server.name, connections)),
            Err(error) => println!("without {}: {error}", server.name),
        }
    }
    print_table(
        &["server", "KiB/connection", "RSS before, KiB", "RSS after, KiB", "after closing, KiB", "kept, MiB"],
        &rows,
    );
    Ok(())
}

/// KiB of the server.
struct Resident {
    before: u64,
    open: u64,
    /// A while after all connections have closed.
    closed: u64,
}

impl Resident {
    fn row(&self, server: &str, connections: usize) -> Vec<String> {
        let grown = |now: u64| now as f64 - self.before as f64;
        vec![
            server.to_owned(),
            format!("{:.2}", grown(self.open) / connections as f64),
            self.before.to_string(),
            self.open.to_string(),
            self.closed.to_string(),
            format!("{:.1}", grown(self.closed) / 1024.0),
        ]
    }
}

fn measure(server: &Server, workload: &Workload, connections: usize, messages: usize) -> Result<Resident> {
    let prepared = Prepared::new(workload);
    let server = ServerProcess::start(server, workload.traffic, 1)?;
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
    thread::sleep(GIVE_BACK);
    Ok(Resident { before, open, closed: resident_kib(server.pid())? })
}

/// What a server gives back it gives back in this time.
const GIVE_BACK: Duration = Duration::from_secs(2);
