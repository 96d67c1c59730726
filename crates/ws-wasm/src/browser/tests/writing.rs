use std::{rc::Rc, time::Duration};

use futures_util::{FutureExt as _, SinkExt as _};
use ws_core::{CloseCode, ErrorKind, Message, UsageError};

use super::{Fake, Settings, done, now, open, open_with};
use crate::browser::BrowserSocket as _;

#[tokio::test(start_paused = true)]
async fn messages_are_handed_over_as_they_are() {
    let (mut socket, browser) = open();
    done(socket.write_message("text")).unwrap();
    done(socket.queue_message(vec![1, 2])).unwrap();
    done(socket.send(Message::text("sink"))).unwrap();
    assert_eq!(browser.sent(), [Message::text("text"), Message::binary(vec![1, 2]), Message::text("sink")]);
}

#[tokio::test(start_paused = true)]
async fn write_waits_while_the_browser_holds_more_than_the_mark() {
    let (mut socket, browser) = open_with(Settings { high_water_mark: 10, ..Settings::default() });
    browser.page.buffered.set(10);
    done(socket.write_message("at the mark")).unwrap();
    browser.page.buffered.set(11);
    assert!(socket.write_message("dropped").now_or_never().is_none());
    assert!(socket.flush().now_or_never().is_none());
    let page = Rc::clone(&browser.page);
    let drains = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        page.buffered.set(3);
    };
    let (written, ()) = tokio::join!(socket.write_message("above it"), drains);
    written.unwrap();
    assert_eq!(browser.sent(), [Message::text("at the mark"), Message::text("above it")]);
}

#[tokio::test(start_paused = true)]
async fn writer_is_woken_at_once_by_a_browser_that_tells() {
    let (mut socket, browser) = open_with(Settings { high_water_mark: 0, ..Settings::default() });
    browser.page.buffered.set(1);
    let began = tokio::time::Instant::now();
    let tells = async {
        tokio::task::yield_now().await;
        browser.page.buffered.set(0);
        browser.inbox.drained();
    };
    let (written, ()) = tokio::join!(socket.write_message("x"), tells);
    written.unwrap();
    assert_eq!(began.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn writer_that_waits_is_told_of_the_end() {
    let (mut socket, browser) = open_with(Settings { high_water_mark: 0, ..Settings::default() });
    browser.page.buffered.set(1);
    let ends = async { browser.closes(1006, "") };
    let (written, ()) = tokio::join!(socket.write_message("x"), ends);
    assert_eq!(written.unwrap_err().kind(), &ErrorKind::ConnectionLost);
    assert_eq!(browser.sent(), []);
}

#[tokio::test(start_paused = true)]
async fn passed_deadline_leaves_the_socket_writable() {
    let (mut socket, browser) = open_with(Settings { high_water_mark: 0, ..Settings::default() });
    browser.page.buffered.set(1);
    socket.set_write_deadline(Fake::now() + Duration::from_secs(1));
    assert!(socket.write_message("late").await.unwrap_err().is_timeout());
    browser.page.buffered.set(0);
    done(socket.write_message("there")).unwrap();
    assert_eq!(browser.sent(), [Message::text("there")]);
}

#[tokio::test(start_paused = true)]
async fn pings_and_pongs_are_refused() {
    let (mut socket, browser) = open();
    for control in [Message::Ping("x".into()), Message::Pong("x".into())] {
        let error = done(socket.write_message(control)).unwrap_err();
        assert_eq!(error.usage(), Some(UsageError::ControlUnsupported));
    }
    assert_eq!(browser.sent(), []);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_written_after_the_close_frame_of_either_end() {
    let (mut socket, browser) = open();
    done(socket.write_message(Message::Close(None))).unwrap();
    assert_eq!(done(socket.write_message("x")).unwrap_err().usage(), Some(UsageError::CloseSent));
    done(socket.flush()).unwrap();
    assert_eq!((browser.sent(), browser.codes()), (vec![], vec![None]));

    let (mut socket, browser) = open();
    browser.closes(1000, "");
    // Nobody has misused the socket: the browser answers by itself.
    assert_eq!(
        done(socket.write_message("x")).unwrap_err().kind(),
        &ErrorKind::Closed(Some(CloseCode::NORMAL_CLOSURE.into()))
    );
    done(socket.flush()).unwrap();
    assert_eq!(browser.sent(), []);
}

#[tokio::test(start_paused = true)]
async fn halves_work_at_the_same_time_and_are_joined_again() {
    let (socket, browser) = open_with(Settings { high_water_mark: 0, ..Settings::default() });
    let (mut read, mut write) = socket.into_split();
    browser.page.buffered.set(1);
    let answers = async {
        tokio::task::yield_now().await;
        browser.sends("answer");
        browser.page.buffered.set(0);
    };
    let (read_message, written, ()) = tokio::join!(read.read_message(), write.write_message("x"), answers);
    written.unwrap();
    assert_eq!(read_message.unwrap(), Some(Message::text("answer")));

    let (other, _) = open();
    let (other_read, other_write) = other.into_split();
    let error = read.reunite(other_write).unwrap_err();
    drop(other_read);
    let socket = error.0.reunite(write).unwrap();
    assert!(socket.is_open());
    drop(socket);
    assert_eq!(browser.codes(), [None]);
}

#[tokio::test(start_paused = true)]
async fn socket_is_closed_when_both_halves_are_dropped() {
    let (socket, browser) = open();
    let (read, mut write) = socket.into_split();
    drop(read);
    done(write.write_message("still")).unwrap();
    assert!(browser.codes().is_empty());
    assert!(now(write.flush()).is_ready());
    drop(write);
    assert_eq!(browser.codes(), [None]);
}
