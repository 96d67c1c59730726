//! Which backend a request is given: rules, health, limits, and what changes while the proxy serves.

mod support;

use std::{net::SocketAddr, time::Duration};

use tokio::net::TcpListener;
use ws_client::{Conn, Transport};
use ws_proxy::{Backends, Health, Proxy, Reloadable, StickyCookie, Tunnels};

use support::{ask, backend, dial, fields, handshake, open, serve, serve_with};

/// A backend that says which one it is, and then echoes.
async fn numbered(number: usize) -> SocketAddr {
    backend(move |mut conn| async move {
        conn.write_message(number.to_string()).await.unwrap();
        support::echo(conn).await;
    })
    .await
}

async fn several(count: usize) -> Vec<String> {
    let mut urls = Vec::new();
    for number in 0..count {
        urls.push(format!("ws://{}", numbered(number).await));
    }
    urls
}

/// The number of the backend that a connection has.
async fn number(conn: &mut Conn<Transport>) -> String {
    conn.read_message().await.unwrap().unwrap().into_text().unwrap().to_string()
}

async fn nobody() -> String {
    format!("ws://{}", TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap())
}

#[tokio::test]
async fn turns_go_round() {
    let proxy = serve(open(Proxy::new(Backends::round_robin(several(3).await).unwrap()))).await;
    let mut seen = Vec::new();
    for _ in 0..6 {
        seen.push(number(&mut dial(proxy).await).await);
    }
    assert_eq!(seen, ["0", "1", "2", "0", "1", "2"]);
}

#[tokio::test]
async fn fewest_connections_are_next() {
    let backends = Backends::least_connections(several(2).await).unwrap();
    let proxy = serve(open(Proxy::new(backends.clone()))).await;
    let mut first = dial(proxy).await;
    let of_first = number(&mut first).await;
    let mut second = dial(proxy).await;
    let of_second = number(&mut second).await;
    assert_ne!(of_first, of_second);
    first.close(None).await.unwrap();
    drop(first);
    while backends.status().iter().map(|status| status.connections).sum::<usize>() > 1 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    for _ in 0..3 {
        let mut next = dial(proxy).await;
        assert_eq!(number(&mut next).await, of_first);
        next.close(None).await.unwrap();
        while backends.status().iter().map(|status| status.connections).sum::<usize>() > 1 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

#[tokio::test]
async fn same_key_is_led_to_the_same_backend() {
    let urls = several(4).await;
    let key = |request: &http::request::Parts| Some(request.uri.path().to_owned());
    let proxy = serve(open(Proxy::new(Backends::hashed(urls.clone(), key).unwrap()))).await;
    let fewer = serve(open(Proxy::new(Backends::hashed(&urls[..3], key).unwrap()))).await;
    let dial = async |proxy: SocketAddr, room: usize| {
        let (mut conn, _) = ws_client::dial(format!("ws://{proxy}/{room}")).await.unwrap();
        number(&mut conn).await
    };
    let mut used = std::collections::BTreeSet::new();
    for room in 0..20 {
        let first = dial(proxy, room).await;
        assert_eq!(dial(proxy, room).await, first);
        // Without the last backend, only its rooms move.
        if first != "3" {
            assert_eq!(dial(fewer, room).await, first);
        }
        used.insert(first);
    }
    assert_eq!(used.len(), 4, "{used:?}");
}

#[tokio::test]
async fn cookie_keeps_a_client_with_its_backend() {
    let backends = Backends::sticky(several(3).await, StickyCookie::new("backend")).unwrap();
    let proxy = serve(open(Proxy::new(backends.clone()))).await;
    let (_client, head) = ask(proxy, handshake("/", "")).await;
    let cookie = fields(&head, "set-cookie")[0].to_owned();
    assert!(cookie.ends_with("; Path=/; HttpOnly; SameSite=Lax"), "{cookie}");
    let value = cookie.split(';').next().unwrap();
    let stuck = backends.status().iter().position(|status| status.connections == 1).unwrap();
    let mut held = Vec::new();
    for count in 2..6 {
        let (client, head) = ask(proxy, handshake("/", &format!("Cookie: a=b; {value}\r\n"))).await;
        assert!(fields(&head, "set-cookie").is_empty());
        assert_eq!(backends.status()[stuck].connections, count);
        held.push(client);
    }
    // Its backend goes away: there is another one, and another cookie.
    let left: Vec<_> = backends.status().into_iter().map(|status| status.uri).collect();
    backends
        .replace(left.iter().enumerate().filter(|(at, _)| *at != stuck).map(|(_, uri)| uri.clone()))
        .unwrap();
    let (_client, head) = ask(proxy, handshake("/", &format!("Cookie: {value}\r\n"))).await;
    assert_eq!(fields(&head, "set-cookie").len(), 1);
}

#[tokio::test]
async fn backend_that_fails_is_passed_over_and_left_alone() {
    let mut urls = several(1).await;
    urls.insert(0, nobody().await);
    let health = Health::new().failures(2).retry_after(Duration::from_secs(60));
    let backends = Backends::round_robin(urls).unwrap().health(health);
    let proxy = serve(open(Proxy::new(backends.clone()))).await;
    for _ in 0..6 {
        assert_eq!(number(&mut dial(proxy).await).await, "0");
    }
    let up: Vec<_> = backends.status().iter().map(|status| status.is_up).collect();
    assert_eq!(up, [false, true]);
}

#[tokio::test]
async fn without_retries_a_failure_is_told() {
    let urls = [nobody().await, several(1).await.remove(0)];
    let backends = Backends::round_robin(urls).unwrap().health(Health::new().failures(0));
    let proxy = serve(open(Proxy::new(backends)).retries(0)).await;
    let mut statuses = Vec::new();
    for _ in 0..4 {
        let (_client, head) = ask(proxy, handshake("/", "")).await;
        statuses.push(head[9..12].to_owned());
    }
    assert_eq!(statuses, ["502", "101", "502", "101"]);
}

// Shows PRX-6.
#[tokio::test]
async fn request_that_was_sent_is_sent_to_nobody_else() {
    let mut urls = several(1).await;
    let (dying, mut requests) =
        support::scripted(|mut io| async move { support::read_head(&mut io).await }).await;
    urls.insert(0, format!("ws://{dying}"));
    let proxy = serve(open(Proxy::new(Backends::round_robin(urls).unwrap())).retries(5)).await;
    let (_client, head) = ask(proxy, handshake("/", "")).await;
    assert!(head.starts_with("HTTP/1.1 502 "), "{head}");
    support::next(&mut requests).await;
}

#[tokio::test]
async fn backend_that_is_down_is_tried_again_after_a_while() {
    let backends = Backends::fixed(nobody().await).unwrap();
    let health = Health::new().failures(1).retry_after(Duration::from_millis(50));
    let backends = backends.health(health);
    let proxy = serve(open(Proxy::new(backends.clone()))).await;
    // With nobody else, one that is down is tried all the same.
    for _ in 0..2 {
        let (_client, head) = ask(proxy, handshake("/", "")).await;
        assert!(head.starts_with("HTTP/1.1 502 "), "{head}");
        assert!(!backends.status()[0].is_up);
    }
    tokio::time::sleep(Duration::from_millis(60)).await;
    assert!(backends.status()[0].is_up);
}

#[tokio::test]
async fn backend_that_answers_503_counts_as_failing() {
    let (busy, _) = support::scripted(|mut io| async move {
        support::read_head(&mut io).await;
        let answer = b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n";
        tokio::io::AsyncWriteExt::write_all(&mut io, answer).await.unwrap();
    })
    .await;
    let backends = Backends::fixed(format!("ws://{busy}")).unwrap().health(Health::new().failures(1));
    let proxy = serve(open(Proxy::new(backends.clone()))).await;
    let (_client, head) = ask(proxy, handshake("/", "")).await;
    assert!(head.starts_with("HTTP/1.1 503 "), "{head}");
    assert!(!backends.status()[0].is_up);
}

#[tokio::test]
async fn full_backends_are_passed_over_until_all_are() {
    let backends = Backends::round_robin(several(2).await).unwrap().max_connections(2);
    let proxy = serve(open(Proxy::new(backends.clone()))).await;
    let mut held = Vec::new();
    for _ in 0..4 {
        held.push(dial(proxy).await);
    }
    let (_client, head) = ask(proxy, handshake("/", "")).await;
    assert!(head.starts_with("HTTP/1.1 503 "), "{head}");
    assert_eq!(fields(&head, "retry-after"), ["5"]);
    held.pop();
    while backends.status().iter().map(|status| status.connections).sum::<usize>() == 4 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    dial(proxy).await;
}

// Shows PRX-8.
#[tokio::test]
async fn configuration_is_replaced_and_connections_go_on() {
    let urls = several(2).await;
    let tunnels = Tunnels::new();
    let first = Backends::fixed(urls[0].clone()).unwrap();
    let live = Reloadable::new(open(Proxy::new(first)).tunnels(tunnels.clone()));
    let serving = live.clone();
    let proxy = serve_with(move || serving.clone()).await;
    let mut old = dial(proxy).await;
    assert_eq!(number(&mut old).await, "0");
    let second = Backends::fixed(urls[1].clone()).unwrap();
    live.replace(open(Proxy::new(second)).tunnels(tunnels.clone()));
    let mut new = dial(proxy).await;
    assert_eq!(number(&mut new).await, "1");
    old.write_message("still here").await.unwrap();
    assert_eq!(old.read_message().await.unwrap(), Some("still here".into()));
    assert_eq!(tunnels.len(), 2);
}

#[tokio::test]
async fn what_is_known_of_a_backend_is_taken_over() {
    let urls = several(2).await;
    let backends = Backends::round_robin(urls.clone()).unwrap();
    let proxy = serve(open(Proxy::new(backends.clone()))).await;
    let mut conn = dial(proxy).await;
    number(&mut conn).await;
    let again = Backends::least_connections([urls[1].clone(), urls[0].clone()]).unwrap().adopt(&backends);
    let connections: Vec<_> = again.status().iter().map(|status| status.connections).collect();
    assert_eq!(connections, [0, 1]);
}

#[test]
fn what_is_no_backend_is_refused() {
    for url in [
        "",
        "localhost:1",
        "ftp://a",
        "/path",
        "ws://",
        "ws://a b",
        "ws://u:p@a",
        "ws://a?b",
        "ws://a:0",
        "ws://a:65536",
    ] {
        assert!(Backends::fixed(url).is_err(), "{url}");
    }
}
