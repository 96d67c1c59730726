//! What the examples that control OBS share.

use std::env;

use ws_obs::{Error, Obs};

/// Where OBS is: the URL on the command line or this machine's, and the password in the environment, where no list of processes shows
/// it.
pub fn obs(url: Option<String>) -> Obs {
    let obs = Obs::new(url.unwrap_or_else(|| "ws://localhost:4455".to_owned()));
    match env::var("OBS_PASSWORD") {
        Ok(password) => obs.password(password),
        Err(_) => obs,
    }
}

/// An error with all that stands behind it.
#[must_use]
pub fn describe(error: &Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}
