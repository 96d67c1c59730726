//! Servers side by side, interleaved: what a message costs each of them in CPU time.

use std::time::Duration;

use crate::{
    Result,
    args::Args,
    child::ServerProcess,
    load::{self, Limit, Measured, Prepared},
    schedule,
    server::Server,
    stats::{median, print_table, spread},
    workload::{self, Content, Takeover, Traffic, Workload},
};

/// `ws-bench compare`.
pub(crate) fn main(mut args: Args) -> Result<()> {
    let names = args.option("workload", "t32-d1,t32-d16,b64k".to_owned())?;
    let servers = Server::list(&args.option("servers", String::new())?)?;
    let rounds: usize = args.option("rounds", 5)?;
    let seconds: f64 = args.option("seconds", 1.0)?;
    let core = args.option("core", schedule::default_core())?;
    args.finish()?;
    if !(0.05..=60.0).contains(&seconds) || !(1..=100).contains(&rounds) {
        return Err("--seconds must be 0.05 to 60, --rounds 1 to 100".into());
    }
    if names == "list" {
        for workload in workload::ALL {
            println!("{}", describe(workload));
        }
        return Ok(());
    }
    let workloads: Vec<Workload> = match names.as_str() {
        "all" => workload::ALL.to_vec(),
        names => names.split(',').map(Workload::find).collect::<Result<_>>()?,
    };

    println!("{}", schedule::share_core(core)?.join(", "));
    let limit = Limit::Window { warm_up: WARM_UP, measured: Duration::from_secs_f64(seconds) };
    for workload in &workloads {
        println!("\n{}; {rounds} rounds of {seconds} s\n", describe(workload));
        let servers = Server::for_workload(&servers, workload);
        let measured = measure(&servers, workload, rounds, limit)?;
        report(&servers, &measured);
    }
    Ok(())
}

/// Measures every server once a round. The result has a row a server, in which the rounds are in order.
fn measure(
    servers: &[&'static Server],
    workload: &Workload,
    rounds: usize,
    limit: Limit,
) -> Result<Vec<Vec<Measured>>> {
    let prepared = Prepared::new(workload);
    let mut measured = vec![Vec::with_capacity(rounds); servers.len()];
    for round in 0..rounds {
        // A B C, C B A, …: what drifts during a round favours nobody.
        let mut order: Vec<_> = (0..servers.len()).collect();
        if round % 2 == 1 {
            order.reverse();
        }
        for index in order {
            let server = ServerProcess::start(servers[index], workload.traffic)?;
            let run = load::run(&server.target, workload, &prepared, limit, server.pid());
            let run = run.map_err(|error| format!("{}, {}: {error}", servers[index].name, workload.name))?;
            measured[index].push(run);
        }
    }
    Ok(measured)
}

fn report(servers: &[&'static Server], measured: &[Vec<Measured>]) {
    let reference = servers.iter().position(|server| server.is_reference()).map(|at| &measured[at]);
    let rows: Vec<_> = servers
        .iter()
        .zip(measured)
        .map(|(server, rounds)| {
            let costs: Vec<_> = rounds.iter().map(cost).collect();
            let ratio = reference
                .and_then(|reference| median(reference.iter().zip(&costs).map(|(raw, ns)| cost(raw) / ns)));
            vec![
                server.name.to_owned(),
                show(median(costs.iter().copied()), 1.0, 0),
                show(ratio, 1.0, 2),
                show(spread(&costs), 100.0, 0),
                show(median(rounds.iter().map(wire)), 1.0, 3),
                show(median(rounds.iter().map(uncompressed)), 100.0, 0),
                show(median(rounds.iter().map(rate)), 1e-3, 1),
                show(median(rounds.iter().map(|round| micros(round, 50.0))), 1.0, 0),
                show(median(rounds.iter().map(|round| micros(round, 99.0))), 1.0, 0),
                show(median(rounds.iter().map(others)), 100.0, 0),
            ]
        })
        .collect();
    print_table(
        &[
            "server",
            "CPU ns/message",
            "ratio",
            "spread %",
            "wire ratio",
            "uncompressed %",
            "kmsg/s",
            "batch p50 µs",
            "batch p99 µs",
            "others %",
        ],
        &rows,
    );
}

/// CPU nanoseconds of the server per message.
fn cost(run: &Measured) -> f64 {
    run.server.as_nanos() as f64 / run.replies.messages.max(1) as f64
}

/// What the server has sent, compared with the same frames uncompressed.
fn wire(run: &Measured) -> f64 {
    run.replies.wire as f64 / run.replies.plain.max(1) as f64
}

/// Of the messages that could have been compressed.
fn uncompressed(run: &Measured) -> f64 {
    run.replies.uncompressed as f64 / run.replies.messages.max(1) as f64
}

fn rate(run: &Measured) -> f64 {
    run.replies.messages as f64 / run.wall.as_secs_f64()
}

fn micros(run: &Measured, percent: f64) -> f64 {
    run.latency.percentile(percent).as_secs_f64() * 1e6
}

/// The share of the core that went to neither server nor generator: other programs, or nothing.
fn others(run: &Measured) -> f64 {
    1.0 - (run.server + run.generator).as_secs_f64() / run.wall.as_secs_f64()
}

fn show(value: Option<f64>, factor: f64, decimals: usize) -> String {
    value.map_or_else(|| "—".to_owned(), |value| format!("{:.decimals$}", value * factor))
}

fn describe(workload: &Workload) -> String {
    let Workload { name, content, size, connections, depth, deflate, traffic } = workload;
    let content = match content {
        Content::Ascii => "ASCII text",
        Content::Binary => "binary",
        Content::Json => "JSON, 1 to 4 KiB, in the middle",
        Content::MostlyAscii => "text of which 0.5 % is multibyte,",
        Content::Multibyte => "multibyte text",
        Content::Prose => "prose",
    };
    let deflate = match deflate {
        None => "",
        Some(Takeover::No) => ", permessage-deflate without context takeover",
        Some(Takeover::Yes) => ", permessage-deflate with context takeover",
    };
    match traffic {
        Traffic::Echo => {
            format!("{name}: {content} {size} B, {connections} connections, depth {depth}{deflate}")
        }
        Traffic::Broadcast => {
            format!("{name}: {content} {size} B from one to all of {connections} connections, depth {depth}")
        }
        Traffic::Handshake => format!("{name}: opening and closing handshake, {connections} at a time"),
    }
}

/// Long enough for buffers, caches and socket buffer sizes to settle.
const WARM_UP: Duration = Duration::from_millis(400);
