//! How do I put a WebSocket endpoint into a stack of tower middleware, without axum?
//!
//! ```text
//! cargo run --release --bin echo-tower
//! cargo run --release --bin connect ws://127.0.0.1:3000/ws
//! ```
#![forbid(unsafe_code)]

use hyper::{Request, body::Incoming, server::conn::http1};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tower::{ServiceBuilder, ServiceExt};
use ws_core::{Conn, Error};
use ws_tower::{Upgraded, Upgrader};

#[tokio::main]
async fn main() {
    let listener = ws_examples::listen().await;

    // A complete `tower::Service`: it answers every request, and runs the function for each connection.
    let endpoint = Upgrader::new()
        .max_message_size(256 << 10)
        .service(|conn| async move {
            if let Err(error) = echo(conn).await {
                eprintln!("{error}");
            }
        })
        .on_failed_upgrade(|error| eprintln!("no connection: {error}"));

    // Middleware sees the opening handshake as a request and a response. What comes after it is no HTTP, and passes it by: this
    // limit counts handshakes that are being answered, not connections that are open.
    let service = ServiceBuilder::new()
        .map_request(|request: Request<Incoming>| {
            println!("{} {}", request.method(), request.uri());
            request
        })
        .concurrency_limit(100)
        .service(endpoint)
        .map_response(|response| {
            println!("{}", response.status());
            response
        });

    loop {
        let stream = ws_examples::accept(&listener).await;
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service.clone()))
            .with_upgrades();
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                eprintln!("{error}");
            }
        });
    }
}

async fn echo(mut conn: Conn<Upgraded>) -> Result<(), Error> {
    while let Some(message) = conn.read_message().await? {
        conn.queue_message(message).await?;
    }
    Ok(())
}
