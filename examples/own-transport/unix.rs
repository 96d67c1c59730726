//! A Unix socket: a daemon on the same machine, guarded by the permissions of a file.

use std::{env, fs, process};

use axum::{Router, response::Response, routing::any};
use tokio::net::{UnixListener, UnixStream};
use ws_tower::extract::WebSocketUpgrade;

use crate::{Result, greet};

pub(crate) async fn run() -> Result<String> {
    let path = env::temp_dir().join(format!("own-transport-{}.sock", process::id()));
    let listener = UnixListener::bind(&path)?;
    let app = Router::new().route("/shout", any(upgrade));
    let server = tokio::spawn(async { axum::serve(listener, app).await });

    let answer = match UnixStream::connect(&path).await {
        Ok(stream) => greet(stream).await,
        Err(error) => Err(error.into()),
    };
    server.abort();
    // The file outlives its listener.
    fs::remove_file(&path)?;
    answer
}

/// As over TCP: `axum::serve` takes any listener.
async fn upgrade(ws: WebSocketUpgrade) -> Response {
    ws.on_upgrade(|socket| async move {
        let mut conn = socket.into_conn();
        while let Ok(Some(message)) = conn.read_message().await {
            let Ok(text) = message.to_text() else { return };
            if conn.write_message(text.to_uppercase()).await.is_err() {
                return;
            }
        }
    })
}
