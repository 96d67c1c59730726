//! What the Go packages document as examples, written with ours: the counterparts of `tests/interop/go`.
//!
//! Each is a server and a client, which say the same as their originals, so that any pair can be compared.

use std::io::{Read, Write};

use axum::{Router, response::Response, routing::any};
use serde_json::{Value, json};
use sha1::{Digest, Sha1};
use tokio::net::TcpListener;
use ws_client::{Config, Conn, Dialer, Transport};
use ws_core::{CloseFrame, Error, Message};
use ws_tower::{Upgraded, extract::WebSocketUpgrade};

mod chat;
mod close_read;
mod discard;
mod echo;
mod ping;
mod stream;

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

const USAGE: &str = "usage: go-programs PROGRAM (--listen HOST:PORT | --dial URL)";
const MAX_MESSAGE_SIZE: usize = 64 << 20;
/// Longer texts are reported by length and hash.
const SHORT: usize = 64;

#[tokio::main]
async fn main() -> Result {
    let args: Vec<_> = std::env::args().skip(1).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [program, "--listen", address] => listen(program, address).await,
        [program, "--dial", url] => dial(program, url).await,
        _ => Err(USAGE.into()),
    }
}

/// Serves the program until standard input ends.
async fn listen(program: &str, address: &str) -> Result {
    let listener = TcpListener::bind(address).await?;
    say("listening", listener.local_addr()?.port());
    let program: &'static str = String::from(program).leak();
    let room = chat::Room::default();
    let upgrade = move |ws: WebSocketUpgrade| async move {
        let response: Response = ws
            .max_message_size(MAX_MESSAGE_SIZE)
            .max_frame_size(MAX_MESSAGE_SIZE)
            .on_upgrade(move |socket| async move {
                // How a connection ends is for its client to say.
                let _ = serve(program, socket.into_conn(), &room).await;
            });
        response
    };
    std::thread::spawn(|| {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
    Ok(axum::serve(listener, Router::new().fallback(any(upgrade))).await?)
}

async fn serve(program: &str, conn: Conn<Upgraded>, room: &chat::Room) -> Result {
    match program {
        "chat" => chat::serve(conn, room).await,
        "close-read" => close_read::serve(conn).await,
        "discard" => discard::serve(conn).await,
        "echo" => echo::serve(conn).await,
        "ping" => ping::serve(conn).await,
        "stream" => stream::serve(conn).await,
        _ => Err(USAGE.into()),
    }
}

async fn dial(program: &str, url: &str) -> Result {
    match program {
        "chat" => chat::dial(url).await,
        "close-read" => close_read::dial(connect(url).await?).await,
        "discard" => discard::dial(connect(url).await?).await,
        "echo" => echo::dial(connect(url).await?).await,
        "ping" => ping::dial(connect(url).await?).await,
        "stream" => stream::dial(connect(url).await?).await,
        _ => Err(USAGE.into()),
    }
}

/// What every client begins with.
async fn connect(url: &str) -> Result<Conn<Transport>> {
    let config = Config::new().max_message_size(MAX_MESSAGE_SIZE as u64);
    let (conn, _) = Dialer::new().config(config).dial(url).await?;
    Ok(conn)
}

/// Runs the closing handshake and says how it ended.
async fn goodbye(mut conn: Conn<Transport>) -> Result {
    conn.close(CloseFrame::new(1000, "done")).await?;
    let answer = conn.closing().received().ok_or("the close frame was not answered")?;
    say("closed", answer.map_or(1005, |frame| frame.code.as_u16()));
    Ok(())
}

/// Says which code a read ended with; an end without one is an error.
fn farewell(conn: &Conn<Transport>, read: std::result::Result<Option<Message>, Error>) -> Result {
    match read {
        Ok(None) => {}
        Ok(Some(message)) => return Err(format!("{message:?} instead of an end").into()),
        Err(error) if error.close_frame().is_some() => {}
        Err(error) => return Err(error.into()),
    }
    let frame = conn.closing().received().flatten();
    say("closed", frame.map_or(1005, |frame| frame.code.as_u16()));
    Ok(())
}

/// Takes the next message, which must be this text.
fn expect(read: Option<Message>, wanted: &str) -> Result {
    match read {
        Some(Message::Text(text)) if text == wanted => Ok(()),
        other => Err(format!("got {other:?}, not {wanted:?}").into()),
    }
}

fn say(name: &str, value: impl Into<Value>) {
    let mut out = std::io::stdout().lock();
    // Nobody is left to report to.
    if writeln!(out, "{}", json!({ name: value.into() })).is_err() {
        std::process::exit(1);
    }
}

/// Names a data message as the originals do.
fn report(message: &Message) {
    match message {
        Message::Text(text) if text.len() <= SHORT => say("text", text.as_str()),
        Message::Text(text) => say("text", describe(text.as_bytes())),
        Message::Binary(data) => say("binary", describe(data)),
        Message::Ping(_) | Message::Pong(_) | Message::Close(_) => {}
    }
}

/// The payload that the originals use, too: no two neighbours are alike.
fn pattern(length: usize, seed: usize) -> Vec<u8> {
    (0..length).map(|index| ((seed + index) % 251) as u8).collect()
}

fn describe(data: &[u8]) -> String {
    description(data.len(), Sha1::new_with_prefix(data))
}

fn description(length: usize, hash: Sha1) -> String {
    let hash: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{length} bytes, sha1 {hash}")
}
