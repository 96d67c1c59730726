//! permessage-deflate (RFC 7692): through a tunnel, and on either side of a relay.
#![cfg(feature = "deflate")]

mod support;

use ws_client::{Dialer, Message};
use ws_core::DeflateConfig;
use ws_proxy::Relay;
use ws_tower::{CheckOrigin, Upgrader};

use support::{backend, backend_with, dial, echo, proxy_to, serve};

fn any() -> Upgrader {
    Upgrader::new().check_origin(CheckOrigin::Any)
}

#[tokio::test]
async fn client_and_backend_compress_through_a_tunnel() {
    let server = backend_with(any().compression(DeflateConfig::new()), echo).await;
    let proxy = serve(proxy_to(server)).await;
    let dialer = Dialer::new().compression(DeflateConfig::new());
    let (mut client, _) = dialer.dial(format!("ws://{proxy}/")).await.unwrap();
    assert!(client.deflate().is_some());
    for length in [0, 1, 200, 50_000] {
        let text = "compressible ".repeat(length);
        client.write_message(text.as_str()).await.unwrap();
        assert_eq!(client.read_message().await.unwrap(), Some(Message::from(text)));
    }
    // One that offers nothing is offered nothing, and the backend neither.
    let mut plain = dial(proxy).await;
    assert!(plain.deflate().is_none());
    plain.write_message("plain").await.unwrap();
    assert_eq!(plain.read_message().await.unwrap(), Some("plain".into()));
}

#[tokio::test]
async fn compression_ends_at_the_relay() {
    // The client compresses, the backend does not know how to.
    let server = backend(echo).await;
    let proxy =
        serve(proxy_to(server).relay(Relay::new()).upgrader(any().compression(DeflateConfig::new()))).await;
    let dialer = Dialer::new().compression(DeflateConfig::new());
    let (mut client, _) = dialer.dial(format!("ws://{proxy}/")).await.unwrap();
    assert!(client.deflate().is_some());
    let text = "compressible ".repeat(1000);
    client.write_message(text.as_str()).await.unwrap();
    assert_eq!(client.read_message().await.unwrap(), Some(text.into()));
}

#[tokio::test]
async fn compression_from_end_to_end_is_for_both_or_for_neither() {
    let end_to_end = || Relay::new().compress_end_to_end(true);
    let deflate = || Dialer::new().compression(DeflateConfig::new());
    for (client_does, backend_does) in [(true, true), (true, false), (false, true), (false, false)] {
        let mut upgrader = any();
        if backend_does {
            upgrader = upgrader.compression(DeflateConfig::new());
        }
        let server = backend_with(upgrader, |conn| async move {
            let mut conn = conn;
            let is_compressed = conn.deflate().is_some();
            conn.write_message(format!("{is_compressed}")).await.unwrap();
            echo(conn).await;
        })
        .await;
        let proxy = proxy_to(server)
            .relay(end_to_end())
            .upgrader(any().compression(DeflateConfig::new()))
            .dialer(deflate());
        let proxy = serve(proxy).await;
        let dialer = if client_does { deflate() } else { Dialer::new() };
        let (mut client, _) = dialer.dial(format!("ws://{proxy}/")).await.unwrap();
        let both = client_does && backend_does;
        assert_eq!(client.deflate().is_some(), both);
        assert_eq!(client.read_message().await.unwrap(), Some(both.to_string().into()));
        let text = "compressible ".repeat(1000);
        client.write_message(text.as_str()).await.unwrap();
        assert_eq!(client.read_message().await.unwrap(), Some(text.into()));
    }
}
