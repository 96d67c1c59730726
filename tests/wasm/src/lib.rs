//! ws-wasm in a browser, against `browser-peer`: `tests/run wasm` builds this for wasm32 and runs it in pages and in workers.
//!
//! A test is a function that fails by an error, since a panic would end the whole module.
#![cfg(target_family = "wasm")]

mod bytes;
mod closing;
mod dialing;
mod flow;
mod messages;
mod one_source;
mod reconnecting;
mod shared;

use std::{future::Future, pin::Pin};

use wasm_bindgen::prelude::*;
use ws_wasm::{Api, Dialer, WebSocket};

use self::shared::Outcome;

type Test = (&'static str, fn(Peer) -> Pin<Box<dyn Future<Output = Outcome>>>);

/// The server, and the interface that is tested.
#[derive(Clone)]
struct Peer {
    server: String,
    api: Api,
}

impl Peer {
    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.server)
    }

    fn dialer(&self) -> Dialer {
        Dialer::new().api(self.api)
    }

    async fn dial(&self, path: &str) -> Result<WebSocket, ws_wasm::DialError> {
        self.dialer().dial(self.url(path)).await
    }

    /// What the server knows of a connection.
    async fn report(&self, name: &str) -> Result<String, Box<dyn std::error::Error>> {
        let mut socket = self.dial(&format!("/report/{name}")).await?;
        socket.write_message("?").await?;
        let report = socket.read_message().await?.ok_or("the server closed")?.into_text()?;
        Ok(report.to_string())
    }

    /// Has the server of this name read.
    async fn let_go(&self, name: &str) -> Outcome {
        self.dial(&format!("/go/{name}")).await?;
        Ok(())
    }

    /// A name that no other test has.
    fn name(&self) -> String {
        format!("{:x}", (js_sys::Math::random() * 1e15) as u64)
    }
}

fn tests() -> impl Iterator<Item = Test> {
    let groups = [
        bytes::TESTS,
        closing::TESTS,
        dialing::TESTS,
        flow::TESTS,
        messages::TESTS,
        one_source::TESTS,
        reconnecting::TESTS,
    ];
    groups.into_iter().flat_map(|group| group.iter().copied())
}

/// The names of the tests.
#[wasm_bindgen]
pub fn names() -> Vec<String> {
    std::panic::set_hook(Box::new(|panic| wasm_bindgen::throw_str(&panic.to_string())));
    tests().map(|(name, _)| name.to_owned()).collect()
}

/// Runs a test against a server, `ws://HOST:PORT`, over `WebSocketStream` or `WebSocket`.
#[wasm_bindgen]
pub async fn run(name: String, server: String, streamed: bool) -> Result<(), JsValue> {
    let (_, test) = tests().find(|(known, _)| *known == name).ok_or("there is no such test")?;
    let api = if streamed { Api::Stream } else { Api::Socket };
    test(Peer { server, api }).await.map_err(|error| JsValue::from_str(&error.to_string()))
}

/// Opens so many sockets, exchanges a message on each, and drops them.
#[wasm_bindgen]
pub async fn churn(server: String, count: usize, streamed: bool) -> Result<(), JsValue> {
    let api = if streamed { Api::Stream } else { Api::Socket };
    let peer = Peer { server, api };
    flow::churn(&peer, count).await.map_err(|error| JsValue::from_str(&error.to_string()))
}

/// Has so many sockets end in the middle of writes.
#[wasm_bindgen]
pub async fn stalled(server: String, count: usize, streamed: bool) -> Result<(), JsValue> {
    let api = if streamed { Api::Stream } else { Api::Socket };
    let peer = Peer { server, api };
    flow::stalled(&peer, count).await.map_err(|error| JsValue::from_str(&error.to_string()))
}

/// Lets a server flood this page with so many messages of 64 KiB while nobody reads; gives what waited at the most, in bytes.
#[wasm_bindgen]
pub async fn flooded(server: String, count: u32, streamed: bool, way: String) -> Result<f64, JsValue> {
    let api = if streamed { Api::Stream } else { Api::Socket };
    let peer = Peer { server, api };
    flow::flooded(&peer, count, &way).await.map_err(|error| JsValue::from_str(&error.to_string()))
}

/// How many objects of JavaScript are held, and the bytes of memory.
#[wasm_bindgen]
pub fn held() -> Vec<u32> {
    let memory: js_sys::WebAssembly::Memory = wasm_bindgen::memory().unchecked_into();
    let buffer: js_sys::ArrayBuffer = memory.buffer().unchecked_into();
    vec![wasm_bindgen::externref_heap_live_count(), buffer.byte_length()]
}

/// Lists functions as tests.
macro_rules! list {
    ($($name:ident)+) => {
        pub(crate) const TESTS: &[crate::Test] = &[$((stringify!($name), |peer| Box::pin($name(peer)))),+];
    };
}

/// Fails the test unless both are equal.
macro_rules! same {
    ($left:expr, $right:expr $(,)?) => {{
        // A match keeps what is borrowed from until its end.
        match (&$left, &$right) {
            (left, right) if left == right => {}
            (left, right) => return Err(format!("line {}: {left:?} is not {right:?}", line!()).into()),
        }
    }};
}

/// Fails the test unless this is so.
macro_rules! holds {
    ($what:expr $(,)?) => {
        if !$what {
            return Err(format!("line {}: not {}", line!(), stringify!($what)).into());
        }
    };
}

pub(crate) use {holds, list, same};
