//! `ws-bench serve-proxy`: ws-proxy on one thread.

use std::net::SocketAddr;

use hyper::server::conn::http1;
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use rustix::process::{Signal, set_parent_process_death_signal};
use tokio::net::TcpListener;
use ws_proxy::{
    Proxy, Relay,
    ws_tower::{CheckOrigin, Upgrader},
};

use crate::{Result, args::Args};

pub(crate) fn main(mut args: Args) -> Result<()> {
    let listen = args.option("listen", SocketAddr::from(([127, 0, 0, 1], 0)))?;
    let backend = args.option("backend", SocketAddr::from(([127, 0, 0, 1], 0)))?;
    let mode = args.option("mode", "tunnel".to_owned())?;
    args.finish()?;
    // It does not outlive the program that measures it, however that ends.
    set_parent_process_death_signal(Some(Signal::KILL))?;
    let upgrader = Upgrader::new().check_origin(CheckOrigin::Any).max_message_size(None);
    let mut proxy = Proxy::to(&format!("ws://{backend}"))?.upgrader(upgrader);
    if mode == "relay" {
        proxy = proxy.relay(Relay::new());
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind(listen).await?;
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            let service = TowerToHyperService::new(proxy.clone());
            tokio::spawn(async move {
                let server = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
                // How a connection ends is no news.
                let _ = server.with_upgrades().await;
            });
        }
    })
}
