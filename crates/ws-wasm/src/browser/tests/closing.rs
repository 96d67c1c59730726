use std::time::Duration;

use futures_util::{FutureExt as _, SinkExt};
use ws_core::{CloseCode, CloseFrame, ErrorKind, Message, UsageError};

use super::{done, now, open};

#[tokio::test(start_paused = true)]
async fn close_waits_for_the_close_event() {
    let (mut socket, browser) = open();
    let answers = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        browser.sends("dropped");
        browser.closes(4000, "bye");
    };
    let (closed, ()) = tokio::join!(socket.close(CloseFrame::new(4000, "bye")), answers);
    closed.unwrap();
    assert_eq!(browser.page.closed.borrow().as_slice(), [(Some(4000), "bye".to_owned())]);
    let closing = socket.closing();
    assert_eq!(closing.sent(), Some(Some(&CloseFrame::new(4000, "bye"))));
    assert_eq!(closing.received(), Some(Some(&CloseFrame::new(4000, "bye"))));
    assert!(closing.is_complete() && !closing.received_first());
    assert_eq!(closing.was_clean(), Some(true));
}

#[tokio::test(start_paused = true)]
async fn codes_that_browsers_refuse_are_translated() {
    for (code, sent) in [(1000, 1000), (1001, 1000), (1008, 4908), (1011, 4911), (3000, 3000), (4999, 4999)] {
        let (mut socket, browser) = open();
        assert!(socket.close(CloseFrame::new(code, "why")).now_or_never().is_none());
        assert_eq!(browser.codes(), [Some(sent)], "{code}");
        assert_eq!(socket.closing().sent().flatten().map(|frame| frame.code), Some(sent.into()));
    }
}

#[tokio::test(start_paused = true)]
async fn close_frames_that_nobody_may_send_are_refused_and_close_nothing() {
    let (mut socket, browser) = open();
    for code in [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000] {
        let error = done(socket.close(CloseFrame::new(code, ""))).unwrap_err();
        assert_eq!(error.usage(), Some(UsageError::UnsendableCloseCode), "{code}");
    }
    let error = done(socket.close(CloseFrame::new(1000, "x".repeat(124)))).unwrap_err();
    assert_eq!(error.usage(), Some(UsageError::CloseReasonTooLong));
    assert!(browser.codes().is_empty() && socket.is_open());
}

#[tokio::test(start_paused = true)]
async fn dropped_socket_is_closed_behind_what_was_written() {
    let (mut socket, browser) = open();
    done(socket.write_message("last")).unwrap();
    drop(socket);
    assert_eq!(browser.codes(), [None]);
    assert!(browser.page.is_gone.get() && !browser.page.is_given_up.get());
}

#[tokio::test(start_paused = true)]
async fn only_the_first_close_frame_counts() {
    let (mut socket, browser) = open();
    assert!(socket.close(CloseFrame::new(4000, "")).now_or_never().is_none());
    assert!(socket.close(CloseFrame::new(4001, "")).now_or_never().is_none());
    drop(socket);
    assert_eq!(browser.codes(), [Some(4000)]);
}

#[tokio::test(start_paused = true)]
async fn server_that_does_not_answer_is_given_up() {
    let (mut socket, browser) = open();
    let began = tokio::time::Instant::now();
    let error = socket.close(CloseCode::NORMAL_CLOSURE).await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::ConnectionLost);
    assert_eq!(began.elapsed(), Duration::from_secs(5));
    assert!(browser.page.is_given_up.get() && browser.page.is_gone.get(), "its handlers are");
    assert_eq!(socket.read_message().await.unwrap_err().kind(), &ErrorKind::ConnectionLost);
    assert_eq!(socket.closing().was_clean(), Some(false));
}

#[tokio::test(start_paused = true)]
async fn reader_gives_the_closing_handshake_up_as_well() {
    let (socket, browser) = open();
    let (mut read, write) = socket.into_split();
    write.start_send(Message::Close(None)).unwrap();
    drop(write);
    assert_eq!(read.read_message().await.unwrap_err().kind(), &ErrorKind::ConnectionLost);
    assert!(browser.page.is_gone.get());
}

#[tokio::test(start_paused = true)]
async fn messages_before_the_answer_can_still_be_read() {
    let (mut socket, browser) = open();
    done(socket.write_message(Message::Close(None))).unwrap();
    browser.sends("last");
    browser.closes(1005, "");
    assert_eq!(done(socket.read_message()).unwrap(), Some(Message::text("last")));
    assert_eq!(done(socket.read_message()).unwrap(), None);
}

#[tokio::test(start_paused = true)]
async fn close_after_the_server_has_nothing_to_do() {
    let (mut socket, browser) = open();
    browser.closes(4001, "");
    done(socket.close(None)).unwrap();
    assert!(browser.codes().is_empty());
    let closing = socket.closing();
    assert!(closing.sent().is_none() && closing.received_first());
    drop(socket);
    assert!(browser.codes().is_empty());
}

#[tokio::test(start_paused = true)]
async fn close_of_a_lost_connection_says_so() {
    let (mut socket, browser) = open();
    browser.closes(1006, "");
    assert_eq!(done(socket.close(None)).unwrap_err().kind(), &ErrorKind::ConnectionLost);
}

#[tokio::test(start_paused = true)]
async fn sink_closes_with_1000_and_does_not_wait() {
    let (mut socket, browser) = open();
    assert!(now(SinkExt::<Message>::close(&mut socket)).is_ready());
    assert_eq!(browser.codes(), [Some(1000)]);
}
