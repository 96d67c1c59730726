//! How do I connect everybody with everybody, without letting anybody hold up the others?
//!
//! ```text
//! cargo run --release --bin chat
//! cargo run --release --bin chat -- --listen 0.0.0.0:3000     for the whole network
//! ```
//!
//! Then open the printed address in two browsers. A client sends its name, then its lines; the server sends events, which
//! are JSON: see `room.rs`.
#![forbid(unsafe_code)]

mod name;
mod room;

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    extract::State,
    response::{Html, Response},
    routing::{any, get},
};
use tokio::time::{Instant, timeout};
use ws_core::{CloseCode, CloseFrame, Config, Conn, Error, KeepAlive, Message};
use ws_tower::{UpgradeLayer, Upgraded, Upgrader, extract::WebSocketUpgrade};

use crate::room::Room;

#[tokio::main]
async fn main() {
    let room = Arc::new(Room::new());
    let config = Config::new()
        // The page sends 2,000 characters at the most. A message over the limit fails its connection with 1009.
        .max_message_size(8 << 10)
        // A phone that lost its network says nothing at all. Without pings its name would stay taken.
        .keep_alive(KeepAlive::every(Duration::from_secs(20)));
    let upgrader = Upgrader::new().config(config);
    let app = Router::new()
        .route("/", get(Html(include_str!("index.html"))))
        .route("/ws", any(join))
        .layer(UpgradeLayer::new(upgrader))
        .with_state(Arc::clone(&room));

    let listener = ws_examples::listen().await;
    tokio::select! {
        // As `axum::serve`, but clients that are slow to send their request are cut off.
        () = ws_examples::serve(listener, app) => {}
        () = ws_examples::stop_signal() => {}
    }
    // The sockets are not axum's any more, so nobody else says goodbye to them. A process that just ends would leave
    // every browser with 1006, the code for an accident.
    room.stop(Duration::from_secs(6)).await;
}

/// Answers the opening handshake. A page of another site does not come this far: it is refused with 403.
async fn join(State(room): State<Arc<Room>>, ws: WebSocketUpgrade) -> Response {
    ws.on_upgrade(|socket| async move {
        let mut conn = socket.into_conn();
        if let Err(error) = chat(&mut conn, &room).await {
            eprintln!("{error}");
        }
    })
}

/// One connection, from the first message to the close frame.
async fn chat(conn: &mut Conn<Upgraded>, room: &Arc<Room>) -> Result<(), Error> {
    let mut stopping = room.stopping();
    // When the room stops, `converse` is dropped wherever it stands. That is safe: a dropped read loses nothing and a
    // dropped write has queued its message whole or not at all, so the connection is still good for a close frame.
    let farewell = tokio::select! {
        biased;
        _ = stopping.wait_for(|stopping| *stopping) => {
            Some(CloseFrame::new(CloseCode::GOING_AWAY, "the server stops"))
        }
        farewell = converse(conn, room) => farewell?,
    };
    match farewell {
        // Waits for the peer's close frame, though not for long: see `Config::close_timeout`.
        Some(frame) => conn.close(frame).await,
        None => Ok(()),
    }
}

/// Carries lines both ways until somebody has had enough: the server if there is a close frame to send, or the peer.
async fn converse(conn: &mut Conn<Upgraded>, room: &Arc<Room>) -> Result<Option<CloseFrame>, Error> {
    let name = match timeout(PATIENCE, conn.read_message()).await {
        Ok(message) => match message? {
            Some(Message::Text(name)) => name,
            Some(_) => return Ok(Some(CloseFrame::new(CloseCode::UNSUPPORTED_DATA, "text only"))),
            None => return Ok(None),
        },
        Err(_) => return Ok(Some(CloseFrame::new(CloseCode::POLICY_VIOLATION, "no name was given"))),
    };
    let (seat, here, mut events) = match room.enter(&name) {
        Ok(entered) => entered,
        // 4000 to 4999 are for applications: the page takes 4000 to ask for another name.
        Err(why) => return Ok(Some(CloseFrame::new(4000, why))),
    };

    conn.queue_message(here).await?;
    let mut pace = Pace { since: Instant::now(), lines: 0 };
    loop {
        tokio::select! {
            // In this order: a read that has to wait writes what is queued, many messages in one write.
            biased;
            event = events.recv() => {
                // An error says that the room is further ahead than it remembers: this one does not keep up.
                let Ok(event) = event else { return Ok(Some(too_slow())) };
                // Queueing itself waits only while 64 KiB are untaken. If the connection is ending there is nothing to do: the
                // read is about to say so.
                if timeout(PATIENCE, conn.queue_message(event)).await.is_err() {
                    return Ok(Some(too_slow()));
                }
            }
            message = conn.read_message() => match message? {
                Some(Message::Text(line)) if pace.allows() => seat.say(&line),
                Some(Message::Text(_)) => {
                    return Ok(Some(CloseFrame::new(CloseCode::POLICY_VIOLATION, "too many lines")));
                }
                Some(_) => return Ok(Some(CloseFrame::new(CloseCode::UNSUPPORTED_DATA, "text only"))),
                None => return Ok(None),
            },
        }
    }
}

fn too_slow() -> CloseFrame {
    CloseFrame::new(CloseCode::TRY_AGAIN_LATER, "too slow for this room")
}

/// Counts lines. Without a limit one client could write so fast that honest ones do not keep up.
struct Pace {
    since: Instant,
    lines: u32,
}

impl Pace {
    fn allows(&mut self) -> bool {
        if self.since.elapsed() > Duration::from_secs(10) {
            *self = Self { since: Instant::now(), lines: 0 };
        }
        self.lines += 1;
        self.lines <= 100
    }
}

/// How long a client may leave its name unsaid, or what it was sent untaken.
const PATIENCE: Duration = Duration::from_secs(10);
