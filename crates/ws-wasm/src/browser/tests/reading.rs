use std::time::Duration;

use futures_util::{FutureExt as _, StreamExt as _};
use ws_core::{CloseFrame, ErrorKind, Message};

use super::{Fake, Settings, done, now, open, open_with};
use crate::browser::{BrowserSocket as _, Overflow};

#[tokio::test(start_paused = true)]
async fn messages_are_read_in_the_order_they_came() {
    let (mut socket, browser) = open();
    browser.sends("one");
    browser.sends(&b"two"[..]);
    assert_eq!(socket.queued(), 6);
    assert_eq!(done(socket.read_message()).unwrap(), Some(Message::text("one")));
    assert_eq!(done(socket.read_message()).unwrap(), Some(Message::binary("two")));
    assert_eq!(socket.queued(), 0);
    assert!(now(socket.read_message()).is_pending());
}

#[tokio::test(start_paused = true)]
async fn read_that_waits_is_woken_by_a_message() {
    let (mut socket, browser) = open();
    let later = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        browser.sends("late");
    };
    let (read, ()) = tokio::join!(socket.read_message(), later);
    assert_eq!(read.unwrap(), Some(Message::text("late")));
}

#[tokio::test(start_paused = true)]
async fn read_that_is_dropped_loses_nothing() {
    let (mut socket, browser) = open();
    assert!(socket.read_message().now_or_never().is_none());
    browser.sends("kept");
    assert_eq!(done(socket.read_message()).unwrap(), Some(Message::text("kept")));
}

#[tokio::test(start_paused = true)]
async fn what_came_before_the_end_is_read_before_it() {
    let (mut socket, browser) = open();
    browser.sends("last");
    browser.closes(4000, "bye");
    browser.sends("too late");
    assert_eq!(done(socket.read_message()).unwrap(), Some(Message::text("last")));
    for _ in 0..2 {
        let error = done(socket.read_message()).unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::Closed(Some(CloseFrame::new(4000, "bye"))));
    }
}

#[tokio::test(start_paused = true)]
async fn normal_codes_are_the_end_and_others_are_errors() {
    for code in [1000, 1001, 1005] {
        let (mut socket, browser) = open();
        browser.closes(code, "");
        assert_eq!(done(socket.read_message()).unwrap(), None, "{code}");
        assert_eq!(done(socket.read_message()).unwrap(), None, "{code}");
    }
    for code in [1002, 1008, 1011, 1012, 3000, 4999] {
        let (mut socket, browser) = open();
        browser.closes(code, "why");
        let error = done(socket.read_message()).unwrap_err();
        assert_eq!(error.close_frame(), Some(&CloseFrame::new(code, "why")));
    }
    for code in [1006, 1015] {
        let (mut socket, browser) = open();
        browser.closes(code, "");
        assert_eq!(done(socket.read_message()).unwrap_err().kind(), &ErrorKind::ConnectionLost);
    }
}

#[tokio::test(start_paused = true)]
async fn second_close_event_changes_nothing() {
    let (mut socket, browser) = open();
    browser.closes(1000, "");
    browser.closes(1006, "");
    assert_eq!(done(socket.read_message()).unwrap(), None);
}

#[tokio::test(start_paused = true)]
async fn message_over_the_limit_fails_the_connection_behind_what_waits() {
    let (mut socket, browser) = open_with(Settings { max_message_size: Some(4), ..Settings::default() });
    browser.sends("four");
    browser.sends("fives");
    browser.sends("more");
    assert_eq!(browser.codes(), [Some(4909)]);
    assert_eq!(done(socket.read_message()).unwrap(), Some(Message::text("four")));
    for _ in 0..2 {
        assert_eq!(done(socket.read_message()).unwrap_err().kind(), &ErrorKind::TooBig { limit: 4 });
    }
    assert_eq!(done(socket.write_message("x")).unwrap_err().kind(), &ErrorKind::TooBig { limit: 4 });
}

#[tokio::test(start_paused = true)]
async fn data_that_is_too_big_is_not_brought_to_memory() {
    let (_socket, browser) = open_with(Settings { max_message_size: Some(4), ..Settings::default() });
    let failed = browser.inbox.offer(5, || panic!("brought"));
    assert_eq!(failed.map(|farewell| farewell.code), Some(4909));
}

#[tokio::test(start_paused = true)]
async fn text_that_is_longer_than_it_seemed_is_too_big_as_well() {
    let (mut socket, browser) = open_with(Settings { max_message_size: Some(4), ..Settings::default() });
    let failed = browser.inbox.offer(3, || Some(super::Arrived::Message("äöü".into())));
    assert_eq!(failed.map(|farewell| farewell.code), Some(4909));
    assert!(done(socket.read_message()).is_err());
}

#[tokio::test(start_paused = true)]
async fn flood_fails_the_connection_unless_set_otherwise() {
    let (mut socket, browser) = open_with(Settings { max_queued: 10, ..Settings::default() });
    for _ in 0..100 {
        browser.sends("12345");
    }
    assert_eq!((socket.queued(), browser.codes()), (10, vec![Some(4913)]));
    for _ in 0..2 {
        assert_eq!(done(socket.read_message()).unwrap(), Some(Message::text("12345")));
    }
    assert_eq!(done(socket.read_message()).unwrap_err().kind(), &ErrorKind::OutOfBudget);
}

#[tokio::test(start_paused = true)]
async fn flood_of_empty_messages_is_bounded_as_well() {
    let (mut socket, browser) = open_with(Settings { max_queued: 1 << 10, ..Settings::default() });
    for _ in 0..1025 {
        browser.sends("");
    }
    assert_eq!(browser.codes(), [Some(4913)]);
    for _ in 0..1024 {
        assert_eq!(done(socket.read_message()).unwrap(), Some(Message::text("")));
    }
    assert_eq!(done(socket.read_message()).unwrap_err().kind(), &ErrorKind::OutOfBudget);
}

#[tokio::test(start_paused = true)]
async fn server_that_can_be_slowed_down_is_by_empty_messages_too() {
    let (mut socket, browser) = open_with(Settings { paced: true, ..Settings::default() });
    let wanted = |browser: &super::Browser| browser.inbox.poll_wanted(std::task::Waker::noop()).is_ready();
    let mut fetched = 0;
    while wanted(&browser) && fetched < 10_000 {
        browser.sends("");
        fetched += 1;
    }
    assert_eq!(fetched, 1024);
    done(socket.read_message()).unwrap();
    assert!(wanted(&browser));
}

#[tokio::test(start_paused = true)]
async fn server_is_not_waited_for_when_writes_fail() {
    let (_socket, browser) = open_with(Settings { paced: true, ..Settings::default() });
    browser.sends(vec![0; 64 << 10]);
    assert!(browser.inbox.poll_wanted(std::task::Waker::noop()).is_pending());
    browser.inbox.broken();
    assert_eq!(browser.inbox.poll_wanted(std::task::Waker::noop()), std::task::Poll::Ready(false));
}

#[tokio::test(start_paused = true)]
async fn nothing_is_read_behind_a_blob_that_cannot_be() {
    for ends in [false, true] {
        let (mut socket, browser) = open();
        browser.sends_blob(None, 4);
        browser.sends("behind");
        if ends {
            browser.closes(1000, "");
        }
        for _ in 0..2 {
            let error = socket.read_message().await.unwrap_err();
            assert_eq!(error.kind(), &ErrorKind::Io(std::io::ErrorKind::Other), "{ends}");
        }
        assert_eq!(browser.codes(), if ends { vec![] } else { vec![Some(4911)] });
    }
}

#[tokio::test(start_paused = true)]
async fn newest_or_oldest_are_dropped_and_counted_where_that_is_asked_for() {
    for (overflow, left) in [(Overflow::DropNewest, ["1", "2", "3"]), (Overflow::DropOldest, ["3", "4", "5"])]
    {
        let (mut socket, browser) = open_with(Settings { max_queued: 3, overflow, ..Settings::default() });
        for message in ["1", "2", "3", "4", "5"] {
            browser.sends(message);
        }
        assert_eq!(socket.dropped(), 2);
        for message in left {
            assert_eq!(done(socket.read_message()).unwrap(), Some(Message::text(message)), "{overflow:?}");
        }
        assert_eq!(browser.codes(), []);
    }
}

#[tokio::test(start_paused = true)]
async fn message_larger_than_the_queue_has_it_for_itself() {
    let (mut socket, browser) = open_with(Settings { max_queued: 3, ..Settings::default() });
    browser.sends("12345678");
    assert_eq!(done(socket.read_message()).unwrap(), Some(Message::text("12345678")));
    browser.sends("1");
    assert_eq!(browser.codes(), []);
}

#[tokio::test(start_paused = true)]
async fn blobs_are_read_in_their_place() {
    let (mut socket, browser) = open();
    browser.sends_blob(Some("blob"), 4);
    browser.sends("text");
    assert!(socket.read_message().now_or_never().is_none(), "it is read from somewhere");
    assert_eq!(socket.read_message().await.unwrap(), Some(Message::binary("blob")));
    assert_eq!(socket.read_message().await.unwrap(), Some(Message::text("text")));
}

#[tokio::test(start_paused = true)]
async fn blob_that_cannot_be_read_fails_the_connection() {
    let (mut socket, browser) = open();
    browser.sends_blob(None, 4);
    let error = socket.read_message().await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Io(std::io::ErrorKind::Other));
    assert!(std::error::Error::source(&error).is_some());
    assert_eq!(browser.codes(), [Some(4911)]);
}

#[tokio::test(start_paused = true)]
async fn passed_deadline_leaves_the_socket_readable() {
    let (mut socket, browser) = open();
    socket.set_read_deadline(Fake::now() + Duration::from_secs(1));
    for _ in 0..2 {
        assert!(socket.read_message().await.unwrap_err().is_timeout());
    }
    browser.sends("there");
    assert_eq!(done(socket.read_message()).unwrap(), Some(Message::text("there")));
    socket.set_read_deadline(None);
    assert!(now(socket.read_message()).is_pending());
    assert!(socket.is_open());
}

#[tokio::test(start_paused = true)]
async fn deadline_moves_while_a_read_waits_for_it() {
    let (mut socket, _browser) = open();
    let began = tokio::time::Instant::now();
    socket.set_read_deadline(Fake::now() + Duration::from_secs(9));
    assert!(now(socket.read_message()).is_pending());
    socket.set_read_deadline(Fake::now() + Duration::from_secs(1));
    assert!(socket.read_message().await.unwrap_err().is_timeout());
    assert_eq!(began.elapsed(), Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn stream_ends_after_an_error_but_not_after_a_deadline() {
    let (mut socket, browser) = open();
    socket.set_read_deadline(Fake::now());
    assert!(socket.next().await.unwrap().unwrap_err().is_timeout());
    browser.sends("one");
    browser.closes(1006, "");
    assert_eq!(socket.next().await.unwrap().unwrap(), Message::text("one"));
    assert!(socket.next().await.unwrap().is_err());
    assert!(socket.next().await.is_none());
}

#[cfg(feature = "json")]
#[tokio::test(start_paused = true)]
async fn json_that_does_not_fit_leaves_the_socket_usable() {
    let (mut socket, browser) = open();
    browser.sends("{}");
    browser.sends(&b"[1,2]"[..]);
    let error = done(socket.read_json::<Vec<u8>>()).unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Json);
    assert!(std::error::Error::source(&error).is_some());
    assert_eq!(done(socket.read_json::<Vec<u8>>()).unwrap(), Some(vec![1, 2]));
    done(socket.write_json(&("move", 3))).unwrap();
    assert_eq!(browser.sent(), [Message::text("[\"move\",3]")]);
    browser.closes(1000, "");
    assert_eq!(done(socket.read_json::<u8>()).unwrap(), None);
}
