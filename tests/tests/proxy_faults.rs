//! ws-proxy on a network that does harm: whichever side is cut, half-closed, reset or stalled, and wherever, both sides end, every
//! message that arrives is whole, and no tunnel is left.

use std::{net::SocketAddr, time::Duration};

use axum::Router;
use tokio::{net::TcpListener, time::timeout};
use ws_client::{Conn, Dialer, Transport};
use ws_core::Message;
use ws_proxy::{Proxy, Relay, Tunnels};
use ws_tests::{
    fault::{Direction, Fault, FaultProxy, Plan},
    serve::Server,
};
use ws_tower::{CheckOrigin, Upgrader};

/// Bounds what must not hang, far beyond what it takes.
const PATIENCE: Duration = Duration::from_secs(20);
/// What a stalled side is given.
const BRIEF: Duration = Duration::from_millis(60);

/// Which connection the harm is done to.
#[derive(Clone, Copy, Debug)]
enum Where {
    Client,
    Backend,
}

/// A proxy to an address, and where it listens.
async fn proxy(backend: SocketAddr, is_relay: bool, tunnels: &Tunnels) -> SocketAddr {
    let mut proxy = Proxy::to(&format!("ws://{backend}"))
        .expect("the URL of a backend")
        .upgrader(Upgrader::new().check_origin(CheckOrigin::Any).close_timeout(BRIEF))
        .dialer(Dialer::new().handshake_timeout(BRIEF).config(ws_core::Config::new().close_timeout(BRIEF)))
        .close_timeout(BRIEF)
        .idle_timeout(BRIEF)
        .tunnels(tunnels.clone());
    if is_relay {
        proxy = proxy.relay(Relay::new());
    }
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("loopback has free ports");
    let addr = listener.local_addr().expect("a listener has an address");
    let app = Router::new().fallback_service(proxy);
    tokio::spawn(async move { axum::serve(listener, app).await });
    addr
}

fn message(number: usize) -> Message {
    Message::from(format!("{number:0>60}"))
}

/// Five messages there and back, and a closing handshake, as far as it goes.
async fn converse(addr: SocketAddr) {
    // Who hears nothing of a network that is silent gives up by itself.
    let dialer =
        Dialer::new().handshake_timeout(4 * BRIEF).config(ws_core::Config::new().close_timeout(BRIEF));
    let Ok((mut conn, _)) = dialer.dial(format!("ws://{addr}/ws")).await else { return };
    for number in 0..5 {
        if exchange(&mut conn, number).await.is_none() {
            return;
        }
    }
    let _ = conn.close(None).await;
}

async fn exchange(conn: &mut Conn<Transport>, number: usize) -> Option<()> {
    let exchanged = async {
        conn.write_message(message(number)).await.ok()?;
        conn.read_message().await.ok()?
    };
    let read = timeout(4 * BRIEF, exchanged).await.ok()??;
    assert_eq!(read, message(number), "a message that was not sent");
    Some(())
}

async fn harm(place: Where, is_relay: bool, direction: Direction, fault: Fault) {
    let server = Server::with_handler(async |mut conn| {
        while let Ok(Some(message)) = conn.read_message().await {
            if conn.write_message(message).await.is_err() {
                return;
            }
        }
    })
    .await;
    let tunnels = Tunnels::new();
    // The handshake has some 200 bytes, each message 60 and a header.
    for offset in (0..=800).step_by(23) {
        let plan = move |_| Plan::fault(direction, offset, fault);
        let (addr, _faults) = match place {
            Where::Client => {
                let behind = proxy(server.addr(), is_relay, &tunnels).await;
                let faults = FaultProxy::start(behind, plan).await.expect("loopback has free ports");
                (faults.addr(), faults)
            }
            Where::Backend => {
                let faults = FaultProxy::start(server.addr(), plan).await.expect("loopback has free ports");
                (proxy(faults.addr(), is_relay, &tunnels).await, faults)
            }
        };
        let what = format!("{place:?} {direction:?} {fault:?} at {offset}, relay: {is_relay}");
        timeout(PATIENCE, converse(addr)).await.unwrap_or_else(|_| panic!("no end for the client: {what}"));
        timeout(PATIENCE, tunnels.wait_idle()).await.unwrap_or_else(|_| panic!("a tunnel is left: {what}"));
    }
}

macro_rules! harms {
    ($($name:ident: $place:ident $is_relay:literal $fault:ident,)+) => {
        $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            for direction in Direction::ALL {
                harm(Where::$place, $is_relay, direction, Fault::$fault).await;
            }
        })+
    };
}

harms! {
    tunnel_whose_client_is_cut: Client false Cut,
    tunnel_whose_client_is_half_closed: Client false HalfClose,
    tunnel_whose_client_is_reset: Client false Reset,
    tunnel_whose_client_is_stalled: Client false Stall,
    tunnel_whose_backend_is_cut: Backend false Cut,
    tunnel_whose_backend_is_half_closed: Backend false HalfClose,
    tunnel_whose_backend_is_reset: Backend false Reset,
    tunnel_whose_backend_is_stalled: Backend false Stall,
    relay_whose_client_is_cut: Client true Cut,
    relay_whose_client_is_half_closed: Client true HalfClose,
    relay_whose_client_is_reset: Client true Reset,
    relay_whose_client_is_stalled: Client true Stall,
    relay_whose_backend_is_cut: Backend true Cut,
    relay_whose_backend_is_half_closed: Backend true HalfClose,
    relay_whose_backend_is_reset: Backend true Reset,
    relay_whose_backend_is_stalled: Backend true Stall,
}
