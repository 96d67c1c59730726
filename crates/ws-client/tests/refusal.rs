//! Servers that refuse, that answer wrongly, and that do not speak HTTP.

mod support;

use std::{
    error::Error,
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use http::{StatusCode, header};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, ReadBuf},
    time::{Instant, timeout},
};
use ws_client::{DialError, DialErrorKind, Dialer, ResponseError, dial};

use support::{PATIENCE, accept, answer, handshake, read_head, serve, switching};

async fn answered(response: &str) -> DialError {
    let (dialed, ()) = handshake(&Dialer::new(), async |mut io| answer(&mut io, response).await).await;
    dialed.unwrap_err()
}

#[tokio::test]
async fn refusal_has_the_status_the_headers_and_the_body() {
    let (addr, _server) = serve(|mut io| async move {
        let response =
            "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic\r\nContent-Length: 7\r\n\r\nsign in";
        answer(&mut io, response).await;
    })
    .await;
    let error = dial(format!("ws://{addr}/")).await.unwrap_err();
    assert_eq!(error.kind(), &DialErrorKind::Refused(StatusCode::UNAUTHORIZED));
    assert!(error.to_string().contains("401 Unauthorized"), "{error}");
    let response = error.response().unwrap();
    assert_eq!(response.status(), 401);
    assert_eq!(response.headers()[header::WWW_AUTHENTICATE], "Basic");
    assert_eq!(response.body(), "sign in");
}

// Shows CLI-1.
#[tokio::test]
async fn success_that_is_not_101_is_a_refusal() {
    let script = async |mut io: DuplexStream| {
        let head = read_head(&mut io).await;
        let response =
            switching(&head, "Content-Length: 0\r\n").replacen("101 Switching Protocols", "200 OK", 1);
        io.write_all(response.as_bytes()).await.unwrap();
        io
    };
    let (dialed, _) = handshake(&Dialer::new(), script).await;
    assert_eq!(dialed.unwrap_err().kind(), &DialErrorKind::Refused(StatusCode::OK));
}

// Shows CLI-1.
#[tokio::test]
async fn first_kilobyte_of_ten_megabytes_is_kept() {
    let (addr, server) = serve(|mut io| async move {
        read_head(&mut io).await;
        let body: Vec<u8> = (0..10_000_000_u32).map(|at| b'a' + (at % 26) as u8).collect();
        io.write_all(b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 10000000\r\n\r\n")
            .await
            .unwrap();
        // The client hangs up in the middle.
        let _ = io.write_all(&body).await;
    })
    .await;
    let error = timeout(PATIENCE, dial(format!("ws://{addr}/"))).await.unwrap().unwrap_err();
    let body = error.response().unwrap().body();
    assert_eq!(body.len(), 1024);
    assert!(body.iter().enumerate().all(|(at, byte)| *byte == b'a' + (at % 26) as u8));
    timeout(PATIENCE, server).await.expect("the connection was not closed").unwrap();
}

#[tokio::test]
async fn chunked_body_is_decoded() {
    let error = answered(
        "HTTP/1.1 403 Forbidden\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nno\r\n1\r\n!\r\n0\r\n\r\n",
    )
    .await;
    assert_eq!(error.response().unwrap().body(), "no!");
}

#[tokio::test]
async fn body_that_breaks_off_does_not_hide_the_status() {
    let script = async |mut io: DuplexStream| {
        read_head(&mut io).await;
        io.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 100\r\n\r\nnot").await.unwrap();
    };
    let (dialed, ()) = handshake(&Dialer::new(), script).await;
    let error = dialed.unwrap_err();
    assert_eq!(error.kind(), &DialErrorKind::Refused(StatusCode::NOT_FOUND));
    assert_eq!(error.response().unwrap().body(), "not");
}

#[tokio::test(start_paused = true)]
async fn body_that_has_no_end_is_waited_for_three_seconds() {
    let started = Instant::now();
    let error = answered("HTTP/1.1 503 Service Unavailable\r\n\r\nwait").await;
    assert_eq!(started.elapsed().as_secs(), 3);
    assert_eq!(error.kind(), &DialErrorKind::Refused(StatusCode::SERVICE_UNAVAILABLE));
    assert_eq!(error.response().unwrap().body(), "wait");
}

#[tokio::test(start_paused = true)]
async fn handshake_timeout_cuts_the_body_and_keeps_the_status() {
    let dialer = Dialer::new().handshake_timeout(Duration::from_millis(500));
    let started = Instant::now();
    let response = "HTTP/1.1 503 Service Unavailable\r\n\r\nwait";
    let (dialed, ()) = handshake(&dialer, async |mut io| answer(&mut io, response).await).await;
    assert!(started.elapsed() < Duration::from_secs(1));
    let error = dialed.unwrap_err();
    assert_eq!(error.kind(), &DialErrorKind::Refused(StatusCode::SERVICE_UNAVAILABLE));
    assert_eq!(error.response().unwrap().body(), "wait");
}

#[tokio::test]
async fn refusals_that_may_pass_say_so() {
    for status in ["429", "502", "503", "504"] {
        let error = answered(&format!("HTTP/1.1 {status} No\r\nContent-Length: 0\r\n\r\n")).await;
        assert!(error.to_string().contains("try again later"), "{error}");
    }
}

#[tokio::test]
async fn redirects_are_reported_and_not_followed() {
    let error =
        answered("HTTP/1.1 302 Found\r\nLocation: ws://other.example/\r\nContent-Length: 0\r\n\r\n").await;
    assert_eq!(error.kind(), &DialErrorKind::Refused(StatusCode::FOUND));
    assert!(error.to_string().contains("ws://other.example/"), "{error}");
}

/// Answers 101 with the header lines that a function makes of the right accept value.
async fn switched(dialer: &Dialer, lines: impl Fn(&str) -> String) -> DialErrorKind {
    let script = async |mut io: DuplexStream| {
        let head = read_head(&mut io).await;
        let response = format!("HTTP/1.1 101 Switching Protocols\r\n{}\r\n", lines(&accept(&head)));
        io.write_all(response.as_bytes()).await.unwrap();
        io
    };
    let (dialed, mut io) = handshake(dialer, script).await;
    let Err(error) = dialed else { return DialErrorKind::Connect };
    assert_eq!(error.response().map(|response| response.status().as_u16()), Some(101));
    // Not a byte went to a server that did not prove to speak WebSocket.
    let mut rest = Vec::new();
    io.read_to_end(&mut rest).await.unwrap();
    assert_eq!(rest, b"");
    error.kind().clone()
}

// CLI-1, as are interim responses and bodies without end.
// Shows CLI-1.
#[tokio::test]
async fn wrong_answers_with_101_fail_the_dial() {
    let dialer = Dialer::new().subprotocols(["chat"]);
    for (lines, error) in RESPONSES {
        let kind = switched(&dialer, |accept| {
            lines
                .replace("{upgrade}", "Upgrade: websocket\r\nConnection: Upgrade\r\n")
                .replace("{accept}", &format!("Sec-WebSocket-Accept: {accept}\r\n"))
        });
        assert_eq!(kind.await, DialErrorKind::Handshake(*error), "{lines:?}");
    }
}

#[tokio::test]
async fn switching_in_http_1_0_fails_the_dial() {
    let script = async |mut io: DuplexStream| {
        let response = switching(&read_head(&mut io).await, "").replacen("HTTP/1.1", "HTTP/1.0", 1);
        io.write_all(response.as_bytes()).await.unwrap();
        io
    };
    let (dialed, _io) = handshake(&Dialer::new(), script).await;
    let error = dialed.unwrap_err();
    assert_eq!(error.kind(), &DialErrorKind::Http);
    assert!(cause(&error).contains("HTTP/1.0"), "{error:?}");
}

#[tokio::test]
async fn accept_value_with_any_character_changed_fails_the_dial() {
    let dialer = Dialer::new();
    for at in 0..28 {
        let kind = switched(&dialer, |accept| {
            let mut accept = accept.to_owned().into_bytes();
            accept[at] = if accept[at] == b'A' { b'B' } else { b'A' };
            let accept = String::from_utf8(accept).unwrap();
            format!("Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n")
        });
        assert_eq!(kind.await, DialErrorKind::Handshake(ResponseError::AcceptMismatch), "character {at}");
    }
}

#[tokio::test]
async fn tokens_are_found_in_any_line_and_in_any_case() {
    let lines = |right: &str| {
        format!(
            "upgrade: WebSocket\r\nconnection: keep-alive\r\nCONNECTION: x, uPGRADE\r\nSEC-WEBSOCKET-ACCEPT: {right}\r\n"
        )
    };
    let script = async |mut io: DuplexStream| {
        let head = read_head(&mut io).await;
        let response = format!("HTTP/1.1 101 Fine\r\n{}\r\n", lines(&accept(&head)));
        io.write_all(response.as_bytes()).await.unwrap();
    };
    let (dialed, ()) = handshake(&Dialer::new(), script).await;
    dialed.unwrap();
}

/// What stands behind an error of HTTP.
fn cause(error: &DialError) -> String {
    assert_eq!(error.kind(), &DialErrorKind::Http, "{error}");
    error.source().unwrap().to_string()
}

// Shows CLI-1.
#[tokio::test]
async fn interim_responses_without_end_fail_the_dial() {
    let (addr, server) = serve(|mut io| async move {
        read_head(&mut io).await;
        while io.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await.is_ok() {}
    })
    .await;
    let error = timeout(PATIENCE, dial(format!("ws://{addr}/"))).await.unwrap().unwrap_err();
    assert!(cause(&error).contains("interim"));
    timeout(PATIENCE, server).await.expect("the connection was not closed").unwrap();
}

#[tokio::test]
async fn thirty_two_interim_responses_are_not_too_many() {
    let refusal = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
    let behind = |count: usize| "HTTP/1.1 102 Processing\r\n\r\n".repeat(count) + refusal;
    assert_eq!(answered(&behind(32)).await.kind(), &DialErrorKind::Refused(StatusCode::NOT_FOUND));
    assert!(cause(&answered(&behind(33)).await).contains("more than 32 interim"));
}

/// A server that is always ready with more interim responses, up to a bound that ends the test.
#[derive(Debug, Default)]
struct Flood {
    asked: bool,
    reads: u32,
}

impl AsyncRead for Flood {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        const INTERIM: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";
        if !self.asked {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        self.reads += 1;
        while self.reads < 1000 && buf.remaining() >= INTERIM.len() {
            buf.put_slice(INTERIM);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Flood {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.asked = true;
        Poll::Ready(Ok(buf.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[tokio::test]
async fn interim_responses_that_never_pause_are_not_read_for_ever() {
    let mut flood = Flood::default();
    let error = Dialer::new().handshake("ws://example.com/", &mut flood).await.unwrap_err();
    assert!(cause(&error).contains("interim"), "{error:?}");
    assert!(flood.reads < 10, "{}", flood.reads);
}

#[tokio::test]
async fn response_head_is_limited_to_64_kib() {
    let field = format!("X: {}\r\n", "a".repeat(1000));
    let fitting = format!("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n{}\r\n", field.repeat(60));
    assert_eq!(answered(&fitting).await.kind(), &DialErrorKind::Refused(StatusCode::NOT_FOUND));
    let excessive = format!("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n{}\r\n", field.repeat(70));
    assert!(cause(&answered(&excessive).await).contains("too large"));
}

#[tokio::test]
async fn response_head_without_end_is_not_buffered() {
    let (addr, server) = serve(|mut io| async move {
        read_head(&mut io).await;
        io.write_all(b"HTTP/1.1 101 Switching Protocols\r\nX: ").await.unwrap();
        while io.write_all(&[b'a'; 4096]).await.is_ok() {}
    })
    .await;
    let error = timeout(PATIENCE, dial(format!("ws://{addr}/"))).await.unwrap().unwrap_err();
    assert!(cause(&error).contains("too large"));
    timeout(PATIENCE, server).await.expect("the connection was not closed").unwrap();
}

// Shows HS-2.
#[tokio::test]
async fn response_head_is_limited_to_100_fields() {
    let fitting = format!("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n{}\r\n", "X: a\r\n".repeat(99));
    assert_eq!(answered(&fitting).await.kind(), &DialErrorKind::Refused(StatusCode::NOT_FOUND));
    let excessive = format!("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n{}\r\n", "X: a\r\n".repeat(100));
    assert!(cause(&answered(&excessive).await).contains("too large"));
}

#[tokio::test]
async fn servers_that_do_not_speak_http_are_named_so() {
    // The last one is the alert with which TLS servers answer plain text.
    for bytes in ["SSH-2.0-OpenSSH_9.2\r\n", "220 mail.example ESMTP\r\n", "\x15\x03\x01\x00\x02\x02\x32"] {
        let error = answered(bytes).await;
        assert_eq!(error.kind(), &DialErrorKind::Http, "{bytes:?}");
        assert!(error.to_string().contains("is no HTTP/1.1"), "{bytes:?}: {error}");
    }
}

#[tokio::test]
async fn response_that_is_cut_off_at_any_byte_is_an_error() {
    let script = async |mut io: DuplexStream| switching(&read_head(&mut io).await, "");
    let (_, response) = handshake(&Dialer::new(), script).await;
    for cut in 0..response.len() {
        let script = async |mut io: DuplexStream| {
            let response = switching(&read_head(&mut io).await, "");
            io.write_all(&response.as_bytes()[..cut]).await.unwrap();
        };
        let (dialed, ()) = handshake(&Dialer::new(), script).await;
        let error = dialed.unwrap_err();
        assert_eq!(error.kind(), &DialErrorKind::Http, "cut at {cut}");
        assert!(error.to_string().contains("closed the connection"), "cut at {cut}: {error}");
    }
}

/// Header lines of a 101 to a client that offered the subprotocol `chat`, and what is wrong with them.
const RESPONSES: &[(&str, ResponseError)] = &[
    ("", ResponseError::UpgradeToken),
    ("Connection: Upgrade\r\n{accept}", ResponseError::UpgradeToken),
    ("Upgrade: websocket2\r\nConnection: Upgrade\r\n{accept}", ResponseError::UpgradeToken),
    ("Upgrade: websocket/13\r\nConnection: Upgrade\r\n{accept}", ResponseError::UpgradeToken),
    ("Upgrade: h2c\r\nConnection: Upgrade\r\n{accept}", ResponseError::UpgradeToken),
    ("Upgrade: websocket\r\n{accept}", ResponseError::ConnectionToken),
    ("Upgrade: websocket\r\nConnection: keep-alive\r\n{accept}", ResponseError::ConnectionToken),
    ("Upgrade: websocket\r\nConnection: notupgrade\r\n{accept}", ResponseError::ConnectionToken),
    ("{upgrade}", ResponseError::AcceptMissing),
    ("{upgrade}{accept}{accept}", ResponseError::AcceptRepeated),
    ("{upgrade}Sec-WebSocket-Accept: \r\n", ResponseError::AcceptMismatch),
    // The answer to the key in RFC 6455, 1.3.
    ("{upgrade}Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n", ResponseError::AcceptMismatch),
    ("{upgrade}{accept}Sec-WebSocket-Extensions: permessage-deflate\r\n", ResponseError::ExtensionNotOffered),
    ("{upgrade}{accept}Sec-WebSocket-Extensions: ;\r\n", ResponseError::ExtensionMalformed),
    ("{upgrade}{accept}Sec-WebSocket-Protocol: superchat\r\n", ResponseError::SubprotocolNotOffered),
    ("{upgrade}{accept}Sec-WebSocket-Protocol: CHAT\r\n", ResponseError::SubprotocolNotOffered),
    (
        "{upgrade}{accept}Sec-WebSocket-Protocol: chat\r\nSec-WebSocket-Protocol: chat\r\n",
        ResponseError::SubprotocolRepeated,
    ),
];

#[tokio::test]
async fn greeting_of_another_protocol_is_told_as_no_http() {
    let (near, mut far) = tokio::io::duplex(1 << 10);
    // Before the request: servers of SSH, SMTP and FTP speak first.
    far.write_all(b"SSH-2.0-OpenSSH_9.2\r\n").await.unwrap();
    let error = Dialer::new().handshake("ws://example.com/", near).await.unwrap_err();
    assert_eq!(error.kind(), &DialErrorKind::Http);
    assert!(error.to_string().contains("is no HTTP/1.1"), "{error}");
}
