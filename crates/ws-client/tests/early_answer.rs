//! Servers that answer before they have read the request.

mod support;

use std::{
    error::Error,
    io,
    pin::Pin,
    task::{Context, Poll},
};

use http::{Request, StatusCode};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, ReadBuf},
    time::timeout,
};
use ws_client::{DialErrorKind, Dialer};

use support::{PATIENCE, accept, switching};

#[tokio::test]
async fn refusal_is_heard_though_the_request_is_not_read() {
    let (near, mut far) = tokio::io::duplex(1024);
    let request = Request::get("ws://example.com/").header("x-long", "a".repeat(8 << 10)).body(()).unwrap();
    let dialer = Dialer::new();
    let refuse = async {
        let response = b"HTTP/1.1 431 Request Header Fields Too Large\r\nContent-Length: 4\r\n\r\nlong";
        far.write_all(response).await.unwrap();
    };
    let both = async { tokio::join!(dialer.handshake(request, near), refuse) };
    let (dialed, ()) = timeout(PATIENCE, both).await.expect("the dial has no end");
    let error = dialed.unwrap_err();
    let status = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
    assert_eq!(error.kind(), &DialErrorKind::Refused(status));
    assert_eq!(error.response().unwrap().body(), "long");
}

#[tokio::test]
async fn refusal_is_heard_though_the_request_cannot_be_written() {
    let (near, far) = tokio::io::duplex(1024);
    let request = Request::get("ws://example.com/").header("x-long", "a".repeat(8 << 10)).body(()).unwrap();
    let dialer = Dialer::new();
    let refuse = async {
        let mut far = far;
        far.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n").await.unwrap();
    };
    let both = async { tokio::join!(dialer.handshake(request, near), refuse) };
    let (dialed, ()) = timeout(PATIENCE, both).await.expect("the dial has no end");
    assert_eq!(dialed.unwrap_err().kind(), &DialErrorKind::Refused(StatusCode::BAD_REQUEST));
}

/// What cannot be written to, and has nothing to read.
#[derive(Debug)]
struct Broken;

impl AsyncRead for Broken {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, _: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Broken {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, _: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[tokio::test]
async fn request_that_cannot_be_written_is_the_cause_where_there_is_no_answer() {
    let error = Dialer::new().handshake("ws://example.com/", Broken).await.unwrap_err();
    // hyper's error, and what that is of.
    let cause = error.source().and_then(Error::source).expect("there is a cause");
    let kind = cause.downcast_ref::<io::Error>().map(io::Error::kind);
    assert_eq!(kind, Some(io::ErrorKind::BrokenPipe), "{error:?}");
}

#[tokio::test]
async fn acceptance_that_comes_early_does_not_cut_the_request_off() {
    // So that the end of the request is still to be written when its key has arrived.
    let (near, far) = tokio::io::duplex(1);
    let dialer = Dialer::new();
    let script = async |mut io: DuplexStream| {
        let mut head = String::new();
        while !is_key_there(&head) {
            head.push(char::from(io.read_u8().await.unwrap()));
        }
        io.write_all(switching(&head, "").as_bytes()).await.unwrap();
        while !head.ends_with("\r\n\r\n") {
            head.push(char::from(io.read_u8().await.unwrap()));
        }
        (head, io)
    };
    let both = async { tokio::join!(dialer.handshake("ws://example.com/", near), script(far)) };
    let (dialed, (head, _far)) = timeout(PATIENCE, both).await.expect("the request has no end");
    dialed.unwrap();
    assert!(!accept(&head).is_empty());
}

/// Whether there are all 24 characters of it.
fn is_key_there(head: &str) -> bool {
    head.to_ascii_lowercase().split_once("sec-websocket-key: ").is_some_and(|(_, key)| key.len() >= 24)
}
