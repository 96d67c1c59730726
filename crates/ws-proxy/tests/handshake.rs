//! What a backend is asked, and what a client is answered.

mod support;

use http::{HeaderValue, header};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use ws_client::Dialer;
use ws_proxy::{Backends, Cause, ForwardedHeaders, HostPolicy, OriginPolicy, Proxy, Side};
use ws_tower::Upgrader;

use support::{
    ACCEPT, accept, ask, fields, handshake, logged, next, open, proxy_to, read_head, rest, scripted, serve,
    switching,
};

/// The request that a backend sees of one with these lines, through a proxy that is changed first.
async fn seen(change: impl FnOnce(Proxy) -> Proxy, target: &str, more: &str) -> String {
    let (backend, mut requests) = scripted(|mut io| async move { accept(&mut io, "").await }).await;
    let proxy = serve(change(proxy_to(backend))).await;
    let (_client, head) = ask(proxy, handshake(target, more)).await;
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    next(&mut requests).await
}

#[tokio::test]
async fn end_to_end_headers_pass_and_the_key_is_a_new_one() {
    let more = "Cookie: a=b\r\nAuthorization: Bearer x\r\nUser-Agent: test\r\nX-Own: 1\r\nX-Own: 2\r\nOrigin: http://p.example\r\n";
    let head = seen(|proxy| proxy, "/a%2Fb?c=d%20e", more).await;
    assert!(head.starts_with("GET /a%2Fb?c=d%20e HTTP/1.1\r\n"), "{head}");
    for (name, value) in [
        ("cookie", "a=b"),
        ("authorization", "Bearer x"),
        ("user-agent", "test"),
        ("origin", "http://p.example"),
        ("host", "a.example"),
        ("x-forwarded-for", "127.0.0.1"),
        ("x-forwarded-proto", "http"),
        ("x-forwarded-host", "a.example"),
    ] {
        assert_eq!(fields(&head, name), [value], "{name}");
    }
    assert_eq!(fields(&head, "x-own"), ["1", "2"]);
    assert_eq!(fields(&head, "sec-websocket-key").len(), 1);
    assert_ne!(fields(&head, "sec-websocket-key"), ["dGhlIHNhbXBsZSBub25jZQ=="]);
}

#[tokio::test]
async fn host_and_origin_go_by_their_policies() {
    let more = "Origin: http://p.example\r\n";
    let head = seen(|proxy| proxy.host(HostPolicy::Backend).origin(OriginPolicy::Backend), "/", more).await;
    let host = fields(&head, "host")[0];
    assert!(host.starts_with("127.0.0.1:"), "{host}");
    assert_eq!(fields(&head, "origin"), [format!("http://{host}")]);
    let set = HostPolicy::Set(HeaderValue::from_static("other.example"));
    let head = seen(|proxy| proxy.host(set).origin(OriginPolicy::Remove), "/", more).await;
    assert_eq!(fields(&head, "host"), ["other.example"]);
    assert!(fields(&head, "origin").is_empty());
}

#[tokio::test]
async fn paths_are_rewritten() {
    let head = seen(|proxy| proxy.strip_prefix("/ws"), "/ws/a?b", "").await;
    assert!(head.starts_with("GET /a?b "), "{head}");
    let rewrite =
        |proxy: Proxy| proxy.rewrite_path(|request| format!("/v2{}", request.uri.path()).parse().ok());
    let head = seen(rewrite, "/a?b", "").await;
    assert!(head.starts_with("GET /v2/a "), "{head}");
}

#[tokio::test]
async fn director_has_the_last_word_but_on_the_handshake() {
    let direct = |proxy: Proxy| {
        proxy.director(|request, headers| {
            assert_eq!(request.headers["x-own"], "1");
            headers.remove("x-own");
            headers.insert("x-forwarded-for", HeaderValue::from_static("director"));
            headers.insert("sec-websocket-key", HeaderValue::from_static("forged"));
            headers.insert("transfer-encoding", HeaderValue::from_static("chunked"));
        })
    };
    let head = seen(direct, "/", "X-Own: 1\r\n").await;
    assert!(fields(&head, "x-own").is_empty());
    assert_eq!(fields(&head, "x-forwarded-for"), ["director"]);
    assert_ne!(fields(&head, "sec-websocket-key"), ["forged"]);
    assert!(fields(&head, "transfer-encoding").is_empty());
}

// Shows PRX-5.
#[tokio::test]
async fn headers_that_connection_names_go_before_those_of_the_proxy_come() {
    let more = "Connection: X-Forwarded-For, X-Forwarded-Proto, X-Secret\r\nX-Secret: 1\r\nX-Forwarded-For: 6.6.6.6\r\n\
                Keep-Alive: timeout=5\r\nProxy-Authorization: x\r\nTE: trailers\r\n";
    let head = seen(|proxy| proxy, "/", more).await;
    assert_eq!(fields(&head, "x-forwarded-for"), ["127.0.0.1"]);
    assert_eq!(fields(&head, "x-forwarded-proto"), ["http"]);
    assert_eq!(fields(&head, "connection"), ["Upgrade"]);
    for name in ["x-secret", "keep-alive", "proxy-authorization", "te"] {
        assert!(fields(&head, name).is_empty(), "{name}");
    }
}

#[tokio::test]
async fn trusted_proxies_in_front_are_believed() {
    let more = "X-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Proto: https\r\n";
    let trusting = ForwardedHeaders::new().trust(["127.0.0.0/8"]).unwrap();
    let head = seen(|proxy| proxy.forwarded(trusting), "/", more).await;
    assert_eq!(fields(&head, "x-forwarded-for"), ["192.0.2.7, 127.0.0.1"]);
    assert_eq!(fields(&head, "x-forwarded-proto"), ["https"]);
}

#[tokio::test]
async fn client_and_backend_agree_on_subprotocol_and_extensions() {
    let (backend, mut requests) = scripted(|mut io| async move {
        let more = "Sec-WebSocket-Protocol: b\r\nSec-WebSocket-Extensions: x-own; z\r\n";
        accept(&mut io, more).await
    })
    .await;
    let proxy = serve(proxy_to(backend)).await;
    let more = "Sec-WebSocket-Protocol: a\r\nSec-WebSocket-Protocol: b, c\r\nSec-WebSocket-Extensions: x-own; y, permessage-deflate\r\n";
    let (_client, head) = ask(proxy, handshake("/", more)).await;
    assert_eq!(fields(&head, "sec-websocket-protocol"), ["b"]);
    assert_eq!(fields(&head, "sec-websocket-extensions"), ["x-own; z"]);
    assert_eq!(fields(&head, "sec-websocket-accept"), [ACCEPT]);
    let head = next(&mut requests).await;
    assert_eq!(fields(&head, "sec-websocket-protocol"), ["a, b, c"]);
    assert_eq!(fields(&head, "sec-websocket-extensions"), ["x-own; y, permessage-deflate"]);
}

#[tokio::test]
async fn subprotocol_of_the_policy_is_all_that_is_offered() {
    let policy = |proxy: Proxy| proxy.upgrader(Upgrader::new().subprotocols(["b"]));
    let (backend, mut requests) =
        scripted(|mut io| async move { accept(&mut io, "Sec-WebSocket-Protocol: b\r\n").await }).await;
    let proxy = serve(policy(proxy_to(backend))).await;
    let (_client, head) = ask(proxy, handshake("/", "Sec-WebSocket-Protocol: a, b\r\n")).await;
    assert_eq!(fields(&head, "sec-websocket-protocol"), ["b"]);
    assert_eq!(fields(&next(&mut requests).await, "sec-websocket-protocol"), ["b"]);
}

#[tokio::test]
async fn answer_has_every_cookie_and_every_header_of_the_backend() {
    let more = "Set-Cookie: a=1; Path=/\r\nSet-Cookie: b=2\r\nSet-Cookie: c=3\r\nX-Backend: here\r\nKeep-Alive: timeout=5\r\n";
    let (backend, _requests) = scripted(move |mut io| async move { accept(&mut io, more).await }).await;
    let proxy = serve(proxy_to(backend)).await;
    let (_client, head) = ask(proxy, handshake("/", "")).await;
    assert_eq!(fields(&head, "set-cookie"), ["a=1; Path=/", "b=2", "c=3"]);
    assert_eq!(fields(&head, "x-backend"), ["here"]);
    assert!(fields(&head, "keep-alive").is_empty());
    assert_eq!(fields(&head, "sec-websocket-accept").len(), 1);
}

#[tokio::test]
async fn refusal_is_passed_on_whole() {
    let body = "x".repeat(100_000);
    let answer = format!(
        "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"x\"\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n\
         Connection: keep-alive, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let (backend, _) = scripted(move |mut io| {
        let answer = answer.clone();
        async move {
            read_head(&mut io).await;
            io.write_all(answer.as_bytes()).await.unwrap();
            let _ = io.read(&mut [0]).await;
        }
    })
    .await;
    let (proxy, mut log) = logged(proxy_to(backend));
    let (mut client, head) = ask(serve(proxy).await, handshake("/", "")).await;
    assert!(head.starts_with("HTTP/1.1 401 Unauthorized\r\n"), "{head}");
    assert_eq!(fields(&head, "www-authenticate"), ["Basic realm=\"x\""]);
    assert_eq!(fields(&head, "set-cookie"), ["a=1", "b=2"]);
    assert_eq!(fields(&head, "connection"), ["close"]);
    assert_eq!(fields(&head, "content-length"), ["100000"]);
    for name in ["x-hop", "keep-alive"] {
        assert!(fields(&head, name).is_empty(), "{name}");
    }
    assert_eq!(rest(&mut client).await, body.as_bytes());
    let access = next(&mut log).await;
    assert_eq!((access.status.as_u16(), access.carried), (401, None));
}

// RFC 9112, 6.3: the chunks tell the length, whatever is said beside them, and whoever passes them on removes that.
#[tokio::test]
async fn length_that_is_said_beside_chunks_is_not_passed_on() {
    let (backend, _) = scripted(|mut io| async move {
        read_head(&mut io).await;
        let lengths = "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n";
        let answer = format!("HTTP/1.1 403 Forbidden\r\n{lengths}\r\n5\r\nwhole\r\n0\r\n\r\n");
        io.write_all(answer.as_bytes()).await.unwrap();
        let _ = io.read(&mut [0]).await;
    })
    .await;
    let (mut client, head) = ask(serve(proxy_to(backend)).await, handshake("/", "")).await;
    assert!(fields(&head, "content-length").is_empty(), "{head}");
    assert_eq!(rest(&mut client).await, b"5\r\nwhole\r\n0\r\n\r\n");
}

#[tokio::test]
async fn refusal_without_end_breaks_off_at_the_bound() {
    let (backend, _) = scripted(|mut io| async move {
        read_head(&mut io).await;
        io.write_all(b"HTTP/1.1 500 Oh\r\n\r\n").await.unwrap();
        while io.write_all(&[b'x'; 1000]).await.is_ok() {}
    })
    .await;
    let (mut client, head) =
        ask(serve(proxy_to(backend).max_refusal_size(10_000)).await, handshake("/", "")).await;
    assert!(head.starts_with("HTTP/1.1 500 "), "{head}");
    let body = rest(&mut client).await;
    // With the sizes of the chunks.
    assert!((10_000..10_100).contains(&body.len()), "{}", body.len());
    assert!(!body.ends_with(b"0\r\n\r\n"), "it looks whole");
}

#[tokio::test]
async fn redirects_are_the_clients_to_follow() {
    let (backend, mut requests) = scripted(|mut io| async move {
        let head = read_head(&mut io).await;
        io.write_all(b"HTTP/1.1 302 Found\r\nLocation: /there\r\nContent-Length: 0\r\n\r\n").await.unwrap();
        head
    })
    .await;
    let proxy = serve(proxy_to(backend).dialer(Dialer::new().redirects(5))).await;
    let (_client, head) = ask(proxy, handshake("/", "")).await;
    assert!(head.starts_with("HTTP/1.1 302 "), "{head}");
    assert_eq!(fields(&head, "location"), ["/there"]);
    next(&mut requests).await;
    assert!(requests.try_recv().is_err());
}

#[tokio::test]
async fn upgrade_required_names_what_is_required() {
    let (backend, _) = scripted(|mut io| async move {
        read_head(&mut io).await;
        let answer = b"HTTP/1.1 426 Upgrade Required\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nContent-Length: 0\r\n\r\n";
        io.write_all(answer).await.unwrap();
    })
    .await;
    let (_client, head) = ask(serve(proxy_to(backend)).await, handshake("/", "")).await;
    assert!(head.starts_with("HTTP/1.1 426 "), "{head}");
    assert_eq!(fields(&head, "upgrade"), ["websocket"]);
    assert_eq!(fields(&head, "connection"), ["Upgrade, close"]);
    assert_eq!(fields(&head, "sec-websocket-version"), ["13"]);
}

#[tokio::test]
async fn backend_that_cannot_be_reached_is_a_bad_gateway() {
    let nobody = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let (_client, head) = ask(serve(proxy_to(nobody)).await, handshake("/", "")).await;
    assert!(head.starts_with("HTTP/1.1 502 "), "{head}");
    assert_eq!(fields(&head, "connection"), ["close"]);
}

#[tokio::test]
async fn backend_that_does_not_answer_is_a_gateway_timeout() {
    let (backend, _) = scripted(|mut io| async move { rest(&mut io).await }).await;
    let dialer = Dialer::new().handshake_timeout(std::time::Duration::from_millis(50));
    let (_client, head) = ask(serve(proxy_to(backend).dialer(dialer)).await, handshake("/", "")).await;
    assert!(head.starts_with("HTTP/1.1 504 "), "{head}");
}

#[tokio::test]
async fn function_without_a_backend_is_an_unavailable_service() {
    let proxy = serve(open(Proxy::new(Backends::function(|_| None)))).await;
    let (_client, head) = ask(proxy, handshake("/", "")).await;
    assert!(head.starts_with("HTTP/1.1 503 "), "{head}");
    assert_eq!(fields(&head, "retry-after"), ["5"]);
}

#[tokio::test]
async fn url_of_a_function_is_dialed_as_it_is() {
    let (backend, mut requests) = scripted(|mut io| async move { accept(&mut io, "").await }).await;
    let choose = move |request: &http::request::Parts| {
        assert_eq!(request.uri.path(), "/in");
        format!("ws://{backend}/out?x=1").parse().ok()
    };
    let proxy = serve(open(Proxy::new(Backends::function(choose)))).await;
    let (_client, head) = ask(proxy, handshake("/in?y", "")).await;
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    assert!(next(&mut requests).await.starts_with("GET /out?x=1 "));
}

#[tokio::test]
async fn dial_ends_when_the_client_goes_away() {
    let (backend, mut ended) = scripted(|mut io| async move {
        read_head(&mut io).await;
        rest(&mut io).await
    })
    .await;
    let (proxy, mut log) = logged(proxy_to(backend));
    let proxy = serve(proxy).await;
    let mut client = tokio::net::TcpStream::connect(proxy).await.unwrap();
    client.write_all(handshake("/", "").as_bytes()).await.unwrap();
    // Time for the request to get to the backend does not matter: it ends either way.
    drop(client);
    let access = next(&mut log).await;
    assert_eq!(access.status.as_u16(), 499);
    if access.backend.is_some() {
        next(&mut ended).await;
    }
}

#[tokio::test]
async fn place_of_a_tunnel_is_told_with_what_it_carried() {
    let (backend, _) = scripted(|mut io| async move {
        let head = read_head(&mut io).await;
        let mut bytes = switching(&head, "").into_bytes();
        bytes.extend_from_slice(b"\x81\x02hi\x88\x02\x03\xE9");
        io.write_all(&bytes).await.unwrap();
        rest(&mut io).await
    })
    .await;
    let (proxy, mut log) = logged(proxy_to(backend));
    let (mut client, _) = ask(serve(proxy).await, handshake("/x?y", "")).await;
    client.write_all(b"\x88\x82\0\0\0\0\x03\xE9").await.unwrap();
    client.shutdown().await.unwrap();
    assert_eq!(rest(&mut client).await, b"\x81\x02hi\x88\x02\x03\xE9");
    let access = next(&mut log).await;
    let carried = access.carried.unwrap();
    assert_eq!((carried.messages_from_client, carried.messages_from_backend), (0, 1));
    assert_eq!((carried.bytes_from_client, carried.bytes_from_backend), (8, 8));
    assert_eq!(carried.close_from_client.map(u16::from), Some(1001));
    assert_eq!(carried.close_from_backend.map(u16::from), Some(1001));
    assert_eq!(carried.cause, Cause::Closed);
    let line = access.to_string();
    assert!(line.contains("\"a.example/x?y\" HTTP/1.1 101 ws://127.0.0.1:"), "{line}");
    assert!(line.ends_with("up=0/8 down=1/8 closed client=1001 backend=1001"), "{line}");
    let _ = (Side::Client, header::HOST);
}

#[tokio::test]
async fn client_hears_of_no_subprotocol_that_it_has_not_offered() {
    let (backend, mut requests) =
        scripted(|mut io| async move { accept(&mut io, "Sec-WebSocket-Protocol: own\r\n").await }).await;
    let proxy = serve(proxy_to(backend).dialer(Dialer::new().subprotocols(["own"]))).await;
    let (_client, head) = ask(proxy, handshake("/", "")).await;
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    assert!(fields(&head, "sec-websocket-protocol").is_empty(), "{head}");
    assert_eq!(fields(&next(&mut requests).await, "sec-websocket-protocol"), ["own"]);
}

#[cfg(feature = "deflate")]
#[tokio::test]
async fn offer_that_the_director_takes_away_is_none_of_the_dialer() {
    let direct = |proxy: Proxy| {
        let dialer = Dialer::new().compression(ws_core::DeflateConfig::new());
        proxy.dialer(dialer).director(|_, headers| drop(headers.remove("sec-websocket-extensions")))
    };
    let head = seen(direct, "/", "Sec-WebSocket-Extensions: permessage-deflate\r\n").await;
    assert!(fields(&head, "sec-websocket-extensions").is_empty(), "{head}");
}

// Shows PRX-5.
#[tokio::test]
async fn nothing_that_a_client_says_of_itself_reaches_a_backend() {
    let more = "X-Forwarded-Port: 1\r\nX-Forwarded-Prefix: /x\r\nX-Real-IP: 6.6.6.6\r\nX_Forwarded_For: 6.6.6.6\r\n\
                Forwarded: for=6.6.6.6\r\n";
    let head = seen(|proxy| proxy, "/", more).await;
    assert!(!head.contains("6.6.6.6"), "{head}");
    for name in ["x-forwarded-port", "x-forwarded-prefix", "x-real-ip", "forwarded"] {
        assert!(fields(&head, name).is_empty(), "{name}");
    }
}
