use std::time::Duration;

use super::{Settings, made, now, open};
use crate::browser::{DialErrorKind, Socket};

#[tokio::test(start_paused = true)]
async fn socket_is_there_when_the_browser_says_so() {
    let (fake, browser) = made(Settings::default());
    let mut opening = Box::pin(Socket::open(fake, browser.inbox.clone(), Settings::default(), None));
    assert!(now(opening.as_mut()).is_pending());
    let told = async { browser.inbox.opened() };
    let (socket, ()) = tokio::join!(opening, told);
    let socket = socket.unwrap();
    assert_eq!(socket.subprotocol(), Some("chat"));
    assert_eq!((socket.url(), socket.extensions()), ("ws://example.com/", ""));
    assert!(socket.is_open());
}

#[tokio::test(start_paused = true)]
async fn close_event_before_the_open_one_is_a_failed_dial() {
    let (fake, browser) = made(Settings::default());
    browser.closes(1006, "");
    let error = Socket::open(fake, browser.inbox.clone(), Settings::default(), None).await.unwrap_err();
    assert_eq!(error.kind(), &DialErrorKind::Failed { code: Some(1006) });
    assert!(browser.page.is_gone.get());
}

#[tokio::test(start_paused = true)]
async fn server_that_chooses_no_subprotocol_is_a_failed_dial_only_if_some_are_offered() {
    for (offers, chosen) in [(true, "chat"), (true, ""), (false, "")] {
        let settings = Settings { offers, ..Settings::default() };
        let (fake, browser) = made(settings);
        browser.page.subprotocol.set(chosen);
        browser.inbox.opened();
        let opened = Socket::open(fake, browser.inbox.clone(), settings, None).await;
        assert_eq!(opened.is_err(), offers && chosen.is_empty(), "{offers} {chosen:?}");
        assert_eq!(browser.codes(), if opened.is_err() { vec![None] } else { vec![] });
    }
}

#[tokio::test(start_paused = true)]
async fn dial_that_takes_too_long_closes_what_it_opened() {
    let (fake, browser) = made(Settings::default());
    let timeout = Duration::from_secs(3);
    let opening = Socket::open(fake, browser.inbox.clone(), Settings::default(), Some(timeout));
    let began = tokio::time::Instant::now();
    assert!(opening.await.unwrap_err().is_timeout());
    assert_eq!(began.elapsed(), timeout);
    assert_eq!((browser.codes(), browser.page.is_gone.get()), (vec![None], true));
}

#[tokio::test(start_paused = true)]
async fn dial_that_is_dropped_closes_what_it_opened() {
    let (fake, browser) = made(Settings::default());
    let opening = Socket::open(fake, browser.inbox.clone(), Settings::default(), None);
    assert!(now(opening).is_pending());
    assert_eq!((browser.codes(), browser.page.is_gone.get()), (vec![None], true));
}

#[tokio::test(start_paused = true)]
async fn messages_before_the_opening_are_not_taken() {
    let (fake, browser) = made(Settings::default());
    browser.sends("early");
    browser.inbox.opened();
    let mut socket = Socket::open(fake, browser.inbox.clone(), Settings::default(), None).await.unwrap();
    assert!(now(socket.read_message()).is_pending());
}

#[tokio::test(start_paused = true)]
async fn socket_that_is_dropped_is_closed_and_hears_nothing_more() {
    let (socket, browser) = open();
    drop(socket);
    assert_eq!((browser.codes(), browser.page.is_gone.get()), (vec![None], true));
    browser.sends("late");
    browser.closes(1000, "");
    assert_eq!(browser.inbox.queued(), 0);
}
