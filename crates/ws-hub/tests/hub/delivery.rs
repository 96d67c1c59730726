//! What becomes of messages: queues, policies, slow consumers, close frames.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf, duplex},
    time::{Instant, timeout},
};
use ws_core::{CloseCode, CloseFrame, Conn, Negotiated, PreparedMessage, Role, Utf8Bytes};
use ws_hub::{Admission, Cause, Config, Envelope, Handler, Hub, Overflow, Session};

use crate::support::{Recorder, closed, connect, connect_as, silent, text};

fn small(overflow: Overflow) -> Hub<Recorder> {
    Hub::with_config(
        Recorder::default(),
        Config::new().max_queued_messages(4).overflow(overflow).write_timeout(None),
    )
}

/// A client that does not read, whose pipe is full, and whose queue is.
async fn stuck(hub: &Hub<Recorder>) -> (crate::support::Client, Session<Recorder>) {
    let (client, session, _) = connect_as(hub, Admission::new(), 16).await;
    for _ in 0..4 {
        session.send("0123456789abcdef");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(session.queued().0, 4);
    (client, session)
}

#[tokio::test(start_paused = true)]
async fn messages_of_one_sender_arrive_in_their_order() {
    let hub = Hub::new(());
    let (mut client, session, _served) = connect(&hub).await;
    for number in 0..1000 {
        match number % 3 {
            0 => drop(session.send(number.to_string())),
            1 => drop(hub.all().send(number.to_string())),
            _ => drop(hub.all().filter(|_| true).send(number.to_string())),
        }
    }
    for number in 0..1000 {
        assert_eq!(text(&mut client).await, number.to_string());
    }
}

#[tokio::test(start_paused = true)]
async fn a_close_gets_through_a_full_queue() {
    let hub = small(Overflow::DropNewest);
    let (mut client, session) = stuck(&hub).await;
    assert_eq!(session.send("more").delivery().dropped, 1);
    session.close_now(CloseFrame::new(4000, "now"));
    // What the transport had begun is finished; what waited is not sent.
    let mut received = 0;
    let frame = loop {
        match client.recv().await.unwrap() {
            Some(ws_core::Message::Close(frame)) => break frame,
            Some(_) => received += 1,
            None => panic!("no close frame"),
        }
    };
    assert_eq!(frame, Some(CloseFrame::new(4000, "now")));
    assert!(received >= 1, "{received}");
}

#[tokio::test(start_paused = true)]
async fn a_close_that_waits_for_the_queue_waits_no_longer_than_its_bound() {
    let hub = small(Overflow::DropNewest);
    let (client, session) = stuck(&hub).await;
    let since = Instant::now();
    session.close(CloseFrame::new(4000, "soon"));
    hub.closed().await;
    // Five seconds for what waits, five for the closing handshake.
    assert_eq!(since.elapsed().as_secs(), 10);
    assert_eq!(hub.handler().lines().last().unwrap(), "disconnect 4000 \"soon\" Closed");
    drop(client);
}

#[tokio::test(start_paused = true)]
async fn every_drop_is_told_to_the_sender_and_to_the_handler() {
    let hub = small(Overflow::DropNewest);
    let (mut client, session) = stuck(&hub).await;
    for _ in 0..3 {
        let delivery = session.send("x").await;
        assert_eq!((delivery.dropped, delivery.is_complete()), (1, false));
    }
    assert_eq!(session.dropped(), 3);
    for _ in 0..4 {
        text(&mut client).await;
    }
    silent(&mut client).await;
    assert_eq!(hub.handler().count("dropped 3"), 1);
}

// Shows OUT-3.
#[tokio::test(start_paused = true)]
async fn disconnect_closes_the_slow_one_with_1013() {
    let hub = small(Overflow::default());
    let (mut client, session) = stuck(&hub).await;
    assert_eq!(session.send("x").delivery().disconnected, 1);
    assert!(session.is_closed());
    assert_eq!(closed(&mut client).await, Some(CloseFrame::new(CloseCode::TRY_AGAIN_LATER, "too slow")));
    hub.closed().await;
    assert!(hub.handler().lines().last().unwrap().ends_with("Slow"));
}

#[tokio::test(start_paused = true)]
async fn a_message_has_a_policy_of_its_own() {
    let hub = small(Overflow::default());
    let (mut client, session) = stuck(&hub).await;
    let oldest = session.send(Envelope::new("new").overflow(Overflow::DropOldest));
    assert_eq!((oldest.delivery().queued, oldest.delivery().displaced), (1, 1));
    let close = CloseFrame::new(4008, "too slow for this");
    let own = session.send(Envelope::new("x").overflow(Overflow::Disconnect(close.clone())));
    assert_eq!(own.delivery().disconnected, 1);
    assert_eq!(closed(&mut client).await, Some(close));
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_room_gets_it_when_there_is_some() {
    let hub = small(Overflow::Wait(Duration::from_secs(10)));
    let (mut client, session) = stuck(&hub).await;
    let (_other, _, _served) = connect(&hub).await;
    let sending = hub.all().send("waits");
    assert_eq!((sending.delivery().queued, sending.delivery().waiting), (1, 1));
    let read = async {
        tokio::time::sleep(Duration::from_secs(3)).await;
        text(&mut client).await
    };
    let since = Instant::now();
    let (delivery, _) = tokio::join!(sending, read);
    assert_eq!((delivery.queued, delivery.waiting, since.elapsed().as_secs()), (2, 0, 3));
    for _ in 0..3 {
        text(&mut client).await;
    }
    assert_eq!(text(&mut client).await, "waits");
    drop(session);
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_room_waits_no_longer_than_its_bound() {
    let hub = small(Overflow::Wait(Duration::from_secs(10)));
    let (_client, session) = stuck(&hub).await;
    let since = Instant::now();
    let delivery = session.send("waits").await;
    assert_eq!((delivery.dropped, since.elapsed().as_secs()), (1, 10));
    // Not awaited, it is dropped.
    drop(session.send("does not wait"));
    assert_eq!(session.dropped(), 2);
    // A session that ends ends the wait.
    let sending = session.send("waits");
    session.abort();
    assert_eq!(timeout(Duration::from_secs(1), sending).await.unwrap().closed, 1);
}

#[tokio::test(start_paused = true)]
async fn a_transport_that_takes_nothing_is_given_up() {
    let config = Config::new().write_timeout(Duration::from_secs(30)).keep_alive(None);
    let hub = Hub::with_config(Recorder::default(), config);
    let (_client, session, served) = connect_as(&hub, Admission::new(), 16).await;
    session.send("x".repeat(1000));
    let since = Instant::now();
    let end = served.await.unwrap();
    assert_eq!(end.cause, Cause::Slow);
    assert!((30..=45).contains(&since.elapsed().as_secs()), "{:?}", since.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_transport_that_takes_little_by_little_is_not() {
    use tokio::io::AsyncReadExt;
    let config = Config::new().write_timeout(Duration::from_secs(30)).keep_alive(None);
    let hub = Hub::with_config(Recorder::default(), config);
    let (mut client, session, served) = connect_as(&hub, Admission::new(), 16).await;
    session.send("x".repeat(1000));
    for _ in 0..50 {
        tokio::time::sleep(Duration::from_secs(10)).await;
        client.get_mut().read_exact(&mut [0; 16]).await.unwrap();
    }
    assert!(!served.is_finished());
}

// Shows OUT-3.
#[tokio::test(start_paused = true)]
async fn slow_consumers_delay_nobody() {
    let config = Config::new().max_queued_messages(8).overflow(Overflow::DropOldest).keep_alive(None);
    let hub = Hub::with_config((), config);
    let mut readers = Vec::new();
    let mut sleepers = Vec::new();
    let mut served = Vec::new();
    for number in 0..10_000 {
        let capacity = if number % 100 == 0 { 64 } else { 4096 };
        let (client, server) = crate::support::pair(capacity);
        let hub = hub.clone();
        served.push(tokio::spawn(async move { hub.serve(server).await }));
        if number % 100 == 0 { sleepers.push(client) } else { readers.push(client) }
    }
    while hub.len() < 10_000 {
        tokio::task::yield_now().await;
    }
    let since = Instant::now();
    let message = "x".repeat(40);
    for _ in 0..20 {
        assert_eq!(hub.all().send(message.as_str()).delivery().queued, 10_000);
        for client in &mut readers {
            assert_eq!(text(client).await, message);
        }
    }
    // The clock only moves when everybody waits.
    assert_eq!(since.elapsed(), Duration::ZERO);
    assert!(hub.sessions().iter().filter(|session| session.dropped() > 0).count() == 100);
}

#[tokio::test(start_paused = true)]
async fn a_prepared_message_is_sent_as_it_is() {
    let hub = Hub::new(());
    let (mut client, session, _served) = connect(&hub).await;
    let prepared = PreparedMessage::new("ready").unwrap();
    hub.all().send(Envelope::try_from(prepared.clone()).unwrap());
    session.send(Envelope::try_from(prepared).unwrap());
    assert_eq!((text(&mut client).await, text(&mut client).await), ("ready".into(), "ready".into()));
    let ping = PreparedMessage::new(ws_core::Message::Ping("p".into())).unwrap();
    assert!(Envelope::try_from(ping).is_err());
}

#[test]
fn sending_needs_no_runtime() {
    let hub: Hub<()> = Hub::with_config((), Config::new().overflow(Overflow::Wait(Duration::from_secs(1))));
    assert_eq!(hub.all().send("nobody").delivery().queued, 0);
    assert!(hub.room("a").is_empty());
}

/// A transport that counts what is written at a time.
struct Counting(DuplexStream, Arc<AtomicUsize>);

impl AsyncRead for Counting {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Counting {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.0).poll_write(cx, bytes);
        self.1.fetch_add(written.is_ready().into(), Ordering::SeqCst);
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

/// Answers each message, and closes after one that says so.
#[derive(Default)]
struct Echo(AtomicUsize);

impl Handler for Echo {
    async fn text(&self, session: &Session<Self>, text: Utf8Bytes) {
        self.0.fetch_add(1, Ordering::SeqCst);
        session.send(text.clone());
        if text == "bye" {
            session.close(CloseFrame::new(4000, "bye"));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn answers_to_what_arrived_together_leave_together_and_a_close_frame_before_the_rest() {
    let hub = Hub::with_config(Echo::default(), Config::new().max_queued_messages(8));
    let (near, far) = duplex(64 << 10);
    let writes = Arc::new(AtomicUsize::new(0));
    let mut client = Conn::new(near, Role::Client, ws_core::Config::new(), Negotiated::new());
    let far = Counting(far, writes.clone());
    let server = Conn::new(far, Role::Server, ws_core::Config::new(), Negotiated::new());
    let served = hub.clone();
    tokio::spawn(async move { served.serve(server).await });
    for number in 0..4 {
        client.queue_message(number.to_string()).await.unwrap();
    }
    client.flush().await.unwrap();
    for number in 0..4 {
        assert_eq!(text(&mut client).await, number.to_string());
    }
    assert_eq!(writes.load(Ordering::SeqCst), 1);
    // More than half of the queue does not wait.
    for number in 0..40 {
        client.queue_message(number.to_string()).await.unwrap();
    }
    client.queue_message("bye").await.unwrap();
    client.queue_message("too late").await.unwrap();
    client.flush().await.unwrap();
    for number in 0..40 {
        assert_eq!(text(&mut client).await, number.to_string());
    }
    assert_eq!(text(&mut client).await, "bye");
    assert_eq!(closed(&mut client).await, Some(CloseFrame::new(4000, "bye")));
    assert_eq!(hub.handler().0.load(Ordering::SeqCst), 4 + 40 + 1);
}
