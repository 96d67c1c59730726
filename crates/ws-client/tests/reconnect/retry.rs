//! Whether there is another attempt.

use super::*;

#[tokio::test(start_paused = true)]
async fn close_codes_decide_whether_there_is_another_attempt() {
    for (code, goes_on) in [
        (1000, false),
        (1001, true),
        (1002, false),
        (1008, false),
        (1011, true),
        (1012, true),
        (1013, true),
        (3000, false),
        (4000, true),
    ] {
        let (mut client, mut servers) = connected();
        expect_up(&mut client).await;
        let mut server = servers.recv().await.unwrap();
        let closes = server.close(CloseFrame::new(code, "so"));
        let (down, closed) = tokio::join!(expect_down(&mut client), closes);
        closed.unwrap();
        let (cause, retry_in) = down;
        assert!(matches!(&cause, Cause::Closed(Some(frame)) if frame.code == code), "{cause:?}");
        assert_eq!(cause.close_code(), Some(code.into()));
        assert_eq!(retry_in.is_some(), goes_on, "{code}");
        if !goes_on {
            expect_end(&mut client).await;
            assert_eq!(client.outbox().try_send("x").unwrap_err().kind(), SendErrorKind::Closed);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn close_without_a_code_is_tried_again() {
    let (mut client, mut servers) = connected();
    expect_up(&mut client).await;
    let mut server = servers.recv().await.unwrap();
    let ((cause, retry_in), _) = tokio::join!(expect_down(&mut client), server.close(None));
    assert!(matches!(cause, Cause::Closed(None)));
    assert!(retry_in.is_some());
}

#[tokio::test(start_paused = true)]
async fn server_that_breaks_the_protocol_is_left() {
    let (mut client, mut servers) = connected();
    expect_up(&mut client).await;
    let server = servers.recv().await.unwrap();
    let mut io = server.into_parts().io;
    io.write_all(b"\xff\xff").await.unwrap();
    let broken = async {
        let _ = io.read(&mut [0; 64]).await;
        drop(io);
    };
    let ((cause, retry_in), ()) = tokio::join!(expect_down(&mut client), broken);
    assert!(matches!(&cause, Cause::Failed(error) if error.is_protocol()), "{cause:?}");
    assert_eq!(retry_in, None);
    expect_end(&mut client).await;
}

#[tokio::test(start_paused = true)]
async fn application_decides_whether_and_when() {
    for (retry, expected) in [
        (Retry::After(Duration::from_secs(77)), Some(Duration::from_secs(77))),
        (Retry::After(Duration::ZERO), Some(Duration::ZERO)),
        (Retry::Stop, None),
    ] {
        let (client, mut servers) = connected();
        let mut client = client.retry(move |cause| match cause.close_code() {
            Some(code) if code == 4001 => retry,
            _ => cause.default_retry(),
        });
        expect_up(&mut client).await;
        let mut server = servers.recv().await.unwrap();
        let ((_, retry_in), _) =
            tokio::join!(expect_down(&mut client), server.close(CloseFrame::new(4001, "")));
        assert_eq!(retry_in, expected);
    }
}

#[tokio::test(start_paused = true)]
async fn attempts_are_bounded() {
    let (client, _servers) = failing((0..9).map(|_| DialErrorKind::Connect));
    // Whatever the application says.
    let mut client = client.backoff(Backoff::new().max_attempts(3)).retry(|_| Retry::After(Duration::ZERO));
    let outcomes = [
        expect_failed(&mut client).await.1.is_some(),
        expect_failed(&mut client).await.1.is_some(),
        expect_failed(&mut client).await.1.is_some(),
    ];
    assert_eq!(outcomes, [true, true, false]);
    expect_end(&mut client).await;
}

#[tokio::test(start_paused = true)]
async fn application_is_asked_about_the_last_attempt_too() {
    let (client, _servers) = failing([DialErrorKind::Connect]);
    let (asked, mut asks) = mpsc::unbounded_channel();
    let mut client = client.backoff(Backoff::new().max_attempts(1)).retry(move |cause| {
        asked.send(cause.to_string()).unwrap();
        cause.default_retry()
    });
    let (cause, retry_in) = expect_failed(&mut client).await;
    assert_eq!(retry_in, None);
    assert_eq!(asks.try_recv(), Ok(cause.to_string()));
}

#[tokio::test(start_paused = true)]
async fn url_that_cannot_be_dialed_is_told_at_once() {
    for url in ["localhost:3000/chat", "ftp://example.com/", "ws://user@example.com/"] {
        let error = Reconnecting::new(Dialer::new(), url).unwrap_err();
        assert!(matches!(error.kind(), DialErrorKind::InvalidUri(_)), "{error:?}");
    }
}
