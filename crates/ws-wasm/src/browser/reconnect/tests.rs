use std::{cell::RefCell, rc::Rc, time::Duration};

use futures_util::FutureExt as _;
use ws_core::{CloseFrame, Message};

use super::{Backoff, Cause, Event, Reconnecting, Retry, SendErrorKind};
use crate::browser::{
    DialError, DialErrorKind,
    tests::{Browser, Fake, hurry, open},
};

type Browsers = Rc<RefCell<Vec<Browser>>>;

/// A client whose attempts succeed as often as this says, and the browsers of its connections.
fn client(mut succeeds: impl FnMut(u32) -> bool + 'static) -> (Reconnecting<Fake>, Browsers) {
    let browsers = Browsers::default();
    let opened = Rc::clone(&browsers);
    let client = Reconnecting::from_fn(move |attempt| {
        let dialed = if succeeds(attempt) {
            let (socket, browser) = open();
            opened.borrow_mut().push(browser);
            Ok(socket)
        } else {
            Err(DialError::from(DialErrorKind::Failed { code: Some(1006) }).into())
        };
        async { dialed }
    });
    (client, browsers)
}

#[tokio::test(start_paused = true)]
async fn lost_connection_is_dialed_again_and_takes_what_waits() {
    let (mut client, browsers) = client(|_| true);
    let outbox = client.outbox();
    assert!(matches!(client.next().await, Some(Event::Up { attempt: 1 })));
    assert!(outbox.is_up());
    browsers.borrow()[0].sends("one");
    assert!(matches!(client.next().await, Some(Event::Message(message)) if message == Message::text("one")));
    browsers.borrow()[0].closes(1006, "");
    let Some(Event::Down { cause, retry_in: Some(_) }) = client.next().await else { panic!("it is down") };
    assert_eq!(cause.close_code(), Some(1006.into()));
    assert!(!outbox.is_up());
    outbox.try_send("kept").unwrap();
    assert_eq!(outbox.try_send_now("never").unwrap_err().kind(), SendErrorKind::Down);
    // It did not last, so it counts as one that failed.
    assert!(matches!(client.next().await, Some(Event::Up { attempt: 2 })));
    assert!(client.next().now_or_never().is_none());
    assert_eq!(browsers.borrow()[1].sent(), [Message::text("kept")]);
}

#[tokio::test(start_paused = true)]
async fn server_that_goes_away_during_setup_is_dialed_again() {
    let (client, browsers) = client(|_| true);
    let during = Rc::clone(&browsers);
    let mut client = client.setup(move |mut socket| {
        let browsers = Rc::clone(&during);
        async move {
            if browsers.borrow().len() == 1 {
                browsers.borrow()[0].closes(1012, "");
            }
            socket.write_message("token").await?;
            Ok(socket)
        }
    });
    let Some(Event::Failed { cause, retry_in, .. }) = client.next().await else { panic!("it failed") };
    assert_eq!((cause.close_code(), retry_in.is_some()), (Some(1012.into()), true));
    assert!(matches!(client.next().await, Some(Event::Up { attempt: 2 })));
}

#[tokio::test(start_paused = true)]
async fn failed_attempts_are_counted_and_come_to_an_end() {
    let (client, _) = client(|_| false);
    let mut client = client.backoff(Backoff::new().max_attempts(3));
    for number in 1..=2 {
        let event = client.next().await;
        assert!(matches!(event, Some(Event::Failed { attempt, retry_in: Some(_), .. }) if attempt == number));
    }
    let Some(Event::Failed { attempt: 3, cause, retry_in: None }) = client.next().await else {
        panic!("the last")
    };
    assert!(matches!(cause, Cause::Dial(_)));
    assert!(client.next().await.is_none());
    assert_eq!(client.outbox().try_send("x").unwrap_err().kind(), SendErrorKind::Closed);
}

#[tokio::test(start_paused = true)]
async fn codes_that_mean_the_end_are_the_end() {
    let (mut client, browsers) = client(|_| true);
    client.next().await;
    browsers.borrow()[0].closes(1000, "done");
    let Some(Event::Down { cause, retry_in: None }) = client.next().await else { panic!("it is down") };
    assert!(matches!(cause, Cause::Closed(Some(frame)) if frame == CloseFrame::new(1000, "done")));
    assert!(client.next().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn setup_comes_before_what_is_queued_and_its_failure_is_a_failed_attempt() {
    let (client, browsers) = client(|_| true);
    let mut times = 0;
    let mut client = client.setup(move |mut socket| {
        times += 1;
        async move {
            if times == 1 {
                return Err("not today".into());
            }
            socket.write_message("sign in").await?;
            Ok(socket)
        }
    });
    client.outbox().try_send("queued").unwrap();
    let Some(Event::Failed { cause, .. }) = client.next().await else { panic!("it failed") };
    assert!(matches!(cause, Cause::Application(_)));
    assert_eq!(browsers.borrow()[0].codes(), [None]);
    assert!(matches!(client.next().await, Some(Event::Up { .. })));
    assert!(client.next().now_or_never().is_none());
    assert_eq!(browsers.borrow()[1].sent(), [Message::text("sign in"), Message::text("queued")]);
}

#[tokio::test(start_paused = true)]
async fn setup_is_bounded_in_time() {
    let (client, _) = client(|_| true);
    let mut client = client.setup_timeout(Duration::from_secs(2)).setup(|_| std::future::pending());
    assert!(matches!(client.next().await, Some(Event::Failed { cause: Cause::SetupTimedOut, .. })));
}

#[tokio::test(start_paused = true)]
async fn close_sends_what_is_queued_and_ends_the_client() {
    let (mut client, browsers) = client(|_| true);
    client.next().await;
    let outbox = client.outbox();
    outbox.try_send("last").unwrap();
    outbox.close(CloseFrame::new(4000, "bye")).unwrap();
    assert!(client.next().now_or_never().is_none());
    assert_eq!(browsers.borrow()[0].sent(), [Message::text("last")]);
    assert_eq!(browsers.borrow()[0].codes(), [Some(4000)]);
    browsers.borrow()[0].closes(4000, "bye");
    assert!(matches!(
        client.next().await,
        Some(Event::Down { cause: Cause::CloseRequested, retry_in: None })
    ));
    assert!(client.next().await.is_none());
    assert_eq!(outbox.send("x").await.unwrap_err().kind(), SendErrorKind::Closed);
}

#[tokio::test(start_paused = true)]
async fn network_that_is_back_ends_the_wait_of_the_backoff_but_not_of_a_server() {
    let long = Duration::from_secs(3600);
    for (retry, hurries) in [(Retry::Backoff, true), (Retry::After(long), false)] {
        let (client, browsers) = client(|_| true);
        let mut client = client.backoff(Backoff::new().initial(long).max(long)).retry(move |_| retry);
        client.next().await;
        browsers.borrow()[0].closes(1006, "");
        client.next().await;
        assert!(client.next().now_or_never().is_none());
        hurry();
        assert_eq!(client.next().now_or_never().is_some(), hurries, "{retry:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn network_that_is_back_during_an_attempt_that_fails_ends_the_wait_for_the_next_one() {
    let long = Duration::from_secs(3600);
    let (client, _) = client(|attempt| {
        // While it is dialed.
        if attempt == 1 {
            hurry();
        }
        attempt == 3
    });
    let mut client = client.backoff(Backoff::new().initial(long).max(long));
    assert!(matches!(client.next().await, Some(Event::Failed { attempt: 1, .. })));
    assert!(matches!(client.next().now_or_never(), Some(Some(Event::Failed { attempt: 2, .. }))));
    assert!(client.next().now_or_never().is_none(), "nothing was said during the second one");
    hurry();
    assert!(matches!(client.next().now_or_never(), Some(Some(Event::Up { attempt: 3 }))));
}

#[tokio::test(start_paused = true)]
async fn network_that_is_back_while_a_connection_is_up_is_no_news_when_it_is_lost() {
    let long = Duration::from_secs(3600);
    let (client, browsers) = client(|_| true);
    let mut client = client.backoff(Backoff::new().initial(long).max(long));
    client.next().await;
    hurry();
    browsers.borrow()[0].closes(1006, "");
    assert!(matches!(client.next().await, Some(Event::Down { .. })));
    assert!(client.next().now_or_never().is_none());
}

#[tokio::test(start_paused = true)]
async fn queue_is_bounded_and_those_who_wait_are_served_in_order() {
    let (client, browsers) = client(|_| true);
    let mut client = client.queue_limits(2, 10);
    let outbox = client.outbox();
    outbox.try_send("12345678901234").unwrap();
    assert_eq!(outbox.try_send("x").unwrap_err().kind(), SendErrorKind::Full);
    let (first, second) = (outbox.send("first"), outbox.send("second"));
    let drives = async {
        tokio::task::yield_now().await;
        while browsers.borrow().first().is_none_or(|browser| browser.sent().len() < 3) {
            let _ = client.next().now_or_never();
            tokio::task::yield_now().await;
        }
    };
    let (first, second, ()) = tokio::join!(first, second, drives);
    assert!(first.is_ok() && second.is_ok());
    let sent = browsers.borrow()[0].sent();
    assert_eq!(sent[1..], [Message::text("first"), Message::text("second")]);
    assert_eq!(outbox.try_send(Message::Ping("x".into())).unwrap_err().kind(), SendErrorKind::NotData);
}

#[tokio::test(start_paused = true)]
async fn one_who_gives_up_waiting_makes_way() {
    let (client, _) = client(|_| true);
    let outbox = client.queue_limits(1, 10).outbox();
    // The client is gone, and with it the queue is closed.
    assert!(outbox.is_closed());

    let (client, _) = self::client(|_| true);
    let client = client.queue_limits(1, 10);
    let outbox = client.outbox();
    outbox.try_send("full").unwrap();
    let mut waits = Box::pin(outbox.send("gives up"));
    assert!(waits.as_mut().now_or_never().is_none());
    assert_eq!(outbox.take_queued(), [Message::text("full")]);
    assert_eq!(outbox.try_send("behind it").unwrap_err().kind(), SendErrorKind::Full);
    drop(waits);
    outbox.try_send("at last").unwrap();
    assert_eq!(outbox.queued(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_is_only_for_a_connection_goes_with_it() {
    let (mut client, browsers) = client(|_| true);
    client.next().await;
    let outbox = client.outbox();
    browsers.borrow()[0].page.buffered.set(u64::MAX);
    outbox.try_send_now("position").unwrap();
    outbox.try_send("line").unwrap();
    browsers.borrow()[0].closes(1006, "");
    assert!(matches!(client.next().await, Some(Event::Down { .. })));
    assert_eq!(outbox.take_queued(), [Message::text("line")]);
}

#[tokio::test(start_paused = true)]
async fn connection_without_messages_is_lost_where_that_is_asked_for() {
    let (client, browsers) = client(|_| true);
    let mut client = client.idle_timeout(Duration::from_secs(10));
    client.next().await;
    tokio::time::advance(Duration::from_secs(9)).await;
    browsers.borrow()[0].sends("beat");
    assert!(matches!(client.next().await, Some(Event::Message(_))));
    let began = tokio::time::Instant::now();
    let Some(Event::Down { cause: Cause::Failed(error), retry_in: Some(_) }) = client.next().await else {
        panic!("it is down")
    };
    assert!(error.is_timeout());
    assert_eq!(began.elapsed(), Duration::from_secs(10));
    assert_eq!(browsers.borrow()[0].codes(), [None]);
}
