//! `WebSocket`, which every browser has.

use std::io;

use bytes::Bytes;
use js_sys::{ArrayBuffer, JsString, Uint8Array};
use wasm_bindgen::{JsCast as _, prelude::*};
use web_sys::{Blob, CloseEvent, MessageEvent, WebSocket};
use ws_core::Message;

use super::{describe, property, thrown};
use crate::{
    BinaryType,
    browser::{Arrived, DialError, DialErrorKind, Facts, Farewell, Inbox},
};

/// A `WebSocket` with its handlers, which go with this.
#[derive(Debug)]
pub(super) struct Plain {
    socket: WebSocket,
    _open: Closure<dyn FnMut()>,
    _message: Closure<dyn FnMut(MessageEvent)>,
    _close: Closure<dyn FnMut(CloseEvent)>,
}

impl Plain {
    pub(super) fn new(
        url: &str,
        subprotocols: &[String],
        binary_type: BinaryType,
        inbox: &Inbox<Blob>,
    ) -> Result<Self, DialError> {
        let names: js_sys::Array = subprotocols.iter().map(|name| JsValue::from_str(name)).collect();
        let socket = WebSocket::new_with_str_sequence(url, &names).map_err(|error| refused(&error))?;
        socket.set_binary_type(match binary_type {
            BinaryType::ArrayBuffer => web_sys::BinaryType::Arraybuffer,
            BinaryType::Blob => web_sys::BinaryType::Blob,
        });
        let told = inbox.clone();
        let open = Closure::<dyn FnMut()>::new(move || told.opened());
        let told = inbox.clone();
        let closes = socket.clone();
        let message = Closure::<dyn FnMut(_)>::new(move |event: MessageEvent| {
            if let Some(Farewell { code, reason }) = offer(&told, &event.data()) {
                close(&closes, Some(code), reason);
            }
        });
        let told = inbox.clone();
        let over = Closure::<dyn FnMut(_)>::new(move |event: CloseEvent| {
            told.closed(event.code(), &event.reason(), event.was_clean());
        });
        socket.set_onopen(Some(open.as_ref().unchecked_ref()));
        socket.set_onmessage(Some(message.as_ref().unchecked_ref()));
        socket.set_onclose(Some(over.as_ref().unchecked_ref()));
        // Error events say nothing, and a close event follows each.
        Ok(Self { socket, _open: open, _message: message, _close: over })
    }

    pub(super) fn web_socket(&self) -> WebSocket {
        self.socket.clone()
    }

    pub(super) fn send_text(&self, text: &str) -> io::Result<()> {
        self.socket.send_with_str(text).map_err(|error| thrown(&error))
    }

    pub(super) fn send_binary(&self, data: &[u8]) -> io::Result<()> {
        self.socket.send_with_u8_array(data).map_err(|error| thrown(&error))
    }

    pub(super) fn buffered_amount(&self) -> u64 {
        self.socket.buffered_amount().into()
    }

    pub(super) fn close(&self, code: Option<u16>, reason: &str) {
        close(&self.socket, code, reason);
    }

    pub(super) fn facts(&self) -> Facts {
        Facts {
            extensions: self.socket.extensions(),
            subprotocol: self.socket.protocol(),
            url: self.socket.url(),
        }
    }
}

impl Drop for Plain {
    fn drop(&mut self) {
        // Before what they call is gone.
        self.socket.set_onopen(None);
        self.socket.set_onmessage(None);
        self.socket.set_onclose(None);
    }
}

fn close(socket: &WebSocket, code: Option<u16>, reason: &str) {
    // It throws for codes and reasons that were checked before.
    let _ = match code {
        Some(code) => socket.close_with_code_and_reason(code, reason),
        None => socket.close(),
    };
}

/// Gives a message to the queue in the form in which it came.
pub(super) fn offer(inbox: &Inbox<Blob>, data: &JsValue) -> Option<Farewell> {
    if let Some(text) = data.dyn_ref::<JsString>() {
        // A character of UTF-16 is one byte of UTF-8 at least.
        return inbox
            .offer(text.length() as usize, || Some(Arrived::Message(Message::text(String::from(text)))));
    }
    if let Some(buffer) = data.dyn_ref::<ArrayBuffer>() {
        let bytes = || Some(Bytes::from(Uint8Array::new(buffer).to_vec()).into());
        return inbox.offer(buffer.byte_length() as usize, bytes);
    }
    if let Some(view) = data.dyn_ref::<Uint8Array>() {
        return inbox.offer(view.byte_length() as usize, || Some(Bytes::from(view.to_vec()).into()));
    }
    let blob = data.dyn_ref::<Blob>()?;
    let len = blob.size() as usize;
    inbox.offer(len, || Some(Arrived::Blob(blob.clone(), len)))
}

/// Why there is no socket.
pub(super) fn refused(error: &JsValue) -> DialError {
    let name = property(error, "name").and_then(|name| name.as_string());
    let kind = match name.as_deref() {
        Some("SecurityError") => DialErrorKind::Blocked,
        Some("SyntaxError") => DialErrorKind::InvalidUri,
        _ => DialErrorKind::Unsupported,
    };
    DialError::thrown(kind, describe(error))
}
