//! Clients side by side: what a message, there and back, costs each of them in CPU time.

mod fastwebsockets;
mod job;
mod ours;
mod process;
mod raw_tokio;
mod tungstenite;

use std::{
    fmt,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
};

use futures_util::future::BoxFuture;
use rustix::process::{Signal, set_parent_process_death_signal};
use tokio::task::JoinSet;

use self::{job::Job, process::ClientProcess};
use crate::{
    Result,
    args::Args,
    compare::WARM_UP,
    load::{Limit, Measured, Prepared, Responder},
    out::say,
    report,
    results::{self, Table},
    rounds, schedule,
    server::REFERENCE,
    workload::{Traffic, Workload},
};

/// A client by name.
pub(crate) struct Client {
    pub(crate) name: &'static str,
    /// Opens a connection, and sends a batch whenever it has had the one before.
    run: fn(Arc<Job>) -> Running,
}

/// One connection. Ends with the client.
type Running = BoxFuture<'static, Result<()>>;

/// All clients, the reference first.
static CLIENTS: &[Client] = &[
    Client { name: REFERENCE, run: |job| Box::pin(raw_tokio::run(job)) },
    Client { name: "fastwebsockets", run: |job| Box::pin(fastwebsockets::run(job)) },
    Client { name: "tokio-tungstenite", run: |job| Box::pin(tungstenite::run(job)) },
    Client { name: "tokio-tungstenite-batch", run: |job| Box::pin(tungstenite::run_batched(job)) },
    Client { name: "ours", run: |job| Box::pin(ours::run(job)) },
    Client { name: "ours-queue", run: |job| Box::pin(ours::run_queueing(job)) },
    Client { name: "ours-borrow", run: |job| Box::pin(ours::run_borrowing(job)) },
];

impl Client {
    /// # Errors
    /// When no client has this name.
    pub(crate) fn find(name: &str) -> Result<&'static Self> {
        CLIENTS.iter().find(|client| client.name == name).ok_or_else(|| format!("no client {name}").into())
    }

    /// Answers it under callgrind until it has sent so many messages.
    ///
    /// # Errors
    /// When there is no valgrind, or the client fails.
    pub(crate) fn count(&self, workload: &Workload, messages: u64, out: &Path) -> Result<Measured> {
        let prepared = Prepared::new(workload);
        let mut responder = Responder::new(&prepared)?;
        let process = ClientProcess::start_in_callgrind(self.name, responder.addr()?, workload, out)?;
        let measured = responder.run(workload, Limit::Messages(messages), process.pid())?;
        // Closes the connections, which ends the client.
        drop(responder);
        process.ended()?;
        Ok(measured)
    }

    fn list(names: &str) -> Result<Vec<&'static Self>> {
        if names.is_empty() {
            return Ok(CLIENTS.iter().collect());
        }
        names.split(',').map(Self::find).collect()
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// `ws-bench client`.
pub(crate) fn main(mut args: Args) -> Result<()> {
    let workloads = Workload::list(&args.option("workload", "t32-d1,t32-d16,b64k".to_owned())?)?;
    let clients = Client::list(&args.option("clients", String::new())?)?;
    let core = args.option("core", schedule::default_core())?;
    let json = args.option("json", PathBuf::new())?;
    let plan = rounds::Plan::from_args(&mut args)?;
    args.finish()?;

    say!("{}", schedule::share_core(core)?.join(", "))?;
    let mut tables = Vec::new();
    for workload in &workloads {
        if workload.traffic != Traffic::Echo || workload.deflate.is_some() {
            say!("\nwithout {}: clients echo uncompressed messages here", workload.name)?;
            continue;
        }
        say!("\nclients, {}: {}; {plan}\n", workload.name, workload.about())?;
        let table = measure(&clients, workload, plan)?;
        report::print(&table, "client")?;
        tables.push(table);
        if !json.as_os_str().is_empty() {
            results::write(&json, &tables)?;
        }
    }
    Ok(())
}

fn measure(clients: &[&'static Client], workload: &Workload, plan: rounds::Plan) -> Result<Table> {
    let prepared = Prepared::new(workload);
    let limit = Limit::Window { warm_up: WARM_UP, measured: plan.window };
    let names: Vec<_> = clients.iter().map(|client| client.name.to_owned()).collect();
    let rows = rounds::interleave(&names, plan.rounds, |index| {
        let mut responder = Responder::new(&prepared)?;
        let client = ClientProcess::start(clients[index].name, responder.addr()?, workload)?;
        responder.run(workload, limit, client.pid())
    })?;
    Ok(Table { workload: format!("client {}", workload.name), about: workload.about(), rows })
}

/// `ws-bench dial NAME`: the client that [`ClientProcess`] starts.
pub(crate) fn dial(mut args: Args) -> Result<()> {
    let client = Client::find(&args.positional().ok_or("dial: which client?")?)?;
    let workload = Workload::find(&args.option("workload", "t32-d1".to_owned())?)?;
    let count = args.option("connections", workload.connections)?;
    let target: SocketAddr = args.option("target", SocketAddr::from(([127, 0, 0, 1], 3000)))?;
    args.finish()?;
    // No client outlives the program that measures it, however that ends.
    set_parent_process_death_signal(Some(Signal::KILL))?;
    let job = Arc::new(Job::new(target, &workload)?);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut connections = JoinSet::new();
        for _ in 0..count {
            connections.spawn((client.run)(job.clone()));
        }
        match connections.join_next().await {
            Some(ended) => ended?,
            None => Ok(()),
        }
    })
}

#[cfg(test)]
mod tests;
