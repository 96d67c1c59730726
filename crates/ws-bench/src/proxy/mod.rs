//! Reverse proxies side by side: what a message costs each of them beside a backend, what it adds to the latency, and what an idle
//! pair of connections takes.

mod serve;
mod stand;

use std::time::Duration;

pub(crate) use self::serve::main as serve;
use self::stand::Stand;
use crate::{
    Result,
    args::Args,
    child::ServerProcess,
    compare::WARM_UP,
    limits,
    load::{self, Limit, Prepared, Target},
    out::say,
    procfs::resident_kib,
    results::{Round, Row},
    rounds, schedule,
    server::Server,
    stats::{print_table, show},
    workload::{IDLE, Traffic, Workload},
};

/// `ws-bench proxy`.
pub(crate) fn main(mut args: Args) -> Result<()> {
    let names = args.option("workload", "t32-d1,t32-d16,b16k,hs".to_owned())?;
    let proxies = stand::list(&args.option("proxies", String::new())?)?;
    let backend = Server::find(&args.option("backend", "ours-axum".to_owned())?)?;
    let core = args.option("core", schedule::default_core())?;
    let idle: usize = args.option("idle", 2000)?;
    let plan = rounds::Plan::from_args(&mut args)?;
    args.finish()?;
    say!("{}", schedule::share_core(core)?.join(", "))?;
    say!("backend {}; the CPU time is that of the proxy alone", backend.name)?;
    for workload in Workload::list(&names)? {
        say!("\n{}: {}; {plan}\n", workload.name, workload.about())?;
        let rows = measure(&proxies, backend, &workload, plan)?;
        print(&rows)?;
    }
    if idle > 0 {
        print_idle(&proxies, backend, limits::connections(idle)?)?;
    }
    Ok(())
}

/// Measures every proxy once a round, and the backend without one first.
fn measure(
    proxies: &[stand::Proxy],
    backend: &'static Server,
    workload: &Workload,
    plan: rounds::Plan,
) -> Result<Vec<Row>> {
    let prepared = Prepared::new(workload);
    let limit = Limit::Window { warm_up: WARM_UP, measured: plan.window };
    let mut names = vec![DIRECT.to_owned()];
    names.extend(proxies.iter().map(|proxy| proxy.name.to_owned()));
    rounds::interleave(&names, plan.rounds, |index| {
        let server = ServerProcess::start(backend, workload.traffic, 1)?;
        match index.checked_sub(1) {
            None => load::run(&server.target, workload, &prepared, limit, server.pid()),
            Some(index) => {
                let stand = Stand::start(&proxies[index], server.target.addr)?;
                let target = Target { addr: stand.addr, websocket: true };
                load::run(&target, workload, &prepared, limit, stand.pid())
            }
        }
    })
}

fn print(rows: &[Row]) -> Result<()> {
    let direct = rows.iter().find(|row| row.server == DIRECT);
    let latency = |row: &Row| row.median(|round| round.p50_ns);
    let table: Vec<_> = rows
        .iter()
        .map(|row| {
            let is_direct = row.server == DIRECT;
            let added =
                direct.and_then(|direct| Some(latency(row)? - latency(direct)?)).filter(|_| !is_direct);
            vec![
                row.server.clone(),
                show(row.median(Round::cost).filter(|_| !is_direct), 1.0, 0),
                show(row.spread().filter(|_| !is_direct), 100.0, 0),
                show(row.median(Round::rate), 1e-3, 1),
                show(latency(row), 1e-3, 0),
                show(added, 1e-3, 0),
                show(row.median(|round| round.p99_ns), 1e-3, 0),
            ]
        })
        .collect();
    print_table(
        &["proxy", "CPU ns/message", "spread %", "kmsg/s", "p50 µs", "added p50 µs", "p99 µs"],
        &table,
    )
}

/// Resident memory of each proxy for a pair of connections that have echoed 1 KiB and stay open.
fn print_idle(proxies: &[stand::Proxy], backend: &'static Server, connections: usize) -> Result<()> {
    say!("\n{connections} connections through each proxy, each echoed 1 KiB and stays open\n")?;
    let prepared = Prepared::new(&IDLE);
    let mut rows = Vec::new();
    for proxy in proxies {
        let server = ServerProcess::start(backend, Traffic::Echo, 1)?;
        let stand = match Stand::start(proxy, server.target.addr) {
            Ok(stand) => stand,
            Err(error) => {
                say!("without {}: {error}", proxy.name)?;
                continue;
            }
        };
        let before = resident_kib(stand.pid())?;
        let target = Target { addr: stand.addr, websocket: true };
        let mut clients = Vec::with_capacity(connections);
        for index in 0..connections {
            let mut client = target.open(&prepared, index)?;
            client.echo()?;
            clients.push(client.stream);
        }
        std::thread::sleep(Duration::from_millis(200));
        let open = resident_kib(stand.pid())?;
        let each = (open as f64 - before as f64) / connections as f64;
        rows.push(vec![proxy.name.to_owned(), format!("{each:.2}"), before.to_string(), open.to_string()]);
    }
    print_table(&["proxy", "KiB/pair", "RSS before, KiB", "RSS after, KiB"], &rows)?;
    Ok(())
}

/// The backend without a proxy.
const DIRECT: &str = "none";
