//! An endpoint that is told what to do in JSON lines, as `tests/interop/README.md` lists them.

use std::io::{BufRead, Write};

use axum::{Router, response::Response, routing::any};
use serde_json::{Value, json};
use sha1::{Digest, Sha1};
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt},
    net::TcpListener,
    sync::mpsc,
};
use ws_client::{Config, Conn, Dialer};
use ws_core::{CloseCode, CloseFrame, ErrorKind, Message, MessageKind};
use ws_tower::{Upgraded, extract::WebSocketUpgrade};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;
type Commands = mpsc::UnboundedReceiver<String>;

/// Longer texts are reported by length and hash.
const SHORT: usize = 64;
const MAX_MESSAGE_SIZE: usize = 64 << 20;

#[tokio::main]
async fn main() -> Result<()> {
    let options = Options::parse(std::env::args().skip(1))?;
    let mut commands = read_commands();
    match options.listen {
        Some(address) => serve(&address, options.subprotocols, &mut commands).await,
        None => dial(&mut commands).await,
    }
}

struct Options {
    listen: Option<String>,
    subprotocols: Vec<String>,
}

impl Options {
    fn parse(mut args: impl Iterator<Item = String>) -> Result<Self> {
        let mut options = Self { listen: None, subprotocols: Vec::new() };
        while let Some(name) = args.next() {
            match (name.as_str(), args.next()) {
                ("--listen", Some(address)) => options.listen = Some(address),
                ("--subprotocol", Some(subprotocol)) => options.subprotocols.push(subprotocol),
                _ => return Err("usage: interop-peer [--listen HOST:PORT [--subprotocol NAME]…]".into()),
            }
        }
        Ok(options)
    }
}

/// Reads commands on a thread of their own: standard input cannot be polled. Its end ends the program.
fn read_commands() -> Commands {
    let (sender, receiver) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines() {
            let Ok(line) = line else { break };
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    receiver
}

fn say(event: &Value) {
    let mut out = std::io::stdout().lock();
    // Nobody is left to report to.
    if writeln!(out, "{event}").and_then(|()| out.flush()).is_err() {
        std::process::exit(1);
    }
}

fn say_error(error: &dyn std::fmt::Display) {
    say(&json!({ "error": error.to_string() }));
}

/// Serves one connection after the other; a session begins when the one before it has ended.
async fn serve(address: &str, subprotocols: Vec<String>, commands: &mut Commands) -> Result<()> {
    let listener = TcpListener::bind(address).await?;
    say(&json!({ "listening": listener.local_addr()?.port() }));
    let (sender, mut accepted) = mpsc::unbounded_channel::<Conn<Upgraded>>();
    let upgrade = move |ws: WebSocketUpgrade| async move {
        let response: Response = ws
            .protocols(subprotocols.clone())
            .max_message_size(MAX_MESSAGE_SIZE)
            .max_frame_size(MAX_MESSAGE_SIZE)
            .on_upgrade(move |socket| async move { drop(sender.send(socket.into_conn())) });
        response
    };
    let server = axum::serve(listener, Router::new().fallback(any(upgrade)));
    let sessions = async {
        while let Some(conn) = accepted.recv().await {
            if session(conn, "", commands).await.is_none() {
                break;
            }
        }
    };
    tokio::select! {
        result = server => result?,
        () = sessions => {}
    }
    Ok(())
}

/// Opens a connection for each `connect`.
async fn dial(commands: &mut Commands) -> Result<()> {
    while let Some(line) = commands.recv().await {
        let command: Value = serde_json::from_str(&line)?;
        let url = command["connect"].as_str().ok_or_else(|| format!("there is no connection for {line}"))?;
        let subprotocols = command["subprotocols"].as_array().cloned().unwrap_or_default();
        let dialer = Dialer::new()
            .subprotocols(subprotocols.iter().filter_map(Value::as_str))
            .config(Config::new().max_message_size(MAX_MESSAGE_SIZE as u64));
        match dialer.dial(url).await {
            Ok((conn, response)) => {
                let extensions = response.headers().get(http::header::SEC_WEBSOCKET_EXTENSIONS);
                let extensions = extensions.and_then(|value| value.to_str().ok()).unwrap_or_default();
                if session(conn, extensions, commands).await.is_none() {
                    break;
                }
            }
            Err(error) => say_error(&error),
        }
    }
    Ok(())
}

/// Carries out commands until the connection has ended; `None` when there are no more commands.
async fn session<S>(mut conn: Conn<S>, extensions: &str, commands: &mut Commands) -> Option<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    say(&json!({ "open": { "subprotocol": conn.subprotocol(), "extensions": extensions } }));
    loop {
        tokio::select! {
            line = commands.recv() => match perform(&mut conn, &line?).await {
                Ok(Next::Continue) => {}
                Ok(Next::Closed) => break,
                Ok(Next::Drop) => {
                    conn.abort();
                    say(&json!({ "lost": true }));
                    return Some(());
                }
                Err(error) => say_error(&error),
            },
            message = conn.recv() => match message {
                Ok(Some(message)) => report(&message),
                Ok(None) => break,
                Err(error) => {
                    if !matches!(error.kind(), ErrorKind::ConnectionLost | ErrorKind::Io(_)) {
                        say_error(&error);
                    }
                    break;
                }
            }
        }
    }
    say(&match conn.closing().received() {
        Some(Some(frame)) => json!({ "close": [u16::from(frame.code), frame.reason.as_str()] }),
        Some(None) => json!({ "close": [1005, ""] }),
        None => json!({ "lost": true }),
    });
    Some(())
}

enum Next {
    Continue,
    Closed,
    Drop,
}

async fn perform<S>(conn: &mut Conn<S>, line: &str) -> Result<Next>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let command: Value = serde_json::from_str(line)?;
    let (name, value) =
        command.as_object().and_then(|fields| fields.iter().next()).ok_or("an empty command")?;
    let message = match (name.as_str(), value) {
        ("send_text", Value::String(text)) => Message::text(text.as_str()),
        ("send_text_times", value) => Message::text(string(&value[0])?.repeat(number(&value[1])?)),
        ("send_binary", value) => Message::binary(pattern(number(&value[0])?, number(&value[1])?)),
        ("send_fragments", value) => return send_fragments(conn, value).await.map(|()| Next::Continue),
        ("ping", Value::String(payload)) => Message::Ping(payload.clone().into()),
        ("close", Value::Null) => {
            return conn.close(None).await.map(|()| Next::Closed).map_err(Into::into);
        }
        ("close", value) => {
            let code = CloseCode::from(u16::try_from(number(&value[0])?)?);
            let frame = CloseFrame { code, reason: string(&value[1])?.into() };
            return conn.close(frame).await.map(|()| Next::Closed).map_err(Into::into);
        }
        ("drop", _) => return Ok(Next::Drop),
        _ => return Err(format!("unknown command {line}").into()),
    };
    // Only queued: the read that follows sends it, so that neither end can block the other.
    conn.start_send(message)?;
    Ok(Next::Continue)
}

/// Sends one message in fragments, with pings between them.
async fn send_fragments<S>(conn: &mut Conn<S>, value: &Value) -> Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let kind = if value["kind"] == "text" { MessageKind::Text } else { MessageKind::Binary };
    let control = conn.control();
    let mut writer = conn.next_writer(kind).await?;
    for part in value["parts"].as_array().ok_or("a message without parts")? {
        match part {
            Value::String(hex) => {
                writer.write_all(&bytes(hex)?).await?;
                writer.flush().await?;
            }
            part => control.send_ping(string(&part["ping"])?.to_owned())?,
        }
    }
    Ok(writer.finish().await?)
}

fn bytes(hex: &str) -> Result<Vec<u8>> {
    let digits = hex.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap_or_default());
    digits.map(|pair| Ok(u8::from_str_radix(pair, 16)?)).collect()
}

fn string(value: &Value) -> Result<&str> {
    value.as_str().ok_or_else(|| format!("{value} is no text").into())
}

fn number(value: &Value) -> Result<usize> {
    let number = value.as_u64().ok_or_else(|| format!("{value} is no number"))?;
    Ok(usize::try_from(number)?)
}

fn report(message: &Message) {
    match message {
        Message::Text(text) if text.len() <= SHORT => say(&json!({ "text": text.as_str() })),
        Message::Text(text) => say(&json!({ "text": describe(text.as_bytes()) })),
        Message::Binary(data) => say(&json!({ "binary": describe(data) })),
        Message::Ping(payload) => say(&json!({ "ping": String::from_utf8_lossy(payload) })),
        Message::Pong(payload) => say(&json!({ "pong": String::from_utf8_lossy(payload) })),
        // Reported once the connection has ended.
        Message::Close(_) => {}
    }
}

/// The payload that `send_binary` means.
fn pattern(length: usize, seed: usize) -> Vec<u8> {
    (0..length).map(|index| ((seed + index) % 251) as u8).collect()
}

fn describe(data: &[u8]) -> String {
    let hash: String = Sha1::digest(data).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{} bytes, sha1 {hash}", data.len())
}
