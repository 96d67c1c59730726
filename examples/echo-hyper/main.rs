//! How do I upgrade a request by hand, with hyper and nothing else?
//!
//! ```text
//! cargo run --release --bin echo-hyper
//! cargo run --release --bin connect ws://127.0.0.1:3000/ws
//! ```
#![forbid(unsafe_code)]

use std::{convert::Infallible, sync::Arc};

use hyper::{Request, Response, StatusCode, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use ws_core::{Conn, Error};
use ws_tower::{OnUpgrade, ResponseBody, UpgradeError, Upgraded, Upgrader};

#[tokio::main]
async fn main() {
    let listener = ws_examples::listen().await;
    let upgrader = Arc::new(Upgrader::new());
    loop {
        let stream = ws_examples::accept(&listener).await;
        let upgrader = upgrader.clone();
        let answer = service_fn(move |request| {
            let response = answer(&upgrader, request);
            async { Ok::<_, Infallible>(response) }
        });
        // The timer lets hyper give up on clients that are slow to send their request, after 30 seconds.
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .serve_connection(TokioIo::new(stream), answer)
            // Without this hyper keeps the connection to itself.
            .with_upgrades();
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                eprintln!("{error}");
            }
        });
    }
}

fn answer(upgrader: &Upgrader, mut request: Request<Incoming>) -> Response<ResponseBody> {
    if request.uri().path() != "/ws" {
        let mut response = Response::new(ResponseBody::from("There is a WebSocket at /ws.\n"));
        *response.status_mut() = StatusCode::NOT_FOUND;
        return response;
    }
    match upgrader.upgrade(&mut request) {
        Ok(accepted) => {
            // The connection is there once hyper has sent the response that is returned below. Waiting for it here would
            // wait for ever.
            tokio::spawn(serve(accepted.conn));
            accepted.response.map(|()| ResponseBody::empty())
        }
        // A rejection is a response: 400, 403, 426, … with the headers that go with it.
        Err(rejection) => {
            eprintln!("refused: {rejection}");
            rejection.into()
        }
    }
}

async fn serve(conn: OnUpgrade) {
    match conn.await {
        Ok(conn) => {
            if let Err(error) = echo(conn).await {
                eprintln!("{error}");
            }
        }
        Err(error) => report(&error),
    }
}

async fn echo(mut conn: Conn<Upgraded>) -> Result<(), Error> {
    while let Some(message) = conn.read_message().await? {
        conn.queue_message(message).await?;
    }
    Ok(())
}

/// The client was gone before the response was out, for example.
fn report(error: &UpgradeError) {
    eprintln!("no connection: {error}");
}
