//! The logic over a browser that the tests play.

mod byte_stream;
mod closing;
mod halves;
mod opening;
mod reading;
mod streams;
mod wakers;
mod writing;

use std::{
    cell::{Cell, RefCell},
    future::Future,
    io,
    rc::Rc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use bytes::Bytes;
use ws_core::Message;

use super::{Arrived, BrowserSocket, Facts, Farewell, Inbox, Instant, LocalFuture, Settings, Socket, sealed};

/// A socket whose browser is the test.
pub(super) struct Fake(Rc<Page>);

/// What the socket has told the browser.
#[derive(Debug, Default)]
pub(super) struct Page {
    sent: RefCell<Vec<Message>>,
    closed: RefCell<Vec<(Option<u16>, String)>>,
    pub(super) buffered: Cell<u64>,
    is_gone: Cell<bool>,
    is_given_up: Cell<bool>,
    subprotocol: Cell<&'static str>,
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.0.is_gone.set(true);
    }
}

impl sealed::Sealed for Fake {}

impl BrowserSocket for Fake {
    /// None cannot be read.
    type Blob = Option<Bytes>;
    type Watch = ();

    fn send_text(&self, text: &str) -> io::Result<()> {
        self.0.sent.borrow_mut().push(text.into());
        Ok(())
    }

    fn send_binary(&self, data: &[u8]) -> io::Result<()> {
        self.0.sent.borrow_mut().push(data.into());
        Ok(())
    }

    fn buffered_amount(&self) -> u64 {
        self.0.buffered.get()
    }

    fn close(&self, code: Option<u16>, reason: &str) {
        self.0.closed.borrow_mut().push((code, reason.to_owned()));
    }

    fn give_up(&self) {
        self.0.is_given_up.set(true);
    }

    fn facts(&self) -> Facts {
        let subprotocol = self.0.subprotocol.get().into();
        Facts { extensions: String::new(), subprotocol, url: "ws://example.com/".into() }
    }

    fn read_blob(blob: Option<Bytes>) -> LocalFuture<io::Result<Bytes>> {
        Box::pin(async move {
            tokio::time::sleep(Duration::from_millis(10)).await;
            blob.ok_or_else(|| io::Error::other("gone"))
        })
    }

    fn now() -> Instant {
        thread_local!(static ORIGIN: tokio::time::Instant = tokio::time::Instant::now());
        Instant(ORIGIN.with(tokio::time::Instant::elapsed))
    }

    fn sleep(duration: Duration) -> LocalFuture<()> {
        Box::pin(tokio::time::sleep(duration))
    }

    fn watch(tell: Box<dyn Fn()>) {
        WATCH.set(Some(tell));
    }

    fn random() -> u64 {
        u64::MAX / 2
    }
}

thread_local!(static WATCH: RefCell<Option<Box<dyn Fn()>>> = RefCell::default());

/// The network is back.
pub(super) fn hurry() {
    WATCH.with_borrow(|tell| tell.as_ref().expect("somebody listens")());
}

/// The browser's side of a socket.
pub(super) struct Browser {
    inbox: Inbox<Option<Bytes>>,
    pub(super) page: Rc<Page>,
}

impl Browser {
    /// A message arrives.
    pub(super) fn sends(&self, message: impl Into<Message>) {
        let message = message.into();
        let len = message.clone().into_data().len();
        let failed = self.inbox.offer(len, || Some(Arrived::Message(message)));
        self.close_if(failed);
    }

    fn sends_blob(&self, blob: Option<&'static str>, len: usize) {
        let failed = self.inbox.offer(len, || Some(Arrived::Blob(blob.map(Bytes::from), len)));
        self.close_if(failed);
    }

    fn close_if(&self, failed: Option<Farewell>) {
        if let Some(Farewell { code, reason }) = failed {
            self.page.closed.borrow_mut().push((Some(code), reason.to_owned()));
        }
    }

    pub(super) fn closes(&self, code: u16, reason: &str) {
        self.inbox.closed(code, reason, code != 1006);
    }

    /// The codes that the browser was closed with.
    pub(super) fn codes(&self) -> Vec<Option<u16>> {
        self.page.closed.borrow().iter().map(|(code, _)| *code).collect()
    }

    pub(super) fn sent(&self) -> Vec<Message> {
        self.page.sent.borrow().clone()
    }
}

/// A socket that is not open yet, and its browser.
fn made(settings: Settings) -> (Fake, Browser) {
    let page = Rc::new(Page { subprotocol: "chat".into(), ..Page::default() });
    (Fake(Rc::clone(&page)), Browser { inbox: Inbox::new(settings), page })
}

fn open_with(settings: Settings) -> (Socket<Fake>, Browser) {
    let (fake, browser) = made(settings);
    browser.inbox.opened();
    let opening = Socket::open(fake, browser.inbox.clone(), settings, None);
    let Poll::Ready(Ok(socket)) = now(opening) else { panic!("it is open") };
    (socket, browser)
}

pub(super) fn open() -> (Socket<Fake>, Browser) {
    open_with(Settings::default())
}

/// The future as far as it comes without waiting.
fn now<T>(future: impl Future<Output = T>) -> Poll<T> {
    std::pin::pin!(future).poll(&mut Context::from_waker(Waker::noop()))
}

/// The result of a future that has nothing to wait for.
fn done<T>(future: impl Future<Output = T>) -> T {
    match now(future) {
        Poll::Ready(result) => result,
        Poll::Pending => panic!("it waits"),
    }
}
