//! A client for obs-websocket 5, with which programs control OBS Studio.
//!
//! ```no_run
//! use ws_obs::{Obs, events::CurrentProgramSceneChanged, requests::SetCurrentProgramScene};
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let client = Obs::new("ws://localhost:4455").password("secret").connect().await?;
//! let mut scenes = client.events_of::<CurrentProgramSceneChanged>().await?;
//! client.call(SetCurrentProgramScene::new("Live")).await?;
//! while let Some(scene) = scenes.next().await {
//!     println!("on air: {}", scene?.scene_name);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # What it does
//!
//! * [`Obs`] says where OBS is and how to speak with it; [`Obs::connect`] gives a [`Client`], which is cheap to clone. `ws://` and
//!   `wss://`, any path, proxies and certificates by [`Obs::map_dialer`].
//! * All [`requests`] and [`events`] of the protocol have types, and what they are made of is in [`types`]. Values that are not
//!   known here are kept, and fields that older servers do not send are options. [`Client::call_raw`] and [`Client::raw_events`] go
//!   without types, [`Client::call_vendor`] speaks with plugins.
//! * Any number of requests may be on their way. Each has a deadline, and is matched with its answer by id.
//! * [`Client::events`] and [`Client::events_of`] give events as streams. What the server has to send follows from the streams there
//!   are. A slow reader is [told](Gap) what it missed, and holds up nobody.
//! * [`Batch`] sends several requests in one message, with variables between them.
//! * A connection that is lost is opened again, with the same subscriptions, and [`Obs::on_connect`] sets it up. A server that is gone
//!   without a word is noticed by pings. [`Client::state`] tells how the client stands.
//! * JSON, and with the feature `msgpack` MessagePack: [`Encoding`].
//! * With the feature `testing` there is a server in process, to test automation with.
//!
//! # How it works
//!
//! ```text
//! Client ──► calls by id ──► ws_client's outbox ──► connection ──► OBS
//!        ◄── answers ◄─┐                                │
//! Events ◄── queues ◄──┴──── task: decode, match ◄──────┘
//! ```
//!
//! One task of the runtime drives a [`Reconnecting`](ws_client::reconnect::Reconnecting): it identifies the client on each new connection,
//! gives answers to the calls that wait for them and events to the queues of the streams, and asks the server for other events when
//! streams come and go. A call registers itself and hands its message to the connection in one step, so that it is
//! answered by that connection, or fails with it, and is never sent by a later one. Nothing here is sent twice but
//! requests that the server said it did not look at.
//!
//! The types come from `schema/protocol.toml`; a test holds them to it.
//!
//! # Features
//!
//! * `rustls` (default): `wss://`, for relays and proxies; OBS itself has no TLS. `native-tls` is the other way to it.
//! * `msgpack`: MessagePack on the wire.
//! * `testing`: the module `testing`.
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod batch;
mod client;
mod driver;
mod error;
mod id;
mod identify;
mod message;
mod obs;
mod protocol;
mod shared;
mod state;
mod subscription;
#[cfg(feature = "testing")]
#[cfg_attr(docsrs, doc(cfg(feature = "testing")))]
pub mod testing;

pub use crate::{
    batch::{Batch, BatchResults, Entry, Ticket, UnorderedResult},
    client::Client,
    error::{Error, ErrorKind, UsageError},
    id::Id,
    message::Encoding,
    obs::Obs,
    protocol::{EventData, RawEvent, Request, events, requests, responses, types},
    state::{ServerInfo, State, States},
    subscription::{Events, Gap},
};
/// What data without types is made of.
#[doc(no_inline)]
pub use serde_json;
/// The client of WebSockets below, for dialers.
#[doc(no_inline)]
pub use ws_client;
/// When to connect again.
#[doc(no_inline)]
pub use ws_client::reconnect::Backoff;
