//! The list of servers.

use tokio::{net::TcpListener, sync::broadcast};
use ws_core::{Conn, DeflateConfig, Error};
use ws_tower::{Upgraded, Upgrader};

use super::{
    Difference, Kind, REFERENCE, Server, Serving, accept, accept_as_is, axum_ws, fastwebsockets, gorilla,
    handler::{Broadcast, Echo, EchoBatched, SMALL_BUFFER},
    hub, node, ours, raw_epoll, raw_tokio, socketioxide, sockudo, tokio_websockets, tungstenite, yawc,
};
use crate::workload::Traffic;

/// A server whose connections are served one by one, with a handler; without one, that of the traffic.
macro_rules! peer {
    ($peer:ident) => {
        Kind::Tokio(|listener, traffic| match traffic {
            Traffic::Broadcast => {
                let handler = Broadcast::default();
                Box::pin(accept(listener, move |stream| $peer::serve(stream, handler.clone())))
            }
            Traffic::Echo | Traffic::Handshake => {
                Box::pin(accept(listener, |stream| $peer::serve(stream, Echo)))
            }
        })
    };
    ($peer:ident, $handler:expr) => {
        Kind::Tokio(|listener, _| Box::pin(accept(listener, |stream| $peer::serve(stream, $handler))))
    };
}

/// tokio-tungstenite with a small read buffer.
macro_rules! with_small_buffer {
    ($handler:expr) => {
        Kind::Tokio(|listener, _| {
            Box::pin(accept(listener, |stream| tungstenite::serve_with_small_buffer(stream, $handler)))
        })
    };
}

/// The servers that are compared: the reference first, then the peers, then ours.
pub(super) static SERVERS: &[Server] = &[
    Server { websocket: false, deflate: true, ..row(REFERENCE, Kind::Tokio(raw_tokio)) },
    Server {
        websocket: false,
        deflate: true,
        broadcast: false,
        ..row("raw-epoll", Kind::Blocking(raw_epoll::serve))
    },
    row("fastwebsockets", Kind::Tokio(fastwebsockets)),
    row("tokio-tungstenite", peer!(tungstenite)),
    row("tokio-tungstenite-batch", peer!(tungstenite, EchoBatched)).loop_of("tokio-tungstenite"),
    row("tokio-tungstenite-4k", with_small_buffer!(Echo)).loop_of("tokio-tungstenite"),
    row("tokio-tungstenite-4k-batch", with_small_buffer!(EchoBatched)).loop_of("tokio-tungstenite"),
    row("tokio-websockets", peer!(tokio_websockets)),
    row(
        "axum-ws",
        Kind::Tokio(|listener, traffic| match traffic {
            Traffic::Broadcast => Box::pin(axum_ws::serve(listener, Broadcast::default(), None)),
            Traffic::Echo | Traffic::Handshake => Box::pin(axum_ws::serve(listener, Echo, None)),
        }),
    ),
    row("axum-ws-batch", Kind::Tokio(|listener, _| Box::pin(axum_ws::serve(listener, EchoBatched, None))))
        .loop_of("axum-ws"),
    row(
        "axum-ws-4k",
        Kind::Tokio(|listener, _| Box::pin(axum_ws::serve(listener, Echo, Some(SMALL_BUFFER)))),
    )
    .loop_of("axum-ws"),
    row(
        "axum-ws-4k-batch",
        Kind::Tokio(|listener, _| Box::pin(axum_ws::serve(listener, EchoBatched, Some(SMALL_BUFFER)))),
    )
    .loop_of("axum-ws"),
    row("sockudo-ws", peer!(sockudo)).deflating(),
    row("sockudo-ws-batch", peer!(sockudo, EchoBatched)).deflating().loop_of("sockudo-ws"),
    row("yawc", peer!(yawc)).deflating(),
    row("yawc-batch", peer!(yawc, EchoBatched)).deflating().loop_of("yawc"),
    row("gorilla", Kind::Program(gorilla::command)),
    row("node-ws", Kind::Program(node::command)).deflating(),
    row("ours-axum", Kind::Tokio(ours_axum)).deflating(),
    row(
        "ours-axum-socket",
        Kind::Tokio(|listener, _| Box::pin(ours::axum(listener, DeflateConfig::new(), ours::socket))),
    )
    .deflating()
    .loop_of("ours-axum"),
    row("ours-axum-queue", Kind::Tokio(|listener, _| axum(listener, ours::queue)))
        .deflating()
        .loop_of("ours-axum"),
    row("ours-axum-borrow", Kind::Tokio(|listener, _| axum(listener, ours::borrow)))
        .deflating()
        .loop_of("ours-axum"),
    row("ours-axum-split", Kind::Tokio(|listener, _| axum(listener, ours::split)))
        .deflating()
        .loop_of("ours-axum"),
    row("ours-axum-stream", Kind::Tokio(|listener, _| axum(listener, ours::stream)))
        .deflating()
        .loop_of("ours-axum"),
    row("ours-axum-stats", Kind::Tokio(|listener, _| axum(listener, ours::count)))
        .deflating()
        .loop_of("ours-axum"),
    row("ours-axum-deadline", Kind::Tokio(|listener, _| axum(listener, ours::bound)))
        .deflating()
        .loop_of("ours-axum"),
    Server {
        variant_of: Some((Difference::Compression, "ours-axum")),
        ..row(
            "ours-axum-zlib",
            Kind::Tokio(|listener, _| {
                Box::pin(ours::axum(listener, ours::zlib(), |socket| ours::write(socket.into_conn())))
            }),
        )
        .deflating()
    },
    row("ours-hyper", Kind::Tokio(ours_hyper)).deflating(),
    row("ours-hub", Kind::Tokio(hub::serve)).deflating(),
];

/// Loops that differ by some instructions from others: of no use where times are measured.
pub(super) static LOOPS: &[Server] = &[
    row("ours-axum-feed", Kind::Tokio(|listener, _| axum(listener, ours::feed)))
        .deflating()
        .loop_of("ours-axum"),
    row("ours-axum-peer", Kind::Tokio(|listener, _| axum(listener, ours::peer)))
        .deflating()
        .loop_of("ours-axum"),
    row("ours-axum-stream-split", Kind::Tokio(|listener, _| axum(listener, ours::stream_split)))
        .deflating()
        .loop_of("ours-axum"),
];

/// Servers that do nothing but to send what comes to all in a room.
pub(super) static ROOMS: &[Server] = &[
    row("axum-broadcast", Kind::Tokio(|listener, _| Box::pin(axum_ws::broadcast(listener)))),
    row("socketioxide", Kind::Program(socketioxide::command)),
];

/// Most of what we compare with.
const fn row(name: &'static str, kind: Kind) -> Server {
    Server { name, kind, websocket: true, deflate: false, broadcast: true, variant_of: None }
}

impl Server {
    const fn deflating(self) -> Self {
        Self { deflate: true, ..self }
    }

    /// Differs from that server in its loop alone.
    const fn loop_of(self, other: &'static str) -> Self {
        Self { variant_of: Some((Difference::Loop, other)), ..self }
    }
}

fn raw_tokio(listener: TcpListener, traffic: Traffic) -> Serving {
    let task = raw_tokio::Task::new(traffic);
    Box::pin(accept(listener, move |stream| raw_tokio::serve(stream, task.clone())))
}

fn fastwebsockets(listener: TcpListener, traffic: Traffic) -> Serving {
    let task = fastwebsockets::Task::new(traffic);
    Box::pin(accept(listener, move |stream| fastwebsockets::serve(stream, task.clone())))
}

fn ours_axum(listener: TcpListener, traffic: Traffic) -> Serving {
    match traffic {
        Traffic::Broadcast => {
            let all = broadcast::Sender::new(BEHIND);
            axum(listener, move |conn| ours::broadcast(conn, all.clone()))
        }
        Traffic::Echo | Traffic::Handshake => axum(listener, ours::write),
    }
}

fn axum<F>(
    listener: TcpListener,
    serve: impl Fn(Conn<Upgraded>) -> F + Clone + Send + Sync + 'static,
) -> Serving
where
    F: Future<Output = Result<(), Error>> + Send + 'static,
{
    Box::pin(ours::axum(listener, DeflateConfig::new(), move |socket| serve(socket.into_conn())))
}

fn ours_hyper(listener: TcpListener, traffic: Traffic) -> Serving {
    let upgrader = Upgrader::new().compression(DeflateConfig::new());
    match traffic {
        Traffic::Broadcast => {
            let all = broadcast::Sender::new(BEHIND);
            let serve = move |conn| ours::broadcast(conn, all.clone());
            Box::pin(accept_as_is(listener, move |stream| {
                ours::hyper(stream, upgrader.clone(), serve.clone())
            }))
        }
        Traffic::Echo | Traffic::Handshake => {
            Box::pin(accept_as_is(listener, move |stream| ours::hyper(stream, upgrader.clone(), ours::write)))
        }
    }
}

/// How many messages a connection may be behind with.
const BEHIND: usize = 1024;
