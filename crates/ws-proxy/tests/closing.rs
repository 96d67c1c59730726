//! How connections end: every close code, both ways, in both modes; ends without a close frame; the drain.

mod support;

use std::{sync::Arc, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    sync::Mutex,
    time::{Instant, timeout},
};
use ws_client::{CloseFrame, Conn, ErrorKind};
use ws_proxy::{Cause, Proxy, Relay, Side, Tunnels};

use support::{
    PATIENCE, accept, ask, backend, dial, echo, handshake, logged, next, proxy_to, rest, scripted, serve,
};

fn modes(proxy: &Proxy) -> [Proxy; 2] {
    [proxy.clone(), proxy.clone().relay(Relay::new())]
}

/// The codes that may stand in a close frame, by their ends and those with a meaning; none; and reasons of each length.
fn frames() -> Vec<Option<CloseFrame>> {
    let codes = (1000..=1003).chain(1007..=1014).chain([3000, 3999, 4000, 4999]);
    let mut frames: Vec<_> = codes.map(|code: u16| Some(CloseFrame::new(code, "why äöü"))).collect();
    frames.push(None);
    frames.push(Some(CloseFrame::new(1000, "")));
    frames.push(Some(CloseFrame::new(4000, "x".repeat(123))));
    frames
}

/// The close frame that an end has received.
async fn received<S>(conn: &mut Conn<S>) -> Option<Option<CloseFrame>>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    let read = timeout(PATIENCE, conn.read_message()).await.expect("no end");
    assert!(!matches!(read, Ok(Some(_))), "a message");
    conn.closing().received().map(|frame| frame.cloned())
}

#[tokio::test]
async fn backend_gets_every_close_code_of_the_client() {
    let (told, tell) = tokio::sync::mpsc::unbounded_channel();
    let mut seen = tell;
    let server = backend(move |mut conn| async move {
        let frame = received(&mut conn).await;
        told.send(frame).unwrap();
    })
    .await;
    for proxy in modes(&proxy_to(server)) {
        let proxy = serve(proxy).await;
        for frame in frames() {
            let mut client = dial(proxy).await;
            client.close(frame.clone()).await.unwrap();
            assert_eq!(next(&mut seen).await, Some(frame.clone()), "{frame:?}");
            // The backend has answered with the same code, and that has come back.
            let code = frame.as_ref().map(|frame| frame.code);
            let answered = client.closing().received().unwrap().map(|frame| frame.code);
            assert_eq!(answered, code, "{frame:?}");
        }
    }
}

#[tokio::test]
async fn client_gets_every_close_code_of_the_backend() {
    let frame: Arc<Mutex<Option<CloseFrame>>> = Arc::default();
    let to_send = Arc::clone(&frame);
    let server = backend(move |mut conn| {
        let frame = Arc::clone(&to_send);
        async move {
            let frame = frame.lock().await.clone();
            let _ = conn.close(frame).await;
        }
    })
    .await;
    for proxy in modes(&proxy_to(server)) {
        let (proxy, mut log) = logged(proxy);
        let proxy = serve(proxy).await;
        for expected in frames() {
            *frame.lock().await = expected.clone();
            let mut client = dial(proxy).await;
            assert_eq!(received(&mut client).await, Some(expected.clone()), "{expected:?}");
            drop(client);
            let carried = next(&mut log).await.carried.unwrap();
            let code = expected.as_ref().map_or(1005, |frame| frame.code.as_u16());
            assert_eq!(carried.close_from_backend.map(u16::from), Some(code));
            assert_eq!(carried.cause, Cause::Closed);
        }
    }
}

#[tokio::test]
async fn answer_to_a_close_frame_is_that_of_the_other_end() {
    // A backend that answers with another code, behind a last message.
    let (server, _) = scripted(|mut io| async move {
        accept(&mut io, "").await;
        let mut frame = [0; 8];
        io.read_exact(&mut frame).await.unwrap();
        io.write_all(b"\x81\x04last\x88\x02\x0F\xA1").await.unwrap();
        rest(&mut io).await
    })
    .await;
    let [tunnel, relay] = modes(&proxy_to(server));
    let (with_the_last, without) = (&b"\x81\x04last\x88\x02\x0F\xA1"[..], &b"\x88\x02\x0F\xA1"[..]);
    // A relay is an endpoint, and reads no data behind its own close frame.
    for (proxy, answer) in [(tunnel, with_the_last), (relay, without)] {
        let (mut client, _) = ask(serve(proxy).await, handshake("/", "")).await;
        client.write_all(b"\x88\x82\0\0\0\0\x03\xE8").await.unwrap();
        client.shutdown().await.unwrap();
        assert_eq!(rest(&mut client).await, answer);
    }
}

#[tokio::test]
async fn loss_of_the_backend_is_1014_in_a_relay_and_a_loss_in_a_tunnel() {
    let (server, _) = scripted(|mut io| async move {
        accept(&mut io, "").await;
        io.write_all(b"\x81\x02hi").await.unwrap();
    })
    .await;
    let [tunnel, relay] = modes(&proxy_to(server));
    for (proxy, code) in [(tunnel, None), (relay, Some(1014))] {
        let (proxy, mut log) = logged(proxy);
        let mut client = dial(serve(proxy).await).await;
        assert_eq!(client.read_message().await.unwrap(), Some("hi".into()));
        let error = timeout(PATIENCE, client.read_message()).await.unwrap().unwrap_err();
        match code {
            None => assert_eq!(error.kind(), &ErrorKind::ConnectionLost),
            Some(code) => assert_eq!(error.close_code().map(u16::from), Some(code)),
        }
        drop(client);
        assert_eq!(next(&mut log).await.carried.unwrap().cause, Cause::Lost(Side::Backend));
    }
}

#[tokio::test]
async fn loss_of_the_client_is_1011_in_a_relay_and_a_loss_in_a_tunnel() {
    let (told, mut seen) = tokio::sync::mpsc::unbounded_channel();
    let server = backend(move |mut conn| async move {
        let read = conn.read_message().await;
        let received = conn.closing().received().map(|frame| frame.cloned());
        told.send((read.is_err(), received)).unwrap();
    })
    .await;
    let [tunnel, relay] = modes(&proxy_to(server));
    for (proxy, frame) in [(tunnel, None), (relay, Some(Some(CloseFrame::new(1011, ""))))] {
        let (proxy, mut log) = logged(proxy);
        let (client, _) = ask(serve(proxy).await, handshake("/", "")).await;
        drop(client);
        assert_eq!(next(&mut seen).await, (true, frame));
        assert_eq!(next(&mut log).await.carried.unwrap().cause, Cause::Lost(Side::Client));
    }
}

#[tokio::test]
async fn violation_of_one_side_is_failed_there_and_told_to_the_other_in_a_relay() {
    let (server, _) = scripted(|mut io| async move {
        accept(&mut io, "").await;
        // A masked frame of a server, and then its part of the closing handshake.
        io.write_all(b"\x81\x82\0\0\0\0hi").await.unwrap();
        rest(&mut io).await
    })
    .await;
    let (proxy, mut log) = logged(proxy_to(server).relay(Relay::new()));
    let mut client = dial(serve(proxy).await).await;
    let error = timeout(PATIENCE, client.read_message()).await.unwrap().unwrap_err();
    assert_eq!(error.close_code().map(u16::from), Some(1014));
    drop(client);
    assert_eq!(next(&mut log).await.carried.unwrap().cause, Cause::Violated(Side::Backend));
}

// Shows PRX-7.
#[tokio::test]
async fn half_close_passes_and_what_is_on_its_way_is_not_cut() {
    const LENGTH: usize = 3 << 20;
    let (server, mut seen) = scripted(|mut io| async move {
        accept(&mut io, "").await;
        let all = rest(&mut io).await;
        // The other direction goes on.
        io.write_all(&vec![b'y'; LENGTH]).await.unwrap();
        all.len()
    })
    .await;
    let (mut client, _) = ask(serve(proxy_to(server)).await, handshake("/", "")).await;
    let (mut reader, mut writer) = client.split();
    let write = async {
        writer.write_all(&vec![b'x'; LENGTH]).await.unwrap();
        writer.shutdown().await.unwrap();
    };
    let mut answer = Vec::new();
    let (_, read) = tokio::join!(write, timeout(PATIENCE, reader.read_to_end(&mut answer)));
    read.unwrap().unwrap();
    assert_eq!(answer.len(), LENGTH);
    assert_eq!(next(&mut seen).await, LENGTH);
}

// Shows PRX-7.
#[tokio::test]
async fn side_that_does_not_end_is_cut_off_after_the_close_timeout() {
    let (server, _) = scripted(|mut io| async move {
        accept(&mut io, "").await;
        rest(&mut io).await;
        // Its own end stays open.
        tokio::time::sleep(Duration::from_secs(60)).await;
    })
    .await;
    let (proxy, mut log) = logged(proxy_to(server).close_timeout(Duration::from_millis(100)));
    let (mut client, _) = ask(serve(proxy).await, handshake("/", "")).await;
    client.shutdown().await.unwrap();
    assert_eq!(rest(&mut client).await, b"");
    assert_eq!(next(&mut log).await.carried.unwrap().cause, Cause::Lost(Side::Client));
}

#[tokio::test]
async fn close_frame_is_delivered_although_the_backend_resets_behind_it() {
    let (server, _) = scripted(|mut io| async move {
        accept(&mut io, "").await;
        // Something that it does not read makes its system reset the connection.
        io.readable().await.unwrap();
        io.write_all(b"\x88\x02\x0F\xA0").await.unwrap();
        #[expect(deprecated, reason = "it does not block for zero seconds")]
        io.set_linger(Some(Duration::ZERO)).unwrap();
        tokio::time::sleep(Duration::from_millis(50)).await;
    })
    .await;
    let mut client = dial(serve(proxy_to(server)).await).await;
    client.write_message("unread").await.unwrap();
    assert_eq!(received(&mut client).await, Some(Some(CloseFrame::new(4000, ""))));
}

// Shows PRX-8.
#[tokio::test]
async fn drain_closes_both_sides_and_refuses_handshakes() {
    let (told, mut seen) = tokio::sync::mpsc::unbounded_channel();
    let server = backend(move |mut conn| async move {
        while let Ok(Some(message)) = conn.read_message().await {
            conn.write_message(message).await.unwrap();
        }
        told.send(conn.closing().received().map(|frame| frame.cloned())).unwrap();
    })
    .await;
    let frame = CloseFrame::new(1012, "back at once");
    for proxy in modes(&proxy_to(server)) {
        let tunnels = Tunnels::new();
        let (proxy, mut log) = logged(proxy.tunnels(tunnels.clone()));
        let proxy = serve(proxy).await;
        let mut clients = Vec::new();
        for _ in 0..3 {
            let mut client = dial(proxy).await;
            client.write_message("hello").await.unwrap();
            assert_eq!(client.read_message().await.unwrap(), Some("hello".into()));
            clients.push(client);
        }
        assert_eq!(tunnels.len(), 3);
        let drain =
            tokio::spawn(
                async move { tunnels.drain().close_frame(CloseFrame::new(1012, "back at once")).await },
            );
        for client in &mut clients {
            assert_eq!(received(client).await, Some(Some(frame.clone())));
            assert_eq!(next(&mut seen).await, Some(Some(frame.clone())));
        }
        let summary = timeout(PATIENCE, drain).await.unwrap().unwrap();
        assert_eq!((summary.closed, summary.aborted), (3, 0));
        for _ in 0..3 {
            let carried = next(&mut log).await.carried.unwrap();
            assert_eq!((carried.cause, carried.close_from_client), (Cause::Drained, None));
        }
        let (_client, head) = ask(proxy, handshake("/", "")).await;
        assert!(head.starts_with("HTTP/1.1 503 "), "{head}");
    }
}

#[tokio::test]
async fn drain_over_time_begins_with_the_oldest() {
    let server = backend(echo).await;
    for proxy in modes(&proxy_to(server)) {
        let tunnels = Tunnels::new();
        let proxy = serve(proxy.tunnels(tunnels.clone())).await;
        let mut clients = Vec::new();
        for count in 1..=8 {
            clients.push(dial(proxy).await);
            assert_eq!(tunnels.len(), count);
        }
        // The first at once, and each further one in an hour.
        let stagger = Duration::from_secs(8 * 3600);
        let drain = tokio::spawn(async move { tunnels.drain().stagger(stagger).await });
        let [oldest, others @ ..] = &mut clients[..] else { unreachable!() };
        assert_eq!(received(oldest).await, Some(Some(CloseFrame::new(1001, ""))));
        for client in others {
            client.write_message("hello").await.unwrap();
            assert_eq!(client.read_message().await.unwrap(), Some("hello".into()));
        }
        drain.abort();
    }
}

// Shows PRX-8.
#[tokio::test]
async fn drain_of_a_tunnel_waits_for_the_end_of_a_frame() {
    let (server, mut seen) = scripted(|mut io| async move {
        accept(&mut io, "").await;
        // Half of a frame has come by then.
        let mut all = vec![0; 8];
        io.read_exact(&mut all).await.unwrap();
        io.write_all(b"\x81\x04half").await.unwrap();
        // Half of a frame of ten bytes, and in a while the other half, and one that comes too late.
        io.write_all(b"\x82\x0A01234").await.unwrap();
        tokio::time::sleep(Duration::from_millis(100)).await;
        io.write_all(b"56789").await.unwrap();
        tokio::time::sleep(Duration::from_millis(100)).await;
        io.write_all(b"\x81\x04late\x88\x02\x03\xE9").await.unwrap();
        all.extend(rest(&mut io).await);
        all
    })
    .await;
    let tunnels = Tunnels::new();
    let proxy = serve(proxy_to(server).tunnels(tunnels.clone())).await;
    let (mut client, _) = ask(proxy, handshake("/", "")).await;
    // A frame in parts of this side, too.
    client.write_all(b"\x81\x84\0\0\0\0ab").await.unwrap();
    let mut half = [0; 13];
    client.read_exact(&mut half).await.unwrap();
    let drain = tokio::spawn(async move { tunnels.drain().await });
    let mut answer = [0; 9];
    timeout(PATIENCE, client.read_exact(&mut answer)).await.unwrap().unwrap();
    assert_eq!(&answer, b"56789\x88\x02\x03\xE9");
    client.write_all(b"cd").await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    client.write_all(b"\x88\x82\0\0\0\0\x03\xE9").await.unwrap();
    assert_eq!(rest(&mut client).await, b"");
    let of_client = next(&mut seen).await;
    // The frame, whole, and a masked close frame of the proxy in place of the client's.
    assert_eq!(&of_client[..10], b"\x81\x84\0\0\0\0abcd");
    assert_eq!((of_client[10], of_client[11], of_client.len()), (0x88, 0x82, 18));
    let code = [of_client[16] ^ of_client[12], of_client[17] ^ of_client[13]];
    assert_eq!(u16::from_be_bytes(code), 1001);
    assert_eq!(drain.await.unwrap().aborted, 0);
}

#[tokio::test]
async fn drain_says_nothing_behind_a_close_frame() {
    let (server, mut seen) = scripted(|mut io| async move {
        accept(&mut io, "").await;
        let mut close = [0; 8];
        io.read_exact(&mut close).await.unwrap();
        // Its answer takes a while.
        tokio::time::sleep(Duration::from_millis(100)).await;
        io.write_all(b"\x88\x02\x03\xE8").await.unwrap();
        let mut all = close.to_vec();
        all.extend(rest(&mut io).await);
        all
    })
    .await;
    let tunnels = Tunnels::new();
    let proxy = serve(proxy_to(server).tunnels(tunnels.clone())).await;
    let (mut client, _) = ask(proxy, handshake("/", "")).await;
    client.write_all(b"\x88\x82\0\0\0\0\x03\xE8").await.unwrap();
    tokio::time::sleep(Duration::from_millis(30)).await;
    let drain = tokio::spawn(async move { tunnels.drain().await });
    // The drain's own close frame, since the backend's has not come yet, and no second one.
    assert_eq!(rest(&mut client).await, b"\x88\x02\x03\xE9");
    drop(client);
    assert_eq!(next(&mut seen).await, b"\x88\x82\0\0\0\0\x03\xE8");
    assert_eq!(drain.await.unwrap().aborted, 0);
}

#[tokio::test]
async fn drain_cuts_off_who_does_not_end() {
    let (server, _) = scripted(|mut io| async move {
        accept(&mut io, "").await;
        rest(&mut io).await;
    })
    .await;
    for proxy in modes(&proxy_to(server).close_timeout(Duration::from_secs(3600))) {
        let tunnels = Tunnels::new();
        let proxy = serve(proxy.tunnels(tunnels.clone())).await;
        let (mut client, _) = ask(proxy, handshake("/", "")).await;
        let summary = tunnels.drain().timeout(Duration::from_millis(100)).await;
        assert_eq!((summary.closed, summary.aborted), (0, 1));
        rest(&mut client).await;
        timeout(PATIENCE, tunnels.wait_idle()).await.unwrap();
    }
}

#[tokio::test]
async fn idle_connections_and_old_ones_are_closed_on_both_sides() {
    let server = backend(echo).await;
    for base in modes(&proxy_to(server)) {
        let idle = base.clone().idle_timeout(Duration::from_millis(100));
        let old = base.idle_timeout(None).max_lifetime(Duration::from_millis(100));
        for (proxy, cause, reason) in
            [(idle, Cause::Idle, "idle timeout"), (old, Cause::Lifetime, "maximum lifetime")]
        {
            let (proxy, mut log) = logged(proxy);
            let mut client = dial(serve(proxy).await).await;
            assert_eq!(received(&mut client).await, Some(Some(CloseFrame::new(1001, reason))));
            drop(client);
            assert_eq!(next(&mut log).await.carried.unwrap().cause, cause);
        }
    }
}

#[tokio::test]
async fn traffic_keeps_a_connection_from_being_idle() {
    let server = backend(echo).await;
    for proxy in modes(&proxy_to(server)) {
        let mut client = dial(serve(proxy.idle_timeout(Duration::from_millis(300))).await).await;
        let end = Instant::now() + Duration::from_millis(900);
        while Instant::now() < end {
            client.write_message("x").await.unwrap();
            assert_eq!(client.read_message().await.unwrap(), Some("x".into()));
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
        assert_eq!(received(&mut client).await.unwrap().unwrap().reason, "idle timeout");
    }
}

#[tokio::test]
async fn what_are_no_frames_ends_without_one_of_ours() {
    let (server, _) = scripted(|mut io| async move {
        accept(&mut io, "").await;
        // No frame has its length in two bytes when one is enough.
        io.write_all(b"\x81\x7E\x00\x01 is no frame").await.unwrap();
        rest(&mut io).await
    })
    .await;
    let tunnels = Tunnels::new();
    let proxy = serve(proxy_to(server).tunnels(tunnels.clone())).await;
    let (mut client, _) = ask(proxy, handshake("/", "")).await;
    let mut seen = [0; 16];
    client.read_exact(&mut seen).await.unwrap();
    assert_eq!(&seen, b"\x81\x7E\x00\x01 is no frame");
    let drain = tokio::spawn(async move { tunnels.drain().timeout(Duration::from_millis(200)).await });
    assert_eq!(rest(&mut client).await, b"");
    drain.await.unwrap();
}

// Shows PRX-7.
#[tokio::test]
async fn close_frame_that_is_not_answered_ends_in_time() {
    for from_client in [true, false] {
        let (server, _) = scripted(move |mut io| async move {
            accept(&mut io, "").await;
            if !from_client {
                io.write_all(b"\x88\x02\x03\xE8").await.unwrap();
            }
            // It hears the end, and says nothing.
            let _ = io.read_exact(&mut [0; 9]).await;
        })
        .await;
        for proxy in modes(&proxy_to(server).close_timeout(Duration::from_millis(100))) {
            let (proxy, mut log) = logged(proxy);
            let (mut client, _) = ask(serve(proxy).await, handshake("/", "")).await;
            if from_client {
                client.write_all(b"\x88\x82\0\0\0\0\x03\xE8").await.unwrap();
            }
            rest(&mut client).await;
            assert_eq!(next(&mut log).await.carried.unwrap().cause, Cause::CloseTimeout, "{from_client}");
        }
    }
}

#[tokio::test]
async fn close_timeout_may_be_any_time() {
    let server = backend(echo).await;
    for proxy in modes(&proxy_to(server).close_timeout(Duration::MAX)) {
        let tunnels = Tunnels::new();
        let mut client = dial(serve(proxy.tunnels(tunnels.clone())).await).await;
        let drain = tokio::spawn(async move { tunnels.drain().await });
        assert_eq!(received(&mut client).await, Some(Some(CloseFrame::new(1001, ""))));
        drop(client);
        assert_eq!(drain.await.unwrap().aborted, 0);
    }
}
