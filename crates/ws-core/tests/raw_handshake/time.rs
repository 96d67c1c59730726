//! How long a handshake may take; time is virtual.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, duplex},
    time::{Instant, sleep},
};
use ws_core::raw::handshake::{DialError, Dialer, UpgradeError, Upgrader};

use super::support::{Request, Response, dial, read_head, read_to_end};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn silent_client_is_answered_with_408_after_ten_seconds() {
    let (mut near, far) = duplex(4096);
    let start = Instant::now();
    let error = Upgrader::new().upgrade(&mut near).await.unwrap_err();
    assert!(matches!(error, UpgradeError::TimedOut), "{error}");
    // It is waited for a moment, as it may be sending still.
    assert!((10.0..=11.1).contains(&start.elapsed().as_secs_f64()), "{:?}", start.elapsed());
    drop(near);
    let response = Response::parse(&read_to_end(far).await);
    response.assert_refusal();
    assert_eq!(response.status, 408);
}

#[tokio::test(start_paused = true)]
async fn client_that_keeps_sending_gets_no_more_time() {
    let (mut near, mut far) = duplex(4096);
    let drip = async {
        for byte in Request::new().bytes() {
            if far.write_all(&[byte]).await.is_err() {
                break;
            }
            sleep(SECOND).await;
        }
        far
    };
    let upgrader = Upgrader::new().handshake_timeout(5 * SECOND);
    let start = Instant::now();
    let upgrade = async {
        let result = upgrader.upgrade(&mut near).await;
        drop(near);
        (result, start.elapsed())
    };
    let ((result, elapsed), far) = tokio::join!(upgrade, drip);
    assert!(matches!(result, Err(UpgradeError::TimedOut)));
    assert!(elapsed <= 7 * SECOND, "{elapsed:?}");
    assert_eq!(Response::parse(&read_to_end(far).await).status, 408);
}

#[tokio::test(start_paused = true)]
async fn client_that_does_not_read_the_answer_is_given_up() {
    for request in [Request::new(), Request::new().without("Host")] {
        let (mut near, mut far) = duplex(16);
        let start = Instant::now();
        let bytes = request.bytes();
        let upgrader = Upgrader::new();
        let (result, _) = tokio::join!(upgrader.upgrade(&mut near), far.write_all(&bytes));
        assert!(result.is_err());
        assert!(start.elapsed() <= 11 * SECOND, "{:?}", start.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn client_that_does_not_read_its_101_in_time_was_told_no_status() {
    // It takes a part of the response, and is silent then.
    let (mut near, mut far) = duplex(16);
    let upgrader = Upgrader::new();
    let client = async {
        far.write_all(&Request::new().bytes()).await.unwrap();
        let mut line = [0; 12];
        far.read_exact(&mut line).await.unwrap();
        line
    };
    let (result, line) = tokio::join!(upgrader.upgrade(&mut near), client);
    assert_eq!(&line, b"HTTP/1.1 101");
    let error = result.unwrap_err();
    assert!(matches!(error, UpgradeError::ResponseTimedOut), "{error}");
    assert_eq!(error.status(), None);
    assert_eq!(std::io::Error::from(error).kind(), std::io::ErrorKind::TimedOut);
}

#[tokio::test(start_paused = true)]
async fn client_that_was_too_late_has_a_moment_to_read_the_answer() {
    let (mut near, mut far) = duplex(16);
    let late = async {
        sleep(Duration::from_millis(10_500)).await;
        read_head(&mut far).await
    };
    let upgrader = Upgrader::new();
    let (result, head) = tokio::join!(upgrader.upgrade(&mut near), late);
    assert!(matches!(result, Err(UpgradeError::TimedOut)));
    assert!(head.starts_with("HTTP/1.1 408 "), "{head}");
}

#[tokio::test(start_paused = true)]
async fn without_a_limit_a_request_may_take_any_time() {
    let (mut near, mut far) = duplex(4096);
    let late = async {
        sleep(100_000 * SECOND).await;
        far.write_all(&Request::new().bytes()).await.unwrap();
        read_head(&mut far).await
    };
    let upgrader = Upgrader::new().handshake_timeout(None);
    let (result, head) = tokio::join!(upgrader.upgrade(&mut near), late);
    assert!(result.is_ok() && head.starts_with("HTTP/1.1 101 "));
}

/// A runtime without a timer would panic if one were made.
#[test]
fn without_a_limit_no_timer_is_needed() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let (mut near, mut far) = duplex(4096);
        let uri = "ws://example.org/".parse().unwrap();
        let (upgrader, dialer) =
            (Upgrader::new().handshake_timeout(None), Dialer::new().handshake_timeout(None));
        let (server, client) = tokio::join!(upgrader.upgrade(&mut near), dialer.handshake(&mut far, &uri));
        assert!(server.is_ok() && client.is_ok());

        let (mut near, mut far) = duplex(4096);
        far.write_all(b"GET / HTTP/1.1\n").await.unwrap();
        assert!(matches!(upgrader.upgrade(&mut near).await, Err(UpgradeError::Malformed)));
    });
}

#[tokio::test(start_paused = true)]
async fn silent_server_is_given_up_after_ten_seconds() {
    let (mut near, mut far) = duplex(4096);
    let start = Instant::now();
    let uri = "ws://example.org/".parse().unwrap();
    let result = Dialer::new().handshake(&mut near, &uri).await;
    assert!(matches!(result, Err(DialError::TimedOut)));
    assert_eq!(start.elapsed(), 10 * SECOND);
    read_head(&mut far).await;
}

#[tokio::test(start_paused = true)]
async fn peer_of_another_protocol_is_told_when_its_first_line_is_there() {
    for line in ["SSH-2.0-x\r\n", "EHLO example.org\r\n", "PRI * HTTP/2.0\r\n", "GET / FTP/1.1\r\n"] {
        let (mut near, mut far) = duplex(4096);
        far.write_all(line.as_bytes()).await.unwrap();
        let (upgrader, start) = (Upgrader::new(), Instant::now());
        let (result, answered) = tokio::join!(upgrader.upgrade(&mut near), async {
            let head = read_head(&mut far).await;
            (head, start.elapsed())
        });
        let status = result.unwrap_err().status().unwrap();
        assert!(answered.0.starts_with(&format!("HTTP/1.1 {} ", status.as_u16())), "{line:?}: {answered:?}");
        assert_eq!(answered.1, Duration::ZERO, "{line:?}");
    }
    for line in ["SSH-2.0-x\r\n", "220 mail.example.org ESMTP\r\n", "HTTP/2 101\r\n", "HTTP/1.1 1 \r\n"] {
        let (mut near, mut far) = duplex(4096);
        let start = Instant::now();
        let uri = "ws://example.org/".parse().unwrap();
        far.write_all(line.as_bytes()).await.unwrap();
        let result = Dialer::new().handshake(&mut near, &uri).await;
        assert!(matches!(result, Err(DialError::Malformed)), "{line:?}: {result:?}");
        assert_eq!(start.elapsed(), Duration::ZERO, "{line:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn server_that_keeps_sending_gets_no_more_time() {
    let (mut near, mut far) = duplex(4096);
    let drip = async {
        read_head(&mut far).await;
        let mut sent = 0;
        while far.write_all(b"HTTP/1.1 103 Early Hints\r\n\r\n").await.is_ok() {
            sent += 1;
            sleep(SECOND).await;
        }
        sent
    };
    let uri = "ws://example.org/".parse().unwrap();
    let dialer = Dialer::new().handshake_timeout(5 * SECOND);
    let handshake = async {
        let result = dialer.handshake(&mut near, &uri).await;
        drop(near);
        result
    };
    let (result, sent) = tokio::join!(handshake, drip);
    assert!(matches!(result, Err(DialError::TimedOut)) && sent <= 6, "{sent}");
}

#[tokio::test(start_paused = true)]
async fn body_that_does_not_come_does_not_hide_the_status() {
    let start = Instant::now();
    let (result, _) = dial(&Dialer::new(), "ws://example.org/", |_| {
        b"HTTP/1.1 403 Forbidden\r\nContent-Length: 100\r\n\r\nhalf".to_vec()
    })
    .await;
    let error = result.unwrap_err();
    assert_eq!(error.status().unwrap(), 403);
    assert_eq!(error.response().unwrap().body(), "half");
    assert!(start.elapsed() <= 3 * SECOND, "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn dropped_handshake_leaves_the_stream_to_the_caller() {
    let (mut near, mut far) = duplex(4096);
    far.write_all(b"GET / HT").await.unwrap();
    let upgrader = Upgrader::new();
    assert!(tokio::time::timeout(SECOND, upgrader.upgrade(&mut near)).await.is_err());
    far.write_all(b"rest").await.unwrap();
    let mut rest = [0; 4];
    near.read_exact(&mut rest).await.unwrap();
    assert_eq!(&rest, b"rest");
}
