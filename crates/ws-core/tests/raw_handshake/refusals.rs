//! What a refused client gets to see, and that nothing follows.

use tokio::io::{AsyncWriteExt, duplex};
use ws_core::raw::handshake::{UpgradeError, Upgrader};

use super::support::{Request, Response, read_to_end, read_to_end_of, refused};

// Shows HS-8.
#[tokio::test(start_paused = true)]
async fn second_request_behind_a_refused_one_is_never_answered() {
    let second = Request::new().line("GET /admin HTTP/1.1").bytes();
    for first in [
        Request::new().and("Content-Length", second.len().to_string()).bytes(),
        Request::new().and("Transfer-Encoding", "chunked").bytes(),
        Request::new().without("Upgrade").bytes(),
        Request::new().with("Sec-WebSocket-Key", &["x"]).bytes(),
        b"GET\r\n\r\n".to_vec(),
    ] {
        let upgrader = Upgrader::new().on_request(|_| panic!("no request is accepted"));
        let (_, response) = refused(&upgrader, &[first, second.clone()].concat()).await;
        response.assert_refusal();
        assert!(!response.body.contains("HTTP/1.1 "));
    }
}

#[tokio::test(start_paused = true)]
async fn writing_direction_is_shut_down_behind_a_refusal() {
    let (mut near, mut far) = duplex(4096);
    far.write_all(&Request::new().without("Host").bytes()).await.unwrap();
    let error = Upgrader::new().upgrade(&mut near).await.unwrap_err();
    // The server's end is there still; the client has read all there is.
    let response = Response::parse(&read_to_end_of(&mut far).await);
    assert_eq!(Some(response.status), error.status().map(|status| status.as_u16()));
    drop(near);
}

#[tokio::test(start_paused = true)]
async fn client_that_goes_on_sending_sees_the_answer() {
    let (mut near, mut far) = duplex(1024);
    let upgrader = Upgrader::new();
    let client = async {
        let sent = far.write_all(&[b"GET /".as_slice(), &[b'a'; 30_000]].concat()).await;
        (sent, read_to_end(far).await)
    };
    let server = async {
        let error = upgrader.upgrade(&mut near).await.unwrap_err();
        drop(near);
        error
    };
    let (error, (sent, output)) = tokio::join!(server, client);
    assert!(sent.is_ok());
    assert_eq!(Response::parse(&output).status, 414);
    assert_eq!(error.status().unwrap(), 414);
}

#[tokio::test(start_paused = true)]
async fn client_that_has_sent_all_is_not_waited_for() {
    let (mut near, mut far) = duplex(4096);
    far.write_all(&Request::new().without("Host").bytes()).await.unwrap();
    let start = tokio::time::Instant::now();
    Upgrader::new().upgrade(&mut near).await.unwrap_err();
    assert_eq!(start.elapsed().as_millis(), 0);
}

#[tokio::test(start_paused = true)]
async fn refusal_is_told_even_if_the_client_is_gone() {
    let (mut near, mut far) = duplex(4096);
    far.write_all(&Request::new().without("Host").bytes()).await.unwrap();
    drop(far);
    let error = Upgrader::new().upgrade(&mut near).await.unwrap_err();
    assert!(matches!(error, UpgradeError::Refused(_)), "{error}");
}

#[tokio::test(start_paused = true)]
async fn client_that_is_gone_before_the_101_is_an_error_of_the_stream() {
    let (mut near, mut far) = duplex(4096);
    far.write_all(&Request::new().bytes()).await.unwrap();
    drop(far);
    let error = Upgrader::new().upgrade(&mut near).await.unwrap_err();
    assert!(
        matches!(&error, UpgradeError::Io(error) if error.kind() == std::io::ErrorKind::BrokenPipe),
        "{error}"
    );
    assert_eq!(std::io::Error::from(error).kind(), std::io::ErrorKind::BrokenPipe);
}
