//! What is done with every new connection.

use super::*;

#[tokio::test(start_paused = true)]
async fn setup_goes_before_what_is_queued_on_every_connection() {
    let (client, mut servers) = connected();
    let mut client = client.setup(|mut conn| async move {
        conn.write_message("login").await?;
        match conn.read_message().await? {
            Some(Message::Text(answer)) if answer == "welcome" => Ok(conn),
            other => Err(format!("{other:?}").into()),
        }
    });
    let outbox = client.outbox();
    for round in 0..2 {
        outbox.try_send("queued").unwrap();
        let serve = async {
            let mut server = servers.recv().await.unwrap();
            assert_eq!(read(&mut server).await, Message::text("login"), "{round}");
            assert!(!outbox.is_up(), "not before it is set up");
            server.write_message("welcome").await.unwrap();
            server
        };
        let ((), mut server) = tokio::join!(expect_up(&mut client), serve);
        assert_eq!(while_quiet(&mut client, read(&mut server)).await, Message::text("queued"));
        drop(server);
        expect_down(&mut client).await;
    }
}

#[tokio::test(start_paused = true)]
async fn setup_that_fails_is_a_failed_attempt_and_drops_the_connection() {
    let (client, mut servers) = connected();
    let mut client = client.setup(|_conn| async move { Err("no token".into()) });
    for attempt in 1..4 {
        let event = next(&mut client).await;
        let Event::Failed { attempt: told, cause: Cause::Application(error), retry_in: Some(_), .. } = event
        else {
            panic!("{event:?}");
        };
        assert_eq!((told, error.to_string()), (attempt, "no token".to_owned()));
        let error = servers.recv().await.unwrap().read_message().await.unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::ConnectionLost);
    }
}

#[tokio::test(start_paused = true)]
async fn close_of_the_server_while_setting_up_is_taken_for_one() {
    let (client, mut servers) = connected();
    let mut client = client.setup(|mut conn| async move {
        conn.read_message().await?;
        Ok(conn)
    });
    let serve = async {
        let mut server = servers.recv().await.unwrap();
        let _ = server.close(CloseFrame::new(3000, "who are you?")).await;
    };
    let ((cause, retry_in), ()) = tokio::join!(expect_failed(&mut client), serve);
    assert!(matches!(cause, Cause::Closed(Some(frame)) if frame.code == 3000));
    assert_eq!(retry_in, None);
}

#[tokio::test(start_paused = true)]
async fn setup_is_bounded_in_time() {
    let (client, _servers) = connected();
    let mut client = client.setup(|_conn| pending());
    let started = Instant::now();
    let (cause, retry_in) = expect_failed(&mut client).await;
    assert!(matches!(cause, Cause::SetupTimedOut) && retry_in.is_some());
    assert_eq!(started.elapsed().as_secs(), 30);
}

#[tokio::test(start_paused = true)]
async fn message_left_open_by_the_setup_stops_the_client() {
    use tokio::io::AsyncWriteExt as _;
    let (client, _servers) = connected();
    let mut client = client.setup(|mut conn| async move {
        let mut writer = conn.next_writer(MessageKind::Text).await?;
        writer.write_all(b"half").await?;
        writer.flush().await?;
        drop(writer);
        Ok(conn)
    });
    let outbox = client.outbox();
    outbox.try_send("x").unwrap();
    expect_up(&mut client).await;
    let (cause, retry_in) = expect_down(&mut client).await;
    assert!(matches!(&cause, Cause::Failed(error) if error.is_usage()), "{cause:?}");
    assert_eq!(retry_in, None);
    assert_eq!(outbox.take_queued(), [Message::text("x")]);
}
