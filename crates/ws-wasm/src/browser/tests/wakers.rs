//! Wakers may run any code of their tasks when they are woken or dropped, code that uses the socket included.

use std::{
    cell::RefCell,
    sync::Arc,
    task::{Context, Wake, Waker},
};

use super::{Browser, Settings, open_with};

thread_local!(static LOOK: RefCell<Option<Box<dyn Fn()>>> = RefCell::default());

fn look() {
    LOOK.with_borrow(|look| look.as_ref().expect("it is set")());
}

/// Uses the socket whenever it can.
struct Curious;

impl Wake for Curious {
    fn wake(self: Arc<Self>) {
        look();
    }
}

impl Drop for Curious {
    fn drop(&mut self) {
        look();
    }
}

fn curious() -> Waker {
    Waker::from(Arc::new(Curious))
}

/// Changes the state, so that it must not be borrowed.
fn watch(browser: &Browser) {
    let inbox = browser.inbox.clone();
    LOOK.set(Some(Box::new(move || inbox.drained())));
}

#[tokio::test(start_paused = true)]
async fn waker_that_is_replaced_may_use_the_socket() {
    let settings = Settings { high_water_mark: 0, paced: true, ..Settings::default() };
    let (mut socket, browser) = open_with(settings);
    watch(&browser);
    browser.page.buffered.set(1);
    browser.sends(vec![0; 64 << 10]);
    for _ in 0..3 {
        assert!(browser.inbox.poll_wanted(&curious()).is_pending());
        assert!(socket.poll_ready(&mut Context::from_waker(&curious())).is_pending());
    }
    for _ in 0..3 {
        let waker = curious();
        let mut cx = Context::from_waker(&waker);
        while socket.poll_read_message(&mut cx).is_ready() {}
        assert!(socket.poll_close(&mut cx).is_pending());
    }
    browser.closes(1000, "");
    drop(socket);
}

#[tokio::test(start_paused = true)]
async fn waker_of_a_dial_may_use_the_socket() {
    let browser = Browser { inbox: super::Inbox::new(Settings::default()), page: Default::default() };
    watch(&browser);
    for _ in 0..3 {
        assert!(browser.inbox.poll_opened(&curious()).is_pending());
    }
    browser.inbox.opened();
}
