//! How do I test what I wrote, in process and without a listener?
//!
//! ```text
//! cargo test -p ws-examples --bin testing
//! cargo run --release --bin testing
//! ```
//!
//! The application is a poll: whoever is connected votes `tea` or `coffee`, and is told the count whenever it changes. The tests
//! below call it through `ws_tower::testing`. Vote from a terminal with `cargo run --bin connect ws://127.0.0.1:3000/poll`.
#![forbid(unsafe_code)]

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    extract::State,
    response::{IntoResponse, Response},
    routing::any,
};
use http::StatusCode;
use tokio::{sync::watch, time::timeout};
use ws_core::{CloseCode, CloseFrame, Conn, Error, Message};
use ws_tower::{UpgradeLayer, Upgraded, Upgrader, extract::WebSocketUpgrade};

/// Votes for tea, and for coffee.
type Count = (u32, u32);

#[tokio::main]
async fn main() {
    let listener = ws_examples::listen().await;
    ws_examples::serve(listener, app()).await;
}

/// The whole application. A function of its own, so that a test calls it as `main` does.
fn app() -> Router {
    Router::new()
        .route("/poll", any(poll))
        .layer(UpgradeLayer::new(Upgrader::new().subprotocols(["poll.v1"])))
        .with_state(Arc::new(watch::channel(Count::default()).0))
}

async fn poll(State(count): State<Arc<watch::Sender<Count>>>, ws: WebSocketUpgrade) -> Response {
    // A place for two hundred.
    if count.receiver_count() >= 200 {
        return (StatusCode::SERVICE_UNAVAILABLE, "come back later").into_response();
    }
    // Before the response is there: what happens from now on is told to this client, too.
    let changes = count.subscribe();
    ws.on_upgrade(|socket| async move {
        if let Err(error) = vote(socket.into_conn(), &count, changes).await {
            eprintln!("{error}");
        }
    })
}

async fn vote(
    mut conn: Conn<Upgraded>,
    count: &watch::Sender<Count>,
    mut changes: watch::Receiver<Count>,
) -> Result<(), Error> {
    loop {
        tokio::select! {
            // Reads are cancel safe, and so are their timeouts. A silent minute ends the connection.
            message = timeout(SILENCE, conn.read_message()) => match message {
                Ok(Ok(Some(Message::Text(choice)))) => match choice.as_str() {
                    "tea" => count.send_modify(|(tea, _)| *tea += 1),
                    "coffee" => count.send_modify(|(_, coffee)| *coffee += 1),
                    _ => return conn.close(CloseFrame::new(CloseCode::POLICY_VIOLATION, "tea or coffee")).await,
                },
                Ok(Ok(Some(_))) => return conn.close(CloseCode::UNSUPPORTED_DATA).await,
                Ok(ended) => return ended.map(drop),
                Err(_) => return conn.close(CloseFrame::new(4000, "are you there?")).await,
            },
            Ok(()) = changes.changed() => {
                let (tea, coffee) = *changes.borrow_and_update();
                conn.write_message(format!("tea {tea}, coffee {coffee}")).await?;
            }
        }
    }
}

const SILENCE: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use tokio::io::DuplexStream;
    use ws_tower::testing::Client;

    use super::*;

    async fn connect(client: &Client<Router>) -> Conn<DuplexStream> {
        client.connect("/poll").await.expect("a connection").0
    }

    async fn read(conn: &mut Conn<DuplexStream>) -> String {
        conn.read_message().await.unwrap().expect("a message").into_text().unwrap().to_string()
    }

    #[tokio::test]
    async fn everybody_is_told_of_every_vote() {
        // One application; every `connect` is one more connection to it.
        let client = Client::new(app());
        let (mut ann, mut bob) = (connect(&client).await, connect(&client).await);
        ann.write_message("tea").await.unwrap();
        assert_eq!(
            (read(&mut ann).await, read(&mut bob).await),
            ("tea 1, coffee 0".into(), "tea 1, coffee 0".into())
        );
        bob.write_message("coffee").await.unwrap();
        assert_eq!(read(&mut ann).await, "tea 1, coffee 1");
    }

    #[tokio::test]
    async fn another_word_ends_the_connection() {
        let mut conn = connect(&Client::new(app())).await;
        conn.write_message("water").await.unwrap();
        let error = conn.read_message().await.unwrap_err();
        assert_eq!(error.close_code(), Some(CloseCode::POLICY_VIOLATION));
    }

    // Paused time jumps to the next timer when everybody waits: a minute takes no time.
    #[tokio::test(start_paused = true)]
    async fn a_silent_minute_ends_the_connection() {
        let mut conn = connect(&Client::new(app())).await;
        let start = tokio::time::Instant::now();
        let error = conn.read_message().await.unwrap_err();
        assert_eq!((error.close_code(), start.elapsed()), (Some(4000.into()), SILENCE));
    }

    #[tokio::test]
    async fn subprotocol_is_agreed_on() {
        let client = Client::new(app()).subprotocols(["poll.v2", "poll.v1"]);
        let (conn, response) = client.connect("/poll").await.unwrap();
        assert_eq!(conn.subprotocol(), Some("poll.v1"));
        assert_eq!(response.headers()["sec-websocket-protocol"], "poll.v1");
    }

    #[tokio::test]
    async fn full_house_and_foreign_pages_are_refused() {
        let client = Client::new(app());
        let foreign = client.clone().origin("https://elsewhere.example");
        assert_eq!(foreign.connect("/poll").await.unwrap_err().status(), Some(StatusCode::FORBIDDEN));

        let mut crowd = Vec::new();
        for _ in 0..200 {
            crowd.push(connect(&client).await);
        }
        let refused = client.connect("/poll").await.unwrap_err().into_response().unwrap();
        assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(refused.body(), "come back later");
    }
}
