//! One message to all in a room: ws-hub beside what others do.

use crate::{
    Result,
    args::Args,
    child::ServerProcess,
    compare::WARM_UP,
    limits,
    load::{self, Limit, Measured, Prepared},
    out::say,
    procfs::resident_kib,
    results::{Round, Row},
    rounds, schedule,
    server::Server,
    stats::{median, print_table, show},
    workload::{EVENT, HUB, Workload},
};

/// `ws-bench hub`.
pub(crate) fn main(mut args: Args) -> Result<()> {
    let names = args.option("servers", SERVERS.to_owned())?;
    let counts = args.option("connections", "1000,10000".to_owned())?;
    let deaf: usize = args.option("deaf", 0)?;
    let size = args.option("size", HUB.size)?;
    let core = args.option("core", schedule::default_core())?;
    let plan = rounds::Plan::from_args(&mut args)?;
    args.finish()?;
    let servers = Server::list(&names)?;
    say!("{}", schedule::share_core(core)?.join(", "))?;
    for count in counts.split(',') {
        let asked: usize = count.parse()?;
        let connections = limits::connections(asked + deaf)?.saturating_sub(deaf);
        let workload = Workload { connections, deaf, size, ..HUB };
        say!("\n{}, {deaf} more never read; {plan}\n", workload.about())?;
        print(&measure(&servers, workload, plan)?)?;
    }
    Ok(())
}

/// A server, and its memory in each round.
struct Receivers {
    row: Row,
    /// KiB for each connection: while nothing was sent yet, and after the last message.
    memory: Vec<[f64; 2]>,
}

fn measure(servers: &[&'static Server], workload: Workload, plan: rounds::Plan) -> Result<Vec<Receivers>> {
    let limit = Limit::Window { warm_up: WARM_UP, measured: plan.window };
    let names: Vec<_> = servers.iter().map(|server| server.name.to_owned()).collect();
    let mut memory = vec![Vec::new(); servers.len()];
    let rows = rounds::interleave(&names, plan.rounds, |index| {
        let workload = if servers[index].name == SOCKETIO {
            Workload { content: EVENT.content, ..workload }
        } else {
            workload
        };
        let prepared = Prepared::new(&workload);
        let server = ServerProcess::start(servers[index], workload.traffic, 1)?;
        let before = resident_kib(server.pid())?;
        let measured = load::run(&server.target, &workload, &prepared, limit, server.pid())?;
        memory[index].push(each(&measured, before, workload.connections + workload.deaf));
        Ok(measured)
    })?;
    let memory = names.iter().zip(memory);
    let of = |row: &Row| memory.clone().find(|(name, _)| **name == row.server);
    Ok(rows.into_iter().filter_map(|row| Some(Receivers { memory: of(&row)?.1, row })).collect())
}

fn each(measured: &Measured, before: u64, connections: usize) -> [f64; 2] {
    measured.resident.map(|now| (now as f64 - before as f64) / connections as f64)
}

fn print(all: &[Receivers]) -> Result<()> {
    let reference = all.first().map(|first| &first.row);
    let ratio = |row: &Row, of: fn(&Round) -> f64| {
        let rounds = reference.into_iter().flat_map(|reference| reference.rounds.iter().zip(&row.rounds));
        median(rounds.map(|(reference, own)| of(own) / of(reference)))
    };
    let rows: Vec<_> = all
        .iter()
        .map(|Receivers { row, memory }| {
            let kib = |at: usize| median(memory.iter().map(|memory| memory[at]));
            vec![
                row.server.clone(),
                show(row.median(Round::cost), 1.0, 0),
                show(ratio(row, Round::cost), 1.0, 2),
                show(row.spread(), 100.0, 0),
                show(row.median(Round::rate), 1e-3, 0),
                show(ratio(row, Round::rate), 1.0, 2),
                show(row.median(|round| round.p50_ns), 1e-6, 2),
                show(ratio(row, |round| round.p50_ns), 1.0, 2),
                show(row.median(|round| round.p99_ns), 1e-6, 2),
                show(kib(0), 1.0, 2),
                show(kib(1), 1.0, 2),
                show(row.median(Round::others), 100.0, 0),
            ]
        })
        .collect();
    print_table(HEADER, &rows)
}

const HEADER: &[&str] = &[
    "server",
    "CPU ns/delivery",
    "ratio",
    "spread %",
    "kdeliveries/s",
    "ratio",
    "last p50 ms",
    "ratio",
    "last p99 ms",
    "idle KiB",
    "used KiB",
    "others %",
];

/// Those that are compared, the first of which the ratios are made with.
const SERVERS: &str = "axum-broadcast,socketioxide,ours-axum,ours-hub";
/// The one that speaks Socket.IO.
const SOCKETIO: &str = "socketioxide";
