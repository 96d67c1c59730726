//! From the first message of a session to the last.

use std::{sync::Mutex, time::Duration};

use tokio::sync::oneshot;
use ws_core::{CloseCode, CloseFrame, Message, Utf8Bytes};
use ws_hub::{Admission, Cause, Config, Disconnect, Handler, Hub, Session};

use crate::support::{Recorder, closed, connect, connect_as, pair, silent, text};

#[tokio::test(start_paused = true)]
async fn hooks_are_called_in_the_order_of_what_happens() {
    let hub = Hub::new(Recorder::default());
    let (mut client, session, served) = connect(&hub).await;
    client.write_message("one").await.unwrap();
    client.write_message(vec![1, 2]).await.unwrap();
    client.write_message(Message::Pong("".into())).await.unwrap();
    tokio::time::sleep(Duration::from_millis(1)).await;
    session.send("two");
    assert_eq!(text(&mut client).await, "two");
    client.close(CloseFrame::new(4001, "bye")).await.unwrap();
    let end = served.await.unwrap();
    assert_eq!((end.code.as_u16(), &*end.reason, end.cause), (4001, "bye", Cause::Peer));
    assert_eq!(
        hub.handler().lines(),
        [
            "connect",
            "text one",
            "binary 2",
            "pong false",
            "sent two",
            "close Some(4001)",
            "disconnect 4001 \"bye\" Peer"
        ]
    );
    assert!(session.is_closed() && hub.is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_is_sent_before_a_close_goes_out_before_it() {
    let hub = Hub::new(Recorder::default());
    let (mut client, session, served) = connect(&hub).await;
    for number in 0..100 {
        session.send(number.to_string());
    }
    session.close(CloseFrame::new(4000, "enough"));
    assert_eq!(session.send("late").delivery().closed, 1);
    for number in 0..100 {
        assert_eq!(text(&mut client).await, number.to_string());
    }
    assert_eq!(closed(&mut client).await, Some(CloseFrame::new(4000, "enough")));
    let end = served.await.unwrap();
    assert_eq!((end.code.as_u16(), end.cause), (4000, Cause::Closed));
    assert_eq!(hub.handler().count("sent"), 100);
}

#[tokio::test(start_paused = true)]
async fn a_lost_connection_is_told_once_with_1006() {
    let hub = Hub::new(Recorder::default());
    let (client, _, served) = connect(&hub).await;
    client.abort();
    let end = served.await.unwrap();
    assert_eq!((end.code, end.cause), (CloseCode::ABNORMAL_CLOSURE, Cause::Lost));
    assert_eq!(hub.handler().count("disconnect"), 1);
    assert_eq!(hub.handler().count("error connection lost"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_broken_rule_is_told_with_its_code() {
    let hub = Hub::with_config(Recorder::default(), Config::melody());
    let (mut client, _, served) = connect(&hub).await;
    client.write_message("x".repeat(513)).await.unwrap();
    assert_eq!(client.read_message().await.unwrap_err().close_code(), Some(CloseCode::MESSAGE_TOO_BIG));
    let end = served.await.unwrap();
    assert_eq!((end.code, end.cause), (CloseCode::MESSAGE_TOO_BIG, Cause::Failed));
}

#[tokio::test(start_paused = true)]
async fn a_task_that_is_aborted_takes_its_session_back() {
    let hub = Hub::new(Recorder::default());
    let (_client, session, served) = connect(&hub).await;
    hub.room("a").join(&session).unwrap();
    served.abort();
    assert!(served.await.unwrap_err().is_cancelled());
    assert!(hub.is_empty() && hub.room_names().is_empty());
    assert_eq!(hub.handler().lines().last().unwrap(), "disconnect 1006 \"\" Dropped");
}

/// Does what its messages say.
struct Clumsy;

impl Handler for Clumsy {
    async fn text(&self, _: &Session<Self>, text: Utf8Bytes) {
        match text.as_str() {
            "panic" => panic!("on purpose"),
            "panic later" => {
                tokio::task::yield_now().await;
                panic!("on purpose");
            }
            _ => {}
        }
    }

    fn pong(&self, _: &Session<Self>, _: Option<Duration>) {
        panic!("on purpose");
    }

    fn disconnect(&self, session: &Session<Self>, end: &Disconnect) {
        assert!(session.hub().is_empty());
        assert!(end.cause != Cause::Panicked || end.rooms.len() == 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_panics_closes_with_1011_and_leaves_nothing() {
    for message in [Message::text("panic"), Message::text("panic later"), Message::Pong("".into())] {
        for concurrent in [1, 4] {
            let hub = Hub::with_config(Clumsy, Config::new().concurrent_messages(concurrent));
            let (mut client, session, served) = connect(&hub).await;
            hub.room("a").join(&session).unwrap();
            drop(session);
            client.write_message(message.clone()).await.unwrap();
            // With tasks of their own, the next message finds the panic.
            client.write_message("on").await.unwrap();
            tokio::time::sleep(Duration::from_millis(1)).await;
            client.write_message("on").await.unwrap();
            assert_eq!(closed(&mut client).await, Some(CloseCode::INTERNAL_ERROR.into()), "{message:?}");
            assert!(served.await.unwrap_err().is_panic());
            assert!(hub.is_empty() && hub.room_names().is_empty());
        }
    }
}

/// Panics wherever it can.
struct Broken;

impl Handler for Broken {
    async fn connect(&self, _: &Session<Self>) -> Result<(), CloseFrame> {
        panic!("on purpose");
    }

    fn disconnect(&self, _: &Session<Self>, _: &Disconnect) {
        panic!("on purpose");
    }
}

#[tokio::test(start_paused = true)]
async fn panics_in_connect_and_disconnect_leave_nothing_either() {
    let hub = Hub::new(Broken);
    let (mut client, server) = pair(1024);
    let served = tokio::spawn({
        let hub = hub.clone();
        async move { hub.serve(server).await }
    });
    assert_eq!(closed(&mut client).await, Some(CloseCode::INTERNAL_ERROR.into()));
    assert!(served.await.unwrap_err().is_panic());
    hub.closed().await;
    assert!(hub.is_empty());
}

/// Lets nobody in.
struct Doorman;

impl Handler for Doorman {
    async fn connect(&self, session: &Session<Self>) -> Result<(), CloseFrame> {
        session.send("sorry");
        Err(CloseFrame::new(4003, "full"))
    }

    async fn text(&self, _: &Session<Self>, _: Utf8Bytes) {
        panic!("nobody was let in");
    }
}

#[tokio::test(start_paused = true)]
async fn connect_refuses_with_a_close_frame() {
    let hub = Hub::new(Doorman);
    let (mut client, server) = pair(1024);
    client.write_message("hello").await.unwrap();
    let (end, ()) = tokio::join!(hub.serve(server), async {
        assert_eq!(text(&mut client).await, "sorry");
        assert_eq!(closed(&mut client).await, Some(CloseFrame::new(4003, "full")));
    });
    assert_eq!((end.code.as_u16(), end.cause), (4003, Cause::Refused));
}

/// Waits in its handler for a sign.
struct Slow(Mutex<Option<oneshot::Receiver<()>>>);

impl Handler for Slow {
    async fn text(&self, session: &Session<Self>, text: Utf8Bytes) {
        let sign = self.0.lock().unwrap().take();
        if let Some(sign) = sign {
            let _ = sign.await;
        }
        session.send(text);
    }
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_waits_holds_up_its_own_messages_alone() {
    let (sign, waits) = oneshot::channel();
    let hub = Hub::new(Slow(Mutex::new(Some(waits))));
    let (mut client, session, _served) = connect(&hub).await;
    client.write_message("one").await.unwrap();
    silent(&mut client).await;
    // What is sent to it goes out meanwhile, and pings are answered.
    session.send("meanwhile");
    assert_eq!(text(&mut client).await, "meanwhile");
    client.write_message(Message::Ping("p".into())).await.unwrap();
    assert_eq!(client.recv().await.unwrap(), Some(Message::Pong("p".into())));
    client.write_message("two").await.unwrap();
    // Behind a message that waits nothing is read; that is not taken for silence.
    assert!(tokio::time::timeout(Duration::from_secs(600), client.read_message()).await.is_err());
    sign.send(()).unwrap();
    assert_eq!((text(&mut client).await, text(&mut client).await), ("one".into(), "two".into()));
}

#[tokio::test(start_paused = true)]
async fn concurrent_messages_overtake_each_other() {
    let (_sign, waits) = oneshot::channel();
    let config = Config::new().concurrent_messages(2);
    let hub = Hub::with_config(Slow(Mutex::new(Some(waits))), config);
    let (mut client, _, _served) = connect(&hub).await;
    client.write_message("one").await.unwrap();
    client.write_message("two").await.unwrap();
    assert_eq!(text(&mut client).await, "two");
}

#[tokio::test(start_paused = true)]
async fn pings_measure_the_round_trip_and_find_the_dead() {
    let config = Config::new().keep_alive((Duration::from_secs(10), Duration::from_secs(4)));
    let hub = Hub::with_config(Recorder::default(), config);
    let (mut client, session, served) = connect(&hub).await;
    assert_eq!(session.round_trip_time(), None);
    // A client that reads answers.
    let read = tokio::time::timeout(Duration::from_secs(25), client.read_message()).await;
    assert!(read.is_err());
    assert!(session.round_trip_time().is_some());
    assert_eq!(hub.handler().count("pong true"), 2);
    let since = tokio::time::Instant::now();
    // One that does not is given up.
    let end = served.await.unwrap();
    assert_eq!((end.code, end.cause), (CloseCode::ABNORMAL_CLOSURE, Cause::Lost));
    assert_eq!(since.elapsed().as_secs(), 9);
}

#[tokio::test(start_paused = true)]
async fn a_message_that_arrives_slowly_is_life() {
    use tokio::io::AsyncWriteExt;
    let config = Config::new().keep_alive((Duration::from_secs(10), Duration::from_secs(4)));
    let hub = Hub::with_config(Recorder::default(), config);
    let (mut client, _, served) = connect(&hub).await;
    // A frame of 100 bytes, masked with zeros, a byte each second.
    let pipe = client.get_mut();
    pipe.write_all(&[0x81, 0x80 | 100, 0, 0, 0, 0]).await.unwrap();
    for _ in 0..100 {
        tokio::time::sleep(Duration::from_secs(1)).await;
        pipe.write_all(b"x").await.unwrap();
    }
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert_eq!(hub.handler().count("text xxx"), 1);
    assert!(!served.is_finished());
}

#[tokio::test(start_paused = true)]
async fn values_are_kept_by_type() {
    #[derive(Clone, Debug, PartialEq)]
    struct Name(&'static str);
    let hub = Hub::new(());
    let admission = Admission::new().user("ada").with(Name("Ada")).with(7_u8);
    let (_client, session, _served) = connect_as(&hub, admission, 1024).await;
    assert_eq!(session.user().as_deref(), Some("ada"));
    assert_eq!(session.get::<Name>(), Some(Name("Ada")));
    assert_eq!(session.with_mut(|number: &mut u8| std::mem::replace(number, 8)), Some(7));
    assert_eq!(session.insert(9_u8), Some(8));
    assert_eq!(session.remove::<u8>(), Some(9));
    assert_eq!(session.get::<u8>(), None);
}
