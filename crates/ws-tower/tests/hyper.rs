//! Upgrades under hyper's own HTTP/1 connection: which transport comes out, and what comes with it.

mod support;

use std::{sync::Arc, time::Duration};

use bytes::BytesMut;
use futures_util::FutureExt as _;
use http::{Request, Response};
use hyper::{body::Incoming, server::conn::http1};
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use support::{BINARY, Handshake, Raw, TEXT, masked, within};
use tokio::{
    io::{AsyncReadExt, AsyncWrite, AsyncWriteExt},
    sync::mpsc,
};
use ws_core::{BufferPool, Config, Conn, Message};
use ws_tower::{ResponseBody, Upgraded, Upgrader};

async fn echo(mut conn: Conn<Upgraded>) {
    while let Ok(Some(message)) = conn.read_message().await {
        if conn.write_message(message).await.is_err() {
            return;
        }
    }
}

#[tokio::test]
async fn transport_is_the_tcp_stream_of_the_server() {
    let (send, mut conns) = mpsc::unbounded_channel();
    let service = Upgrader::new().service(move |conn: Conn<Upgraded>| async move {
        send.send(conn).ok();
    });
    let addr = support::serve_hyper(service).await;
    let (raw, head) = Raw::open(addr, &Handshake::new("/")).await;
    assert_eq!(head.status, 101);

    let conn = within(conns.recv()).await.expect("a connection");
    let tcp = conn.get_ref().tcp().expect("the TCP stream");
    assert!(tcp.nodelay().expect("an open socket"));
    assert!(conn.get_ref().is_write_vectored());
    assert_eq!(conn.get_ref().local_addr(), Some(addr));
    assert_eq!(conn.get_ref().peer_addr(), Some(raw.local_addr()));
}

#[cfg(unix)]
#[tokio::test]
async fn transport_is_the_unix_stream_of_the_server() {
    let (send, mut conns) = mpsc::unbounded_channel();
    let service = Upgrader::new().service(move |conn: Conn<Upgraded>| async move {
        send.send(conn).ok();
    });
    let (near, mut far) = tokio::net::UnixStream::pair().expect("a pair of sockets");
    let service = TowerToHyperService::new(service);
    tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(near), service).with_upgrades());
    far.write_all(&Handshake::new("/").bytes()).await.expect("sent");

    let conn = within(conns.recv()).await.expect("a connection");
    assert!(conn.get_ref().unix().is_some() && conn.get_ref().tcp().is_none());
    assert_eq!(conn.get_ref().peer_addr(), None);
}

/// Anything that is no socket stays behind hyper's box, and works the same.
#[tokio::test]
async fn any_other_transport_carries_messages_too() {
    let service = TowerToHyperService::new(Upgrader::new().service(echo));
    let (near, mut far) = tokio::io::duplex(1024);
    tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(near), service).with_upgrades());

    let mut bytes = Handshake::new("/").bytes();
    bytes.extend(masked(TEXT, b"early"));
    within(far.write_all(&bytes)).await.expect("sent");
    let mut read = Vec::new();
    while !read.ends_with(b"\x81\x05early") {
        assert_ne!(within(far.read_buf(&mut read)).await.expect("read"), 0, "{}", read.escape_ascii());
    }
    within(far.write_all(&masked(BINARY, b"late"))).await.expect("sent");
    let mut frame = [0; 6];
    within(far.read_exact(&mut frame)).await.expect("read");
    assert_eq!(&frame, b"\x82\x04late");
}

#[tokio::test]
async fn large_messages_leave_whole_and_in_order() {
    let service = Upgrader::new().service(|mut conn: Conn<Upgraded>| async move {
        for byte in 0..16 {
            conn.queue_message(vec![byte; 60_000]).await.expect("queued");
        }
        conn.flush().await.expect("sent");
    });
    let (mut raw, _) = Raw::open(support::serve_hyper(service).await, &Handshake::new("/")).await;
    for byte in 0..16 {
        assert_eq!(raw.frame().await, (BINARY, vec![byte; 60_000]));
    }
}

#[tokio::test]
async fn bytes_behind_the_request_are_the_first_message() {
    let addr = support::serve_hyper(Upgrader::new().service(echo)).await;
    let mut raw = Raw::connect(addr).await;
    let mut bytes = Handshake::new("/").bytes();
    bytes.extend(masked(TEXT, b"early"));
    let second = masked(TEXT, b"cut in two");
    bytes.extend(&second[..9]);
    raw.send(&bytes).await;
    assert_eq!(raw.head().await.status, 101);
    assert_eq!(raw.frame().await, (TEXT, b"early".to_vec()));
    raw.send(&second[9..]).await;
    assert_eq!(raw.frame().await, (TEXT, b"cut in two".to_vec()));
}

/// The pool that a connection returns its buffers to, and the capacities of what came back.
#[derive(Clone, Default)]
struct Returned(Arc<std::sync::Mutex<Vec<usize>>>);

impl ws_core::Pool for Returned {
    fn take(&self, capacity: usize) -> BytesMut {
        BytesMut::with_capacity(capacity)
    }

    fn put(&self, buffer: BytesMut) {
        self.0.lock().expect("no panic").push(buffer.capacity());
    }
}

/// Where the first read went: the capacity of the buffer that the connection gave back when it had to wait.
async fn first_returned(configure: impl FnOnce(Config) -> Config) -> usize {
    let returned = Returned::default();
    let config = configure(Config::new().buffer_pool(BufferPool::own(returned.clone())));
    let (send, mut waits) = mpsc::unbounded_channel();
    let service = Upgrader::new().config(config).service(move |mut conn: Conn<Upgraded>| async move {
        assert!(conn.read_message().now_or_never().is_none());
        send.send(()).ok();
    });
    let addr = support::serve_hyper(service).await;
    let (_raw, head) = Raw::open(addr, &Handshake::new("/")).await;
    assert_eq!(head.status, 101);
    within(waits.recv()).await.expect("the handler waits");
    let returned = returned.0.lock().expect("no panic");
    returned[0]
}

#[tokio::test]
async fn buffer_of_the_http_server_serves_the_first_read() {
    // hyper's first buffer holds 8 KiB; what matters is that it is not one that the pool was asked for.
    let size = first_returned(|config| config).await;
    assert_ne!(size, 32 << 10);
    assert!(size > 4096, "{size}");
}

#[tokio::test]
async fn chosen_read_buffer_size_is_kept_to() {
    assert_eq!(first_returned(|config| config.read_buffer_size(3000)).await, 3000);
}

/// A server of its own: any service that gets at the request can upgrade it.
#[tokio::test]
async fn request_is_upgraded_inside_a_service_of_its_own() {
    let service = tower::service_fn(|mut request: Request<Incoming>| async move {
        let name = request.uri().path().trim_start_matches('/').to_owned();
        let response = match Upgrader::new().subprotocols(["chat"]).upgrade(&mut request) {
            Ok(accepted) => {
                tokio::spawn(async move {
                    let mut conn = accepted.conn.await.expect("a connection");
                    let greeting = format!("{name} {:?}", conn.subprotocol());
                    conn.write_message(greeting).await.expect("sent");
                });
                accepted.response.map(|()| ResponseBody::empty())
            }
            Err(rejection) => rejection.into(),
        };
        Ok::<Response<ResponseBody>, std::convert::Infallible>(response)
    });
    let addr = support::serve_hyper(service).await;
    let handshake = Handshake::new("/ada").add("Sec-WebSocket-Protocol", "other, chat");
    let (mut raw, head) = Raw::open(addr, &handshake).await;
    assert_eq!(head.get("sec-websocket-protocol").as_deref(), Some("chat"));
    assert_eq!(raw.frame().await, (TEXT, b"ada Some(\"chat\")".to_vec()));
}

#[tokio::test]
async fn response_that_never_goes_out_times_out() {
    let (send, mut errors) = mpsc::unbounded_channel();
    let upgrader = Upgrader::new().handshake_timeout(Duration::from_millis(30));
    let service = tower::service_fn(move |mut request: Request<Incoming>| {
        let accepted = upgrader.upgrade(&mut request).expect("accepted");
        let send = send.clone();
        tokio::spawn(async move { send.send(accepted.conn.await.expect_err("no connection")) });
        std::future::pending::<Result<Response<ResponseBody>, std::convert::Infallible>>()
    });
    let addr = support::serve_hyper(service).await;
    let mut raw = Raw::connect(addr).await;
    raw.send(&Handshake::new("/").bytes()).await;
    let error = within(errors.recv()).await.expect("an error");
    assert!(error.is_timeout(), "{error}");
}

#[tokio::test]
async fn response_that_is_replaced_by_another_is_an_error() {
    let (send, mut errors) = mpsc::unbounded_channel();
    let service = tower::service_fn(move |mut request: Request<Incoming>| {
        if request.uri().path() == "/" {
            let accepted = Upgrader::new().handshake_timeout(None).upgrade(&mut request).expect("accepted");
            let send = send.clone();
            tokio::spawn(async move { send.send(accepted.conn.await.err()) });
        }
        std::future::ready(Ok::<_, std::convert::Infallible>(Response::new(ResponseBody::from("no"))))
    });
    let addr = support::serve_hyper(service).await;
    let (mut raw, head) = Raw::open(addr, &Handshake::new("/")).await;
    assert_eq!(head.status, 200);
    // The connection goes on as HTTP, until a request asks for an upgrade of its own.
    raw.send(&Handshake::new("/other").bytes()).await;
    let error = within(errors.recv()).await.expect("an outcome").expect("no connection");
    assert!(!error.is_timeout());
    assert!(std::error::Error::source(&error).is_some());
}

#[tokio::test]
async fn message_over_the_limit_of_the_policy_fails_the_connection() {
    let (send, mut errors) = mpsc::unbounded_channel();
    let upgrader = Upgrader::new().config(Config::new().max_message_size(4));
    let service = upgrader.service(move |mut conn: Conn<Upgraded>| async move {
        assert_eq!(conn.read_message().await.expect("a message"), Some(Message::text("four")));
        send.send(conn.read_message().await).ok();
    });
    let addr = support::serve_hyper(service).await;
    let (mut raw, _) = Raw::open(addr, &Handshake::new("/")).await;
    raw.send_frame(TEXT, b"four").await;
    raw.send_frame(TEXT, b"fives").await;
    let (opcode, payload) = raw.frame().await;
    assert_eq!((opcode, &payload[..2]), (support::CLOSE, &1009_u16.to_be_bytes()[..]));
    drop(raw);
    let result = within(errors.recv()).await.expect("an outcome");
    assert_eq!(result.expect_err("too big").close_code(), Some(ws_core::CloseCode::MESSAGE_TOO_BIG));
}
