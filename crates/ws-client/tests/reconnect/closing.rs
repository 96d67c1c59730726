//! The end of a client that is closed.

use super::*;

#[tokio::test(start_paused = true)]
async fn close_sends_what_is_queued_and_sees_the_handshake_through() {
    let (mut client, mut servers) = connected();
    let outbox = client.outbox();
    expect_up(&mut client).await;
    let mut server = servers.recv().await.unwrap();
    for number in 0..100 {
        outbox.try_send(number.to_string()).unwrap();
    }
    outbox.close(CloseFrame::new(4000, "bye")).unwrap();
    outbox.close(CloseCode::NORMAL_CLOSURE).unwrap();
    assert!(outbox.is_closed());
    assert_eq!(outbox.try_send("x").unwrap_err().kind(), SendErrorKind::Closed);
    let serve = async {
        for number in 0..100 {
            assert_eq!(read(&mut server).await, Message::text(number.to_string()));
        }
        server.read_message().await.unwrap_err()
    };
    let ((cause, retry_in), error) = tokio::join!(expect_down(&mut client), serve);
    assert!(matches!(cause, Cause::CloseRequested));
    assert_eq!(retry_in, None);
    assert_eq!(error.close_frame(), Some(&CloseFrame::new(4000, "bye")));
    expect_end(&mut client).await;
    assert_eq!(outbox.queued(), 0);
}

#[tokio::test(start_paused = true)]
async fn close_wakes_a_client_that_waits() {
    let (mut client, mut servers) = connected();
    expect_up(&mut client).await;
    let mut server = servers.recv().await.unwrap();
    let outbox = client.outbox();
    tokio::spawn(async move {
        sleep(Duration::from_secs(1)).await;
        outbox.close(None).unwrap();
    });
    let (down, ended) = tokio::join!(expect_down(&mut client), server.read_message());
    assert!(matches!(down.0, Cause::CloseRequested));
    assert_eq!(ended.unwrap(), None);
}

#[tokio::test(start_paused = true)]
async fn close_does_not_wait_for_ever_for_a_server_that_does_not_answer() {
    let (mut client, servers) = connected_through(64);
    let outbox = client.outbox();
    expect_up(&mut client).await;
    outbox.try_send(vec![0; 100_000]).map_err(|error| error.kind()).unwrap();
    outbox.close(None).unwrap();
    let started = Instant::now();
    let (cause, retry_in) = expect_down(&mut client).await;
    assert!(matches!(cause, Cause::CloseRequested) && retry_in.is_none());
    assert_eq!(started.elapsed().as_secs(), 5);
    drop(servers);
}

#[tokio::test(start_paused = true)]
async fn close_before_the_first_connection_ends_at_once() {
    let (mut client, _servers) = connected();
    client.outbox().close(None).unwrap();
    expect_end(&mut client).await;
}

#[tokio::test(start_paused = true)]
async fn close_while_dialing_ends_at_once() {
    let mut client: Client = Reconnecting::from_fn(|_| pending());
    close_in_a_second(&mut client).await;
}

#[tokio::test(start_paused = true)]
async fn close_while_setting_up_ends_at_once() {
    let (client, mut servers) = connected();
    let mut client = client.setup(|conn| async move {
        pending::<()>().await;
        Ok(conn)
    });
    close_in_a_second(&mut client).await;
    let error = servers.recv().await.unwrap().read_message().await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::ConnectionLost);
}

#[tokio::test(start_paused = true)]
async fn close_while_waiting_ends_at_once_and_leaves_the_queue() {
    let (client, _servers) = failing([DialErrorKind::Dns]);
    let mut client = client.retry(|_| Retry::After(Duration::from_secs(100)));
    client.outbox().try_send("unsent").unwrap();
    expect_failed(&mut client).await;
    let outbox = close_in_a_second(&mut client).await;
    assert_eq!(outbox.take_queued(), [Message::text("unsent")]);
}

/// Closes a client that has no connection.
async fn close_in_a_second(client: &mut Client) -> Outbox {
    let outbox = client.outbox();
    let closer = outbox.clone();
    tokio::spawn(async move {
        sleep(Duration::from_secs(1)).await;
        closer.close(None).unwrap();
    });
    let started = Instant::now();
    expect_end(client).await;
    assert_eq!(started.elapsed().as_secs(), 1);
    outbox
}

#[tokio::test(start_paused = true)]
async fn close_frame_that_must_not_be_sent_is_refused() {
    let (client, _servers) = connected();
    let outbox = client.outbox();
    let refused = |frame: CloseFrame| outbox.close(frame).map_err(|error: Error| error.is_usage());
    assert_eq!(refused(CloseFrame::new(1006, "")), Err(true));
    assert_eq!(refused(CloseFrame::new(1000, "x".repeat(124))), Err(true));
    assert!(!outbox.is_closed());
}

#[tokio::test(start_paused = true)]
async fn loss_while_closing_is_the_end_all_the_same() {
    let (mut client, mut servers) = connected();
    expect_up(&mut client).await;
    let server = servers.recv().await.unwrap();
    client.outbox().close(None).unwrap();
    drop(server);
    let (cause, retry_in) = expect_down(&mut client).await;
    assert!(matches!(cause, Cause::CloseRequested) && retry_in.is_none());
    expect_end(&mut client).await;
}

#[test]
fn client_and_its_handle_can_be_moved() {
    fn check<T: Send + 'static>() {}
    fn share<T: Send + Sync + Clone + 'static>() {}
    check::<Reconnecting>();
    check::<Event>();
    share::<Outbox>();
}
