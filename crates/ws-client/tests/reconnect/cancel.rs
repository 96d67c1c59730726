//! A future of `next` that is dropped, at every point where it waits.

use super::*;

/// As `next`, with a future that lives for one poll only.
async fn next_by_polls(client: &mut Client) -> Option<Event> {
    loop {
        tokio::select! {
            biased;
            event = client.next() => return event,
            () = sleep(Duration::from_millis(1)) => {}
        }
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_lost_by_futures_that_are_dropped() {
    let (accepted, mut servers) = mpsc::unbounded_channel();
    let client = Reconnecting::from_fn(move |attempt| {
        let (near, far) = tokio::io::duplex(7);
        let accepted = accepted.clone();
        async move {
            sleep(Duration::from_millis(5)).await;
            if attempt == 1 {
                return Err(DialError::from(DialErrorKind::Connect).into());
            }
            let _ = accepted.send(conn(far, Role::Server));
            sleep(Duration::from_millis(5)).await;
            Ok((conn(near, Role::Client), Response::new(())))
        }
    });
    let mut client = client.setup(|mut conn| async move {
        conn.write_message("hello").await?;
        conn.read_message().await?;
        Ok(conn)
    });
    let outbox = client.outbox();
    for number in 0..20 {
        outbox.try_send(format!("message {number}")).unwrap();
    }
    tokio::spawn(async move {
        let mut server = servers.recv().await.unwrap();
        assert_eq!(read(&mut server).await, Message::text("hello"));
        server.write_message("hello to you").await.unwrap();
        for number in 0..20 {
            assert_eq!(read(&mut server).await, Message::text(format!("message {number}")));
            server.write_message(format!("answer {number}")).await.unwrap();
        }
        server.close(CloseCode::NORMAL_CLOSURE).await.unwrap();
    });
    let mut told = Vec::new();
    while let Some(event) = timeout(AGES, next_by_polls(&mut client)).await.expect("the client has stalled") {
        told.push(match event {
            Event::Up { attempt, .. } => format!("up {attempt}"),
            Event::Message(message) => message.to_text().unwrap().to_owned(),
            Event::Failed { .. } => "failed".to_owned(),
            Event::Down { cause, .. } => cause.to_string(),
            _ => unreachable!(),
        });
    }
    let mut expected = vec!["failed".to_owned(), "up 2".to_owned()];
    expected.extend((0..20).map(|number| format!("answer {number}")));
    expected.push("the server closed the connection with code 1000".to_owned());
    assert_eq!(told, expected);
}
