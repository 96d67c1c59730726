//! The browser's WebSocket with the names of `ws-client`, so that one source compiles for pages and for native programs.
//!
//! ```no_run
//! use ws_wasm::{DialError, Message, dial};
//!
//! /// The same in a page, a worker, and a program of any other kind.
//! async fn greet(url: &str) -> Result<(), Box<dyn std::error::Error>> {
//!     let mut socket = dial(url).await?;
//!     socket.write_message("hello").await?;
//!     while let Some(message) = socket.read_message().await? {
//!         if let Message::Text(text) = message {
//!             println!("{text}");
//!             break;
//!         }
//!     }
//!     socket.close(None).await?;
//!     Ok(())
//! }
//! ```
//!
//! # One source
//!
//! | Name | In a browser (`wasm32-unknown-unknown`) | Elsewhere |
//! |---|---|---|
//! | [`dial`], [`Dialer`] | the browser's `WebSocket` or `WebSocketStream` | a subset of `ws_client::Dialer` |
//! | [`WebSocket`] | [`browser::Socket`] | `ws_client::Conn` |
//! | [`ReadHalf`], [`WriteHalf`], [`MessageReader`], [`MessageWriter`], [`ByteStream`] | those of [`browser`] | those of `ws_core` |
//! | [`Instant`], [`sleep`] | the page's clock and timers | those of `std` and tokio |
//! | [`reconnect`] | the same over the browser's timers | that of `ws_client` |
//! | [`Message`], [`CloseFrame`], [`Error`], [`ErrorKind`] | `ws_core`'s | `ws_core`'s |
//! | [`DialError`], [`DialErrorKind`] | those of [`browser`], which can say little | those of `ws_client`, with other kinds |
//!
//! What a browser cannot do has no method there, and so does not compile: headers, TLS options, `control` and its pings, fragments,
//! compression, `abort`. A [`Message::Ping`] or [`Message::Pong`] can be written everywhere; in a browser that is a usage error,
//! [`UsageError::ControlUnsupported`]. Elsewhere all of `ws_client` is at hand: [`WebSocket`] is its connection, and [`Dialer`] is made
//! from its dialer.
//!
//! Futures are not `Send` in a browser: JavaScript has one thread.
//!
//! # In a browser
//!
//! * **Messages or bytes.** `read_message` and `write_message`, `Stream` and `Sink`, JSON (feature `json`), `next_reader` and `next_writer`,
//!   and [`into_byte_stream`](browser::Socket::into_byte_stream) for protocols that know nothing of messages.
//! * **Writes wait** while the browser holds more than [`high_water_mark`](Dialer::high_water_mark).
//! * **What is not read is bounded** by [`max_queued`](Dialer::max_queued); [`Overflow`] says what happens beyond. With
//!   [`Api::Stream`] the server is slowed down instead, where the browser has `WebSocketStream`.
//! * **Close codes are legal ones.** Browsers send 1000 and 3000 to 4999 alone; [`browser`] has the table of what becomes of others.
//! * **Nothing is left behind.** A socket that is dropped is closed, and none of its handlers runs after that.
//! * Windows and workers alike: nothing but globals that both have is used.
//! * [`reconnect`] dials again when a connection is lost.
//!
//! # Features
//!
//! * `json`: `read_json` and `write_json`.
//! * `rustls` (default): `wss://` in native programs. Browsers speak it by themselves.
//! * `tokio`: tokio's `AsyncRead` and `AsyncWrite` for byte streams, beside those of `futures-io`. Native programs always have both.
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg_attr(
    not(target_family = "wasm"),
    allow(dead_code, unused_imports, reason = "what only a browser has to do with")
)]
pub mod browser;
#[cfg(not(target_family = "wasm"))]
mod native;
pub mod reconnect;
#[cfg(target_family = "wasm")]
mod web;

#[cfg(not(target_family = "wasm"))]
use self::native as target;
#[cfg(target_family = "wasm")]
use self::web as target;

#[cfg(target_family = "wasm")]
pub use self::web::{Watch, Web};
pub use self::{
    browser::{Api, BinaryType, Overflow},
    target::{
        ByteStream, DialError, DialErrorKind, Dialer, Instant, MessageReader, MessageWriter, ReadHalf,
        WebSocket, WriteHalf, dial, sleep,
    },
};
#[doc(no_inline)]
pub use ws_core::{
    CloseCode, CloseFrame, Error, ErrorKind, Message, MessageKind, PreparedMessage, ProtocolError,
    UsageError, Utf8Bytes,
};
