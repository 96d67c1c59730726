//! Everything that is finite and small enough to go through, against the model: what is found here is no sample.
//!
//! That takes optimised code. By itself a test goes through a part of its cases, evenly spread; this goes through all of them
//! and says how many there were:
//!
//! ```text
//! WS_EXHAUSTIVE=1 cargo test --release -p ws-core --lib -- --nocapture exhaustive::
//! ```
//!
//! `WS_EXHAUSTIVE=2` adds what takes minutes.

mod closes;
#[cfg(feature = "deflate")]
mod compressed;
mod headers;
mod masking;
#[cfg(all(feature = "deflate", feature = "handshake"))]
mod negotiation;
mod sequences;
mod utf8;

use std::env;

use super::{
    model::{Model, Verdict, close_code},
    trace::{Endpoint, Told},
    wire::{CLOSE, FIN, Written, frames_of},
};
use crate::{Config, Message, Role};

/// How much there is time for.
fn effort() -> u32 {
    env::var("WS_EXHAUSTIVE").map_or(0, |effort| effort.parse().expect("WS_EXHAUSTIVE is a number"))
}

/// Chooses which cases are gone through, and counts them.
struct Cases {
    name: &'static str,
    /// One case of so many.
    stride: u64,
    seen: u64,
    verdicts: u64,
}

impl Cases {
    /// All cases if there is time, otherwise one of `stride`: a prime, so that it meets every value of every part.
    fn new(name: &'static str, stride: u64) -> Self {
        Self { name, stride: if effort() > 0 { 1 } else { stride }, seen: 0, verdicts: 0 }
    }

    /// Whether to look at the next case.
    fn next(&mut self) -> bool {
        self.seen += 1;
        self.seen % self.stride == 0
    }

    /// A verdict agreed.
    fn count(&mut self) {
        self.verdicts += 1;
    }
}

impl Drop for Cases {
    fn drop(&mut self) {
        assert!(self.verdicts > 0 || std::thread::panicking(), "{}: no cases", self.name);
        println!("{}: {} verdicts of {} cases", self.name, self.verdicts, self.seen);
    }
}

/// An endpoint in the state that the model describes.
fn endpoint(model: &Model) -> Endpoint {
    let mut endpoint = open_endpoint(model);
    if model.close_sent {
        endpoint.send(Message::Close(None)).expect("a close frame can be sent");
        endpoint.take_bytes();
    }
    endpoint
}

#[cfg(feature = "deflate")]
fn open_endpoint(model: &Model) -> Endpoint {
    let config = config(model);
    if model.deflate {
        return Endpoint::with_deflate(
            model.role,
            &config,
            crate::NegotiatedDeflate::new(),
            &crate::DeflateConfig::new(),
        );
    }
    Endpoint::with(model.role, &config)
}

#[cfg(not(feature = "deflate"))]
fn open_endpoint(model: &Model) -> Endpoint {
    Endpoint::with(model.role, &config(model))
}

fn config(model: &Model) -> Config {
    Config::new().max_message_size(model.max_message)
}

/// Whether permessage-deflate is negotiated.
fn negotiated() -> &'static [bool] {
    if cfg!(feature = "deflate") { &[false, true] } else { &[false] }
}

/// Asserts that an endpoint told and wrote what the model says.
fn assert_agrees(model: &Model, verdict: &Verdict, endpoint: &mut Endpoint, context: &dyn Fn() -> String) {
    assert!(
        verdict.agrees(&endpoint.told),
        "{model:?} {}\n told {:?}\n must {verdict:?}",
        context(),
        endpoint.told
    );
    let written = take_written(model.role, endpoint);
    let mut answers = verdict.answers.clone();
    if let Some(Told::Failed(rule)) = endpoint.told.last() {
        let code = close_code(*rule).to_be_bytes();
        answers.extend((!model.close_sent).then(|| (FIN | CLOSE, code.to_vec())));
    }
    assert_eq!(written, answers, "{model:?} {}", context());
}

fn take_written(role: Role, endpoint: &mut Endpoint) -> Vec<Written> {
    let bytes = endpoint.take_bytes();
    frames_of(role, &bytes)
}
