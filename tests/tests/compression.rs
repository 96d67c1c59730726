//! permessage-deflate over the whole stack: one call on either side, and what the other side makes of it.

use axum::{Router, routing::any};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};
use ws_client::{DialErrorKind, Dialer};
use ws_core::{
    Compression, DeflateConfig, Message, NegotiatedDeflate,
    handshake::{ResponseError, accept_key},
};
use ws_tests::serve::{Server, echo, upgrade_to};
use ws_tower::{UpgradeLayer, Upgrader, extract::WebSocketUpgrade};

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

async fn server(upgrader: Upgrader) -> Server {
    let handler = |conn| async move {
        let _ = echo(conn).await;
    };
    Server::start(Router::new().route("/ws", upgrade_to(handler)).layer(UpgradeLayer::new(upgrader))).await
}

fn dialer(deflate: impl Into<Option<DeflateConfig>>) -> Dialer {
    Dialer::new().compression(deflate)
}

fn document(number: usize) -> String {
    (0..200).map(|line| format!("{{\"id\":{},\"name\":\"user {}\"}},", line * number, line % 7)).collect()
}

// Shows Z-11.
#[tokio::test]
async fn z_11_compression_is_off_unless_both_ends_ask_for_it() -> Result {
    let on = || Some(DeflateConfig::new());
    for (server_side, client_side) in [(None, None), (None, on()), (on(), None), (on(), on())] {
        let expected = server_side.is_some() && client_side.is_some();
        let server = server(Upgrader::new().compression(server_side)).await;
        let (mut conn, response) = dialer(client_side).dial(server.url("/ws")).await?;
        assert_eq!(response.headers().contains_key("sec-websocket-extensions"), expected);
        assert_eq!(conn.deflate().is_some(), expected);
        conn.write_message(document(1)).await?;
        assert_eq!(conn.read_message().await?, Some(Message::text(document(1))));
        conn.close(None).await?;
    }
    Ok(())
}

// Shows Z-5.
#[tokio::test]
async fn every_combination_of_parameters_carries_messages() -> Result {
    for bits in [9, 12, 15] {
        for (server_alone, client_alone) in [(false, false), (true, false), (false, true), (true, true)] {
            let config = DeflateConfig::new()
                .server_max_window_bits(bits)
                .client_max_window_bits(bits)
                .server_no_context_takeover(server_alone)
                .client_no_context_takeover(client_alone)
                .threshold(0);
            let server = server(Upgrader::new().compression(config)).await;
            let (mut conn, _) = dialer(DeflateConfig::new().threshold(0)).dial(server.url("/ws")).await?;
            let mut expected = NegotiatedDeflate::new();
            expected.server_no_context_takeover = server_alone;
            expected.client_no_context_takeover = client_alone;
            expected.server_max_window_bits = bits;
            expected.client_max_window_bits = bits;
            assert_eq!(conn.deflate(), Some(expected));
            for number in 0..20 {
                let message = Message::text(document(number));
                let choice = if number % 5 == 4 { Compression::Off } else { Compression::On };
                conn.write_message_with(message.clone(), choice).await?;
                assert_eq!(conn.read_message().await?, Some(message));
            }
            conn.close(None).await?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn extractor_has_the_last_word_on_its_layer() -> Result {
    let route = |deflate: Option<DeflateConfig>| {
        any(move |ws: WebSocketUpgrade| async move {
            ws.compression(deflate.clone()).on_upgrade(|socket| async move {
                let _ = echo(socket.into_conn()).await;
            })
        })
    };
    let app = Router::new()
        .route("/off", route(None))
        .route("/small", route(Some(DeflateConfig::new().no_context_takeover())))
        .layer(UpgradeLayer::new(Upgrader::new().compression(DeflateConfig::new())));
    let server = Server::start(app).await;
    let (conn, _) = dialer(DeflateConfig::new()).dial(server.url("/off")).await?;
    assert_eq!(conn.deflate(), None);
    let (mut conn, _) = dialer(DeflateConfig::new()).dial(server.url("/small")).await?;
    assert!(conn.deflate().is_some_and(|deflate| deflate.server_no_context_takeover));
    conn.write_message(document(3)).await?;
    assert_eq!(conn.read_message().await?, Some(Message::text(document(3))));
    Ok(())
}

#[tokio::test]
async fn service_without_a_framework_compresses_too() -> Result {
    let service = Upgrader::new().compression(DeflateConfig::new()).service(|conn| async move {
        let _ = echo(conn).await;
    });
    let server = Server::start(Router::new().route_service("/ws", service)).await;
    let (mut conn, _) = dialer(DeflateConfig::new()).dial(server.url("/ws")).await?;
    assert!(conn.deflate().is_some());
    conn.write_message(document(3)).await?;
    assert_eq!(conn.read_message().await?, Some(Message::text(document(3))));
    Ok(())
}

// Shows Z-4.
#[tokio::test]
async fn answer_that_was_not_offered_fails_the_dial() -> Result {
    for (extensions, error) in [
        ("permessage-deflate; server_max_window_bits=1000", ResponseError::DeflateParameters),
        ("permessage-deflate; client_max_window_bits", ResponseError::DeflateParameters),
        ("permessage-deflate, permessage-deflate", ResponseError::DeflateParameters),
        ("x-other", ResponseError::ExtensionNotOffered),
    ] {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let url = format!("ws://{}/", listener.local_addr()?);
        let answer = async {
            let (mut io, _) = listener.accept().await?;
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(io.read_u8().await?);
            }
            let head = String::from_utf8(head)?;
            let line = head.lines().find(|line| line.to_ascii_lowercase().starts_with("sec-websocket-key"));
            let key = line.and_then(|line| line.split(": ").nth(1)).ok_or("no key")?;
            let accept = accept_key(key.trim().as_bytes());
            let answer = format!(
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                 Sec-WebSocket-Accept: {}\r\nSec-WebSocket-Extensions: {extensions}\r\n\r\n",
                accept.to_str()?
            );
            io.write_all(answer.as_bytes()).await?;
            Ok::<_, Box<dyn std::error::Error + Send + Sync>>(io)
        };
        let dialer = dialer(DeflateConfig::new());
        let (answered, dialed) = tokio::join!(answer, dialer.dial(url.as_str()));
        let _io = answered?;
        let Err(refused) = dialed else { return Err(format!("{extensions} was accepted").into()) };
        assert!(matches!(refused.kind(), DialErrorKind::Handshake(found) if *found == error), "{refused}");
    }
    Ok(())
}
