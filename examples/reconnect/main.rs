//! How do I stay connected to a server that goes away and comes back?
//!
//! ```text
//! cargo run --release --bin echo                                in one terminal; stop it and start it again as you like
//! cargo run --release --bin reconnect ws://127.0.0.1:3000/ws    in another
//! ```
//!
//! It sends a number each second and prints what comes back. Ctrl-C closes the connection and ends it.
#![forbid(unsafe_code)]

use std::{process::ExitCode, time::Duration};

use tokio::time::sleep;
use ws_client::{
    CloseCode, DialError, Dialer, Message,
    reconnect::{Backoff, Cause, Event, Outbox, Reconnecting},
};

#[tokio::main]
async fn main() -> ExitCode {
    let url = std::env::args().nth(1).unwrap_or_else(|| "ws://127.0.0.1:3000/ws".to_owned());
    let mut client = match client(&url) {
        Ok(client) => client,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    };
    // The handle works from any task, whether there is a connection or not.
    tokio::spawn(count(client.outbox()));
    let outbox = client.outbox();
    tokio::spawn(async move {
        ws_examples::stop_signal().await;
        // The close frame of 1000 may always be sent.
        let _ = outbox.close(CloseCode::NORMAL_CLOSURE);
    });

    // This drives it all: nothing happens but while the next event is awaited.
    while let Some(event) = client.next().await {
        match event {
            Event::Up { attempt, .. } => println!("up, at attempt {attempt}"),
            Event::Message(message) => println!("{message:?}"),
            Event::Down { cause, retry_in, .. } => tell("down", &cause, retry_in),
            Event::Failed { cause, retry_in, .. } => tell("failed", &cause, retry_in),
            _ => {}
        }
    }
    ExitCode::SUCCESS
}

fn client(url: &str) -> Result<Reconnecting, DialError> {
    let client = Reconnecting::new(Dialer::new(), url)?
        // A server of many clients is better off with the defaults: half a second and half a minute.
        .backoff(Backoff::new().initial(Duration::from_millis(200)).max(Duration::from_secs(5)))
        .setup(|mut conn| async move {
            // Here a client signs in and subscribes, on each new connection and before anything that is queued. This
            // server echoes; another one's answer would be checked.
            conn.write_message("hello").await?;
            match conn.read_message().await? {
                Some(Message::Text(_)) => Ok(conn),
                other => Err(format!("no greeting but {other:?}").into()),
            }
        });
    Ok(client)
}

/// Sends numbers. Those of the time without a connection wait in the queue; those that were on their way when it was lost may be
/// missing.
async fn count(outbox: Outbox) {
    for number in 0.. {
        // It waits when the queue is full, and fails when the client is closed.
        if outbox.send(format!("number {number}")).await.is_err() {
            return;
        }
        sleep(Duration::from_secs(1)).await;
    }
}

fn tell(what: &str, cause: &Cause, retry_in: Option<Duration>) {
    match retry_in {
        Some(wait) => println!("{what}: {cause}; again in {wait:.1?}"),
        None => println!("{what}: {cause}"),
    }
}
