//! How do I talk to a WebSocket server from a program?
//!
//! ```text
//! cargo run --release --bin connect ws://127.0.0.1:3000/ws
//! cargo run --release --bin connect --features tls wss://example.com/chat
//! ```
//!
//! Lines from standard input are sent as text, messages are printed, and the end of the input closes the connection.
#![forbid(unsafe_code)]

mod args;
mod print;

use std::{
    io::{self, BufRead as _, IsTerminal as _},
    pin::pin,
    process::ExitCode,
    thread,
    time::Duration,
};

use tokio::{sync::mpsc, time::sleep};
use ws_client::{CloseCode, Conn, DialError, DialErrorKind, Dialer, Message, TlsError, Transport};

use crate::args::{Args, Command};

#[tokio::main]
async fn main() -> ExitCode {
    let args = match args::parse(std::env::args().skip(1)) {
        Ok(Command::Connect(args)) => args,
        Ok(Command::Help) => {
            println!("{}", args::HELP);
            return ExitCode::SUCCESS;
        }
        Err(message) => {
            eprintln!("{message}\nconnect --help says more");
            return ExitCode::FAILURE;
        }
    };
    let conn = match dial(&args).await {
        Ok(conn) => conn,
        Err(error) => {
            say_why(&error);
            return ExitCode::FAILURE;
        }
    };
    match conn.subprotocol() {
        Some(subprotocol) => eprintln!("connected, subprotocol {subprotocol}"),
        None => eprintln!("connected"),
    }
    if io::stdin().is_terminal() {
        eprintln!("lines you type are sent; Ctrl-D ends the connection");
    }
    match converse(conn).await {
        Ok(code) if code.is_normal() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{}", print::with_causes(&error));
            ExitCode::FAILURE
        }
    }
}

async fn dial(args: &Args) -> Result<Conn<Transport>, DialError> {
    let mut dialer = Dialer::new().subprotocols(args.subprotocols.clone());
    for (name, value) in &args.headers {
        dialer = dialer.header(name.clone(), value.clone());
    }
    // The response is there for its headers: cookies, a server's name.
    let (conn, _response) = dialer.dial(&args.url).await?;
    Ok(conn)
}

/// Prints what failed, what stands behind it, and what the server said if it answered.
fn say_why(error: &DialError) {
    eprintln!("{}", print::with_causes(error));
    if let Some(response) = error.response() {
        // The first 1,024 bytes: enough for a message, not for a web page.
        let body = String::from_utf8_lossy(response.body());
        let is_page = body.trim_start().starts_with('<');
        if !is_page && !body.trim().is_empty() {
            eprintln!("{}", print::escaped(body.trim()));
        }
    }
    if error.kind() == &DialErrorKind::Tls(TlsError::NoLibrary) {
        eprintln!("this program was built without TLS: cargo run --bin connect --features tls …");
    }
}

/// Sends lines and prints messages until either side ends it; gives the close code of the peer.
async fn converse(mut conn: Conn<Transport>) -> Result<CloseCode, ws_core::Error> {
    let mut lines = lines();
    let mut input_open = true;
    // Runs from the end of the input.
    let mut last_call = pin!(sleep(Duration::MAX));
    loop {
        // Both futures may be dropped when the other one is ready: neither loses anything.
        tokio::select! {
            message = conn.recv() => match message? {
                Some(Message::Text(text)) => print::text(&text),
                Some(Message::Binary(data)) => print::binary(&data),
                // Pings are answered already.
                Some(Message::Ping(_)) => {}
                Some(Message::Pong(payload)) => {
                    if !input_open && payload == LAST {
                        break;
                    }
                }
                Some(Message::Close(_)) | None => return Ok(say_goodbye(&conn)),
            },
            line = lines.recv(), if input_open => match line {
                // If it cannot be sent, the connection is ending, and the reads say why.
                Some(line) => input_open = conn.write_message(line).await.is_ok(),
                None => {
                    // The input has ended, but answers may be on their way, and what arrives behind our close frame is
                    // not looked at any more. Most servers answer in order: once the pong is here, so is the rest.
                    input_open = false;
                    last_call.set(sleep(PATIENCE));
                    let _ = conn.write_message(Message::Ping(LAST.into())).await;
                }
            },
            // The server has had its time, whatever it still sends.
            () = &mut last_call, if !input_open => break,
        }
    }
    conn.close(CloseCode::NORMAL_CLOSURE).await?;
    Ok(say_goodbye(&conn))
}

/// Prints the close frame of the peer and gives its code.
fn say_goodbye(conn: &Conn<Transport>) -> CloseCode {
    match conn.closing().received().flatten() {
        Some(frame) if frame.reason.is_empty() => {
            eprintln!("closed by the peer with code {}", frame.code);
            frame.code
        }
        Some(frame) => {
            eprintln!("closed by the peer with code {}: {}", frame.code, print::escaped(&frame.reason));
            frame.code
        }
        None => {
            eprintln!("closed by the peer without a code");
            CloseCode::NO_STATUS_RECEIVED
        }
    }
}

/// The lines of standard input, read by a thread.
///
/// A thread of our own and not `tokio::io::stdin`, whose read cannot be cancelled: the program would wait for one more
/// line after the server has closed. The channel is short, so that a large file is read no faster than it is sent.
fn lines() -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel(1);
    thread::spawn(move || {
        let mut stdin = io::stdin().lock();
        let mut line = Vec::new();
        while stdin.read_until(b'\n', &mut line).is_ok_and(|count| count > 0) {
            let text = String::from_utf8_lossy(&line);
            if sender.blocking_send(text.trim_end_matches(['\n', '\r']).to_owned()).is_err() {
                return;
            }
            line.clear();
        }
    });
    receiver
}

/// The payload of the ping that follows the last line.
const LAST: &str = "last";
/// How long answers to the last lines are waited for.
const PATIENCE: Duration = Duration::from_secs(2);
