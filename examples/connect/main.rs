//! How do I talk to a WebSocket server from a program?
//!
//! ```text
//! cargo run --release --bin connect ws://127.0.0.1:3000/ws
//! cargo run --release --bin connect --features tls wss://example.com/chat
//! cargo run --release --bin connect --features full -- --help
//! ```
//!
//! Lines from standard input are sent as text, messages are printed, and the end of the input closes the connection.
//! Each option of the command line shows one of the dialer's: `dial.rs` and `tls.rs` turn the one into the other.
#![forbid(unsafe_code)]

mod args;
mod converse;
mod dial;
mod input;
mod print;
mod reconnect;
mod report;
mod status;
#[cfg(feature = "tls")]
mod tls;

use std::{
    io::{self, IsTerminal as _},
    process::ExitCode,
};

use crate::{
    args::{Args, Command},
    converse::converse,
    status::Failure,
};

#[tokio::main]
async fn main() -> ExitCode {
    let args = match args::parse(std::env::args().skip(1)) {
        Ok(Command::Connect(args)) => args,
        Ok(Command::Help) => {
            print!("{}", args::HELP);
            return ExitCode::SUCCESS;
        }
        Err(message) => {
            eprintln!("{message}\nconnect --help says more");
            return status::USAGE.into();
        }
    };
    match run(&args).await {
        Ok(status) => status.into(),
        Err(failure) => {
            report::failure(&args, &failure);
            failure.status().into()
        }
    }
}

async fn run(args: &Args) -> Result<u8, Failure> {
    let files = input::files(args)?;
    #[cfg(unix)]
    if let Some(path) = &args.unix {
        let (conn, response) = dial::dial_unix(args, path).await?;
        report::connected(args, &conn, &response);
        invite();
        return Ok(converse(args, conn, files).await);
    }
    if args.reconnect {
        invite();
        return reconnect::converse(args, files).await;
    }
    #[cfg(feature = "http2")]
    if args.http2 {
        let (conn, response) = dial::dial_http2(args).await?;
        if args.verbose {
            report::http2_transport(conn.get_ref());
        }
        report::connected(args, &conn, &response);
        invite();
        return Ok(converse(args, conn, files).await);
    }
    let (conn, response) = dial::dial(args).await?;
    if args.verbose {
        report::transport(conn.get_ref());
    }
    report::connected(args, &conn, &response);
    invite();
    Ok(converse(args, conn, files).await)
}

fn invite() {
    if io::stdin().is_terminal() {
        eprintln!("lines you type are sent; Ctrl-D ends the connection");
    }
}
