//! Servers on a runtime of several threads, beside themselves on a runtime of one.

use crate::{
    Result,
    args::Args,
    child::ServerProcess,
    compare::WARM_UP,
    limits,
    load::{self, Limit, Prepared},
    out::say,
    results::{Round, Row},
    rounds, schedule,
    server::Server,
    stats::{median, print_table, show},
    workload::Workload,
};

/// `ws-bench workers`.
pub(crate) fn main(mut args: Args) -> Result<()> {
    let workloads = Workload::list(&args.option("workload", "t32-d1,t32-d16,b64k".to_owned())?)?;
    let servers = Server::list(&args.option("servers", String::new())?)?;
    let workers: usize = args.option("workers", 2)?;
    let connections: usize = args.option("connections", 0)?;
    let plan = rounds::Plan::from_args(&mut args)?;
    args.finish()?;
    if !(2..=schedule::cores()).contains(&workers) {
        return Err(format!("--workers must be 2 to {}, the number of cores", schedule::cores()).into());
    }

    say!("{}", schedule::share_cores().join(", "))?;
    if schedule::cores() <= workers {
        say!("there is no core for the generator alone: it takes from the workers what it needs")?;
    }
    for workload in &workloads {
        let mut workload = *workload;
        if connections > 0 {
            workload.connections = limits::connections(connections)?;
        }
        say!("\n{}: {}; {plan}\n", workload.name, workload.about())?;
        let servers: Vec<_> = servers.iter().copied().filter(|server| server.has_workers()).collect();
        let servers = Server::for_workload(&servers, &workload)?;
        let rows = measure(&servers, &workload, plan, workers)?;
        report(&rows, workers)?;
    }
    Ok(())
}

/// Two rows a server: with one worker and with several.
fn measure(
    servers: &[&'static Server],
    workload: &Workload,
    plan: rounds::Plan,
    workers: usize,
) -> Result<Vec<Row>> {
    let prepared = Prepared::new(workload);
    let limit = Limit::Window { warm_up: WARM_UP, measured: plan.window };
    let runs: Vec<_> = servers.iter().flat_map(|&server| [(server, 1), (server, workers)]).collect();
    let names: Vec<_> = runs.iter().map(|(server, workers)| name(server.name, *workers)).collect();
    rounds::interleave(&names, plan.rounds, |index| {
        let (server, workers) = runs[index];
        let server = ServerProcess::start(server, workload.traffic, workers)?;
        load::run(&server.target, workload, &prepared, limit, server.pid())
    })
}

fn report(rows: &[Row], workers: usize) -> Result<()> {
    let rows: Vec<_> = rows
        .iter()
        .map(|row| {
            vec![
                row.server.clone(),
                show(row.median(Round::cost), 1.0, 0),
                show(row.spread(), 100.0, 0),
                show(row.median(Round::rate), 1e-3, 1),
                show(gain(rows, row, workers), 1.0, 2),
            ]
        })
        .collect();
    print_table(&["server", "CPU ns/message", "spread %", "kmsg/s", "to one worker"], &rows)
}

/// How many times the messages a second that the same server has with one worker, as the median over the rounds.
fn gain(rows: &[Row], row: &Row, workers: usize) -> Option<f64> {
    let alone = rows.iter().find(|alone| name(&alone.server, workers) == row.server)?;
    median(alone.rounds.iter().zip(&row.rounds).map(|(one, several)| several.rate() / one.rate()))
}

fn name(server: &str, workers: usize) -> String {
    match workers {
        1 => server.to_owned(),
        workers => format!("{server}, {workers} workers"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gain_is_that_over_the_same_server_with_one_worker() {
        let row = |server: &str, rate: f64| {
            let round = Round { messages: rate, wall_ns: 1e9, ..Round::default() };
            Row { server: server.to_owned(), rounds: vec![round] }
        };
        let rows = [row("a", 100.0), row("a, 2 workers", 150.0), row("b, 2 workers", 1.0)];
        let gains: Vec<_> = rows.iter().map(|row| gain(&rows, row, 2)).collect();
        assert_eq!(gains, [None, Some(1.5), None]);
    }
}
