//! Bytes through a tunnel: as they are, in bounded memory, whoever is the slower.

#[path = "../../ws-core/tests/support/heap.rs"]
#[allow(dead_code, reason = "the other tests use the rest")]
mod heap;
mod support;

use std::{
    pin::Pin,
    sync::atomic::{AtomicUsize, Ordering},
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, ReadBuf},
    net::TcpStream,
    time::timeout,
};
use ws_client::{Dialer, Message};
use ws_proxy::{BackendDialer, Backends, Proxy};

use heap::{Mark, held};
use support::{
    PATIENCE, accept, ask, backend, dial, echo, handshake, open, proxy_to, read_head, rest, scripted, serve,
    switching,
};

#[tokio::test]
async fn frames_pass_as_they_are() {
    // Fragments, a ping between them, reserved bits, an opcode that nobody knows, a mask where there should be none.
    let odd = b"\x41\x03abc\x89\x01p\x00\x00\x80\x02de\xF3\x01x\x82\x81\x01\x02\x03\x04y";
    let (server, mut seen) = scripted(|mut io| async move {
        accept(&mut io, "").await;
        let mut got = [0; 24];
        io.read_exact(&mut got).await.unwrap();
        io.write_all(&got).await.unwrap();
        rest(&mut io).await;
        got
    })
    .await;
    let (mut client, _) = ask(serve(proxy_to(server)).await, handshake("/", "")).await;
    for byte in odd {
        client.write_all(&[*byte]).await.unwrap();
    }
    let mut back = [0; 24];
    timeout(PATIENCE, client.read_exact(&mut back)).await.unwrap().unwrap();
    assert_eq!(&back, odd);
    drop(client);
    assert_eq!(&support::next(&mut seen).await, odd);
}

#[tokio::test]
async fn frames_of_any_size_come_back() {
    let server = backend(echo).await;
    for size in [512, 16 << 10, 64 << 10] {
        let mut client = dial(serve(proxy_to(server).buffer_size(size)).await).await;
        for length in [0, 1, 125, 126, 65_535, 65_536, 1_000_000] {
            let message = Message::from(vec![7; length]);
            client.write_message(message.clone()).await.unwrap();
            assert_eq!(timeout(PATIENCE, client.read_message()).await.unwrap().unwrap(), Some(message));
        }
    }
}

// Shows PRX-9.
#[tokio::test]
async fn fast_backend_and_slow_client_take_bounded_memory() {
    const TOTAL: usize = 64 << 20;
    let (server, _) = scripted(|mut io| async move {
        accept(&mut io, "").await;
        let frame = [&b"\x82\x7E\xFF\xFF"[..], &[7; 65_535]].concat();
        let mut sent = 0;
        while sent < TOTAL {
            io.write_all(&frame).await.unwrap();
            sent += frame.len();
        }
    })
    .await;
    let (mut client, _) = ask(serve(proxy_to(server)).await, handshake("/", "")).await;
    // The sockets fill up meanwhile.
    tokio::time::sleep(Duration::from_millis(300)).await;
    let mark = Mark::new();
    let mut buffer = vec![0; 32 << 10];
    for _ in 0..200 {
        timeout(PATIENCE, client.read_exact(&mut buffer)).await.unwrap().unwrap();
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let peak = mark.usage().peak;
    // 32 KiB are the test's own, and so are the tunnel's; the rest is the runtime's.
    assert!(peak < 32 * 1024 + (64 << 10), "{peak} bytes");
}

// Shows PRX-9.
#[tokio::test]
async fn side_that_does_not_read_stops_the_other_one() {
    let (near, far) = tokio::io::duplex(4096);
    let far = std::sync::Arc::new(std::sync::Mutex::new(Some(far)));
    let connector = tower::service_fn(move |_: http::Uri| {
        let far = far.lock().unwrap().take().unwrap();
        async move { Ok::<_, std::io::Error>(Counted(far)) }
    });
    READ.store(0, Ordering::Relaxed);
    let dialer = BackendDialer::over(Dialer::new().connector(connector));
    let proxy = open(Proxy::new(Backends::fixed("ws://in-memory").unwrap())).dialer(dialer).buffer_size(1024);
    let proxy = serve(proxy).await;
    let (mut reader, mut writer) = tokio::io::split(near);
    let server = tokio::spawn(async move {
        let head = read_head(&mut reader).await;
        writer.write_all(switching(&head, "").as_bytes()).await.unwrap();
        // Until the client reads no more, and all between is full.
        let mut sent = 0;
        while timeout(Duration::from_millis(500), writer.write_all(&[0; 1000])).await.is_ok() {
            sent += 1000;
        }
        sent
    });
    let mut client = TcpStream::connect(proxy).await.unwrap();
    client.write_all(handshake("/", "").as_bytes()).await.unwrap();
    read_head(&mut client).await;
    let sent = timeout(PATIENCE, server).await.unwrap().unwrap();
    // What the kernel holds for the client is beyond this test; the tunnel has not read ahead of it by more than its buffer.
    assert!(sent - READ.load(Ordering::Relaxed).min(sent) <= 4096 + 1024 + 1000, "{sent}");
    drop(client);
}

static READ: AtomicUsize = AtomicUsize::new(0);

/// Counts what is read.
struct Counted(DuplexStream);

impl AsyncRead for Counted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let before = buf.filled().len();
        let read = Pin::new(&mut self.0).poll_read(cx, buf);
        READ.fetch_add(buf.filled().len() - before, Ordering::Relaxed);
        read
    }
}

impl AsyncWrite for Counted {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

#[tokio::test]
async fn idle_tunnel_holds_no_buffers() {
    const TUNNELS: usize = 200;
    let (server, _) = scripted(|mut io| async move {
        accept(&mut io, "").await;
        let mut byte = [0; 1];
        while io.read_exact(&mut byte).await.is_ok() {
            io.write_all(&byte).await.unwrap();
        }
    })
    .await;
    let proxy = serve(proxy_to(server)).await;
    let mut clients = Vec::with_capacity(2 * TUNNELS);
    let open = async |clients: &mut Vec<TcpStream>| {
        for _ in 0..TUNNELS {
            let (mut client, _) = ask(proxy, handshake("/", "")).await;
            // Each has carried something.
            client.write_all(b"\0").await.unwrap();
            client.read_exact(&mut [0]).await.unwrap();
            clients.push(client);
        }
    };
    // The first ones fill what is kept for all.
    open(&mut clients).await;
    let before = held();
    open(&mut clients).await;
    let each = (held() - before) / TUNNELS as isize;
    println!("{each} bytes");
    // With three sockets of the test's own and two tasks of it.
    assert!(each < 7 << 9, "{each} bytes for each tunnel");
}
