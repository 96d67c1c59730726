//! What an idle connection costs in resident memory.

use std::process;

use rustix::process::{Resource, getrlimit};

use crate::{
    Result, args::Args, child::ServerProcess, load::Prepared, procfs::resident_kib, server::Server,
    stats::print_table, workload::IDLE,
};

/// `ws-bench idle`.
pub(crate) fn main(mut args: Args) -> Result<()> {
    let servers = Server::list(&args.option("servers", String::new())?)?;
    let asked: usize = args.option("connections", 5000)?;
    args.finish()?;

    let allowed = getrlimit(Resource::Nofile).current.map_or(asked, |files| files as usize);
    let connections = asked.min(allowed.saturating_sub(SPARE_FILES));
    if connections == 0 {
        return Err("no connections: --connections is 0 or the limit of open files too low".into());
    }
    if connections < asked {
        println!("the limit of open files is {allowed}");
    }
    println!("{connections} connections, each echoed one message of {} B and stays open\n", IDLE.size);
    let mut rows = Vec::new();
    for server in servers {
        let (before, after) = measure(server, connections)
            .map_err(|error| format!("{}, idle, process {}: {error}", server.name(), process::id()))?;
        let each = (after as f64 - before as f64) / connections as f64;
        rows.push(vec![
            server.name().to_owned(),
            format!("{each:.2}"),
            before.to_string(),
            after.to_string(),
        ]);
    }
    print_table(&["server", "KiB/connection", "RSS before, KiB", "RSS after, KiB"], &rows);
    Ok(())
}

fn measure(server: Server, connections: usize) -> Result<(u64, u64)> {
    let prepared = Prepared::new(&IDLE);
    let server = ServerProcess::start(server)?;
    let before = resident_kib(server.pid())?;
    let mut open = Vec::with_capacity(connections);
    for index in 0..connections {
        let stream = server.target.open()?;
        server.target.echo(&stream, &prepared, index)?;
        open.push(stream);
    }
    let after = resident_kib(server.pid())?;
    Ok((before, after))
}

/// Files that are not connections: standard streams, epoll, the listener, /proc.
const SPARE_FILES: usize = 64;
