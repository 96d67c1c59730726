//! Both directions of a connection, and one that is dead.

use super::*;

#[tokio::test(start_paused = true)]
async fn peer_that_stops_reading_is_still_heard() {
    let (mut client, mut servers) = connected_through(512);
    let outbox = client.outbox();
    expect_up(&mut client).await;
    let (mut reader, mut writer) = servers.recv().await.unwrap().into_split();
    for _ in 0..20 {
        outbox.try_send(vec![0; 20_000]).map_err(|error| error.kind()).unwrap();
    }
    let speaks = tokio::spawn(async move {
        for number in 0..100 {
            writer.write_message(number.to_string()).await.unwrap();
        }
        writer
    });
    for number in 0..100 {
        let event = next(&mut client).await;
        assert!(matches!(&event, Event::Message(Message::Text(text)) if *text == number.to_string()));
    }
    let _writer = speaks.await.unwrap();
    assert!(outbox.queued() > 0);
    // And once it reads again, the rest follows.
    for _ in 0..20 {
        let message = while_quiet(&mut client, reader.read_message()).await.unwrap().unwrap();
        assert_eq!(message.into_data().len(), 20_000);
    }
}

#[tokio::test(start_paused = true)]
async fn peer_that_never_stops_sending_is_still_told() {
    let (mut client, mut servers) = connected_through(512);
    let outbox = client.outbox();
    expect_up(&mut client).await;
    let (mut reader, mut writer) = servers.recv().await.unwrap().into_split();
    tokio::spawn(async move { while writer.write_message("noise").await.is_ok() {} });
    let heard = tokio::spawn(async move {
        for number in 0..50 {
            assert_eq!(reader.read_message().await.unwrap(), Some(Message::text(number.to_string())));
        }
        reader
    });
    for number in 0..50 {
        outbox.try_send(number.to_string()).unwrap();
        for _ in 0..100 {
            assert!(matches!(next(&mut client).await, Event::Message(_)));
        }
    }
    heard.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn server_that_is_gone_without_a_word_is_noticed_in_forty_seconds() {
    // The handshake is answered, and nothing after it.
    let connector = memory(|mut io| async move {
        accept_handshake(&mut io, "").await;
        // Read, or the pings would fill the pipe; never answered.
        let mut sink = [0; 1024];
        while io.read(&mut sink).await.is_ok_and(|count| count > 0) {}
    });
    let dialer = Dialer::new().connector(connector);
    let mut client = Reconnecting::new(dialer, "ws://example.com/").unwrap();
    expect_up(&mut client).await;
    let started = Instant::now();
    let (cause, _) = expect_down(&mut client).await;
    assert!(lost(&cause), "{cause:?}");
    assert_eq!(started.elapsed().as_secs(), 40);
}

#[tokio::test(start_paused = true)]
async fn keep_alive_of_the_dialer_stays() {
    let connector = memory(|mut io| async move {
        accept_handshake(&mut io, "").await;
        let mut sink = [0; 1024];
        while io.read(&mut sink).await.is_ok_and(|count| count > 0) {}
    });
    let keep_alive = KeepAlive::every(Duration::from_secs(3)).timeout(Duration::from_secs(1));
    let dialer = Dialer::new().config(Config::new().keep_alive(keep_alive)).connector(connector);
    let mut client = Reconnecting::new(dialer, "ws://example.com/").unwrap();
    expect_up(&mut client).await;
    let started = Instant::now();
    expect_down(&mut client).await;
    assert_eq!(started.elapsed().as_secs(), 4);
}

#[tokio::test(start_paused = true)]
async fn each_attempt_sends_the_same_request_anew() {
    let (seen, mut heads) = mpsc::unbounded_channel();
    let connector = memory(move |mut io| {
        let seen = seen.clone();
        async move {
            let head = read_head(&mut io).await;
            let _ = seen.send(head);
            let _ = io.write_all(b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n").await;
        }
    });
    let dialer = Dialer::new().subprotocols(["chat"]).connector(connector);
    let mut client = Reconnecting::new(dialer, "ws://example.com/path").unwrap();
    let mut keys = Vec::new();
    for _ in 0..3 {
        expect_failed(&mut client).await;
        let head = heads.recv().await.unwrap();
        assert!(head.starts_with("GET /path HTTP/1.1\r\n"));
        assert_eq!(fields(&head, "sec-websocket-protocol"), ["chat"]);
        keys.push(fields(&head, "sec-websocket-key")[0].to_owned());
    }
    keys.dedup();
    assert_eq!(keys.len(), 3);
}
