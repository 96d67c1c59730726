//! What a client tells of its connections.

use super::*;

#[tokio::test(start_paused = true)]
async fn connection_comes_up_carries_messages_and_comes_back() {
    let (mut client, mut servers) = connected();
    let outbox = client.outbox();
    assert!(!outbox.is_up() && client.conn().is_none());
    for round in 0..3 {
        let event = next(&mut client).await;
        assert!(matches!(event, Event::Up { .. }), "{event:?}");
        assert!(outbox.is_up() && client.conn().is_some());
        let mut server = servers.recv().await.unwrap();

        outbox.try_send(format!("up {round}")).unwrap();
        assert_eq!(while_quiet(&mut client, read(&mut server)).await, Message::text(format!("up {round}")));
        server.write_message(format!("down {round}")).await.unwrap();
        let event = next(&mut client).await;
        assert!(matches!(&event, Event::Message(Message::Text(text)) if *text == format!("down {round}")));

        drop(server);
        let (cause, retry_in) = expect_down(&mut client).await;
        assert!(lost(&cause) && retry_in.is_some(), "{cause:?} {retry_in:?}");
        assert!(!outbox.is_up() && client.conn().is_none());
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_server_sent_before_it_went_is_delivered() {
    let (mut client, mut servers) = connected();
    expect_up(&mut client).await;
    let mut server = servers.recv().await.unwrap();
    server.write_message("last").await.unwrap();
    drop(server);
    // Writing fails from here on.
    client.outbox().try_send("too late").unwrap();
    assert!(matches!(next(&mut client).await, Event::Message(message) if message == Message::text("last")));
    assert!(lost(&expect_down(&mut client).await.0));
}

#[tokio::test(start_paused = true)]
async fn failed_attempts_are_told_with_their_number_and_the_wait() {
    let (mut client, mut servers) = failing([DialErrorKind::Dns, DialErrorKind::Connect]);
    for expected in [DialErrorKind::Dns, DialErrorKind::Connect] {
        let Event::Failed { attempt, cause: Cause::Dial(error), retry_in: Some(wait), .. } =
            next(&mut client).await
        else {
            panic!("not a failed attempt");
        };
        assert_eq!(error.kind(), &expected);
        let ceiling = Backoff::new().ceiling(attempt);
        assert!(wait < ceiling, "{attempt}: {wait:?} {ceiling:?}");
    }
    assert!(matches!(next(&mut client).await, Event::Up { attempt: 3, .. }));
    assert!(servers.recv().await.is_some());
}

#[tokio::test(start_paused = true)]
async fn attempt_waits_as_long_as_was_told() {
    let kinds = (0..12).map(|_| DialErrorKind::Connect);
    let (mut client, _servers) = failing(kinds);
    let mut before = Instant::now();
    let mut told = Duration::ZERO;
    for _ in 0..12 {
        let (_, retry_in) = expect_failed(&mut client).await;
        let waited = before.elapsed();
        // The timer counts in whole milliseconds.
        assert!(waited >= told && waited <= told + Duration::from_millis(2), "{waited:?} {told:?}");
        (before, told) = (Instant::now(), retry_in.unwrap());
    }
}

#[tokio::test(start_paused = true)]
async fn clients_are_spread_over_the_wait() {
    let mut waits = Vec::new();
    for _ in 0..64 {
        let (mut client, mut servers) = connected();
        expect_up(&mut client).await;
        while_quiet(&mut client, sleep(Duration::from_secs(60))).await;
        drop(servers.recv().await);
        waits.push(expect_down(&mut client).await.1.unwrap());
    }
    waits.sort_unstable();
    assert!(waits[63] < Duration::from_millis(500));
    // Each is missed with a chance of 1 in 2^64 at the most.
    assert!(waits[0] < Duration::from_millis(250) && waits[63] >= Duration::from_millis(250), "{waits:?}");
}
