//! How bytes arrive: in any pieces, and more of them than a head.

use tokio::io::{AsyncWriteExt, BufStream, duplex};
use ws_core::{
    Config, Message,
    raw::handshake::{Dialer, UpgradeError, Upgrader},
};

use super::support::{Request, accepting, read_head, serve};

/// A masked text frame from a client, and one from a server.
const CLIENT_FRAME: &[u8] = b"\x81\x85\x01\x02\x03\x04igohn";
const SERVER_FRAME: &[u8] = b"\x81\x05hello";

#[tokio::test(start_paused = true)]
async fn request_arrives_byte_by_byte() {
    let (near, mut far) = duplex(64);
    let client = async {
        for byte in [Request::new().bytes().as_slice(), CLIENT_FRAME].concat() {
            far.write_all(&[byte]).await.unwrap();
            tokio::task::yield_now().await;
        }
        read_head(&mut far).await
    };
    let server = async {
        let mut conn = Upgrader::new().accept(near, Config::new()).await.unwrap();
        conn.read_message().await.unwrap()
    };
    let (head, message) = tokio::join!(client, server);
    assert!(head.starts_with("HTTP/1.1 101 "));
    assert_eq!(message, Some(Message::text("hello")));
}

#[tokio::test(start_paused = true)]
async fn frames_behind_the_request_are_kept_wherever_the_stream_is_cut() {
    let stream = [Request::new().bytes().as_slice(), CLIENT_FRAME, CLIENT_FRAME].concat();
    for cut in 0..=stream.len() {
        let (near, mut far) = duplex(4096);
        let client = async {
            far.write_all(&stream[..cut]).await.unwrap();
            // The server reads what is there before it gets the rest.
            tokio::task::yield_now().await;
            far.write_all(&stream[cut..]).await.unwrap();
            read_head(&mut far).await
        };
        let server = async {
            let mut conn = Upgrader::new().accept(near, Config::new()).await.unwrap();
            [conn.read_message().await.unwrap(), conn.read_message().await.unwrap()]
        };
        let (_, messages) = tokio::join!(client, server);
        assert_eq!(messages, [Some(Message::text("hello")), Some(Message::text("hello"))], "{cut}");
    }
}

#[tokio::test(start_paused = true)]
async fn early_data_is_exactly_what_follows_the_head() {
    let head = Request::new().bytes();
    for length in [1, 2, 100, 3000] {
        let early: Vec<u8> = (0..length).map(|at| at as u8).collect();
        let (result, _) = serve(&Upgrader::new(), &[head.as_slice(), &early].concat()).await;
        assert_eq!(result.unwrap().read_buf, early, "{length}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_does_not_fit_beside_the_head_stays_in_the_stream() {
    let (mut near, mut far) = duplex(64 << 10);
    let early: Vec<u8> = (0..40_000).map(|at| at as u8).collect();
    far.write_all(&Request::new().bytes()).await.unwrap();
    far.write_all(&early).await.unwrap();
    let handshake = Upgrader::new().upgrade(&mut near).await.unwrap();
    assert!(handshake.read_buf.len() <= 16 << 10);
    drop(far);
    let rest = super::support::read_to_end(near).await;
    assert_eq!([&handshake.read_buf[..], &rest].concat(), early);
}

// Shows CLI-1.
#[tokio::test(start_paused = true)]
async fn frames_behind_the_response_are_kept_wherever_the_stream_is_cut() {
    for cut in 0..200 {
        let (near, mut far) = duplex(4096);
        let server = async {
            let request = read_head(&mut far).await;
            let stream =
                [b"HTTP/1.1 103 Early Hints\r\n\r\n", accepting(&request).as_bytes(), SERVER_FRAME].concat();
            let cut = cut.min(stream.len());
            far.write_all(&stream[..cut]).await.unwrap();
            tokio::task::yield_now().await;
            far.write_all(&stream[cut..]).await.unwrap();
            far
        };
        let client = async {
            let uri = "ws://example.org/".parse().unwrap();
            let mut conn = Dialer::new().connect(near, &uri, Config::new()).await.unwrap();
            conn.read_message().await.unwrap()
        };
        let (_, message) = tokio::join!(server, client);
        assert_eq!(message, Some(Message::text("hello")), "{cut}");
    }
}

#[tokio::test(start_paused = true)]
async fn stream_that_ends_before_the_head_does_is_not_answered() {
    let head = Request::new().bytes();
    for cut in 0..head.len() {
        let (mut near, mut far) = duplex(4096);
        far.write_all(&head[..cut]).await.unwrap();
        far.shutdown().await.unwrap();
        let error = Upgrader::new().upgrade(&mut near).await.unwrap_err();
        assert!(matches!(error, UpgradeError::Closed) && error.status().is_none(), "{cut}: {error}");
        drop(near);
        assert_eq!(super::support::read_to_end(far).await, b"", "{cut}");
    }
}

/// A stream that holds back what is written until it is flushed.
#[tokio::test(start_paused = true)]
async fn heads_are_flushed() {
    let (near, far) = duplex(4096);
    let (mut near, mut far) = (BufStream::new(near), BufStream::new(far));
    let (upgrader, dialer, uri) = (Upgrader::new(), Dialer::new(), "ws://example.org/".parse().unwrap());
    let (server, client) = tokio::join!(upgrader.upgrade(&mut near), dialer.handshake(&mut far, &uri));
    assert!(server.is_ok() && client.is_ok());
}
