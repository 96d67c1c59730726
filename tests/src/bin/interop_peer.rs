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
use ws_core::{CloseCode, CloseFrame, DeflateConfig, ErrorKind, Message, MessageKind};
use ws_tower::{CheckOrigin, UpgradeLayer, Upgraded, Upgrader, extract::WebSocketUpgrade};

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
        Some(address) => serve(&address, options.subprotocols, options.deflate, &mut commands).await,
        None => dial(options.deflate, &mut commands).await,
    }
}

struct Options {
    listen: Option<String>,
    subprotocols: Vec<String>,
    /// None: no compression, and no word of it.
    deflate: Option<DeflateConfig>,
}

impl Options {
    fn parse(mut args: impl Iterator<Item = String>) -> Result<Self> {
        let mut options = Self { listen: None, subprotocols: Vec::new(), deflate: None };
        while let Some(name) = args.next() {
            match (name.as_str(), args.next()) {
                ("--listen", Some(address)) => options.listen = Some(address),
                ("--subprotocol", Some(subprotocol)) => options.subprotocols.push(subprotocol),
                ("--deflate", Some(parameters)) => options.deflate = Some(deflate(&parameters)?),
                _ => {
                    let usage = "usage: interop-peer [--listen HOST:PORT [--subprotocol NAME]…] [--deflate PARAMETERS]";
                    return Err(usage.into());
                }
            }
        }
        Ok(options)
    }
}

/// The parameters of permessage-deflate, joined by commas, and the threshold.
fn deflate(parameters: &str) -> Result<DeflateConfig> {
    let mut config = DeflateConfig::new();
    for parameter in parameters.split(',').filter(|parameter| !parameter.is_empty()) {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, "0"));
        config = match name {
            "server_no_context_takeover" => config.server_no_context_takeover(true),
            "client_no_context_takeover" => config.client_no_context_takeover(true),
            "server_max_window_bits" => config.server_max_window_bits(value.parse()?),
            "client_max_window_bits" => config.client_max_window_bits(value.parse()?),
            "threshold" => config.threshold(value.parse()?),
            _ => return Err(format!("unknown parameter {name}").into()),
        };
    }
    Ok(config)
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
async fn serve(
    address: &str,
    subprotocols: Vec<String>,
    deflate: Option<DeflateConfig>,
    commands: &mut Commands,
) -> Result<()> {
    let speaks_of_it = deflate.is_some();
    let listener = TcpListener::bind(address).await?;
    say(&json!({ "listening": listener.local_addr()?.port() }));
    let (sender, mut accepted) = mpsc::unbounded_channel::<Conn<Upgraded>>();
    let upgrade = move |ws: WebSocketUpgrade| async move {
        let response: Response = ws
            .protocols(subprotocols.clone())
            .max_message_size(MAX_MESSAGE_SIZE)
            .max_frame_size(MAX_MESSAGE_SIZE)
            .compression(deflate.clone())
            .on_upgrade(move |socket| async move { drop(sender.send(socket.into_conn())) });
        response
    };
    // Pages of a browser come from nowhere.
    let policy = UpgradeLayer::new(Upgrader::new().check_origin(CheckOrigin::Any));
    let server = axum::serve(listener, Router::new().fallback(any(upgrade)).layer(policy));
    let sessions = async {
        while let Some(conn) = accepted.recv().await {
            if session(conn, "", speaks_of_it, commands).await.is_none() {
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
async fn dial(deflate: Option<DeflateConfig>, commands: &mut Commands) -> Result<()> {
    while let Some(line) = commands.recv().await {
        let command: Value = serde_json::from_str(&line)?;
        let url = command["connect"].as_str().ok_or_else(|| format!("there is no connection for {line}"))?;
        let subprotocols = command["subprotocols"].as_array().cloned().unwrap_or_default();
        let dialer = Dialer::new()
            .subprotocols(subprotocols.iter().filter_map(Value::as_str))
            .compression(deflate.clone())
            .config(Config::new().max_message_size(MAX_MESSAGE_SIZE as u64));
        match dialer.dial(url).await {
            Ok((conn, response)) => {
                let extensions = response.headers().get(http::header::SEC_WEBSOCKET_EXTENSIONS);
                let extensions = extensions.and_then(|value| value.to_str().ok()).unwrap_or_default();
                if session(conn, extensions, deflate.is_some(), commands).await.is_none() {
                    break;
                }
            }
            Err(error) => say_error(&error),
        }
    }
    Ok(())
}

/// Carries out commands until the connection has ended; `None` when there are no more commands.
async fn session<S>(
    mut conn: Conn<S>,
    extensions: &str,
    speaks_of_deflate: bool,
    commands: &mut Commands,
) -> Option<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut open = json!({ "subprotocol": conn.subprotocol(), "extensions": extensions });
    if speaks_of_deflate {
        open["deflate"] = conn.deflate().map_or(Value::Null, |deflate| {
            json!([
                deflate.server_no_context_takeover,
                deflate.client_no_context_takeover,
                deflate.server_max_window_bits,
                deflate.client_max_window_bits,
            ])
        });
    }
    say(&json!({ "open": open }));
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
        ("send_noise", value) => Message::binary(noise(number(&value[0])?, number(&value[1])?)),
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

/// The payload that `send_noise` means: it cannot be compressed.
fn noise(length: usize, seed: usize) -> Vec<u8> {
    let mut state = seed as u32;
    let mut next = || {
        state = state.wrapping_mul(1_103_515_245).wrapping_add(12_345);
        (state >> 16) as u8
    };
    (0..length).map(|_| next()).collect()
}

fn describe(data: &[u8]) -> String {
    let hash: String = Sha1::digest(data).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{} bytes, sha1 {hash}", data.len())
}
