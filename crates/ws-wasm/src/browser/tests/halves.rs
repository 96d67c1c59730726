use std::task::{Poll, Waker};

use futures_util::FutureExt as _;
use ws_core::{ErrorKind, Message, PreparedMessage, ProtocolError};

use super::{Settings, done, now, open, open_with};

#[tokio::test(start_paused = true)]
async fn halves_know_each_other_and_the_subprotocol() {
    let (read, write) = open().0.into_split();
    let (other, _) = open().0.into_split();
    assert!(read.is_pair_of(&write) && !other.is_pair_of(&write));
    assert_eq!(read.subprotocol().as_deref(), Some("chat"));
    assert_eq!(write.subprotocol().as_deref(), Some("chat"));
    assert!(other.reunite(write).is_err());
}

#[tokio::test(start_paused = true)]
async fn joined_halves_read_what_arrived_meanwhile() {
    let (socket, browser) = open();
    let (read, write) = socket.into_split();
    browser.sends("kept");
    let mut socket = read.reunite(write).unwrap();
    browser.sends("and this");
    for message in ["kept", "and this"] {
        assert_eq!(done(socket.read_message()).unwrap(), Some(Message::text(message)));
    }
}

#[tokio::test(start_paused = true)]
async fn flood_at_a_half_that_cannot_read_takes_no_memory_and_ends_nothing() {
    let (socket, browser) = open_with(Settings { max_queued: 10, ..Settings::default() });
    browser.sends("waits");
    let (read, mut write) = socket.into_split();
    drop(read);
    for _ in 0..100 {
        browser.sends("12345");
    }
    assert_eq!((browser.inbox.queued(), browser.codes()), (0, vec![]));
    done(write.write_message("goes on")).unwrap();
    assert_eq!(browser.sent(), [Message::text("goes on")]);
    browser.closes(4000, "");
    assert!(done(write.write_message("x")).is_err());
    done(write.close(None)).unwrap();
}

#[tokio::test(start_paused = true)]
async fn end_behind_what_nobody_reads_is_seen_where_the_server_is_slowed_down() {
    let (socket, browser) = open_with(Settings { paced: true, ..Settings::default() });
    browser.sends(vec![0; 64 << 10]);
    let (read, _write) = socket.into_split();
    assert!(browser.inbox.poll_wanted(Waker::noop()).is_pending());
    drop(read);
    assert_eq!(browser.inbox.poll_wanted(Waker::noop()), Poll::Ready(true));
}

#[tokio::test(start_paused = true)]
async fn close_read_fails_the_connection_for_a_message_and_waits_for_the_end() {
    let (socket, browser) = open();
    let (read, _write) = socket.into_split();
    browser.sends("unexpected");
    let error = done(read.close_read()).unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Protocol(ProtocolError::UnexpectedMessage));
    assert_eq!(browser.page.closed.take(), [(Some(4908), "unexpected message".to_owned())]);

    let (socket, browser) = open();
    let (read, _write) = socket.into_split();
    let mut ended = Box::pin(read.close_read());
    assert!(ended.as_mut().now_or_never().is_none());
    browser.closes(1000, "");
    done(ended).unwrap();
    assert_eq!(browser.codes(), []);
}

#[tokio::test(start_paused = true)]
async fn prepared_message_is_sent_as_often_as_asked_for() {
    let (mut socket, browser) = open_with(Settings { high_water_mark: 0, ..Settings::default() });
    let tick = PreparedMessage::new("tick").unwrap();
    done(socket.write_prepared(&tick)).unwrap();
    done(socket.queue_prepared(&tick)).unwrap();
    browser.page.buffered.set(1);
    assert!(now(socket.write_prepared(&tick)).is_pending());
    socket.start_send_prepared(&tick).unwrap();
    assert_eq!(browser.sent(), vec![Message::text("tick"); 3]);
}
