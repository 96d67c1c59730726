//! `WebSocketStream`, which slows the server down while nobody reads.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    fmt,
    future::poll_fn,
    io,
    rc::{Rc, Weak},
};

use js_sys::{Object, Promise, Reflect};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::Blob;

use super::{plain, property, thrown};
use crate::browser::{DialError, Facts, Farewell, Inbox};

#[wasm_bindgen]
extern "C" {
    type WebSocketStream;
    #[wasm_bindgen(constructor, catch)]
    fn new(url: &str, options: &JsValue) -> Result<WebSocketStream, JsValue>;
    #[wasm_bindgen(method, getter)]
    fn url(this: &WebSocketStream) -> String;
    #[wasm_bindgen(method, getter)]
    fn opened(this: &WebSocketStream) -> Promise;
    #[wasm_bindgen(method, getter)]
    fn closed(this: &WebSocketStream) -> Promise;
    #[wasm_bindgen(method, catch)]
    fn close(this: &WebSocketStream, info: &JsValue) -> Result<(), JsValue>;

    type Readable;
    #[wasm_bindgen(method, catch, js_name = getReader)]
    fn get_reader(this: &Readable) -> Result<Reader, JsValue>;

    type Reader;
    #[wasm_bindgen(method)]
    fn read(this: &Reader) -> Promise;
    #[wasm_bindgen(method)]
    fn cancel(this: &Reader) -> Promise;

    type Writable;
    #[wasm_bindgen(method, catch, js_name = getWriter)]
    fn get_writer(this: &Writable) -> Result<Writer, JsValue>;

    type Writer;
    #[wasm_bindgen(method)]
    fn write(this: &Writer, chunk: &JsValue) -> Settling;
    #[wasm_bindgen(method)]
    fn abort(this: &Writer) -> Settling;

    /// A promise that nothing here waits for.
    type Settling;
    #[wasm_bindgen(method)]
    fn then(this: &Settling, done: &JsValue, failed: &JsValue) -> JsValue;
}

/// Whether the browser has it.
pub(super) fn is_there() -> bool {
    property(&js_sys::global(), "WebSocketStream").is_some()
}

/// A `WebSocketStream`.
pub(super) struct Streamed(Rc<Inner>);

struct Inner {
    stream: WebSocketStream,
    inbox: Inbox<Blob>,
    writer: RefCell<Option<Writer>>,
    facts: RefCell<Facts>,
    /// The lengths of what was written and is not taken over by the browser, in order.
    pending: RefCell<VecDeque<usize>>,
    /// Their sum.
    buffered: Cell<u64>,
    /// A close that waits for that.
    closing: RefCell<Option<JsValue>>,
    /// What the promise of every write calls, so that nothing here waits for one that the end of the connection may leave open.
    taken: JsValue,
    failed: JsValue,
}

impl Streamed {
    pub(super) fn new(url: &str, subprotocols: &[String], inbox: &Inbox<Blob>) -> Result<Self, DialError> {
        let names: js_sys::Array = subprotocols.iter().map(|name| JsValue::from_str(name)).collect();
        let options = object([("protocols", names.into())]);
        let stream = WebSocketStream::new(url, &options).map_err(|error| plain::refused(&error))?;
        let inner = Rc::new_cyclic(|inner| Inner {
            stream,
            inbox: inbox.clone(),
            writer: RefCell::default(),
            facts: RefCell::default(),
            pending: RefCell::default(),
            buffered: Cell::default(),
            closing: RefCell::default(),
            taken: callback(inner, Inner::written),
            failed: callback(inner, |inner| {
                // Reads fail as well, and with them comes the end.
                inner.inbox.broken();
                inner.written();
            }),
        });
        spawn_local(drive(Rc::clone(&inner)));
        Ok(Self(inner))
    }

    pub(super) fn send(&self, chunk: &JsValue, len: usize) -> io::Result<()> {
        let inner = &self.0;
        let writer = inner.writer.borrow();
        let Some(writer) = writer.as_ref() else { return Err(io::ErrorKind::NotConnected.into()) };
        inner.pending.borrow_mut().push_back(len);
        inner.buffered.set(inner.buffered.get() + len as u64);
        writer.write(chunk).then(&inner.taken, &inner.failed);
        Ok(())
    }

    pub(super) fn buffered_amount(&self) -> u64 {
        self.0.buffered.get()
    }

    pub(super) fn close(&self, code: Option<u16>, reason: &str) {
        self.0.close(code, reason);
    }

    pub(super) fn give_up(&self) {
        let inner = &self.0;
        // It closes as well, and lets go of what was written; the close frame would wait for that.
        if let Some(writer) = inner.writer.borrow().as_ref() {
            let ignored = callback(&Rc::downgrade(inner), |_| {});
            writer.abort().then(&ignored, &ignored);
        }
    }

    pub(super) fn facts(&self) -> Facts {
        self.0.facts.borrow().clone()
    }
}

impl Inner {
    fn close(&self, code: Option<u16>, reason: &str) {
        let info = match code {
            Some(code) => object([("closeCode", code.into()), ("reason", reason.into())]),
            None => Object::new().into(),
        };
        self.closing.replace(Some(info));
        self.close_if_written();
    }

    /// The first of those writes that are pending is done.
    fn written(&self) {
        let len = self.pending.borrow_mut().pop_front().unwrap_or(0);
        self.buffered.set(self.buffered.get() - len as u64);
        self.inbox.drained();
        self.close_if_written();
    }

    /// Closes behind what was written: the browser would not wait for that.
    fn close_if_written(&self) {
        if !self.pending.borrow().is_empty() {
            return;
        }
        if let Some(info) = self.closing.take() {
            // It throws for codes and reasons that were checked before.
            let _ = self.stream.close(&info);
        }
    }
}

/// A function of JavaScript that does nothing once its owner is gone. It goes with the last promise that may call it.
fn callback(owner: &Weak<Inner>, call: fn(&Inner)) -> JsValue {
    let owner = Weak::clone(owner);
    let call = Closure::<dyn FnMut()>::new(move || {
        if let Some(owner) = owner.upgrade() {
            call(&owner);
        }
    });
    call.into_js_value()
}

/// Brings messages to the queue while there is room, and then the end. It ends with the connection, which the owner closes.
async fn drive(inner: Rc<Inner>) {
    if let Ok(opened) = JsFuture::from(inner.stream.opened()).await {
        if let Ok(reader) = open(&inner, &opened) {
            read(&inner, &reader).await;
        }
    }
    let (closed, is_clean) = match JsFuture::from(inner.stream.closed()).await {
        Ok(info) => (info, true),
        Err(error) => (error, false),
    };
    let code = property(&closed, "closeCode").and_then(|code| code.as_f64()).map_or(1006, |code| code as u16);
    let reason = property(&closed, "reason").and_then(|reason| reason.as_string()).unwrap_or_default();
    inner.inbox.closed(code, &reason, is_clean);
}

fn open(inner: &Inner, opened: &JsValue) -> io::Result<Reader> {
    let part = |name| property(opened, name).ok_or(io::ErrorKind::NotFound);
    let text = |name| property(opened, name).and_then(|text| text.as_string()).unwrap_or_default();
    let reader =
        part("readable")?.unchecked_into::<Readable>().get_reader().map_err(|error| thrown(&error))?;
    let writer =
        part("writable")?.unchecked_into::<Writable>().get_writer().map_err(|error| thrown(&error))?;
    inner.writer.replace(Some(writer));
    inner.facts.replace(Facts {
        extensions: text("extensions"),
        subprotocol: text("protocol"),
        url: inner.stream.url(),
    });
    inner.inbox.opened();
    Ok(reader)
}

async fn read(inner: &Inner, reader: &Reader) {
    while poll_fn(|cx| inner.inbox.poll_wanted(cx.waker())).await {
        let Ok(read) = JsFuture::from(reader.read()).await else { return };
        let Some(data) = property(&read, "value") else { return };
        if let Some(Farewell { code, reason }) = plain::offer(&inner.inbox, &data) {
            inner.close(Some(code), reason);
        }
    }
    // What nobody reads must not be in the way of the server's close frame. To cancel would close at once, without a code and
    // before everything is written.
    while let Ok(read) = JsFuture::from(reader.read()).await {
        if property(&read, "value").is_none() {
            return;
        }
    }
}

fn object<const N: usize>(properties: [(&str, JsValue); N]) -> JsValue {
    let object = Object::new();
    for (name, value) in properties {
        // An object that was just made takes any.
        let _ = Reflect::set(&object, &JsValue::from_str(name), &value);
    }
    object.into()
}

impl fmt::Debug for Streamed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Streamed").field("buffered", &self.buffered_amount()).finish_non_exhaustive()
    }
}
