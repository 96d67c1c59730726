//! The servers that are compared. All of them but Node's run on tokio's current-thread runtime.

mod fastwebsockets;
pub(crate) mod node;
mod ours;
mod raw_tokio;
mod sockudo;
mod yawc;

use std::{future::Future, net::SocketAddr};

use rustix::process::{Signal, set_parent_process_death_signal};
use tokio::net::{TcpListener, TcpStream};

use crate::{Result, args::Args, workload::Workload};

/// A server by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Server {
    /// TCP echo: what is left when there is no WebSocket.
    RawTokio,
    /// fastwebsockets behind hyper, as its echo example has it.
    Fastwebsockets,
    /// Node's `ws`.
    NodeWs,
    /// sockudo-ws, as its echo examples have it.
    Sockudo,
    /// yawc behind hyper.
    Yawc,
    /// This stack behind axum, `read_message` and `write_message`.
    OursAxum,
    /// This stack behind axum, `read_message` and `queue_message`.
    OursAxumQueue,
    /// As `OursAxum`, with somebody who has asked for the statistics of each connection.
    OursAxumStats,
    /// This stack behind axum, compressing with zlib's default level and windows.
    OursAxumZlib,
}

impl Server {
    /// All servers, the reference first.
    pub(crate) const ALL: &[Self] = &[
        Self::RawTokio,
        Self::Fastwebsockets,
        Self::NodeWs,
        Self::Sockudo,
        Self::Yawc,
        Self::OursAxum,
        Self::OursAxumQueue,
        Self::OursAxumStats,
        Self::OursAxumZlib,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::RawTokio => "raw-tokio",
            Self::Fastwebsockets => "fastwebsockets",
            Self::NodeWs => "node-ws",
            Self::Sockudo => "sockudo-ws",
            Self::Yawc => "yawc",
            Self::OursAxum => "ours-axum",
            Self::OursAxumQueue => "ours-axum-queue",
            Self::OursAxumStats => "ours-axum-stats",
            Self::OursAxumZlib => "ours-axum-zlib",
        }
    }

    pub(crate) fn is_websocket(self) -> bool {
        self != Self::RawTokio
    }

    /// Why the server is left out of a workload, or of all of them here.
    pub(crate) fn left_out(self, workload: &Workload) -> Option<String> {
        match self {
            Self::Fastwebsockets if workload.deflate.is_some() => {
                Some("has no permessage-deflate".to_owned())
            }
            Self::OursAxumZlib if workload.deflate.is_none() => Some("is ours-axum here".to_owned()),
            Self::NodeWs => node::command().err().map(|error| error.to_string()),
            _ => None,
        }
    }

    /// Those of the servers that are not left out; says of the others why.
    pub(crate) fn for_workload(servers: &[Self], workload: &Workload) -> Vec<Self> {
        let is_in = |server: &Self| match server.left_out(workload) {
            Some(why) => {
                println!("without {}: {why}", server.name());
                false
            }
            None => true,
        };
        servers.iter().copied().filter(is_in).collect()
    }

    /// # Errors
    /// When no server has this name.
    pub(crate) fn find(name: &str) -> Result<Self> {
        let found = Self::ALL.iter().find(|server| server.name() == name);
        found.copied().ok_or_else(|| format!("no server {name}").into())
    }

    /// Reads a comma-separated list; an empty one means all.
    ///
    /// # Errors
    /// When it has an unknown name.
    pub(crate) fn list(names: &str) -> Result<Vec<Self>> {
        if names.is_empty() {
            return Ok(Self::ALL.to_vec());
        }
        names.split(',').map(Self::find).collect()
    }

    /// Serves until the listener fails.
    async fn serve(self, listener: TcpListener) -> Result<()> {
        match self {
            Self::RawTokio => accept(listener, raw_tokio::echo).await,
            Self::Fastwebsockets => accept(listener, fastwebsockets::serve).await,
            Self::NodeWs => Err("node-ws is served by node".into()),
            Self::Sockudo => accept(listener, sockudo::serve).await,
            Self::Yawc => accept(listener, yawc::serve).await,
            Self::OursAxum => ours::serve(listener).await,
            Self::OursAxumQueue => ours::serve_queueing(listener).await,
            Self::OursAxumStats => ours::serve_counting(listener).await,
            Self::OursAxumZlib => ours::serve_zlib(listener).await,
        }
    }
}

/// `ws-bench serve NAME`.
pub(crate) fn main(mut args: Args) -> Result<()> {
    let server = Server::find(&args.positional().ok_or("serve: which server?")?)?;
    let listen: SocketAddr = args.option("listen", SocketAddr::from(([127, 0, 0, 1], 0)))?;
    args.finish()?;
    // No server outlives the program that measures it, however that ends.
    set_parent_process_death_signal(Some(Signal::KILL))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind(listen).await?;
        println!("listening on {}", listener.local_addr()?);
        server.serve(listener).await
    })
}

/// Gives every connection a task. How a connection ends is no news: the generator resets them all.
async fn accept<F>(listener: TcpListener, connection: fn(TcpStream) -> F) -> Result<()>
where
    F: Future<Output = Result<()>> + Send + 'static,
{
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::spawn(connection(stream));
    }
}

#[cfg(test)]
mod tests;
