//! User-space instructions per message: exact where times are noise.

mod count;
mod ledger;

use std::{path::Path, process::Command};

use self::{count::Count, ledger::Ledger};
use crate::{
    Result,
    args::Args,
    callgrind::By,
    client::Client,
    out::say,
    server::Server,
    stats::{print_table, show},
    workload::Workload,
};

/// `ws-bench instructions`.
pub(crate) fn main(mut args: Args) -> Result<()> {
    let (check, record) = (args.flag("check"), args.flag("record"));
    if check || record {
        return keep(args, record);
    }
    let server = args.option("server", "raw-tokio".to_owned())?;
    let client = args.option("client", String::new())?;
    let workload = Workload::find(&args.option("workload", "t32-d1".to_owned())?)?;
    let connections = args.option("connections", CONNECTIONS)?;
    let top: usize = args.option("top", 15)?;
    args.finish()?;
    let (name, count) = if client.is_empty() {
        let server = Server::find(&server)?;
        if let Some(why) = server.left_out(&workload) {
            return Err(format!("{}, {}: {why}", server.name, workload.name).into());
        }
        (server.name.to_owned(), Count::of(server, &workload, connections)?)
    } else {
        let client = Client::find(&client)?;
        (format!("client {}", client.name), Count::of_client(client, &workload, connections)?)
    };
    say!("{name}, {}, {connections} connections, {} messages", workload.name, count.messages)?;
    say!("{:.0} instructions per message\n", count.each())?;
    for (by, title, rows) in
        [(By::Crate, "crate", usize::MAX), (By::File, "source file", top), (By::Function, "function", top)]
    {
        let rows: Vec<_> = count
            .by(by)
            .filter(|(_, each)| *each >= 0.5)
            .take(rows)
            .map(|(name, each)| {
                vec![name, format!("{each:.1}"), format!("{:.1}", each / count.each() * 100.0)]
            })
            .collect();
        print_table(&[title, "instructions", "%"], &rows)?;
        say!("")?;
    }
    Ok(())
}

/// `--check` and `--record`: compares with the counts of the repository, or replaces them.
fn keep(mut args: Args, record: bool) -> Result<()> {
    let path = args.option("file", Path::new(env!("CARGO_MANIFEST_DIR")).join("instructions.toml"))?;
    let servers = args.option("servers", String::new())?;
    let workloads = args.option("workload", String::new())?;
    args.finish()?;
    let names = if servers.is_empty() { SERVERS.join(",") } else { servers };
    let servers = Server::list(&names)?;
    let workloads = Workload::list(if workloads.is_empty() { WORKLOADS } else { &workloads })?;

    let toolchain = toolchain()?;
    let mut ledger = if path.exists() { Ledger::read(&path)? } else { Ledger::default() };
    if !record && ledger.toolchain != toolchain {
        say!("counted with {}, now {toolchain}: expect differences", ledger.toolchain)?;
    }
    let mut rows = Vec::new();
    let mut differences = 0;
    for workload in &workloads {
        for server in servers.iter().filter(|server| server.left_out(workload).is_none()) {
            let before = ledger.find(workload.name, server.name);
            if !record && before.is_none() {
                continue;
            }
            let now = Count::of(server, workload, CONNECTIONS)?.each();
            let change = before.map(|before| now / before as f64 - 1.0);
            let differs = change.is_some_and(|change| change.abs() > TOLERANCE);
            differences += usize::from(differs);
            eprintln!("{}, {}: {now:.0}", workload.name, server.name);
            rows.push(vec![
                format!("{}, {}", workload.name, server.name),
                before.map_or_else(|| "—".to_owned(), |before| before.to_string()),
                format!("{now:.0}"),
                show(change, 100.0, 1),
                if differs { "differs".to_owned() } else { String::new() },
            ]);
            if record {
                ledger.set(workload.name, server.name, now.round() as u64);
            }
        }
    }
    if record {
        ledger.toolchain = toolchain;
        ledger.write(&path)?;
    }
    print_table(&["instructions", "before", "now", "%", ""], &rows)?;
    if record {
        return Ok(());
    }
    match differences {
        0 => Ok(()),
        count => Err(format!("{count} differ by more than {:.0} %", TOLERANCE * 100.0).into()),
    }
}

/// The compiler that a build here would take.
fn toolchain() -> Result<String> {
    let output =
        Command::new("rustc").arg("--version").output().map_err(|error| format!("rustc: {error}"))?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Few, so that a wake-up finds about the same number of them ready each time.
const CONNECTIONS: usize = 8;

/// How far two counts of the same program may be apart: not every run finds as many connections ready at once.
const TOLERANCE: f64 = 0.02;

/// What is kept unless others are named.
const SERVERS: &[&str] = &[
    "raw-tokio",
    "ours-axum",
    "ours-axum-queue",
    "ours-axum-borrow",
    "ours-axum-split",
    "ours-axum-stream",
    "ours-hyper",
];
const WORKLOADS: &str =
    "t32-d1,t32-d16,b1k-d1,b1k-d16,b16k,b64k,ta64k,tm64k,json-nct,json-ct,hs,bcast,bcast-d16";
