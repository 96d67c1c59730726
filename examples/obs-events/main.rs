//! How do I log what happens in OBS, whether it runs yet or not?
//!
//! ```text
//! OBS_PASSWORD=secret cargo run --release --features obs --bin obs-events
//! OBS_PASSWORD=secret cargo run --release --features obs --bin obs-events ws://studio:4455
//! ```
//!
//! Each event is a line: its name, and its data in JSON. OBS may be started before or after it, and restarted. Ctrl-C ends it.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use ws_examples::obs::{describe, obs};
use ws_obs::{Client, Error, State, types::EventSubscription};

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{}", describe(&error));
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Error> {
    let client = obs(std::env::args().nth(1)).start()?;
    tokio::spawn(tell_states(client.clone()));
    // Without types: whatever comes is logged, and so is what this version knows nothing of.
    let mut events = client.raw_events(EventSubscription::ALL).await?;
    let stop = ws_examples::stop_signal();
    tokio::pin!(stop);
    loop {
        tokio::select! {
            event = events.next() => match event {
                Some(Ok(event)) => println!("{} {}", event.event_type, event.data),
                Some(Err(gap)) => println!("-- {gap}"),
                // Closed for good; this says why.
                None => return client.connected().await,
            },
            () = &mut stop => break,
        }
    }
    client.close().await;
    Ok(())
}

async fn tell_states(client: Client) {
    let mut states = client.states();
    // They do not keep the client connected, and nor should this.
    drop(client);
    while let Some(state) = states.next().await {
        match state {
            State::Connected(server) => eprintln!("connected to obs-websocket {}", server.web_socket_version),
            State::Waiting { error, retry_in, .. } => {
                eprintln!("{}; again in {retry_in:.1?}", describe(&error))
            }
            _ => {}
        }
    }
}
