//! Controls an OBS that `tests/obs/run.py` has started: what the scripted server of ws-obs is believed to do is asked of the real one.
//!
//! It prints a line for each check and a sum at the end. `end` and `start` ask the runner to end OBS hard, and to start it again.
#![forbid(unsafe_code)]

mod checks;
mod restart;

use std::{env, process::ExitCode, time::Duration};

use ws_obs::{Encoding, Obs, ws_client::reconnect::Backoff};

/// What a check fails with.
type Fault = Box<dyn std::error::Error + Send + Sync>;

/// The OBS that is there.
struct Place {
    url: String,
    password: String,
}

impl Place {
    fn obs(&self, encoding: Encoding) -> Obs {
        Obs::new(&self.url)
            .password(&self.password)
            .encoding(encoding)
            .timeout(Duration::from_secs(20))
            .reconnect(Backoff::new().max(Duration::from_secs(2)))
    }
}

/// How many checks went how.
#[derive(Default)]
struct Tally {
    passed: u32,
    failed: u32,
}

impl Tally {
    fn note(&mut self, name: &str, result: Result<(), Fault>) {
        match result {
            Ok(()) => {
                self.passed += 1;
                println!("  ok   {name}");
            }
            Err(error) => {
                self.failed += 1;
                println!("  FAIL {name}: {error}");
                let mut source = error.source();
                while let Some(error) = source {
                    println!("       {error}");
                    source = error.source();
                }
            }
        }
    }
}

fn ensure(holds: bool, otherwise: impl Into<String>) -> Result<(), Fault> {
    if holds { Ok(()) } else { Err(otherwise.into().into()) }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let (Some(url), Ok(password)) = (env::args().nth(1), env::var("OBS_PASSWORD")) else {
        eprintln!("usage: OBS_PASSWORD=… OBS_DIRECTORY=… obs-session URL");
        return ExitCode::from(2);
    };
    let place = Place { url, password };
    let mut tally = Tally::default();
    for encoding in [Encoding::Json, Encoding::MsgPack] {
        checks::run(&place, encoding, &mut tally).await;
    }
    tally.note("wrong password", checks::wrong_password(&place).await);
    tally.note("no password", checks::no_password(&place).await);
    tally.note("OBS that ends and comes back", restart::come_back(&place).await);
    println!("{} passed, {} failed", tally.passed, tally.failed);
    if tally.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
