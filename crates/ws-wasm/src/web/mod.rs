//! The names for browsers. Only in here is JavaScript spoken.

mod dialer;
mod global;
mod plain;
mod stream;

use std::{io, time::Duration};

use bytes::Bytes;
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::JsFuture;

pub(crate) use self::global::now;
pub use self::{
    dialer::{Dialer, dial},
    global::Watch,
};
use self::{plain::Plain, stream::Streamed};
use crate::browser::{BrowserSocket, Facts, LocalFuture, sealed};
pub use crate::browser::{DialError, DialErrorKind, Instant};

/// A connection: [`Socket`](crate::browser::Socket) over the browser's.
pub type WebSocket = crate::browser::Socket<Web>;
/// The half of a connection that reads.
pub type ReadHalf = crate::browser::ReadHalf<Web>;
/// The half of a connection that writes.
pub type WriteHalf = crate::browser::WriteHalf<Web>;
/// An incoming message as a byte stream.
pub type MessageReader<'a> = crate::browser::MessageReader<'a, Web>;
/// An outgoing message as a byte stream.
pub type MessageWriter<'a> = crate::browser::MessageWriter<'a, Web>;
/// A connection as a byte stream.
pub type ByteStream = crate::browser::ByteStream<Web>;

/// The WebSocket of a browser, of either of its interfaces.
#[derive(Debug)]
pub struct Web(Interface);

#[derive(Debug)]
enum Interface {
    Plain(Plain),
    Streamed(Streamed),
}

impl WebSocket {
    /// The browser's own `WebSocket`, to ask or hear of it what there is no method for; `None` over `WebSocketStream`, and after a close timeout.
    ///
    /// What is added to it has to be removed from it: other listeners outlive this. Its `onopen`, `onmessage` and `onclose`, and its
    /// `binaryType`, are in use.
    #[must_use]
    pub fn web_socket(&self) -> Option<web_sys::WebSocket> {
        self.browser(|web| match &web.0 {
            Interface::Plain(socket) => Some(socket.web_socket()),
            Interface::Streamed(_) => None,
        })
    }
}

impl sealed::Sealed for Web {}

impl BrowserSocket for Web {
    type Blob = web_sys::Blob;
    type Watch = Watch;

    fn send_text(&self, text: &str) -> io::Result<()> {
        match &self.0 {
            Interface::Plain(socket) => socket.send_text(text),
            Interface::Streamed(socket) => socket.send(&JsValue::from_str(text), text.len()),
        }
    }

    fn send_binary(&self, data: &[u8]) -> io::Result<()> {
        match &self.0 {
            Interface::Plain(socket) => socket.send_binary(data),
            // The memory of the page may move before the stream has taken it.
            Interface::Streamed(socket) => socket.send(&js_sys::Uint8Array::from(data), data.len()),
        }
    }

    fn buffered_amount(&self) -> u64 {
        match &self.0 {
            Interface::Plain(socket) => socket.buffered_amount(),
            Interface::Streamed(socket) => socket.buffered_amount(),
        }
    }

    fn close(&self, code: Option<u16>, reason: &str) {
        match &self.0 {
            Interface::Plain(socket) => socket.close(code, reason),
            Interface::Streamed(socket) => socket.close(code, reason),
        }
    }

    fn give_up(&self) {
        match &self.0 {
            // It has a time limit of its own.
            Interface::Plain(_) => {}
            Interface::Streamed(socket) => socket.give_up(),
        }
    }

    fn facts(&self) -> Facts {
        match &self.0 {
            Interface::Plain(socket) => socket.facts(),
            Interface::Streamed(socket) => socket.facts(),
        }
    }

    fn read_blob(blob: web_sys::Blob) -> LocalFuture<io::Result<Bytes>> {
        Box::pin(async move {
            let buffer = JsFuture::from(blob.array_buffer()).await.map_err(|error| thrown(&error))?;
            Ok(js_sys::Uint8Array::new(&buffer).to_vec().into())
        })
    }

    fn now() -> Instant {
        now()
    }

    fn sleep(duration: Duration) -> LocalFuture<()> {
        Box::pin(global::Sleep::new(duration))
    }

    fn watch(tell: Box<dyn Fn()>) -> Watch {
        Watch::new(tell)
    }

    fn random() -> u64 {
        (js_sys::Math::random() * u64::MAX as f64) as u64
    }
}

/// Is done after this time, by the timer of a page or of tokio.
pub async fn sleep(duration: Duration) {
    global::Sleep::new(duration).await;
}

/// What was thrown, as an error.
fn thrown(error: &JsValue) -> io::Error {
    io::Error::other(describe(error))
}

/// The words of what was thrown.
fn describe(error: &JsValue) -> String {
    let message = property(error, "message").and_then(|message| message.as_string());
    message.or_else(|| error.as_string()).unwrap_or_else(|| "an exception without words".to_owned())
}

/// A property that may not be there.
fn property(object: &JsValue, name: &str) -> Option<JsValue> {
    let value = js_sys::Reflect::get(object, &JsValue::from_str(name)).ok()?;
    (!value.is_undefined() && !value.is_null()).then_some(value)
}
