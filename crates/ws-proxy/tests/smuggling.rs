//! What must not get past a proxy: requests that are no handshakes, answers that accept nothing, bytes before their time.

mod support;

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::oneshot,
    time::timeout,
};

use support::{accept, ask, fields, handshake, next, proxy_to, read_head, rest, scripted, serve, switching};

// Shows PRX-3, PRX-4.
#[tokio::test]
async fn requests_that_are_no_handshakes_are_answered_here() {
    let (backend, mut requests) = scripted(|mut io| async move { read_head(&mut io).await }).await;
    let proxy = serve(proxy_to(backend)).await;
    let good = handshake("/", "");
    let key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    for (what, request, status) in [
        ("a page", "GET / HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(), 400),
        ("no upgrade in connection", good.replace("Connection: Upgrade", "Connection: close"), 400),
        ("another protocol", good.replace("Upgrade: websocket", "Upgrade: h2c"), 426),
        ("a part of the word", good.replace("Upgrade: websocket", "Upgrade: websocket2"), 426),
        (
            "h2c",
            "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\
             HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n"
                .to_owned(),
            426,
        ),
        ("POST", good.replace("GET", "POST"), 405),
        ("a bad version", good.replace("Version: 13", "Version: 1777"), 426),
        ("no version", good.replace("Sec-WebSocket-Version: 13\r\n", ""), 400),
        ("a bad key", good.replace("dGhlIHNhbXBsZSBub25jZQ==", "c2hvcnQ="), 400),
        ("no key", good.replace(key, ""), 400),
        ("two keys", good.replace(key, &key.repeat(2)), 400),
        ("a body", handshake("/", "Content-Length: 5\r\n") + "hello", 400),
        ("a chunked body", handshake("/", "Transfer-Encoding: chunked\r\n") + "0\r\n\r\n", 400),
        ("two hosts", handshake("/", "Host: b\r\n"), 400),
        ("bad extensions", handshake("/", "Sec-WebSocket-Extensions: ;;\r\n"), 400),
    ] {
        // A second request behind it must not be answered.
        let behind = format!("{request}GET /admin HTTP/1.1\r\nHost: a\r\n\r\n");
        let (mut client, head) = ask(proxy, behind).await;
        assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{what}: {head}");
        assert!(fields(&head, "connection").iter().any(|line| line.contains("close")), "{what}: {head}");
        let rest = rest(&mut client).await;
        assert!(!String::from_utf8_lossy(&rest).contains("HTTP/1.1"), "{what}: a second answer");
    }
    assert!(requests.try_recv().is_err(), "a backend was asked");
}

// Shows PRX-4.
#[tokio::test]
async fn one_token_of_upgrade_leaves() {
    let (backend, mut requests) = scripted(|mut io| async move { accept(&mut io, "").await }).await;
    let proxy = serve(proxy_to(backend)).await;
    let request =
        handshake("/", "Upgrade: h2c\r\nConnection: HTTP2-Settings\r\nHTTP2-Settings: AAMAAABk\r\n");
    let (_client, head) = ask(proxy, request).await;
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    assert_eq!(fields(&head, "upgrade"), ["websocket"]);
    let head = next(&mut requests).await;
    assert_eq!(fields(&head, "upgrade"), ["websocket"]);
    assert_eq!(fields(&head, "connection"), ["Upgrade"]);
    assert!(fields(&head, "http2-settings").is_empty());
}

// Shows PRX-1.
#[tokio::test]
async fn early_bytes_wait_for_the_backend_and_are_not_lost() {
    let (told, tell) = oneshot::channel::<()>();
    let tell = std::sync::Mutex::new(Some(tell));
    let (backend, mut seen) = scripted(move |mut io| {
        let tell = tell.lock().unwrap().take().unwrap();
        async move {
            let head = read_head(&mut io).await;
            // All this time the client's frames must not arrive.
            tell.await.unwrap();
            let early = timeout(Duration::from_millis(100), io.read(&mut [0; 64])).await.is_ok();
            io.write_all(switching(&head, "").as_bytes()).await.unwrap();
            let mut frames = [0; 9];
            io.read_exact(&mut frames).await.unwrap();
            (early, frames)
        }
    })
    .await;
    let proxy = serve(proxy_to(backend)).await;
    let mut client = TcpStream::connect(proxy).await.unwrap();
    let request = [handshake("/", "").as_bytes(), b"\x81\x83\0\0\0\0abc"].concat();
    client.write_all(&request).await.unwrap();
    told.send(()).unwrap();
    let head = read_head(&mut client).await;
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    assert_eq!(next(&mut seen).await, (false, *b"\x81\x83\0\0\0\0abc"));
}

// Shows PRX-1.
#[tokio::test]
async fn early_bytes_are_no_request_when_the_backend_refuses() {
    let (backend, mut seen) = scripted(|mut io| async move {
        read_head(&mut io).await;
        io.write_all(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno").await.unwrap();
        rest(&mut io).await
    })
    .await;
    let proxy = serve(proxy_to(backend)).await;
    let smuggled = handshake("/", "") + "GET /admin HTTP/1.1\r\nHost: a\r\n\r\n";
    let (mut client, head) = ask(proxy, smuggled).await;
    assert!(head.starts_with("HTTP/1.1 403 "), "{head}");
    assert_eq!(rest(&mut client).await, b"no");
    assert_eq!(next(&mut seen).await, b"", "the backend was sent what came early");
}

// Shows PRX-2.
#[tokio::test]
async fn answers_that_accept_nothing_open_no_tunnel() {
    let wrong_accept = "Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n";
    let upgrade = "Upgrade: websocket\r\nConnection: Upgrade\r\n";
    for (what, answer, status) in [
        ("200", format!("HTTP/1.1 200 OK\r\n{upgrade}Content-Length: 0\r\n\r\n"), 200),
        ("204", format!("HTTP/1.1 204 No Content\r\n{upgrade}\r\n"), 204),
        ("302", format!("HTTP/1.1 302 Found\r\n{upgrade}Location: /\r\nContent-Length: 0\r\n\r\n"), 302),
        ("404", format!("HTTP/1.1 404 Not Found\r\n{upgrade}Content-Length: 0\r\n\r\n"), 404),
        ("503", format!("HTTP/1.1 503 Busy\r\n{upgrade}Content-Length: 0\r\n\r\n"), 503),
        ("no accept", format!("HTTP/1.1 101 Switching Protocols\r\n{upgrade}\r\n"), 502),
        ("wrong accept", format!("HTTP/1.1 101 Switching Protocols\r\n{upgrade}{wrong_accept}\r\n"), 502),
        (
            "another protocol",
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {}\r\n\r\n".into(),
            502,
        ),
        (
            "no connection",
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: {}\r\n\r\n".into(),
            502,
        ),
        (
            "a subprotocol that was not offered",
            format!("HTTP/1.1 101 Switching Protocols\r\n{upgrade}Sec-WebSocket-Accept: {{}}\r\nSec-WebSocket-Protocol: x\r\n\r\n"),
            502,
        ),
        (
            "an extension that was not offered",
            format!("HTTP/1.1 101 Switching Protocols\r\n{upgrade}Sec-WebSocket-Accept: {{}}\r\nSec-WebSocket-Extensions: x\r\n\r\n"),
            502,
        ),
        ("HTTP/1.0", format!("HTTP/1.0 101 Switching Protocols\r\n{upgrade}Sec-WebSocket-Accept: {{}}\r\n\r\n"), 502),
        ("no HTTP", "SSH-2.0-OpenSSH\r\n".into(), 502),
    ] {
        let (backend, mut seen) = scripted(move |mut io| {
            let answer = answer.clone();
            async move {
                let head = read_head(&mut io).await;
                let key = fields(&head, "sec-websocket-key")[0];
                let accept = ws_core::handshake::accept_key(key.as_bytes());
                let answer = answer.replace("{}", accept.to_str().unwrap());
                io.write_all(answer.as_bytes()).await.unwrap();
                rest(&mut io).await
            }
        })
        .await;
        let proxy = serve(proxy_to(backend)).await;
        let request = [handshake("/", "").as_bytes(), b"\x81\x83\0\0\0\0abc"].concat();
        let (mut client, head) = ask(proxy, request).await;
        assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{what}: {head}");
        assert!(fields(&head, "upgrade").is_empty(), "{what}: {head}");
        // Neither connection is used for anything else.
        rest(&mut client).await;
        assert_eq!(next(&mut seen).await, b"", "{what}");
    }
}

// Shows PRX-2.
#[tokio::test]
async fn interim_answers_are_passed_over() {
    let (backend, _) = scripted(|mut io| async move {
        let head = read_head(&mut io).await;
        let answer = format!(
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n{}",
            switching(&head, "")
        );
        io.write_all(answer.as_bytes()).await.unwrap();
        rest(&mut io).await
    })
    .await;
    let (_client, head) = ask(serve(proxy_to(backend)).await, handshake("/", "")).await;
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    assert!(fields(&head, "link").is_empty());
}

#[tokio::test]
async fn page_of_another_origin_is_refused_before_a_backend_hears_of_it() {
    let (backend, mut requests) = scripted(|mut io| async move { read_head(&mut io).await }).await;
    let proxy = ws_proxy::Proxy::to(&format!("ws://{backend}")).unwrap();
    let (_client, head) = ask(serve(proxy).await, handshake("/", "Origin: http://evil.example\r\n")).await;
    assert!(head.starts_with("HTTP/1.1 403 "), "{head}");
    assert!(requests.try_recv().is_err());
}
