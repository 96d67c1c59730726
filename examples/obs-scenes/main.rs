//! How do I switch scenes of OBS from the terminal?
//!
//! ```text
//! OBS_PASSWORD=secret cargo run --release --features obs --bin obs-scenes
//! OBS_PASSWORD=secret cargo run --release --features obs --bin obs-scenes ws://studio:4455
//! ```
//!
//! It lists the scenes. A line with a number or a name puts that scene on air; scenes that are switched in OBS are told, too. The end of the
//! input ends it.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use tokio::io::{AsyncBufReadExt as _, BufReader, stdin};
use ws_examples::obs::{describe, obs};
use ws_obs::{
    Client, Error,
    events::CurrentProgramSceneChanged,
    requests::{GetSceneList, SetCurrentProgramScene},
};

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
    let client = obs(std::env::args().nth(1)).connect().await?;
    let mut switched = client.events_of::<CurrentProgramSceneChanged>().await?;
    list(&client).await?;
    let mut lines = BufReader::new(stdin()).lines();
    loop {
        tokio::select! {
            line = lines.next_line() => match line {
                Ok(Some(line)) => {
                    // A scene that is not there is no reason to end.
                    if let Err(error) = switch(&client, line.trim()).await {
                        eprintln!("{}", describe(&error));
                    }
                }
                _ => break,
            },
            event = switched.next() => match event {
                Some(Ok(scene)) => println!("on air: {}", scene.scene_name),
                // The connection was lost, or too many came: say how it is now.
                Some(Err(gap)) => {
                    eprintln!("{gap}");
                    list(&client).await?;
                }
                None => return client.connected().await,
            },
        }
    }
    client.close().await;
    Ok(())
}

/// The scenes from top to bottom, as OBS shows them. It lists them the other way round.
async fn scenes(client: &Client) -> Result<(Vec<String>, Option<String>), Error> {
    let list = client.call(GetSceneList::new()).await?;
    let names = list.scenes.into_iter().rev().map(|scene| scene.scene_name).collect();
    Ok((names, list.current_program_scene_name))
}

async fn list(client: &Client) -> Result<(), Error> {
    let (names, on_air) = scenes(client).await?;
    for (number, name) in names.iter().enumerate() {
        let mark = if on_air.as_ref() == Some(name) { '*' } else { ' ' };
        println!("{mark} {}  {name}", number + 1);
    }
    Ok(())
}

async fn switch(client: &Client, line: &str) -> Result<(), Error> {
    if line.is_empty() {
        return list(client).await;
    }
    let (names, _) = scenes(client).await?;
    let by_number = line.parse::<usize>().ok().and_then(|number| names.get(number.checked_sub(1)?));
    let name = by_number.map_or(line, String::as_str);
    client.call(SetCurrentProgramScene::new(name)).await
}
