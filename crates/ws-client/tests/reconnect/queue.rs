//! Messages that wait for a connection.

use super::*;

#[tokio::test(start_paused = true)]
async fn queue_survives_failed_attempts_in_order() {
    let (mut client, mut servers) = failing([DialErrorKind::Dns, DialErrorKind::Dns]);
    let outbox = client.outbox();
    outbox.try_send("0").unwrap();
    expect_failed(&mut client).await;
    outbox.send("1").await.unwrap();
    expect_failed(&mut client).await;
    outbox.try_send("2").unwrap();
    expect_up(&mut client).await;
    let mut server = servers.recv().await.unwrap();
    for expected in ["0", "1", "2"] {
        assert_eq!(while_quiet(&mut client, read(&mut server)).await, Message::text(expected));
    }
    assert_eq!(outbox.queued(), 0);
}

#[tokio::test(start_paused = true)]
async fn full_queue_gives_the_message_back() {
    let (client, _servers) = connected();
    let client = client.queue_limits(2, 100);
    let outbox = client.outbox();
    outbox.try_send("a").unwrap();
    outbox.try_send("b").unwrap();
    let error = outbox.try_send("c").unwrap_err();
    assert_eq!((error.kind(), error.into_message()), (SendErrorKind::Full, Message::text("c")));
    assert_eq!(outbox.take_queued(), [Message::text("a"), Message::text("b")]);
    let large = outbox.try_send("x".repeat(101));
    large.unwrap();
    assert_eq!(outbox.try_send("c").unwrap_err().kind(), SendErrorKind::Full);
}

#[tokio::test(start_paused = true)]
async fn senders_wait_for_room_in_their_order() {
    let (client, mut servers) = connected();
    let mut client = client.queue_limits(1, 100);
    let arrived = Arc::new(Mutex::new(Vec::new()));
    for number in 0..5 {
        let (outbox, arrived) = (client.outbox(), Arc::clone(&arrived));
        tokio::spawn(async move {
            outbox.send(number.to_string()).await.unwrap();
            arrived.lock().unwrap().push(number);
        });
        tokio::task::yield_now().await;
    }
    assert_eq!(*arrived.lock().unwrap(), [0]);
    expect_up(&mut client).await;
    let mut server = servers.recv().await.unwrap();
    for number in 0..5 {
        let message = while_quiet(&mut client, read(&mut server)).await;
        assert_eq!(message, Message::text(number.to_string()));
    }
    assert_eq!(*arrived.lock().unwrap(), [0, 1, 2, 3, 4]);
}

#[tokio::test(start_paused = true)]
async fn sender_that_gives_up_leaves_its_room() {
    let (client, _servers) = connected();
    let client = client.queue_limits(1, 100);
    let outbox = client.outbox();
    outbox.try_send("a").unwrap();
    assert!(timeout(Duration::from_secs(1), outbox.send("b")).await.is_err());
    assert_eq!(outbox.take_queued(), [Message::text("a")]);
    outbox.try_send("c").unwrap();
    assert_eq!(outbox.take_queued(), [Message::text("c")]);
}

#[tokio::test(start_paused = true)]
async fn control_frames_are_not_queued() {
    let (client, _servers) = connected();
    for message in [Message::Ping("x".into()), Message::Pong("x".into()), Message::Close(None)] {
        let error = client.outbox().send(message.clone()).await.unwrap_err();
        assert_eq!((error.kind(), error.into_message()), (SendErrorKind::NotData, message));
    }
}

#[tokio::test(start_paused = true)]
async fn message_for_now_is_refused_while_away_and_dropped_with_its_connection() {
    let (mut client, mut servers) = connected_through(1024);
    let outbox = client.outbox();
    assert_eq!(outbox.try_send_now("x").unwrap_err().kind(), SendErrorKind::Down);
    expect_up(&mut client).await;
    let mut server = servers.recv().await.unwrap();
    outbox.try_send_now("now").unwrap();
    assert_eq!(while_quiet(&mut client, read(&mut server)).await, Message::text("now"));
    // The server stops reading: this fills the connection, so that the rest stays in the queue.
    outbox.try_send(vec![b'x'; 100_000]).map_err(|error| error.kind()).unwrap();
    while_quiet(&mut client, sleep(Duration::from_secs(1))).await;
    outbox.try_send_now("gone").unwrap();
    outbox.try_send("kept").unwrap();
    while_quiet(&mut client, sleep(Duration::from_secs(1))).await;
    assert_eq!(outbox.queued(), 2);
    drop(server);
    expect_down(&mut client).await;
    assert_eq!(outbox.queued(), 1);
    expect_up(&mut client).await;
    let mut server = servers.recv().await.unwrap();
    assert_eq!(while_quiet(&mut client, read(&mut server)).await, Message::text("kept"));
}

#[tokio::test(start_paused = true)]
async fn queue_of_a_client_that_is_dropped_can_be_taken_back() {
    let (client, _servers) = connected();
    let client = client.queue_limits(1, 100);
    let outbox = client.outbox();
    outbox.try_send("a").unwrap();
    let waits = {
        let outbox = outbox.clone();
        tokio::spawn(async move { outbox.send("b").await })
    };
    tokio::task::yield_now().await;
    drop(client);
    let error = waits.await.unwrap().unwrap_err();
    assert_eq!((error.kind(), error.into_message()), (SendErrorKind::Closed, Message::text("b")));
    assert!(outbox.is_closed() && !outbox.is_up());
    assert_eq!(outbox.take_queued(), [Message::text("a")]);
}

#[tokio::test(start_paused = true)]
async fn queue_leaves_in_one_go_however_long_it_is() {
    let (client, mut servers) = connected();
    let mut client = client.queue_limits(1000, 1 << 20);
    let outbox = client.outbox();
    for number in 0..1000 {
        outbox.try_send(number.to_string()).unwrap();
    }
    expect_up(&mut client).await;
    let mut server = servers.recv().await.unwrap();
    while_quiet(&mut client, sleep(Duration::from_secs(1))).await;
    assert_eq!(outbox.queued(), 0);
    for number in 0..1000 {
        assert_eq!(read(&mut server).await, Message::text(number.to_string()));
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_queued_while_the_server_closes_waits_for_the_next_connection() {
    let (mut client, mut servers) = connected();
    let outbox = client.outbox();
    expect_up(&mut client).await;
    let mut closing = servers.recv().await.unwrap();
    // It leaves the transport open, so that the client waits for its end.
    let frame = CloseFrame::new(CloseCode::SERVICE_RESTART, "");
    closing.write_message(Message::Close(Some(frame.clone()))).await.unwrap();
    while_quiet(&mut client, sleep(Duration::from_secs(1))).await;
    for number in 0..3 {
        outbox.try_send(number.to_string()).unwrap();
    }
    let (cause, _) = expect_down(&mut client).await;
    assert!(matches!(&cause, Cause::Closed(Some(told)) if *told == frame), "{cause:?}");
    expect_up(&mut client).await;
    let mut server = servers.recv().await.unwrap();
    for number in 0..3 {
        assert_eq!(while_quiet(&mut client, read(&mut server)).await, Message::text(number.to_string()));
    }
}
