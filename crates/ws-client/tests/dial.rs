//! The opening handshake as it is sent, and connections that come of it.

mod support;

use std::{
    collections::HashSet,
    future::{Ready, ready},
    io,
    sync::{Arc, Mutex},
    task::{Context, Poll},
    time::Duration,
};

use http::{HeaderValue, Request, Uri, header};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream},
    time::timeout,
};
use tower_service::Service;
use ws_client::{
    Config, Conn, Connector, DialErrorKind, Dialer, Message, OfferError, RequestError, UriError, dial,
};
use ws_core::ErrorKind;

use support::{PATIENCE, accept_handshake, fields, handshake, read_head, serve, switching};

#[tokio::test]
async fn request_is_the_opening_handshake_of_the_rfc() {
    let (addr, server) = serve(|mut io| async move { accept_handshake(&mut io, "").await }).await;
    dial(format!("ws://{addr}/chat?room=1#part")).await.unwrap();
    let head = server.await.unwrap();
    assert_eq!(head.lines().next(), Some("GET /chat?room=1 HTTP/1.1"));
    assert_eq!(fields(&head, "host"), [addr.to_string()]);
    assert_eq!(fields(&head, "upgrade"), ["websocket"]);
    assert_eq!(fields(&head, "connection"), ["Upgrade"]);
    assert_eq!(fields(&head, "sec-websocket-version"), ["13"]);
    assert_eq!(fields(&head, "sec-websocket-key").len(), 1);
    assert_eq!(fields(&head, "sec-websocket-key")[0].len(), 24);
    for name in ["content-length", "transfer-encoding", "sec-websocket-protocol", "sec-websocket-extensions"]
    {
        assert_eq!(fields(&head, name), [""; 0], "{name}");
    }
}

#[tokio::test]
async fn every_dial_has_a_key_of_its_own() {
    let dialer = Dialer::new();
    let mut keys = HashSet::new();
    for _ in 0..16 {
        let (conn, head) = handshake(&dialer, async |mut io| accept_handshake(&mut io, "").await).await;
        conn.unwrap();
        keys.insert(fields(&head, "sec-websocket-key")[0].to_owned());
    }
    assert_eq!(keys.len(), 16);
}

#[tokio::test]
async fn headers_of_the_dialer_replace_those_of_the_request() {
    let (addr, server) = serve(|mut io| async move { accept_handshake(&mut io, "").await }).await;
    let request = Request::get(format!("ws://{addr}/"))
        .header(header::AUTHORIZATION, "old")
        .header(header::COOKIE, "a=b")
        .body(())
        .unwrap();
    let dialer = Dialer::new()
        .header(header::AUTHORIZATION, HeaderValue::from_static("new"))
        .header(header::ACCEPT_LANGUAGE, HeaderValue::from_static("de"))
        .header(header::ACCEPT_LANGUAGE, HeaderValue::from_static("en"));
    dialer.dial(request).await.unwrap();
    let head = server.await.unwrap();
    assert_eq!(fields(&head, "authorization"), ["new"]);
    assert_eq!(fields(&head, "cookie"), ["a=b"]);
    assert_eq!(fields(&head, "accept-language"), ["de", "en"]);
}

#[tokio::test]
async fn cookies_of_the_caller_are_one_line() {
    let (addr, server) = serve(|mut io| async move { accept_handshake(&mut io, "").await }).await;
    let dialer = Dialer::new()
        .header(header::COOKIE, HeaderValue::from_static("a=b"))
        .header(header::COOKIE, HeaderValue::from_static("c=d; e=f"));
    dialer.dial(format!("ws://{addr}/")).await.unwrap();
    assert_eq!(fields(&server.await.unwrap(), "cookie"), ["a=b; c=d; e=f"]);
}

#[tokio::test]
async fn host_of_the_caller_replaces_ours_and_not_the_address() {
    let (addr, server) = serve(|mut io| async move { accept_handshake(&mut io, "").await }).await;
    let dialer = Dialer::new().header(header::HOST, HeaderValue::from_static("other.example"));
    dialer.dial(format!("ws://{addr}/")).await.unwrap();
    assert_eq!(fields(&server.await.unwrap(), "host"), ["other.example"]);
}

#[tokio::test]
async fn headers_of_the_handshake_fail_the_dial_before_anything_is_opened() {
    let opened = Arc::new(Mutex::new(Vec::new()));
    let dialer = Dialer::new().connector(Recorder(Arc::clone(&opened)));
    let request = Request::get("ws://example.com/").header(header::SEC_WEBSOCKET_KEY, "x").body(()).unwrap();
    let error = dialer.dial(request).await.unwrap_err();
    let refused = RequestError::Header(header::SEC_WEBSOCKET_KEY);
    assert_eq!(error.kind(), &DialErrorKind::InvalidRequest(refused));
    assert!(error.to_string().contains("sec-websocket-key"), "{error}");
    assert!(opened.lock().unwrap().is_empty());
}

#[tokio::test]
async fn user_names_in_urls_are_refused() {
    let error = dial("ws://user:secret@127.0.0.1:1/").await.unwrap_err();
    assert_eq!(error.kind(), &DialErrorKind::InvalidUri(UriError::UserInfo));
    assert!(!format!("{error} {error:?}").contains("secret"));
}

#[tokio::test]
async fn subprotocols_are_offered_in_order_and_the_choice_is_known() {
    let dialer = Dialer::new().subprotocols(["chat.v2", "chat.v1"]);
    let chosen = "Sec-WebSocket-Protocol: chat.v1\r\n";
    let (conn, head) = handshake(&dialer, async |mut io| accept_handshake(&mut io, chosen).await).await;
    assert_eq!(fields(&head, "sec-websocket-protocol").join(",").replace(' ', ""), "chat.v2,chat.v1");
    assert_eq!(conn.unwrap().subprotocol(), Some("chat.v1"));
}

#[tokio::test]
async fn server_may_choose_no_subprotocol() {
    let dialer = Dialer::new().subprotocols(["chat"]);
    let (conn, _) = handshake(&dialer, async |mut io| accept_handshake(&mut io, "").await).await;
    assert_eq!(conn.unwrap().subprotocol(), None);
}

#[tokio::test]
async fn subprotocols_that_are_no_tokens_or_doubled_fail_the_dial() {
    for (names, problem) in [
        (&["a b"][..], OfferError::SubprotocolInvalid),
        (&[""], OfferError::SubprotocolInvalid),
        (&["a,b"], OfferError::SubprotocolInvalid),
        (&["a", "b", "a"], OfferError::SubprotocolRepeated),
    ] {
        let dialer = Dialer::new().subprotocols(names.iter().copied());
        let error = dialer.dial("ws://127.0.0.1:1/").await.unwrap_err();
        assert_eq!(
            error.kind(),
            &DialErrorKind::InvalidRequest(RequestError::Subprotocols(problem)),
            "{names:?}"
        );
    }
}

#[tokio::test]
async fn response_of_the_server_is_given_to_the_caller() {
    let (addr, _server) =
        serve(|mut io| async move { accept_handshake(&mut io, "Set-Cookie: a=b\r\n").await }).await;
    let (_conn, response) = dial(format!("ws://{addr}/")).await.unwrap();
    assert_eq!(response.status(), 101);
    assert_eq!(response.headers()[header::SET_COOKIE], "a=b");
}

// CLI-1, as are the frames behind the response below, and wrong answers in refusal.rs.
// Shows CLI-1.
#[tokio::test(start_paused = true)]
async fn nothing_is_sent_between_the_request_and_its_answer() {
    let script = async |mut io: DuplexStream| {
        let head = read_head(&mut io).await;
        let early = timeout(Duration::from_secs(20), io.read_u8()).await;
        assert!(early.is_err(), "{early:?}");
        io.write_all(switching(&head, "").as_bytes()).await.unwrap();
        io
    };
    let (conn, mut io) = handshake(&Dialer::new(), script).await;
    let late = timeout(Duration::from_secs(20), io.read_u8()).await;
    assert!(late.is_err(), "{late:?}");
    drop(conn);
}

// Shows CLI-1.
#[tokio::test]
async fn frames_behind_the_response_are_kept_wherever_it_is_cut() {
    let length = {
        let (conn, head) =
            handshake(&Dialer::new(), async |mut io| accept_handshake(&mut io, "").await).await;
        conn.unwrap();
        switching(&head, "").len() + FRAMES.len()
    };
    for cut in 1..length {
        let script = async |mut io: DuplexStream| {
            let mut bytes = switching(&read_head(&mut io).await, "").into_bytes();
            bytes.extend_from_slice(FRAMES);
            let (first, second) = bytes.split_at(cut);
            io.write_all(first).await.unwrap();
            // The client is polled in between, as it shares the task.
            tokio::task::yield_now().await;
            tokio::task::yield_now().await;
            io.write_all(second).await.unwrap();
            io
        };
        let (conn, _io) = handshake(&Dialer::new(), script).await;
        let mut conn = conn.unwrap();
        assert_eq!(read(&mut conn).await, Some(Message::text("one")), "cut at {cut}");
        assert_eq!(read(&mut conn).await, Some(Message::text("two")), "cut at {cut}");
    }
}

/// The next message, which must be there.
async fn read(conn: &mut Conn<impl AsyncRead + AsyncWrite + Unpin>) -> Option<Message> {
    timeout(PATIENCE, conn.read_message()).await.expect("frames were lost").unwrap()
}

/// Two text messages of a server.
const FRAMES: &[u8] = b"\x81\x03one\x81\x03two";

#[tokio::test]
async fn frames_in_the_segment_of_the_response_are_kept() {
    let (addr, server) = serve(|mut io| async move {
        let mut bytes = switching(&read_head(&mut io).await, "").into_bytes();
        bytes.extend_from_slice(FRAMES);
        io.write_all(&bytes).await.unwrap();
        io
    })
    .await;
    let (mut conn, _) = dial(format!("ws://{addr}/")).await.unwrap();
    assert_eq!(read(&mut conn).await, Some(Message::text("one")));
    assert_eq!(read(&mut conn).await, Some(Message::text("two")));
    drop(server.await.unwrap());
}

#[tokio::test]
async fn interim_responses_are_skipped() {
    let script = async |mut io: DuplexStream| {
        let head = read_head(&mut io).await;
        for interim in ["100 Continue\r\n\r\n", "103 Early Hints\r\nLink: </a>\r\n\r\n"] {
            io.write_all(format!("HTTP/1.1 {interim}").as_bytes()).await.unwrap();
            tokio::task::yield_now().await;
        }
        io.write_all(switching(&head, "").as_bytes()).await.unwrap();
    };
    let (conn, ()) = handshake(&Dialer::new(), script).await;
    conn.unwrap();
}

#[tokio::test]
async fn messages_of_the_client_are_masked() {
    let (addr, server) = serve(|mut io| async move {
        accept_handshake(&mut io, "").await;
        let mut frame = [0; 11];
        io.read_exact(&mut frame).await.unwrap();
        frame
    })
    .await;
    let (mut conn, _) = dial(format!("ws://{addr}/")).await.unwrap();
    conn.write_message("hello").await.unwrap();
    let frame = timeout(PATIENCE, server).await.unwrap().unwrap();
    assert_eq!(frame[..2], [0x81, 0x85]);
    let text: Vec<u8> = (0..5).map(|at| frame[6 + at] ^ frame[2 + at % 4]).collect();
    assert_eq!(text, b"hello");
}

// MSK-3: what others let a client send must not show on the wire, where a proxy could take it for HTTP.
// Shows MSK-3.
#[tokio::test]
async fn plain_text_is_never_on_the_wire() {
    const REQUEST: &str = "GET / HTTP/1.1\r\nHost: victim.example\r\n\r\n";
    let (conn, mut io) = handshake(&Dialer::new(), async |mut io| {
        accept_handshake(&mut io, "").await;
        io
    })
    .await;
    let mut conn = conn.unwrap();
    let sent = tokio::spawn(async move {
        for _ in 0..10_000 {
            conn.write_message(REQUEST).await.unwrap();
        }
    });
    let mut wire = Vec::new();
    io.read_to_end(&mut wire).await.unwrap();
    sent.await.unwrap();
    assert_eq!(wire.len(), 10_000 * (6 + REQUEST.len()));
    assert!(!wire.windows(8).any(|bytes| bytes == &REQUEST.as_bytes()[..8]));
}

#[tokio::test]
async fn host_names_are_resolved() {
    let (addr, _server) = serve(|mut io| async move { accept_handshake(&mut io, "").await }).await;
    let (conn, _) = dial(format!("ws://localhost:{}/", addr.port())).await.unwrap();
    let transport = conn.get_ref();
    assert_eq!(transport.peer_addr().unwrap(), addr);
    assert_eq!(transport.local_addr().unwrap().ip(), addr.ip());
    assert!(transport.tcp_stream().nodelay().unwrap());
}

#[tokio::test]
async fn nobody_listening_is_a_connect_error() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    drop(listener);
    let error = dial(format!("ws://{addr}/")).await.unwrap_err();
    assert_eq!(error.kind(), &DialErrorKind::Connect);
    assert!(error.to_string().contains(&addr.to_string()), "{error}");
    assert_eq!(io::Error::from(error).kind(), io::ErrorKind::ConnectionRefused);
}

#[tokio::test]
async fn names_without_an_address_are_a_dns_error() {
    // A label is 63 bytes at the most, so no resolver has to be asked.
    let error = dial(format!("ws://{}.example/", "a".repeat(64))).await.unwrap_err();
    assert_eq!(error.kind(), &DialErrorKind::Dns);
}

#[tokio::test]
async fn own_connectors_are_asked_for_the_host_and_port_in_terms_of_http() {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let dialer = Dialer::new().connector(Recorder(Arc::clone(&asked)));
    for url in ["ws://example.com/chat", "wss://example.com/chat", "wss://[::1]:8443/"] {
        let error = dialer.dial(url).await.unwrap_err();
        assert_eq!(error.kind(), &DialErrorKind::Connect);
    }
    let asked = asked.lock().unwrap();
    assert_eq!(*asked, ["http://example.com:80/", "https://example.com:443/", "https://[::1]:8443/"]);
}

#[tokio::test(start_paused = true)]
async fn other_options_stay_when_the_connector_is_replaced() {
    let dialer = Dialer::new()
        .header(header::COOKIE, HeaderValue::from_static("a=b"))
        .subprotocols(["chat"])
        .config(Config::new().max_message_size(2))
        .connector(Recorder(Arc::default()));
    let script = async |mut io: DuplexStream| {
        let head = accept_handshake(&mut io, "").await;
        io.write_all(FRAMES).await.unwrap();
        (head, io)
    };
    let (conn, (head, _io)) = handshake(&dialer, script).await;
    assert_eq!(fields(&head, "cookie"), ["a=b"]);
    assert_eq!(fields(&head, "sec-websocket-protocol"), ["chat"]);
    let error = timeout(PATIENCE, conn.unwrap().read_message()).await.unwrap().unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::TooBig { limit: 2 });
}

/// Notes what it is asked for, and refuses.
#[derive(Clone)]
struct Recorder(Arc<Mutex<Vec<String>>>);

impl Service<Uri> for Recorder {
    type Response = DuplexStream;
    type Error = io::Error;
    type Future = Ready<io::Result<DuplexStream>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        self.0.lock().unwrap().push(uri.to_string());
        ready(Err(io::ErrorKind::Unsupported.into()))
    }
}

#[tokio::test]
async fn connector_can_be_used_on_its_own() {
    let (addr, server) = serve(|mut io| async move { io.read_u8().await.unwrap() }).await;
    let mut transport = Connector::new().call(format!("ws://{addr}/").parse().unwrap()).await.unwrap();
    transport.write_all(b"x").await.unwrap();
    assert_eq!(server.await.unwrap(), b'x');
    let error = Connector::new().call(Uri::from_static("ftp://127.0.0.1/")).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
}

#[cfg(not(any(feature = "native-tls", feature = "rustls")))]
#[tokio::test]
async fn wss_without_tls_says_what_is_missing() {
    let error = dial("wss://127.0.0.1:1/").await.unwrap_err();
    assert_eq!(error.kind(), &DialErrorKind::Tls(ws_client::TlsError::NoLibrary));
    assert!(error.to_string().contains("feature `rustls` or `native-tls`"), "{error}");
}

#[test]
fn dialers_and_their_futures_can_cross_threads() {
    fn shared<T: Send + Sync + 'static>(_: &T) {}
    fn sent<T: Send>(_: T) {}
    let dialer = Dialer::new();
    shared(&dialer);
    sent(dialer.dial("ws://example.com/"));
    sent(dialer.handshake("ws://example.com/", tokio::io::duplex(1).0));
    sent(dial("ws://example.com/"));
}

#[test]
fn headers_do_not_show_in_debug_output() {
    let dialer = Dialer::new().header(header::AUTHORIZATION, HeaderValue::from_static("secret"));
    let shown = format!("{dialer:?}");
    assert!(shown.contains("authorization") && !shown.contains("secret"), "{shown}");
}
