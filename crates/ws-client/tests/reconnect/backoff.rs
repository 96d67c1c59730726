//! When the next attempt is.

use super::*;

#[tokio::test(start_paused = true)]
async fn server_that_accepts_and_drops_is_dialed_ever_more_rarely() {
    let (mut client, mut servers) = connected();
    for attempt in 1..=9 {
        let event = next(&mut client).await;
        assert!(matches!(event, Event::Up { attempt: told, .. } if told == attempt), "{event:?}");
        while_quiet(&mut client, sleep(Duration::from_secs(9))).await;
        drop(servers.recv().await);
        let (_, retry_in) = expect_down(&mut client).await;
        assert!(retry_in.unwrap() < Backoff::new().ceiling(attempt));
    }
}

#[tokio::test(start_paused = true)]
async fn connection_that_lasted_takes_the_backoff_back() {
    let (mut client, mut servers) = failing([DialErrorKind::Dns, DialErrorKind::Dns, DialErrorKind::Dns]);
    for _ in 0..3 {
        expect_failed(&mut client).await;
    }
    assert!(matches!(next(&mut client).await, Event::Up { attempt: 4, .. }));
    while_quiet(&mut client, sleep(Duration::from_secs(10))).await;
    drop(servers.recv().await);
    let (_, retry_in) = expect_down(&mut client).await;
    assert!(retry_in.unwrap() < Duration::from_millis(500));
    assert!(matches!(next(&mut client).await, Event::Up { attempt: 1, .. }));
}

#[tokio::test(start_paused = true)]
async fn retry_after_of_the_server_is_waited_for_and_then_some() {
    let mut client = Reconnecting::from_fn(|attempt| async move {
        let (near, mut far) = tokio::io::duplex(1 << 16);
        let server = async move {
            if attempt == 1 {
                let refusal = "HTTP/1.1 503 Busy\r\nRetry-After: 20\r\nContent-Length: 0\r\n\r\n";
                answer(&mut far, refusal).await;
            } else {
                accept_handshake(&mut far, "").await;
                pending::<()>().await;
            }
        };
        tokio::spawn(server);
        Ok(Dialer::new().handshake("ws://example.com/", near).await?)
    });
    let started = Instant::now();
    let (cause, retry_in) = expect_failed(&mut client).await;
    assert_eq!(cause.status().map(|status| status.as_u16()), Some(503));
    let wait = retry_in.unwrap();
    assert!(wait >= Duration::from_secs(20) && wait < Duration::from_secs(21), "{wait:?}");
    expect_up(&mut client).await;
    assert!(started.elapsed() >= Duration::from_secs(20));
}
