//! The list of servers.

use ws_core::DeflateConfig;
use ws_tower::Upgrader;

use super::{
    Difference, Kind, REFERENCE, Server, Serving, accept, axum_ws, fastwebsockets, gorilla,
    handler::Handler,
    node,
    ours::{self, Loop},
    raw_epoll, raw_tokio, sockudo, tokio_websockets, tungstenite, yawc,
};

/// All servers: the reference first, then the peers, then ours.
pub(super) static SERVERS: &[Server] = &[
    Server {
        websocket: false,
        deflate: true,
        ..row(
            REFERENCE,
            Kind::Tokio(|listener, traffic| {
                let task = raw_tokio::Task::new(traffic);
                Box::pin(accept(listener, move |stream| raw_tokio::serve(stream, task.clone())))
            }),
        )
    },
    Server {
        websocket: false,
        deflate: true,
        broadcast: false,
        ..row("raw-epoll", Kind::Blocking(raw_epoll::serve))
    },
    row(
        "fastwebsockets",
        Kind::Tokio(|listener, traffic| {
            let task = fastwebsockets::Task::new(traffic);
            Box::pin(accept(listener, move |stream| fastwebsockets::serve(stream, task.clone())))
        }),
    ),
    row(
        "tokio-tungstenite",
        Kind::Tokio(|listener, traffic| {
            let handler = Handler::new(traffic);
            Box::pin(accept(listener, move |stream| tungstenite::serve(stream, handler.clone())))
        }),
    ),
    row(
        "tokio-tungstenite-batch",
        Kind::Tokio(|listener, _| {
            Box::pin(accept(listener, |stream| tungstenite::serve(stream, Handler::EchoBatched)))
        }),
    )
    .variant_of(Difference::Loop, "tokio-tungstenite"),
    row(
        "tokio-websockets",
        Kind::Tokio(|listener, traffic| {
            let handler = Handler::new(traffic);
            Box::pin(accept(listener, move |stream| tokio_websockets::serve(stream, handler.clone())))
        }),
    ),
    row(
        "axum-ws",
        Kind::Tokio(|listener, traffic| Box::pin(axum_ws::serve(listener, Handler::new(traffic)))),
    ),
    row("axum-ws-batch", Kind::Tokio(|listener, _| Box::pin(axum_ws::serve(listener, Handler::EchoBatched))))
        .variant_of(Difference::Loop, "axum-ws"),
    row(
        "sockudo-ws",
        Kind::Tokio(|listener, traffic| {
            let handler = Handler::new(traffic);
            Box::pin(accept(listener, move |stream| sockudo::serve(stream, handler.clone())))
        }),
    )
    .deflating(),
    row(
        "sockudo-ws-batch",
        Kind::Tokio(|listener, _| {
            Box::pin(accept(listener, |stream| sockudo::serve(stream, Handler::EchoBatched)))
        }),
    )
    .deflating()
    .variant_of(Difference::Loop, "sockudo-ws"),
    row(
        "yawc",
        Kind::Tokio(|listener, traffic| {
            let handler = Handler::new(traffic);
            Box::pin(accept(listener, move |stream| yawc::serve(stream, handler.clone())))
        }),
    )
    .deflating(),
    row(
        "yawc-batch",
        Kind::Tokio(|listener, _| {
            Box::pin(accept(listener, |stream| yawc::serve(stream, Handler::EchoBatched)))
        }),
    )
    .deflating()
    .variant_of(Difference::Loop, "yawc"),
    row("gorilla", Kind::Program(gorilla::command)),
    row("node-ws", Kind::Program(node::command)).deflating(),
    row("ours-axum", Kind::Tokio(|listener, traffic| axum(listener, Loop::new(traffic)))).deflating(),
    ours("ours-axum-queue", |listener, _| axum(listener, Loop::Queue)),
    ours("ours-axum-borrow", |listener, _| axum(listener, Loop::Borrow)),
    ours("ours-axum-split", |listener, _| axum(listener, Loop::Split)),
    ours("ours-axum-stream", |listener, _| axum(listener, Loop::Stream)),
    ours("ours-axum-stats", |listener, _| axum(listener, Loop::Count)),
    row(
        "ours-axum-zlib",
        Kind::Tokio(|listener, traffic| Box::pin(ours::axum(listener, Loop::new(traffic), ours::zlib()))),
    )
    .deflating()
    .variant_of(Difference::Compression, "ours-axum"),
    row(
        "ours-hyper",
        Kind::Tokio(|listener, traffic| {
            let (messages, upgrader) =
                (Loop::new(traffic), Upgrader::new().compression(DeflateConfig::new()));
            Box::pin(accept(listener, move |stream| ours::hyper(stream, upgrader.clone(), messages.clone())))
        }),
    )
    .deflating(),
];

/// Most of what we compare with.
const fn row(name: &'static str, kind: Kind) -> Server {
    Server { name, kind, websocket: true, deflate: false, broadcast: true, variant_of: None }
}

const fn ours(
    name: &'static str,
    serve: fn(tokio::net::TcpListener, crate::workload::Traffic) -> Serving,
) -> Server {
    row(name, Kind::Tokio(serve)).deflating().variant_of(Difference::Loop, "ours-axum")
}

fn axum(listener: tokio::net::TcpListener, messages: Loop) -> Serving {
    Box::pin(ours::axum(listener, messages, DeflateConfig::new()))
}

impl Server {
    const fn deflating(self) -> Self {
        Self { deflate: true, ..self }
    }

    const fn variant_of(self, difference: Difference, other: &'static str) -> Self {
        Self { variant_of: Some((difference, other)), ..self }
    }
}
