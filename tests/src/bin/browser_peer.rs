//! The server of tests/wasm: what pages meet, well behaved or not. Prints where it listens.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{
    Router,
    extract::{Path, State},
    http::StatusCode,
    response::Response,
    routing::any,
};
use tokio::{net::TcpListener, time::sleep};
use ws_core::{CloseFrame, Config, Conn, DeflateConfig, Message};
use ws_tower::{CheckOrigin, UpgradeLayer, Upgraded, Upgrader, extract::WebSocketUpgrade};

/// What connections have come to, by the names that pages gave them.
type Reports = Arc<Mutex<HashMap<String, String>>>;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let config = Config::new().max_message_size(32 << 20);
    let upgrader =
        Upgrader::new().check_origin(CheckOrigin::Any).config(config).compression(DeflateConfig::new());
    let app = Router::new()
        .route(
            "/echo",
            any(|ws: WebSocketUpgrade| async { ws.on_upgrade(|socket| echo(socket.into_conn())) }),
        )
        .route("/chosen", any(chosen))
        .route("/close/{code}/{reason}", any(close))
        .route("/early", any(early))
        .route("/closed/{name}", any(closed))
        .route("/report/{name}", any(report))
        .route("/refused", any(|| async { StatusCode::FORBIDDEN }))
        .route("/late", any(|| sleep(AGES)))
        .route("/cut", any(cut))
        .route("/mute", any(mute))
        .route("/held/{name}", any(held))
        .route("/go/{name}", any(go))
        .route("/stall/{milliseconds}", any(stall))
        .route("/flood/{name}/{size}/{count}", any(flood))
        .layer(UpgradeLayer::new(upgrader))
        .with_state(Reports::default());
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, app).await?;
    Ok(())
}

async fn echo(mut conn: Conn<Upgraded>) {
    while let Ok(Some(message)) = conn.read_message().await {
        if conn.queue_message(message).await.is_err() {
            return;
        }
    }
}

/// Speaks one of several subprotocols.
async fn chosen(ws: WebSocketUpgrade) -> Response {
    ws.protocols(["chat.v2"]).on_upgrade(|socket| echo(socket.into_conn()))
}

/// Closes when the first message has arrived.
async fn close(ws: WebSocketUpgrade, Path((code, reason)): Path<(u16, String)>) -> Response {
    ws.on_upgrade(move |socket| async move {
        let mut conn = socket.into_conn();
        if conn.read_message().await.is_ok() {
            // 1005 stands for no code.
            let frame = (code != 1005).then(|| CloseFrame::new(code, reason));
            let _ = conn.close(frame).await;
        }
    })
}

/// Sends and closes before a page can have done anything.
async fn early(ws: WebSocketUpgrade) -> Response {
    ws.on_upgrade(|socket| async {
        let mut conn = socket.into_conn();
        for number in 0..3 {
            let _ = conn.queue_message(number.to_string()).await;
        }
        let _ = conn.close(CloseFrame::new(4000, "bye")).await;
    })
}

/// Reports the close frame of the page.
async fn closed(ws: WebSocketUpgrade, Path(name): Path<String>, State(reports): State<Reports>) -> Response {
    ws.on_upgrade(|socket| async move {
        let mut conn = socket.into_conn();
        while let Ok(Some(message)) = conn.read_message().await {
            let _ = conn.write_message(message).await;
        }
        let frame = match conn.closing().received() {
            None => "lost".to_owned(),
            Some(None) => "no code".to_owned(),
            Some(Some(frame)) => format!("{} {}", frame.code, frame.reason),
        };
        set(&reports, name, frame);
    })
}

/// Tells a report: for every message, what there is by then.
async fn report(ws: WebSocketUpgrade, Path(name): Path<String>, State(reports): State<Reports>) -> Response {
    ws.on_upgrade(|socket| async move {
        let mut conn = socket.into_conn();
        while let Ok(Some(_)) = conn.read_message().await {
            let mut found = None;
            for _ in 0..250 {
                found = reports.lock().unwrap_or_else(PoisonError::into_inner).get(&name).cloned();
                if found.is_some() {
                    break;
                }
                sleep(Duration::from_millis(20)).await;
            }
            let _ = conn.write_message(found.unwrap_or_else(|| "nothing".into())).await;
        }
    })
}

/// Ends TCP without a close frame when the first message has arrived.
async fn cut(ws: WebSocketUpgrade) -> Response {
    ws.on_upgrade(|socket| async {
        let _ = socket.into_conn().read_message().await;
    })
}

/// Never reads, and so answers no close frame.
async fn mute(ws: WebSocketUpgrade) -> Response {
    ws.on_upgrade(|socket| async {
        let _conn = socket.into_conn();
        sleep(AGES).await;
    })
}

/// Never reads, and ends TCP after a while.
async fn stall(ws: WebSocketUpgrade, Path(milliseconds): Path<u64>) -> Response {
    // What is compressed to nothing fills no buffers.
    ws.compression(None).on_upgrade(move |socket| async move {
        let _conn = socket.into_conn();
        sleep(Duration::from_millis(milliseconds)).await;
    })
}

/// Does not read before `/go/{name}` was asked for, and answers `end` with the bytes of what came before.
async fn held(ws: WebSocketUpgrade, Path(name): Path<String>, State(reports): State<Reports>) -> Response {
    // What is compressed to nothing fills no buffers.
    ws.compression(None).on_upgrade(move |socket| async move {
        let mut conn = socket.into_conn();
        while !reports.lock().unwrap_or_else(PoisonError::into_inner).contains_key(&name) {
            sleep(Duration::from_millis(20)).await;
        }
        let mut bytes = 0;
        while let Ok(Some(message)) = conn.read_message().await {
            if message == Message::text("end") {
                let _ = conn.write_message(bytes.to_string()).await;
            } else {
                bytes += message.into_data().len();
            }
        }
    })
}

async fn go(ws: WebSocketUpgrade, Path(name): Path<String>, State(reports): State<Reports>) -> Response {
    set(&reports, name, "gone".to_owned());
    ws.on_upgrade(|socket| async {
        let _ = socket.into_conn().read_message().await;
    })
}

/// Sends as fast as the page lets it, and reports how many messages it has got rid of.
async fn flood(
    ws: WebSocketUpgrade,
    Path((name, size, count)): Path<(String, usize, usize)>,
    State(reports): State<Reports>,
) -> Response {
    // What is compressed to nothing floods nobody.
    ws.compression(None).on_upgrade(move |socket| async move {
        let mut conn = socket.into_conn();
        for number in 1..=count {
            if conn.write_message(vec![b'x'; size]).await.is_err() {
                return;
            }
            set(&reports, name.clone(), number.to_string());
        }
        let _ = conn.close(CloseFrame::new(1000, "")).await;
    })
}

fn set(reports: &Reports, name: String, report: String) {
    reports.lock().unwrap_or_else(PoisonError::into_inner).insert(name, report);
}

/// Longer than any test waits.
const AGES: Duration = Duration::from_secs(60);
