//! The proxy: it listens, connects and ends.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use tokio::{
    net::{TcpListener, TcpStream},
    sync::mpsc,
    task::{JoinHandle, JoinSet},
    time::{sleep, timeout},
};

use super::{
    plan::Plan,
    relay::{Report, relay},
};

/// A proxy in front of one server. It and all its connections end when this is dropped.
#[derive(Debug)]
#[must_use = "the proxy ends when this is dropped"]
pub struct FaultProxy {
    addr: SocketAddr,
    task: JoinHandle<()>,
    reports: mpsc::UnboundedReceiver<Report>,
}

impl FaultProxy {
    /// Listens on any free port of loopback. `plan` is asked what is to happen to each connection, by its number from 0 on.
    ///
    /// No connection lives longer than a minute.
    ///
    /// # Errors
    /// When no port can be bound.
    pub async fn start(
        server: SocketAddr,
        plan: impl Fn(u64) -> Plan + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        Self::on(listener, server, LIFE, plan)
    }

    /// As [`start`](Self::start), with a listener, and a bound for the life of a connection.
    ///
    /// # Errors
    /// When the listener has no address.
    pub fn on(
        listener: TcpListener,
        server: SocketAddr,
        life: Duration,
        plan: impl Fn(u64) -> Plan + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let addr = listener.local_addr()?;
        let (sender, reports) = mpsc::unbounded_channel();
        let task = tokio::spawn(accept(listener, server, life, Arc::new(plan), sender));
        Ok(Self { addr, task, reports })
    }

    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Waits for the next connection that is over. One that outlives the bound, or has no server, has no report.
    pub async fn report(&mut self) -> Option<Report> {
        self.reports.recv().await
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(
    listener: TcpListener,
    server: SocketAddr,
    life: Duration,
    plan: Arc<dyn Fn(u64) -> Plan + Send + Sync>,
    reports: mpsc::UnboundedSender<Report>,
) {
    // They end with this task.
    let mut connections = JoinSet::new();
    for number in 0.. {
        let client = loop {
            tokio::select! {
                accepted = listener.accept() => match accepted {
                    Ok((client, _)) => break client,
                    // No free file descriptor, for instance.
                    Err(_) => sleep(Duration::from_millis(10)).await,
                },
                Some(_) = connections.join_next() => {}
            }
        };
        let (plan, reports) = (Arc::clone(&plan), reports.clone());
        connections.spawn(async move {
            let Ok(server) = TcpStream::connect(server).await else { return };
            let plan = plan(number);
            if let Ok(report) = timeout(life, relay(number, &plan, client, server)).await {
                // Nobody may ask for it.
                let _ = reports.send(report);
            }
        });
    }
}

const LIFE: Duration = Duration::from_secs(60);
