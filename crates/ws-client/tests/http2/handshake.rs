//! The opening handshake on a stream: what is asked, and what comes back instead of a WebSocket.

use std::error::Error;

use bytes::Bytes;
use h2::{Reason, ext::Protocol};
use http::{HeaderValue, Method, Request, Response, StatusCode, Version, header};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::Instant,
};
use ws_client::{
    DialError, DialErrorKind, Dialer, Http2Error, IntoDialRequest, Message, Phase, RequestError,
    ResponseError,
};

use crate::server::{Asked, Server, builder, connected, pair, pair_with, pipe, within};

/// Opens a WebSocket that the server answers by a script, and gives the error. What the script returns is kept until then.
async fn refused<T>(script: impl AsyncFnOnce(Asked) -> T) -> DialError {
    let (connection, mut server) = connected().await;
    let script = async { script(server.asked().await).await };
    let (opened, _kept) =
        within(async { tokio::join!(connection.open("ws://example.com/chat"), script) }).await;
    assert!(!connection.is_closed(), "the connection went with the stream");
    opened.unwrap_err()
}

/// What the server is asked.
async fn asked(dialer: Dialer, request: impl IntoDialRequest) -> Request<()> {
    let (connection, mut server) = pair(dialer.http2()).await;
    let (connection, script) = (connection.unwrap(), async {
        let asked = server.asked().await;
        let (head, _) = asked.request.into_parts();
        Request::from_parts(head, ())
    });
    let (_, request) = within(async { tokio::join!(connection.open(request), script) }).await;
    request
}

fn kind(error: Http2Error) -> DialErrorKind {
    DialErrorKind::Http2(error)
}

#[tokio::test]
async fn request_is_an_extended_connect() {
    let dialer = Dialer::new().subprotocols(["chat.v2", "chat.v1"]);
    let request = asked(dialer, "wss://Example.com:8443/chat?room=1").await;
    assert_eq!(request.method(), Method::CONNECT);
    assert_eq!(request.extensions().get::<Protocol>().unwrap().as_str(), "websocket");
    assert_eq!(request.uri(), "https://Example.com:8443/chat?room=1");
    let headers = request.headers();
    assert_eq!(headers[header::SEC_WEBSOCKET_VERSION], "13");
    assert_eq!(headers[header::SEC_WEBSOCKET_PROTOCOL], "chat.v2, chat.v1");
    for name in [header::CONNECTION, header::UPGRADE, header::SEC_WEBSOCKET_KEY, header::HOST] {
        assert!(!headers.contains_key(&name), "{name}");
    }
    assert_eq!(headers.len(), 2, "{headers:?}");
}

#[tokio::test]
async fn scheme_and_default_port_are_those_of_the_url() {
    assert_eq!(asked(Dialer::new(), "ws://example.com:80").await.uri(), "http://example.com/");
    assert_eq!(asked(Dialer::new(), "wss://[::1]/a").await.uri(), "https://[::1]/a");
}

#[tokio::test]
async fn host_header_is_the_authority() {
    let dialer = Dialer::new().header(header::HOST, HeaderValue::from_static("other.example:81"));
    let request = asked(dialer, "ws://example.com/").await;
    assert_eq!(request.uri(), "http://other.example:81/");
    assert!(!request.headers().contains_key(header::HOST));
}

#[tokio::test]
async fn host_header_that_is_no_authority_is_refused() {
    let dialer = Dialer::new().header(header::HOST, HeaderValue::from_static("a b"));
    let (connection, server) = pair(dialer.http2()).await;
    let error = connection.unwrap().open("ws://example.com/").await.unwrap_err();
    assert_eq!(error.kind(), &DialErrorKind::InvalidRequest(RequestError::Header(header::HOST)));
    assert!(server.is_quiet());
}

#[tokio::test]
async fn headers_are_sent_but_those_that_http2_has_no_place_for() {
    let mut request = Request::get("ws://example.com/").body(()).unwrap();
    for (name, value) in
        [("authorization", "Bearer x"), ("keep-alive", "1"), ("te", "gzip"), ("proxy-connection", "close")]
    {
        request.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    let request = asked(Dialer::new(), request).await;
    assert_eq!(request.headers()[header::AUTHORIZATION], "Bearer x");
    assert_eq!(request.headers().len(), 2, "{:?}", request.headers());
}

#[cfg(feature = "deflate")]
#[tokio::test]
async fn compression_is_offered_and_agreed_on() {
    use ws_client::ws_core::DeflateConfig;

    let dialer = Dialer::new().compression(DeflateConfig::new());
    let (connection, mut server) = pair(dialer.http2()).await;
    let connection = connection.unwrap();
    let script = async {
        let asked = server.asked().await;
        assert!(asked.request.headers().contains_key(header::SEC_WEBSOCKET_EXTENSIONS));
        let mut response = Response::new(());
        let accepted = HeaderValue::from_static("permessage-deflate; client_no_context_takeover");
        response.headers_mut().insert(header::SEC_WEBSOCKET_EXTENSIONS, accepted);
        asked.accept_with(response)
    };
    let (opened, _server) =
        within(async { tokio::join!(connection.open("ws://example.com/"), script) }).await;
    assert!(opened.unwrap().0.deflate().is_some());
}

#[tokio::test]
async fn any_2xx_accepts_and_messages_go_both_ways() {
    let (connection, mut server) = connected().await;
    for status in [StatusCode::OK, StatusCode::CREATED, StatusCode::from_u16(299).unwrap()] {
        let script = async {
            let asked = server.asked().await;
            let mut conn = asked.accept_with(Response::builder().status(status).body(()).unwrap());
            assert_eq!(conn.read_message().await.unwrap(), Some(Message::text("hello")));
            conn.write_message("hi").await.unwrap();
            assert_eq!(conn.read_message().await.unwrap(), None);
        };
        let client = async {
            let (mut conn, response) = connection.open("ws://example.com/").await.unwrap();
            assert_eq!((response.status(), response.version()), (status, Version::HTTP_2));
            conn.write_message("hello").await.unwrap();
            assert_eq!(conn.read_message().await.unwrap(), Some(Message::text("hi")));
            conn.close(None).await.unwrap();
        };
        within(async { tokio::join!(client, script) }).await;
    }
}

#[tokio::test]
async fn subprotocol_is_verified() {
    let chosen = |name| Response::builder().header(header::SEC_WEBSOCKET_PROTOCOL, name).body(()).unwrap();
    let (connection, mut server) = pair(Dialer::new().subprotocols(["a", "b"]).http2()).await;
    let connection = connection.unwrap();
    let script = async { server.asked().await.accept_with(chosen("b")) };
    let (opened, _b) = within(async { tokio::join!(connection.open("ws://example.com/"), script) }).await;
    assert_eq!(opened.unwrap().0.subprotocol(), Some("b"));

    let script = async { server.asked().await.accept_with(chosen("c")) };
    let (opened, _c) = within(async { tokio::join!(connection.open("ws://example.com/"), script) }).await;
    let error = opened.unwrap_err();
    assert_eq!(error.kind(), &DialErrorKind::Handshake(ResponseError::SubprotocolNotOffered));
    assert!(error.to_string().contains("answered 200, but wrongly"), "{error}");
}

// Shows H2-09.
#[tokio::test]
async fn refusal_has_the_status_the_headers_and_the_first_kilobyte() {
    let error = refused(async |mut asked| {
        let response = Response::builder().status(401).header("www-authenticate", "Basic").body(()).unwrap();
        let mut body = asked.respond.send_response(response, false).unwrap();
        body.send_data(Bytes::from(vec![b'a'; 5000]), true).unwrap();
    })
    .await;
    assert_eq!(error.kind(), &DialErrorKind::Refused(StatusCode::UNAUTHORIZED));
    let response = error.response().unwrap();
    assert_eq!(response.headers()[header::WWW_AUTHENTICATE], "Basic");
    assert_eq!(response.body(), &vec![b'a'; 1024]);
}

#[tokio::test]
async fn refusal_without_a_body_is_told_at_once() {
    let error = refused(async |mut asked| {
        asked.respond.send_response(Response::builder().status(405).body(()).unwrap(), true).unwrap();
    })
    .await;
    assert_eq!(error.kind(), &DialErrorKind::Refused(StatusCode::METHOD_NOT_ALLOWED));
    assert_eq!(error.response().unwrap().body(), "");
}

// Shows H2-09.
#[tokio::test(start_paused = true)]
async fn body_that_does_not_end_is_waited_for_three_seconds() {
    let (connection, mut server) = connected().await;
    let script = async {
        let mut asked = server.asked().await;
        let mut body =
            asked.respond.send_response(Response::builder().status(500).body(()).unwrap(), false).unwrap();
        body.send_data(Bytes::from_static(b"so far"), false).unwrap();
        body
    };
    let start = Instant::now();
    let (opened, _body) = tokio::join!(connection.open("ws://example.com/"), script);
    assert_eq!(start.elapsed().as_secs(), 3);
    assert_eq!(opened.unwrap_err().response().unwrap().body(), "so far");
}

#[tokio::test]
async fn reset_before_the_answer_is_named_with_its_code() {
    let error = refused(async |asked| asked.reset(Reason::INTERNAL_ERROR)).await;
    assert_eq!(error.kind(), &kind(Http2Error::Reset(2)));
    assert_eq!(
        error.to_string(),
        "example.com:80 reset the stream before it answered, with code 2: unexpected internal error encountered"
    );
    let error = refused(async |asked| asked.reset(Reason::from(255))).await;
    assert!(error.to_string().ends_with("with code 255: unknown reason"), "{error}");
}

// Shows H2-09.
#[tokio::test]
async fn end_of_the_stream_with_the_acceptance_is_an_error() {
    let error = refused(async |mut asked| {
        asked.respond.send_response(Response::new(()), true).unwrap();
    })
    .await;
    assert_eq!(error.kind(), &kind(Http2Error::Ended));
}

// Shows H2-09.
#[tokio::test]
async fn interim_responses_are_skipped_up_to_a_number() {
    let early_hints = || Response::builder().status(103).body(()).unwrap();
    let (connection, mut server) = connected().await;
    let script = async {
        let mut asked = server.asked().await;
        for _ in 0..32 {
            asked.respond.send_informational(early_hints()).unwrap();
        }
        asked.accept()
    };
    let (opened, _server) =
        within(async { tokio::join!(connection.open("ws://example.com/"), script) }).await;
    opened.unwrap();

    let error = refused(async |mut asked| {
        for _ in 0..33 {
            asked.respond.send_informational(early_hints()).unwrap();
        }
        asked
    })
    .await;
    assert_eq!(error.kind(), &kind(Http2Error::Protocol));
    assert_eq!(error.source().unwrap().to_string(), "more than 32 interim responses");
}

// Shows H2-09.
#[tokio::test]
async fn head_of_the_answer_is_limited() {
    let error = refused(async |mut asked| {
        let mut response = Response::new(());
        for index in 0..70 {
            let name: header::HeaderName = format!("x-{index}").parse().unwrap();
            response.headers_mut().insert(name, HeaderValue::from_str(&"a".repeat(1000)).unwrap());
        }
        (asked.respond.send_response(response, false).unwrap(), asked)
    })
    .await;
    assert_eq!(error.kind(), &kind(Http2Error::Protocol));
}

// Shows H2-09.
#[tokio::test]
async fn server_without_the_setting_is_named() {
    let (connection, _server) = pair_with(Dialer::new().http2(), h2::server::Builder::new()).await;
    assert_eq!(connection.unwrap_err().kind(), &kind(Http2Error::NoExtendedConnect));
}

#[tokio::test]
async fn server_that_allows_no_streams_is_named() {
    let mut builder = builder();
    builder.max_concurrent_streams(0);
    let (connection, _server) = pair_with(Dialer::new().http2(), builder).await;
    assert_eq!(connection.unwrap_err().kind(), &kind(Http2Error::TooManyStreams));
}

// Shows H2-09.
#[tokio::test(start_paused = true)]
async fn settings_that_do_not_come_are_waited_for_until_the_handshake_timeout() {
    let (near, mut far) = pipe();
    let start = Instant::now();
    let error = Dialer::new().http2().handshake(near).await.unwrap_err();
    assert_eq!(error.kind(), &DialErrorKind::TimedOut(Phase::Http));
    assert_eq!(start.elapsed().as_secs(), 30);
    let mut preface = [0; 24];
    far.read_exact(&mut preface).await.unwrap();
    assert_eq!(&preface, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
}

#[tokio::test(start_paused = true)]
async fn settings_that_come_byte_by_byte_are_read_whole() {
    let (near, mut far) = pipe();
    let script = async {
        // ENABLE_CONNECT_PROTOCOL, the last byte of which makes it 1.
        for byte in b"\x00\x00\x06\x04\x00\x00\x00\x00\x00\x00\x08\x00\x00\x00\x01" {
            tokio::time::sleep(std::time::Duration::from_secs(1)).await;
            far.write_all(&[*byte]).await.unwrap();
        }
        far
    };
    let dialer = Dialer::new().http2();
    let (connection, _far) = tokio::join!(dialer.handshake(near), script);
    assert!(!connection.unwrap().is_closed());
}

#[tokio::test]
async fn setting_other_than_0_and_1_fails_the_connection() {
    let outcomes = [(0, Some(Http2Error::NoExtendedConnect)), (1, None), (2, Some(Http2Error::Protocol))];
    for (value, expected) in outcomes {
        let (near, mut far) = pipe();
        // ENABLE_CONNECT_PROTOCOL, the last byte of which is its value.
        far.write_all(&[0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, value]).await.unwrap();
        let error = within(Dialer::new().http2().handshake(near)).await.err();
        assert_eq!(error.as_ref().map(DialError::kind), expected.map(kind).as_ref(), "{value}");
    }
}

#[tokio::test]
async fn server_of_http1_is_named() {
    let (near, mut far) = pipe();
    far.write_all(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n").await.unwrap();
    let error = within(Dialer::new().http2().handshake(near)).await.unwrap_err();
    assert_eq!(error.kind(), &kind(Http2Error::Protocol));
    assert!(error.to_string().contains("is no HTTP/2"), "{error}");
}

#[tokio::test]
async fn server_that_hangs_up_is_named() {
    let (near, far) = pipe();
    drop(far);
    let error = within(Dialer::new().http2().handshake(near)).await.unwrap_err();
    assert_eq!(error.kind(), &kind(Http2Error::Lost));
}

#[tokio::test]
async fn connection_lost_before_the_answer_is_named() {
    let (connection, mut server) = connected().await;
    let script = async {
        let asked = server.asked().await;
        server.end.abort();
        asked
    };
    let (opened, _asked) = within(async { tokio::join!(connection.open("ws://example.com/"), script) }).await;
    assert_eq!(opened.unwrap_err().kind(), &kind(Http2Error::Lost));
    let error = connection.open("ws://example.com/").await.unwrap_err();
    assert_eq!(error.kind(), &kind(Http2Error::GoAway));
}

#[tokio::test]
async fn full_connection_does_not_make_anybody_wait() {
    let mut builder = builder();
    builder.max_concurrent_streams(1);
    let (connection, mut server) = pair_with(Dialer::new().http2(), builder).await;
    let connection = connection.unwrap();
    let (first, accepted) =
        within(async { tokio::join!(connection.open("ws://example.com/"), server.accept()) }).await;
    let error = within(connection.open("ws://example.com/")).await.unwrap_err();
    assert_eq!(error.kind(), &kind(Http2Error::TooManyStreams));
    drop((first.unwrap(), accepted));
    within(async { tokio::join!(connection.open("ws://example.com/"), server.accept()) }).await.0.unwrap();
}

// Shows H2-09.
#[tokio::test(start_paused = true)]
async fn answer_that_does_not_come_is_waited_for_until_the_handshake_timeout() {
    let (connection, mut server) = connected().await;
    let (opened, mut asked) = tokio::join!(connection.open("ws://example.com/"), server.asked());
    assert_eq!(opened.unwrap_err().kind(), &DialErrorKind::TimedOut(Phase::Http));
    // The stream ends with the dial.
    let reset = std::future::poll_fn(|cx| asked.respond.poll_reset(cx)).await.unwrap();
    assert_eq!(reset, Reason::CANCEL);
    let (opened, _server) = tokio::join!(connection.open("ws://example.com/"), server.accept());
    opened.unwrap();
}

#[test]
fn types_can_cross_threads() {
    fn check<T: Send + Sync + 'static>() {}
    check::<ws_client::Http2Dialer>();
    check::<ws_client::Http2Connection>();
    check::<ws_client::Http2Stream>();
    check::<ws_client::Http2Transport>();
    fn check_future<T: Send>(_: T) {}
    let dialer = Dialer::new().http2();
    check_future(dialer.dial("ws://example.com/"));
    let _ = Server::new::<tokio::io::DuplexStream>;
}
