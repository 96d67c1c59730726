//! Messages through a relay: looked at, changed, limited, pinged.

mod support;

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::timeout,
};
use ws_client::{Dialer, Message};
use ws_core::{CloseFrame, Config, KeepAlive};
use ws_proxy::{Cause, Proxy, Relay, Side, Verdict};
use ws_tower::{CheckOrigin, Upgrader};

use support::{
    PATIENCE, accept, ask, backend, dial, echo, fields, handshake, logged, next, proxy_to, rest, scripted,
    serve,
};

fn any() -> Upgrader {
    Upgrader::new().check_origin(CheckOrigin::Any)
}

async fn relayed(change: impl FnOnce(Proxy) -> Proxy, relay: Relay) -> std::net::SocketAddr {
    let server = backend(echo).await;
    serve(change(proxy_to(server).relay(relay))).await
}

#[tokio::test]
async fn messages_come_back_whatever_their_fragments() {
    let proxy = relayed(|proxy| proxy, Relay::new()).await;
    let mut client = dial(proxy).await;
    for length in [0, 1, 125, 126, 65_536, 1_000_000] {
        let message = Message::from(vec![7; length]);
        client.write_message(message.clone()).await.unwrap();
        assert_eq!(client.read_message().await.unwrap(), Some(message));
    }
    let (mut raw, _) = ask(proxy, handshake("/", "")).await;
    raw.write_all(b"\x01\x81\0\0\0\0a\x89\x81\0\0\0\0p\x80\x82\0\0\0\0bc").await.unwrap();
    let mut answer = [0; 8];
    timeout(PATIENCE, raw.read_exact(&mut answer)).await.unwrap().unwrap();
    // The ping is answered by the proxy; the message is one frame.
    assert_eq!(&answer, b"\x8A\x01p\x81\x03abc");
}

#[tokio::test]
async fn messages_are_changed_dropped_and_refused() {
    let relay = Relay::new().inspect(|side, message| match (side, message.to_text().ok()) {
        (Side::Client, Some("drop")) => Verdict::Drop,
        (Side::Client, Some("end")) => Verdict::Close(CloseFrame::new(4001, "enough")),
        (Side::Client, Some(text)) => Verdict::Forward(format!("<{text}>").into()),
        (Side::Backend, Some(text)) => Verdict::Forward(format!("{text}!").into()),
        _ => Verdict::Forward(message),
    });
    let server = backend(echo).await;
    let (proxy, mut log) = logged(proxy_to(server).relay(relay));
    let mut client = dial(serve(proxy).await).await;
    client.write_message("drop").await.unwrap();
    client.write_message("a").await.unwrap();
    assert_eq!(client.read_message().await.unwrap(), Some("<a>!".into()));
    client.write_message("end").await.unwrap();
    let error = client.read_message().await.unwrap_err();
    assert_eq!(error.close_frame(), Some(&CloseFrame::new(4001, "enough")));
    drop(client);
    let carried = next(&mut log).await.carried.unwrap();
    assert_eq!((carried.cause, carried.messages_from_client), (Cause::Inspected, 3));
}

#[tokio::test]
async fn each_connection_has_an_inspector_of_its_own() {
    let relay = Relay::new().inspect_each(|| {
        let mut count = 0;
        move |side, message| {
            count += usize::from(side == Side::Client);
            if count > 1 { Verdict::Drop } else { Verdict::Forward(message) }
        }
    });
    let proxy = relayed(|proxy| proxy, relay).await;
    for _ in 0..2 {
        let mut client = dial(proxy).await;
        client.write_message("first").await.unwrap();
        assert_eq!(client.read_message().await.unwrap(), Some("first".into()));
    }
}

#[tokio::test]
async fn message_beyond_the_limit_is_1009_for_both() {
    let (told, mut seen) = tokio::sync::mpsc::unbounded_channel();
    let server = backend(move |mut conn| async move {
        let error = conn.read_message().await.unwrap_err();
        told.send(error.close_code().map(u16::from)).unwrap();
    })
    .await;
    let (proxy, mut log) =
        logged(proxy_to(server).relay(Relay::new()).upgrader(any().max_message_size(1000)));
    let mut client = dial(serve(proxy).await).await;
    client.write_message(vec![0; 1001]).await.unwrap();
    let error = client.read_message().await.unwrap_err();
    assert_eq!(error.close_code().map(u16::from), Some(1009));
    assert_eq!(next(&mut seen).await, Some(1009));
    drop(client);
    assert_eq!(next(&mut log).await.carried.unwrap().cause, Cause::Violated(Side::Client));
}

#[tokio::test]
async fn silent_sides_are_pinged() {
    let (server, mut seen) = scripted(|mut io| async move {
        accept(&mut io, "").await;
        let mut ping = [0; 2];
        io.read_exact(&mut ping).await.unwrap();
        ping
    })
    .await;
    let every = KeepAlive::every(Duration::from_millis(50));
    let dialer = Dialer::new().config(Config::new().keep_alive(every));
    let proxy = proxy_to(server).relay(Relay::new()).upgrader(any().keep_alive(every)).dialer(dialer);
    let (mut client, _) = ask(serve(proxy).await, handshake("/", "")).await;
    let mut ping = [0; 1];
    timeout(PATIENCE, client.read_exact(&mut ping)).await.unwrap().unwrap();
    assert_eq!(ping, [0x89]);
    assert_eq!(next(&mut seen).await[0], 0x89);
}

#[tokio::test]
async fn extensions_of_clients_do_not_reach_the_backend_of_a_relay() {
    let (server, mut requests) = scripted(|mut io| async move {
        let head = accept(&mut io, "").await;
        rest(&mut io).await;
        head
    })
    .await;
    let proxy = serve(proxy_to(server).relay(Relay::new())).await;
    let more = "Sec-WebSocket-Extensions: x-own, permessage-deflate\r\n";
    let (client, head) = ask(proxy, handshake("/", more)).await;
    assert!(fields(&head, "sec-websocket-extensions").is_empty());
    drop(client);
    assert!(fields(&next(&mut requests).await, "sec-websocket-extensions").is_empty());
}

#[tokio::test]
async fn many_messages_at_once_keep_their_order() {
    let proxy = relayed(|proxy| proxy, Relay::new()).await;
    let (mut reader, mut writer) = dial(proxy).await.into_split();
    let write = async {
        for number in 0..20_000_u32 {
            writer.queue_message(number.to_string()).await.unwrap();
        }
        writer.flush().await.unwrap();
    };
    let read = async {
        for number in 0..20_000_u32 {
            assert_eq!(reader.read_message().await.unwrap(), Some(number.to_string().into()));
        }
    };
    timeout(PATIENCE, async { tokio::join!(write, read) }).await.unwrap();
}

#[tokio::test]
async fn verdict_with_a_code_that_is_never_sent_closes_all_the_same() {
    let relay = Relay::new().inspect(|_, _| Verdict::Close(CloseFrame::new(1006, "")));
    let proxy = relayed(|proxy| proxy, relay).await;
    let mut client = dial(proxy).await;
    client.write_message("anything").await.unwrap();
    let error = timeout(PATIENCE, client.read_message()).await.unwrap().unwrap_err();
    assert_eq!(error.close_frame(), Some(&CloseFrame::new(1008, "")));
}

#[tokio::test]
async fn message_behind_the_one_that_ends_a_relay_goes_nowhere() {
    let (server, mut seen) = scripted(|mut io| async move {
        accept(&mut io, "").await;
        rest(&mut io).await
    })
    .await;
    let relay = Relay::new().inspect(|_, message| match message.to_text() {
        Ok("end") => Verdict::Close(CloseFrame::new(4001, "")),
        _ => Verdict::Forward(message),
    });
    let (mut client, _) = ask(serve(proxy_to(server).relay(relay)).await, handshake("/", "")).await;
    // All in one piece, the client's part of the closing handshake behind it.
    client.write_all(b"\x81\x83\0\0\0\0end\x81\x84\0\0\0\0more\x88\x82\0\0\0\0\x0F\xA1").await.unwrap();
    assert_eq!(rest(&mut client).await, b"\x88\x02\x0F\xA1");
    let of_relay = next(&mut seen).await;
    // Its masked close frame, and nothing else.
    assert_eq!((of_relay[0], of_relay[1], of_relay.len()), (0x88, 0x82, 8), "{of_relay:?}");
}

#[tokio::test]
async fn pings_keep_a_relay_from_being_idle() {
    let (told, mut seen) = tokio::sync::mpsc::unbounded_channel();
    let server = backend(move |mut conn| async move {
        let end = conn.read_message().await;
        told.send(end.is_ok()).unwrap();
    })
    .await;
    let every = KeepAlive::every(Duration::from_millis(50));
    let proxy = proxy_to(server).relay(Relay::new()).upgrader(any().keep_alive(every));
    let mut client = dial(serve(proxy.idle_timeout(Duration::from_millis(200))).await).await;
    // It answers pings, and nothing else happens.
    assert!(timeout(Duration::from_millis(800), client.read_message()).await.is_err());
    assert!(seen.try_recv().is_err());
    client.close(None).await.unwrap();
    assert!(next(&mut seen).await);
}
