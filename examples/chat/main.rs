//! How do I build a chat: rooms, names, who is there, and nothing lost when a connection is?
//!
//! ```text
//! cargo run --release --bin chat
//! cargo run --release --bin chat -- --listen 0.0.0.0:3000     for the whole network
//! examples/chat/two-nodes.sh                                  two nodes over Redis
//! cargo run --release --bin chat -- --pages DIR               with another page for it, such as examples/browser/wasm-chat
//! ```
//!
//! Then open the printed address in two browsers. The hub does the work and speaks its JSON protocol; `hub.js` speaks it in
//! the browser and knows nothing of chats; `chat.js` is the page. What is left for this program: who may do what, in
//! `rules.rs`, and to join the two.
#![forbid(unsafe_code)]

mod name;
mod page;
mod rules;

use std::time::Duration;

use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::any,
};
use ws_hub::{
    Admission, Config, Drain, Hub, Rate,
    backplane::{self, HistoryLimits},
    json::Protocol,
};
use ws_tower::extract::WebSocketUpgrade;

use crate::rules::Rules;

type Chat = Hub<Protocol<Rules>>;

#[tokio::main]
async fn main() {
    let (listener, [redis, pages]) = ws_examples::listen_with_options([
        ("--redis", "URL", "a Redis server that all nodes share"),
        ("--pages", "DIR", "files to serve at /pages/, of other pages for this chat"),
    ])
    .await;
    let pages = ws_examples::pages(pages.as_deref());
    let hub = match hub(redis.as_deref()) {
        Ok(hub) => hub,
        Err(why) => {
            eprintln!("{why}");
            std::process::exit(1);
        }
    };
    let app = page::routes(pages).route("/ws", any(join)).with_state(hub.clone());
    tokio::select! {
        // As `axum::serve`, but clients that are slow to send their request are cut off.
        () = ws_examples::serve(listener, app) => {}
        () = ws_examples::stop_signal() => {}
    }
    // Nobody is let in any more. Those who are here are told, one after the other, when to come back: to another node, or to
    // this one when it was started again.
    let drain = Drain::new()
        .over(Duration::from_secs(2))
        .within(Duration::from_secs(6))
        .reconnect_after(Duration::from_millis(500), Duration::from_secs(3));
    let drained = hub.drain(drain).await;
    println!("{} closed, {} dropped", drained.closed, drained.aborted);
}

/// The hub, alone or as one of several nodes.
fn hub(redis: Option<&str>) -> Result<Chat, String> {
    let history = HistoryLimits::new()
        .messages(200)
        .bytes(256 << 10)
        .age(Duration::from_secs(24 * 60 * 60))
        // Anybody may open rooms.
        .total_bytes(64 << 20);
    let config = Config::new()
        // A line is 2,000 characters at the most. What is larger fails its connection with 1009.
        .max_message_size(16 << 10)
        .max_sessions(10_000)
        .max_rooms_per_session(16)
        .max_name_len(128)
        // `Rules` asks who talks much to slow down. This is for those who do not listen.
        .messages_per_second(Rate::per_second(20).burst(100))
        .authentication_grace(Duration::from_secs(10))
        // The time of a reload: nobody leaves and joins for that.
        .presence_grace(Duration::from_secs(5))
        .history(history);
    let hub = Hub::builder(Protocol::new(Rules)).config(config);
    match redis {
        None => Ok(hub.build()),
        Some(url) => {
            let config = backplane::Config::new()
                .prefix("chat")
                // So long the members of a node that was killed still seem to be there.
                .presence_ttl(Duration::from_secs(10))
                .history(history);
            Ok(hub.backplane(over_redis(url, config)?).build())
        }
    }
}

#[cfg(feature = "redis")]
fn over_redis(url: &str, config: backplane::Config) -> Result<backplane::Redis, String> {
    backplane::Redis::new(url, config).map_err(|error| format!("{url}: {error}"))
}

#[cfg(not(feature = "redis"))]
fn over_redis(_: &str, _: backplane::Config) -> Result<backplane::Memory, String> {
    Err("this was built without Redis: cargo run --release --features redis --bin chat".into())
}

/// Answers the opening handshake. A page of another site does not come this far: it is refused with 403.
async fn join(State(hub): State<Chat>, ws: WebSocketUpgrade) -> Response {
    match hub.reserve(Admission::new()) {
        Ok(seat) => ws.on_upgrade(|socket| async {
            seat.serve(socket.into_conn()).await;
        }),
        // While there is still time to say so by HTTP.
        Err(refusal) => (StatusCode::SERVICE_UNAVAILABLE, refusal.to_string()).into_response(),
    }
}
