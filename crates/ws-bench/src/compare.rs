//! Servers side by side, interleaved: what a message costs each of them in CPU time.

use std::{path::PathBuf, time::Duration};

use crate::{
    Result,
    args::Args,
    child::ServerProcess,
    limits,
    load::{self, Limit, Prepared},
    out::say,
    report,
    results::{self, Table},
    rounds, schedule,
    server::Server,
    workload::{self, Workload},
};

/// `ws-bench compare`.
pub(crate) fn main(mut args: Args) -> Result<()> {
    let names = args.option("workload", "t32-d1,t32-d16,b64k".to_owned())?;
    let servers = Server::list(&args.option("servers", String::new())?)?;
    let connections: usize = args.option("connections", 0)?;
    let core = args.option("core", schedule::default_core())?;
    let json = args.option("json", PathBuf::new())?;
    let plan = rounds::Plan::from_args(&mut args)?;
    args.finish()?;
    if names == "list" {
        for workload in workload::ALL {
            say!("{}: {}", workload.name, workload.about())?;
        }
        return Ok(());
    }
    let mut workloads = Workload::list(&names)?;
    if connections > 0 {
        let connections = limits::connections(connections)?;
        workloads.iter_mut().for_each(|workload| workload.connections = connections);
    }

    say!("{}", schedule::share_core(core)?.join(", "))?;
    let mut tables = Vec::new();
    for workload in &workloads {
        say!("\n{}: {}; {plan}\n", workload.name, workload.about())?;
        let servers = Server::for_workload(&servers, workload)?;
        let table = measure(&servers, workload, plan)?;
        report::print(&table, "server")?;
        tables.push(table);
        // After each of them: what was measured is not lost when a later one fails.
        if !json.as_os_str().is_empty() {
            results::write(&json, &tables)?;
        }
    }
    Ok(())
}

/// Measures every server once a round.
fn measure(servers: &[&'static Server], workload: &Workload, plan: rounds::Plan) -> Result<Table> {
    let prepared = Prepared::new(workload);
    let limit = Limit::Window { warm_up: WARM_UP, measured: plan.window };
    let names: Vec<_> = servers.iter().map(|server| server.name.to_owned()).collect();
    let rows = rounds::interleave(&names, plan.rounds, |index| {
        let server = ServerProcess::start(servers[index], workload.traffic, 1)?;
        load::run(&server.target, workload, &prepared, limit, server.pid())
    })?;
    Ok(Table { workload: workload.name.to_owned(), about: workload.about(), rows })
}

/// Long enough for buffers, caches and socket buffer sizes to settle.
pub(crate) const WARM_UP: Duration = Duration::from_millis(400);
