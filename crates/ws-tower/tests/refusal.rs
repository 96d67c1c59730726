//! The opening handshake on the wire: each row is a request, and the status and headers it is answered with.

mod support;

use std::net::SocketAddr;

use http::{Method, Request, Response, StatusCode, Version, header};
use support::{ACCEPT, Handshake, KEY, Raw, TEXT, masked};
use ws_core::Conn;
use ws_tower::{AllowedHosts, ResponseBody, Upgraded, Upgrader, rejection::WebSocketUpgradeRejection};

async fn serve() -> SocketAddr {
    let upgrader = Upgrader::new().subprotocols(["chat"]);
    support::serve_hyper(upgrader.service(|mut conn: Conn<Upgraded>| async move {
        while let Ok(Some(message)) = conn.read_message().await {
            if conn.write_message(message).await.is_err() {
                return;
            }
        }
    }))
    .await
}

fn good() -> Handshake {
    Handshake::new("/")
}

#[tokio::test]
async fn accepted() {
    let addr = serve().await;
    let cases = [
        good(),
        good().set("Connection", "uPGRADE"),
        good().set("Connection", "keep-alive, Upgrade , x"),
        good().set("Connection", "keep-alive").add("Connection", "Upgrade"),
        good().set("Upgrade", "WEBSocket"),
        good().set("Upgrade", "h2c, websocket"),
        good().set("Upgrade", "h2c").add("Upgrade", "websocket"),
        good().add("Content-Length", "0"),
        good().add("Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits, x; y=\"z\""),
        good().add("Cookie", "a=b"),
    ];
    for handshake in cases {
        let (mut raw, head) = Raw::open(addr, &handshake).await;
        assert_eq!(head.status, 101, "{}", handshake.bytes().escape_ascii());
        assert_eq!(head.get("connection").as_deref(), Some("Upgrade"));
        assert_eq!(head.get("upgrade").as_deref(), Some("websocket"));
        assert_eq!(head.get("sec-websocket-accept").as_deref(), Some(ACCEPT));
        for absent in
            ["sec-websocket-protocol", "sec-websocket-extensions", "content-length", "transfer-encoding"]
        {
            assert_eq!(head.get(absent), None);
        }
        raw.send_frame(TEXT, b"hi").await;
        assert_eq!(raw.frame().await, (TEXT, b"hi".to_vec()));
    }
}

#[tokio::test]
async fn subprotocol_is_only_ever_one_that_was_offered() {
    let addr = serve().await;
    for (offer, chosen) in [
        ("chat", Some("chat")),
        ("other, chat", Some("chat")),
        ("Chat", None),
        ("chat2", None),
        ("other", None),
    ] {
        let (_raw, head) = Raw::open(addr, &good().add("Sec-WebSocket-Protocol", offer)).await;
        assert_eq!((head.status, head.get("sec-websocket-protocol").as_deref()), (101, chosen), "{offer}");
    }
}

/// Checks the status, that the response ends the connection and carries its headers, and that it tells no more than the
/// status does.
async fn refused(addr: SocketAddr, handshake: &Handshake, status: u16, headers: &[(&str, &str)]) {
    let (mut raw, head) = Raw::open(addr, handshake).await;
    let request = handshake.bytes();
    let request = request.escape_ascii();
    assert_eq!(head.status, status, "{request}");
    assert!(head.has("connection", "close"), "{request}");
    for (name, value) in headers {
        assert_eq!(head.get(name).as_deref(), Some(*value), "{request}");
    }
    let body = raw.rest().await;
    let reason = StatusCode::from_u16(status).expect("a status").canonical_reason().expect("a name");
    assert_eq!(String::from_utf8_lossy(&body), reason, "{request}");
}

// Shows HS-7.
#[tokio::test]
async fn requests_that_ask_for_no_upgrade_to_websocket() {
    let addr = serve().await;
    for connection in ["keep-alive", "notupgrade", "upgrade2", "\"upgrade\"", "up grade", "upgrade/1", ""] {
        refused(addr, &good().set("Connection", connection), 400, &[]).await;
    }
    refused(addr, &good().without("Connection"), 400, &[]).await;
    refused(addr, &good().without("Connection").without("Upgrade"), 400, &[]).await;
    let upgrade_required = [("upgrade", "websocket"), ("connection", "Upgrade, close")];
    for upgrade in ["h2c", "websocket2", "web socket", "\"websocket\"", "websocket/13", ""] {
        refused(addr, &good().set("Upgrade", upgrade), 426, &upgrade_required).await;
    }
    refused(addr, &good().without("Upgrade"), 426, &upgrade_required).await;
}

#[tokio::test]
async fn methods_other_than_get() {
    let addr = serve().await;
    for method in ["POST", "PUT", "OPTIONS", "DELETE", "get", "FOO"] {
        refused(addr, &good().line(&format!("{method} / HTTP/1.1")), 405, &[("allow", "GET")]).await;
    }
    // The answer to HEAD has no body.
    let (mut raw, head) = Raw::open(addr, &good().line("HEAD / HTTP/1.1")).await;
    assert_eq!((head.status, head.get("allow").as_deref(), raw.rest().await), (405, Some("GET"), Vec::new()));
}

#[tokio::test]
async fn versions_of_websocket_other_than_13() {
    let addr = serve().await;
    let version = [("sec-websocket-version", "13")];
    refused(addr, &good().without("Sec-WebSocket-Version"), 400, &version).await;
    for other in ["12", "8", "130", "013", "13, 8", "\"13\"", "-13", ""] {
        refused(addr, &good().set("Sec-WebSocket-Version", other), 426, &version).await;
    }
    refused(addr, &good().add("Sec-WebSocket-Version", "13"), 426, &version).await;
    refused(addr, &good().add("Sec-WebSocket-Version", "8"), 426, &version).await;
}

#[tokio::test]
async fn http_1_0() {
    refused(serve().await, &good().line("GET / HTTP/1.0"), 400, &[]).await;
}

#[tokio::test]
async fn hosts_that_are_missing_doubled_or_malformed() {
    let addr = serve().await;
    refused(addr, &good().without("Host"), 400, &[]).await;
    refused(addr, &good().add("Host", "server.example"), 400, &[]).await;
    for host in ["", "a b", "user@server.example", "server.example:x", "server.example/path", "a, b"] {
        refused(addr, &good().set("Host", host), 400, &[]).await;
    }
}

#[tokio::test]
async fn keys_that_are_not_16_bytes_in_base64() {
    let addr = serve().await;
    refused(addr, &good().without("Sec-WebSocket-Key"), 400, &[]).await;
    refused(addr, &good().add("Sec-WebSocket-Key", KEY), 400, &[]).await;
    for key in [
        "",
        "dGhlIHNhbXBsZSBub25j",
        "dGhlIHNhbXBsZSBub25jZTE=",
        "dGhlIHNhbXBsZSBub25jZTEy",
        "dGhlIHNhbXBsZSBub25jZQ",
        "dGhlIHNhbXBsZSBub25jZR==",
        "dGhlIHNhbXBsZSBub25j*Q==",
        "dGhlIHNhbXBsZSBub25jZQ== x",
    ] {
        refused(addr, &good().set("Sec-WebSocket-Key", key), 400, &[]).await;
    }
}

// Shows HS-5, HS-8.
#[tokio::test]
async fn requests_with_a_body() {
    let addr = serve().await;
    refused(addr, &good().add("Content-Length", "5"), 400, &[]).await;
    refused(addr, &good().add("Transfer-Encoding", "chunked"), 400, &[]).await;
    refused(addr, &good().add("Expect", "100-continue"), 400, &[]).await;
    refused(addr, &good().add("Content-Length", "5").add("Expect", "100-continue"), 400, &[]).await;
}

// Shows HS-2.
#[tokio::test]
async fn heads_that_are_too_large() {
    let addr = serve().await;
    let (line, third) = ("c".repeat(8 << 10), "c".repeat(5500));
    refused(addr, &good().add("Cookie", &line), 431, &[]).await;
    refused(addr, &good().add("X-A", &third).add("X-B", &third).add("X-C", &third), 431, &[]).await;
    refused(addr, &good().line(&format!("GET /?{line} HTTP/1.1")), 414, &[]).await;
}

#[tokio::test]
async fn lists_that_do_not_keep_to_their_syntax() {
    let addr = serve().await;
    for list in ["chat room", "chat;v=1", "\"chat\"", "ch@t"] {
        refused(addr, &good().add("Sec-WebSocket-Protocol", list), 400, &[]).await;
    }
    for list in ["permessage-deflate; =", "a; b=\"", "a b", ";"] {
        refused(addr, &good().add("Sec-WebSocket-Extensions", list), 400, &[]).await;
    }
}

/// What a client sent too early is neither answered nor read as a request.
// Shows HS-8.
#[tokio::test]
async fn bytes_behind_a_refused_request_are_never_a_request() {
    let addr = serve().await;
    let smuggled = b"GET /admin HTTP/1.1\r\nHost: server.example\r\n\r\n";
    for bad in [
        good().set("Connection", "keep-alive"),
        good().set("Upgrade", "h2c"),
        good().line("POST / HTTP/1.1"),
        good().set("Sec-WebSocket-Version", "8"),
        good().add("Host", "other.example"),
        good().add("Content-Length", "44"),
        good().add("Origin", "https://evil.example"),
        good().without("Sec-WebSocket-Key"),
    ] {
        let mut raw = Raw::connect(addr).await;
        let mut bytes = bad.bytes();
        bytes.extend(masked(TEXT, b"early"));
        bytes.extend(smuggled);
        raw.send(&bytes).await;
        let head = raw.head().await;
        assert!((400..500).contains(&head.status), "{}", head.status);
        let rest = raw.rest().await;
        assert!(!rest.windows(5).any(|window| window == b"HTTP/"), "{}", rest.escape_ascii());
    }
}

/// The refusals that a policy makes possible are no different.
// Shows HS-8.
#[tokio::test]
async fn bytes_behind_what_the_policy_refuses_are_never_a_request() {
    let hosts = AllowedHosts::list(["server.example"]).expect("a host");
    let upgrader = Upgrader::new().allowed_hosts(hosts).subprotocols(["chat"]).require_subprotocol(true);
    let addr = support::serve_hyper(upgrader.service(async |_| ())).await;
    for (bad, status) in [
        (good().set("Host", "rebound.example").add("Sec-WebSocket-Protocol", "chat"), 421),
        (good().add("Sec-WebSocket-Protocol", "other"), 400),
        (good(), 400),
    ] {
        let mut raw = Raw::connect(addr).await;
        let mut bytes = bad.bytes();
        bytes.extend(masked(TEXT, b"early"));
        bytes.extend(b"GET /admin HTTP/1.1\r\nHost: server.example\r\n\r\n");
        raw.send(&bytes).await;
        let head = raw.head().await;
        assert!(head.status == status && head.has("connection", "close"), "{}", head.status);
        let rest = raw.rest().await;
        assert!(!rest.windows(5).any(|window| window == b"HTTP/"), "{}", rest.escape_ascii());
    }
    let (_raw, head) = Raw::open(addr, &good().add("Sec-WebSocket-Protocol", "chat")).await;
    assert_eq!((head.status, head.get("sec-websocket-protocol").as_deref()), (101, Some("chat")));
}

/// Bytes that one parser takes for the end of a line and another does not.
// Shows HS-6.
#[tokio::test]
async fn heads_with_stray_control_bytes() {
    let addr = serve().await;
    for name in ["Host", "Origin", "Sec-WebSocket-Key", "Sec-WebSocket-Protocol", "X-Any"] {
        for value in ["a\rb", "a\0b", "a\r\n b", "\x7F"] {
            let (mut raw, head) = Raw::open(addr, &good().set(name, value)).await;
            assert_eq!(head.status, 400, "{name}: {}", value.escape_debug());
            raw.rest().await;
        }
    }
    for line in ["\0GET / HTTP/1.1", "GET /\r HTTP/1.1", "GET / HTTP/1.1\0", " GET / HTTP/1.1"] {
        let (mut raw, head) = Raw::open(addr, &good().line(line)).await;
        assert_eq!(head.status, 400, "{}", line.escape_debug());
        raw.rest().await;
    }
}

#[tokio::test]
async fn server_that_does_not_hand_over_connections_gets_a_500() {
    use hyper_util::{rt::TokioIo, service::TowerToHyperService};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    // hyper offers an upgrade whether its connection was told to follow or not, so the offer is taken out on the way.
    let service = tower::service_fn(|mut request: Request<hyper::body::Incoming>| {
        request.extensions_mut().remove::<hyper::upgrade::OnUpgrade>();
        let rejection = Upgrader::new().upgrade(&mut request).expect_err("no upgrade");
        assert!(matches!(rejection, WebSocketUpgradeRejection::ConnectionNotUpgradable(_)));
        std::future::ready(Ok::<_, std::convert::Infallible>(Response::<ResponseBody>::from(rejection)))
    });
    let (near, mut far) = tokio::io::duplex(4096);
    let server = hyper::server::conn::http1::Builder::new();
    tokio::spawn(server.serve_connection(TokioIo::new(near), TowerToHyperService::new(service)));
    far.write_all(&good().bytes()).await.expect("sent");
    let mut answer = Vec::new();
    support::within(far.read_to_end(&mut answer)).await.expect("read");
    assert!(answer.starts_with(b"HTTP/1.1 500 "), "{}", answer.escape_ascii());
}

#[test]
fn http_2_is_refused_in_its_own_terms() {
    let refuse = |method: Method| {
        let mut request = Request::new(());
        *request.method_mut() = method;
        *request.version_mut() = Version::HTTP_2;
        Upgrader::new().upgrade(&mut request).expect_err("refused")
    };
    let rejection = refuse(Method::GET);
    assert!(matches!(rejection, WebSocketUpgradeRejection::MethodNotConnect(_)));
    let response = Response::<ResponseBody>::from(rejection);
    assert_eq!(
        (response.status().as_u16(), &response.headers()[header::ALLOW]),
        (405, &"CONNECT".parse().expect("a value"))
    );
    // A connection header would be malformed there (RFC 9113, 8.2.2).
    assert!(!response.headers().contains_key(header::CONNECTION));

    let rejection = refuse(Method::CONNECT);
    assert!(matches!(rejection, WebSocketUpgradeRejection::InvalidProtocolPseudoheader(_)));
    assert_eq!(rejection.status(), 501);
}

/// The first fault in gorilla's order decides, so that a request is always refused for the same one.
#[test]
fn checks_run_in_a_fixed_order() {
    type Mend = fn(&mut Request<()>);
    let set = |request: &mut Request<()>, name: &'static str, value: &'static str| {
        request.headers_mut().insert(name, header::HeaderValue::from_static(value));
    };
    let mut request = Request::post("/")
        .version(Version::HTTP_10)
        .header("content-length", "1")
        .header("origin", "null")
        .body(())
        .expect("a request");
    let mend: [(&str, Mend); 9] = [
        ("connection", |_| ()),
        ("upgrade", |_| ()),
        ("method", |request| *request.method_mut() = Method::GET),
        ("version", |_| ()),
        ("HTTP", |request| *request.version_mut() = Version::HTTP_11),
        ("host", |_| ()),
        ("body", |request| drop(request.headers_mut().remove("content-length"))),
        ("origin", |request| drop(request.headers_mut().remove("origin"))),
        ("key", |_| ()),
    ];
    for (word, mend) in mend {
        let rejection = Upgrader::new().upgrade(&mut request).expect_err("refused").to_string();
        assert!(rejection.contains(word), "{rejection}: expected {word}");
        mend(&mut request);
        match word {
            "connection" => set(&mut request, "connection", "upgrade"),
            "upgrade" => set(&mut request, "upgrade", "websocket"),
            "version" => set(&mut request, "sec-websocket-version", "13"),
            "host" => set(&mut request, "host", "server.example"),
            "key" => set(&mut request, "sec-websocket-key", KEY),
            _ => {}
        }
    }
    let rejection = Upgrader::new().upgrade(&mut request).expect_err("refused");
    assert!(matches!(rejection, WebSocketUpgradeRejection::ConnectionNotUpgradable(_)), "{rejection}");
}
