//! The servers that are compared.

mod axum_ws;
mod fastwebsockets;
mod gorilla;
mod handler;
mod hub;
mod node;
mod ours;
mod program;
mod raw_epoll;
mod raw_tokio;
mod socketioxide;
mod sockudo;
mod table;
mod tokio_websockets;
mod tungstenite;
mod yawc;

use std::{collections::BTreeMap, fmt, future::Future, net::SocketAddr, process::Command};

use futures_util::future::LocalBoxFuture;
use rustix::process::{Signal, set_parent_process_death_signal};
use tokio::net::{TcpListener, TcpStream};

use self::table::{LOOPS, ROOMS, SERVERS};
use crate::{
    Result,
    args::Args,
    out::say,
    workload::{Traffic, Workload},
};

/// A server by name.
pub(crate) struct Server {
    pub(crate) name: &'static str,
    kind: Kind,
    websocket: bool,
    deflate: bool,
    broadcast: bool,
    /// Differs from that server in how it compresses, or in its loop alone.
    variant_of: Option<(Difference, &'static str)>,
}

/// Where a server runs.
#[derive(Clone, Copy)]
enum Kind {
    /// In this program, on tokio.
    Tokio(fn(TcpListener, Traffic) -> Serving),
    /// In this program, without a runtime.
    Blocking(fn(&std::net::TcpListener) -> Result<()>),
    /// In a program of its own.
    Program(fn(Traffic) -> Result<Command>),
}

/// Serves until the listener fails.
type Serving = LocalBoxFuture<'static, Result<()>>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Difference {
    Compression,
    Loop,
}

impl Server {
    pub(crate) fn is_websocket(&self) -> bool {
        self.websocket
    }

    /// Whether its runtime may have several threads.
    pub(crate) fn has_workers(&self) -> bool {
        matches!(self.kind, Kind::Tokio(_))
    }

    /// The command that serves, if that is not this program.
    ///
    /// # Errors
    /// When something is not installed that it needs.
    pub(crate) fn program(&self, traffic: Traffic) -> Result<Option<Command>> {
        match self.kind {
            Kind::Program(command) => command(traffic).map(Some),
            Kind::Tokio(_) | Kind::Blocking(_) => Ok(None),
        }
    }

    /// Why the server is left out of a workload, or of all of them here.
    pub(crate) fn left_out(&self, workload: &Workload) -> Option<String> {
        let is_deflated = workload.deflate.is_some();
        match (workload.traffic, self.variant_of) {
            (Traffic::Broadcast, _) if !self.broadcast && self.variant_of.is_none() => {
                return Some("has no broadcast here".to_owned());
            }
            (Traffic::Broadcast | Traffic::Handshake, Some((_, same))) => {
                return Some(format!("as {same} here"));
            }
            (Traffic::Echo, Some((Difference::Compression, same))) if !is_deflated => {
                return Some(format!("as {same} here"));
            }
            _ => {}
        }
        if is_deflated && !self.deflate {
            return Some("has no permessage-deflate".to_owned());
        }
        self.program(workload.traffic).err().map(|error| error.to_string())
    }

    /// Those of the servers that are not left out; says of the others why.
    ///
    /// # Errors
    /// When there is nobody to say it to.
    pub(crate) fn for_workload(servers: &[&'static Self], workload: &Workload) -> Result<Vec<&'static Self>> {
        let mut left_out: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        let is_in = |server: &&Self| match server.left_out(workload) {
            Some(why) => {
                left_out.entry(why).or_default().push(server.name);
                false
            }
            None => true,
        };
        let are_in = servers.iter().copied().filter(is_in).collect();
        for (why, names) in left_out {
            say!("without {}: {why}", names.join(", "))?;
        }
        Ok(are_in)
    }

    /// # Errors
    /// When no server has this name.
    pub(crate) fn find(name: &str) -> Result<&'static Self> {
        let found = SERVERS.iter().chain(LOOPS).chain(ROOMS).find(|server| server.name == name);
        found.ok_or_else(|| format!("no server {name}").into())
    }

    /// Reads a comma-separated list; an empty one means all that are compared.
    ///
    /// # Errors
    /// When it has an unknown name.
    pub(crate) fn list(names: &str) -> Result<Vec<&'static Self>> {
        if names.is_empty() {
            return Ok(SERVERS.iter().collect());
        }
        names.split(',').map(Self::find).collect()
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// `ws-bench serve NAME`.
pub(crate) fn main(mut args: Args) -> Result<()> {
    let server = Server::find(&args.positional().ok_or("serve: which server?")?)?;
    let listen: SocketAddr = args.option("listen", SocketAddr::from(([127, 0, 0, 1], 0)))?;
    let traffic = args.option("traffic", Traffic::Echo)?;
    let workers: usize = args.option("workers", 1)?;
    args.finish()?;
    // No server outlives the program that measures it, however that ends.
    set_parent_process_death_signal(Some(Signal::KILL))?;
    let listener = std::net::TcpListener::bind(listen)?;
    listener.set_nonblocking(true)?;
    say!("listening on {}", listener.local_addr()?)?;
    match server.kind {
        Kind::Blocking(serve) => serve(&listener),
        Kind::Program(_) => Err(format!("{} is a program of its own", server.name).into()),
        Kind::Tokio(serve) => {
            let runtime = match workers {
                1 => tokio::runtime::Builder::new_current_thread().enable_all().build()?,
                _ => tokio::runtime::Builder::new_multi_thread()
                    .worker_threads(workers)
                    .enable_all()
                    .build()?,
            };
            runtime.block_on(async { serve(TcpListener::from_std(listener)?, traffic).await })
        }
    }
}

/// The server whose cost the ratios are made with.
pub(crate) const REFERENCE: &str = "raw-tokio";

/// Gives every connection a task, without delays for small segments.
async fn accept<F>(listener: TcpListener, connection: impl Fn(TcpStream) -> F) -> Result<()>
where
    F: Future<Output = Result<()>> + Send + 'static,
{
    accept_as_is(listener, |stream| {
        // Failure shows in the figures, which is not worth ending the others for.
        let _ = stream.set_nodelay(true);
        connection(stream)
    })
    .await
}

/// As [`accept`], for servers that set `TCP_NODELAY` themselves. How a connection ends is no news: the generator resets them
/// all.
async fn accept_as_is<F>(listener: TcpListener, connection: impl Fn(TcpStream) -> F) -> Result<()>
where
    F: Future<Output = Result<()>> + Send + 'static,
{
    loop {
        let (stream, _) = listener.accept().await?;
        tokio::spawn(connection(stream));
    }
}

#[cfg(test)]
mod tests;
