//! A conversation that goes on over one connection after the other.

use std::time::Duration;

use tokio::time::sleep;
use ws_client::{
    CloseCode, CloseFrame, Message,
    reconnect::{Cause, Event, Outbox, Reconnecting},
};

use crate::{args::Args, dial, input, print, report, status, status::Failure};

/// Talks until the input ends, or until the server ends it for good; gives the exit status.
pub(crate) async fn converse(args: &Args, files: Vec<Message>) -> Result<u8, Failure> {
    let mut client = Reconnecting::new(dial::dialer(args)?, &args.url)?;
    tokio::spawn(send(client.outbox(), files, args.binary, args.close.clone()));
    while let Some(event) = client.next().await {
        let (cause, retry_in) = match event {
            Event::Up { response, .. } => {
                if let Some(conn) = client.conn() {
                    if args.verbose {
                        report::transport(conn.get_ref());
                    }
                    report::connected(args, conn, &response);
                }
                continue;
            }
            Event::Message(message) => {
                print::message(&message, args.binary);
                continue;
            }
            Event::Down { cause, retry_in, .. } | Event::Failed { cause, retry_in, .. } => (cause, retry_in),
            _ => continue,
        };
        match (retry_in, cause) {
            (Some(time), cause) => {
                eprintln!("{}; next attempt in {time:.1?}", print::with_causes(&cause));
            }
            (None, Cause::CloseRequested) => return Ok(0),
            (None, Cause::Dial(error)) => return Err(error.into()),
            (None, cause) => {
                eprintln!("{}", print::with_causes(&cause));
                let code = cause.close_code().unwrap_or(CloseCode::ABNORMAL_CLOSURE);
                return Ok(status::closed(code, args.close.as_ref()));
            }
        }
    }
    Ok(status::LOST)
}

/// Queues files and lines, whether there is a connection or not, and closes behind the last one.
async fn send(outbox: Outbox, files: Vec<Message>, binary: bool, close: Option<CloseFrame>) {
    for file in files {
        if outbox.send(file).await.is_err() {
            return;
        }
    }
    let mut lines = input::lines(binary);
    while let Some(line) = lines.recv().await {
        if outbox.send(line).await.is_err() {
            return;
        }
    }
    // Answers may be on their way.
    sleep(PATIENCE).await;
    let _ = outbox.close(close.unwrap_or_else(|| CloseFrame::from(CloseCode::NORMAL_CLOSURE)));
}

const PATIENCE: Duration = Duration::from_secs(1);
