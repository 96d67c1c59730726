//! How do I control a recording of OBS from the terminal, or from a script?
//!
//! ```text
//! export OBS_PASSWORD=secret
//! cargo run --release --features obs --bin obs-record start
//! cargo run --release --features obs --bin obs-record status
//! cargo run --release --features obs --bin obs-record pause
//! cargo run --release --features obs --bin obs-record resume
//! cargo run --release --features obs --bin obs-record stop ws://studio:4455
//! ```
//!
//! `start` and `stop` wait until OBS says that it is done, and `stop` prints the path of the file.
#![forbid(unsafe_code)]

use std::{process::ExitCode, time::Duration};

use tokio::time::timeout;
use ws_examples::obs::{describe, obs};
use ws_obs::{
    Client, Error, Events,
    events::RecordStateChanged,
    requests::{GetRecordStatus, PauseRecord, ResumeRecord, StartRecord, StopRecord},
    types::OutputState,
};

#[tokio::main]
async fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let Some(command) = args.next() else {
        eprintln!("usage: obs-record start | stop | pause | resume | status [URL]");
        return ExitCode::from(2);
    };
    // A command is done and over: nothing is to be tried again behind anybody's back.
    let client = match obs(args.next()).reconnect(None).connect().await {
        Ok(client) => client,
        Err(error) => return failed(&error),
    };
    let result = match command.as_str() {
        "start" => start(&client).await,
        "stop" => stop(&client).await,
        "pause" => client.call(PauseRecord::new()).await,
        "resume" => client.call(ResumeRecord::new()).await,
        "status" => status(&client).await,
        other => {
            eprintln!("there is no command {other:?}");
            return ExitCode::from(2);
        }
    };
    client.close().await;
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&error),
    }
}

fn failed(error: &Error) -> ExitCode {
    eprintln!("{}", describe(error));
    ExitCode::FAILURE
}

async fn start(client: &Client) -> Result<(), Error> {
    // Before the request, so that no state is missed.
    let mut states = client.events_of::<RecordStateChanged>().await?;
    client.call(StartRecord::new()).await?;
    match wait_for(&mut states, OutputState::Started).await {
        Some(_) => println!("recording"),
        None => println!("asked for; OBS has not said that it records"),
    }
    Ok(())
}

async fn stop(client: &Client) -> Result<(), Error> {
    let mut states = client.events_of::<RecordStateChanged>().await?;
    let answer = client.call(StopRecord::new()).await?;
    let state = wait_for(&mut states, OutputState::Stopped).await;
    match state.and_then(|state| state.output_path).or(answer.output_path) {
        Some(path) => println!("{path}"),
        None => println!("stopped"),
    }
    Ok(())
}

/// The change to this state, if it comes soon.
async fn wait_for(
    states: &mut Events<RecordStateChanged>,
    wanted: OutputState,
) -> Option<RecordStateChanged> {
    let wait = async {
        while let Some(state) = states.next().await {
            match state {
                Ok(state) if state.output_state == wanted => return Some(state),
                _ => {}
            }
        }
        None
    };
    timeout(Duration::from_secs(10), wait).await.ok().flatten()
}

async fn status(client: &Client) -> Result<(), Error> {
    let status = client.call(GetRecordStatus::new()).await?;
    match (status.output_active, status.output_paused) {
        (false, _) => println!("not recording"),
        (true, true) => println!("paused at {}", status.output_timecode),
        (true, false) => println!("recording for {}, {} bytes", status.output_timecode, status.output_bytes),
    }
    Ok(())
}
