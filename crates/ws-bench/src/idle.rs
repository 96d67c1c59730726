//! What an idle connection costs in resident memory.

use std::process;

use rustix::process::{Resource, getrlimit};

use crate::{
    Result,
    args::Args,
    child::ServerProcess,
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
    let asked: usize = args.option("connections", 5000)?;
    let workload = if name.is_empty() { IDLE } else { Workload::find(&name)? };
    // As many as fill every window that is kept.
    let messages: usize = args.option("messages", if workload.deflate.is_some() { 16 } else { 1 })?;
    args.finish()?;

    let allowed = getrlimit(Resource::Nofile).current.map_or(asked, |files| files as usize);
    let connections = asked.min(allowed.saturating_sub(SPARE_FILES));
    if connections == 0 {
        return Err("no connections: --connections is 0 or the limit of open files too low".into());
    }
    if connections < asked {
        println!("the limit of open files is {allowed}");
    }
    println!(
        "{connections} connections, each echoed {messages} of {} and stays open\n",
        if name.is_empty() { "1 KiB" } else { &name },
    );
    let mut rows = Vec::new();
    for server in Server::for_workload(&servers, &workload) {
        let (before, after) = measure(server, &workload, connections, messages)
            .map_err(|error| format!("{}, idle, process {}: {error}", server.name, process::id()))?;
        let each = (after as f64 - before as f64) / connections as f64;
        rows.push(vec![server.name.to_owned(), format!("{each:.2}"), before.to_string(), after.to_string()]);
    }
    print_table(&["server", "KiB/connection", "RSS before, KiB", "RSS after, KiB"], &rows);
    Ok(())
}

fn measure(server: &Server, workload: &Workload, connections: usize, messages: usize) -> Result<(u64, u64)> {
    let prepared = Prepared::new(workload);
    let server = ServerProcess::start(server, workload.traffic)?;
    let before = resident_kib(server.pid())?;
    let mut open = Vec::with_capacity(connections);
    for index in 0..connections {
        let mut client = server.target.open(&prepared, index)?;
        for _ in 0..messages {
            client.echo()?;
        }
        open.push(client.stream);
    }
    let after = resident_kib(server.pid())?;
    Ok((before, after))
}

/// Files that are not connections: standard streams, epoll, the listener, /proc.
const SPARE_FILES: usize = 64;
