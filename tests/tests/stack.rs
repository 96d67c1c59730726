//! Client, server and everything between them: `ws-client` over loopback to `ws-tower` under axum.

use std::{net::SocketAddr, time::Duration};

use axum::Router;
use futures_util::future::try_join_all;
use http::{HeaderValue, StatusCode, header::ORIGIN};
use tokio::{sync::mpsc, time::timeout};
use ws_client::{DialErrorKind, Dialer, dial};
use ws_core::{CloseCode, CloseFrame, Config, ErrorKind, Message, frame::Opcode};
use ws_tests::{
    raw::{RawClient, frame},
    serve::{Server, echo, pattern, text, upgrade_to},
};
use ws_tower::{UpgradeLayer, Upgrader};

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

async fn echo_server() -> Server {
    Server::with_handler(|conn| async move {
        let _ = echo(conn).await;
    })
    .await
}

/// A server whose handlers report how `echo` ended.
async fn reporting_server() -> (Server, mpsc::UnboundedReceiver<std::result::Result<(), ws_core::Error>>) {
    let (report, reports) = mpsc::unbounded_channel();
    let server = Server::with_handler(move |conn| {
        let report = report.clone();
        async move {
            let _ = report.send(echo(conn).await);
        }
    })
    .await;
    (server, reports)
}

#[tokio::test]
async fn messages_of_every_length_form_come_back() -> Result {
    let server = echo_server().await;
    let (mut conn, response) = dial(server.url("/ws")).await?;
    assert_eq!(response.status(), StatusCode::SWITCHING_PROTOCOLS);
    for len in [0, 1, 125, 126, 4095, 4096, 16_000, 65_535, 65_536, 1 << 20] {
        for message in [text(len), Message::binary(pattern(len))] {
            conn.write_message(message.clone()).await?;
            assert!(conn.read_message().await? == Some(message), "{len} bytes");
        }
    }
    conn.close(CloseCode::NORMAL_CLOSURE).await?;
    Ok(())
}

#[tokio::test]
async fn many_connections_talk_at_once() -> Result {
    let server = echo_server().await;
    let url = server.url("/ws");
    let talk = |number: usize| {
        let url = url.clone();
        async move {
            let (mut conn, _) = dial(url).await?;
            for round in 0..20 {
                let message = Message::text(format!("{number}/{round}"));
                conn.queue_message(message.clone()).await?;
                assert_eq!(conn.read_message().await?, Some(message));
            }
            conn.close(None).await?;
            Ok::<_, Box<dyn std::error::Error + Send + Sync>>(())
        }
    };
    try_join_all((0..100).map(talk)).await?;
    Ok(())
}

#[tokio::test]
async fn close_code_of_the_client_reaches_the_server() -> Result {
    let (server, mut reports) = reporting_server().await;
    let (mut conn, _) = dial(server.url("/ws")).await?;
    conn.close(CloseFrame::new(4001, "done here")).await?;
    assert_eq!(conn.closing().received(), Some(Some(&CloseCode::from(4001).into())));
    let error = reports.recv().await.ok_or("no report")?.expect_err("4001 is no normal end");
    assert_eq!(error.kind(), &ErrorKind::Closed(Some(CloseFrame::new(4001, "done here"))));
    Ok(())
}

#[tokio::test]
async fn normal_close_of_the_client_is_no_error_for_the_server() -> Result {
    let (server, mut reports) = reporting_server().await;
    for frame in [None, Some(CloseCode::NORMAL_CLOSURE.into()), Some(CloseCode::GOING_AWAY.into())] {
        let (mut conn, _) = dial(server.url("/ws")).await?;
        conn.close(frame).await?;
        assert!(reports.recv().await.ok_or("no report")?.is_ok());
    }
    Ok(())
}

#[tokio::test]
async fn close_code_of_the_server_reaches_the_client() -> Result {
    let server = Server::with_handler(|mut conn| async move {
        let _ = conn.close(CloseFrame::new(CloseCode::TRY_AGAIN_LATER, "full")).await;
    })
    .await;
    let (mut conn, _) = dial(server.url("/ws")).await?;
    let error = conn.read_message().await.expect_err("1013 is no normal end");
    assert_eq!(error.close_frame(), Some(&CloseFrame::new(1013, "full")));
    assert!(conn.closing().received_first());
    Ok(())
}

#[tokio::test]
async fn lost_client_is_told_as_a_lost_connection() -> Result {
    let (server, mut reports) = reporting_server().await;
    let (conn, _) = dial(server.url("/ws")).await?;
    conn.abort();
    let error = reports.recv().await.ok_or("no report")?.expect_err("no close frame was sent");
    assert_eq!(error.kind(), &ErrorKind::ConnectionLost);
    assert_eq!(error.close_code(), Some(CloseCode::ABNORMAL_CLOSURE));
    Ok(())
}

#[tokio::test]
async fn message_over_the_limit_is_answered_with_1009() -> Result {
    let upgrader = Upgrader::new().config(Config::new().max_message_size(1000));
    let app = Router::new()
        .route("/ws", upgrade_to(|conn| async move { drop(echo(conn).await) }))
        .layer(UpgradeLayer::new(upgrader));
    let server = Server::start(app).await;
    let (mut conn, _) = dial(server.url("/ws")).await?;
    conn.write_message(text(1000)).await?;
    assert_eq!(conn.read_message().await?, Some(text(1000)));
    conn.write_message(text(1001)).await?;
    let error = conn.read_message().await.expect_err("the message is too big");
    assert_eq!(error.close_code(), Some(CloseCode::MESSAGE_TOO_BIG));
    Ok(())
}

#[tokio::test]
async fn subprotocol_is_agreed_on_in_the_clients_order() -> Result {
    let upgrader = Upgrader::new().subprotocols(["v1", "v2"]);
    let app = Router::new()
        .route("/ws", upgrade_to(|conn| async move { drop(echo(conn).await) }))
        .layer(UpgradeLayer::new(upgrader));
    let server = Server::start(app).await;
    let (conn, _) = Dialer::new().subprotocols(["v3", "v2", "v1"]).dial(server.url("/ws")).await?;
    assert_eq!(conn.subprotocol(), Some("v2"));
    let (conn, _) = Dialer::new().subprotocols(["V1"]).dial(server.url("/ws")).await?;
    assert_eq!(conn.subprotocol(), None);
    Ok(())
}

// Shows ORG-1.
#[tokio::test]
async fn page_of_another_origin_is_refused_and_the_client_sees_why() -> Result {
    let server = echo_server().await;
    let dialer = Dialer::new().header(ORIGIN, HeaderValue::from_static("https://evil.example"));
    let error = dialer.dial(server.url("/ws")).await.expect_err("the origin is foreign");
    assert_eq!(error.kind(), &DialErrorKind::Refused(StatusCode::FORBIDDEN));
    assert!(error.response().is_some());

    let own = HeaderValue::from_str(&format!("http://{}", server.addr()))?;
    Dialer::new().header(ORIGIN, own).dial(server.url("/ws")).await?;
    Ok(())
}

#[tokio::test]
async fn what_the_server_says_first_is_not_lost() -> Result {
    let server = Server::with_handler(|mut conn| async move {
        for number in 0..50 {
            let _ = conn.queue_message(format!("hello {number}")).await;
        }
        let _ = conn.close(None).await;
    })
    .await;
    let (mut conn, _) = dial(server.url("/ws")).await?;
    for number in 0..50 {
        assert_eq!(conn.read_message().await?, Some(Message::text(format!("hello {number}"))));
    }
    assert_eq!(conn.read_message().await?, None);
    Ok(())
}

#[tokio::test]
async fn frames_behind_the_request_are_the_first_messages_wherever_they_are_cut() -> Result {
    let server = echo_server().await;
    let frames = [frame(Opcode::TEXT, b"early"), frame(Opcode::TEXT, b"bird")].concat();
    for cut in 0..=frames.len() {
        let mut client = RawClient::upgrade(server.addr(), &frames[..cut]).await?;
        client.send(&frames[cut..]).await?;
        assert_eq!(client.read_frame().await?.1, b"early", "cut at {cut}");
        assert_eq!(client.read_frame().await?.1, b"bird", "cut at {cut}");
    }
    Ok(())
}

#[tokio::test]
async fn batch_of_messages_is_answered_in_order() -> Result {
    let server = echo_server().await;
    let mut client = RawClient::upgrade(server.addr(), b"").await?;
    let batch: Vec<u8> = (0..1000).flat_map(|i| frame(Opcode::TEXT, format!("{i}").as_bytes())).collect();
    client.send(&batch).await?;
    for number in 0..1000 {
        assert_eq!(client.read_frame().await?.1, number.to_string().as_bytes());
    }
    Ok(())
}

#[tokio::test]
async fn bad_frame_is_answered_by_its_close_code_behind_the_echo_of_good_ones() -> Result {
    let server = echo_server().await;
    let bad: [(&[u8], u16); 6] = [
        // Reserved bit, reserved opcode, no mask, a ping over 125 bytes, a length that is not minimal.
        (&[0xC1, 0x80, 0, 0, 0, 0], 1002),
        (&[0x83, 0x80, 0, 0, 0, 0], 1002),
        (&[0x81, 0x00], 1002),
        (&[0x89, 0xFE, 0, 126], 1002),
        (&[0x82, 0xFE, 0, 125], 1002),
        // Text that can never become UTF-8, in the middle of its frame.
        (&[0x81, 0xFD, 0, 0, 0, 0, 0xED, 0xA0], 1007),
    ];
    for (bytes, code) in bad {
        let mut client = RawClient::upgrade(server.addr(), b"").await?;
        client.send(&[frame(Opcode::TEXT, b"good"), bytes.to_vec()].concat()).await?;
        assert_eq!(client.read_frame().await?.1, b"good", "before {bytes:x?}");
        let (header, payload) = client.read_frame().await?;
        assert_eq!((header.opcode, payload), (Opcode::CLOSE, code.to_be_bytes().to_vec()), "for {bytes:x?}");
        assert!(client.read_to_end().await?.is_empty(), "nothing follows the close frame");
    }
    Ok(())
}

// Shows PAN-1.
#[tokio::test]
async fn server_keeps_serving_while_peers_misbehave() -> Result {
    let server = echo_server().await;
    let addr: SocketAddr = server.addr();
    // Half a head, half a frame, a message that never ends: all of them stay open.
    let mut idle = RawClient::connect(addr).await?;
    idle.send(b"GET /ws HTT").await?;
    let mut half = RawClient::upgrade(addr, &[0x81, 0xFE, 0xFF]).await?;
    half.send(&[0xFF, 1, 2, 3, 4]).await?;
    let (mut conn, _) = dial(server.url("/ws")).await?;
    conn.write_message("still there?").await?;
    let answer = timeout(Duration::from_secs(20), conn.read_message()).await??;
    assert_eq!(answer, Some(Message::text("still there?")));
    Ok(())
}
