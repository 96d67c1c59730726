//! Limits over sockets: what a peer can make a whole server hold, and that the others do not notice.

use std::{future::pending, time::Duration};

use axum::Router;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    time::{Instant, timeout},
};
use ws_client::dial;
use ws_core::{
    Config, Conn, InboundBudget, KeepAlive, Message, Negotiated, Role,
    frame::{FrameHeader, MaskingKey, Opcode},
};
use ws_tests::{
    raw::{RawClient, frame},
    serve::{Server, echo, upgrade_to},
};
use ws_tower::{UpgradeLayer, Upgrader};

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

async fn echo_server(config: Config) -> Server {
    let upgrader = Upgrader::new().config(config);
    let app = Router::new()
        .route("/ws", upgrade_to(|conn| async move { drop(echo(conn).await) }))
        .layer(UpgradeLayer::new(upgrader));
    Server::start(app).await
}

/// The header of a client's frame, without its payload.
fn header(opcode: Opcode, fin: bool, payload_len: u64) -> Vec<u8> {
    let mask = Some(MaskingKey::new([0; 4]));
    FrameHeader { fin, mask, ..FrameHeader::new(opcode, payload_len) }.encode().to_vec()
}

async fn assert_closed_with(client: &mut RawClient, code: u16, what: &str) -> Result {
    let (header, payload) = client.read_frame().await?;
    assert_eq!((header.opcode, payload), (Opcode::CLOSE, code.to_be_bytes().to_vec()), "{what}");
    assert!(client.read_to_end().await?.is_empty(), "{what}: nothing follows");
    Ok(())
}

// Shows MEM-1.
#[tokio::test]
async fn what_is_too_large_too_long_or_in_too_many_pieces_is_refused_with_its_code() -> Result {
    let server =
        echo_server(Config::new().max_message_size(1 << 20).message_timeout(Duration::from_millis(300)))
            .await;
    let quarter = [header(Opcode::BINARY, false, 1 << 18), vec![0; 1 << 18]].concat();
    let next = [header(Opcode::CONTINUATION, false, 1 << 18), vec![0; 1 << 18]].concat();
    let too_many = header(Opcode::CONTINUATION, false, 0).repeat(16_384);
    for (bytes, code, what) in [
        (header(Opcode::BINARY, true, (1 << 20) + 1), 1009, "a header over the limit"),
        (header(Opcode::BINARY, true, (1 << 63) - 1), 1009, "exabytes"),
        ([quarter, next.repeat(3), header(Opcode::CONTINUATION, false, 1)].concat(), 1009, "a sum"),
        ([header(Opcode::BINARY, false, 0), too_many].concat(), 1008, "empty fragments"),
        (header(Opcode::BINARY, false, 0), 1008, "a message that does not go on"),
        (vec![0x81], 1008, "a byte of a header"),
    ] {
        let mut client = RawClient::upgrade(server.addr(), b"").await?;
        client.send(&bytes).await?;
        assert_closed_with(&mut client, code, what).await?;
    }
    Ok(())
}

// Shows MEM-8.
#[tokio::test]
async fn hoarders_are_refused_with_1013_and_honest_clients_do_not_notice() -> Result {
    let budget = InboundBudget::new(1 << 20);
    let server = echo_server(Config::new().inbound_budget(budget.clone())).await;
    let (mut honest, _) = dial(server.url("/ws")).await?;
    let mut hoarders = Vec::new();
    for number in 0..40 {
        let mut hoarder = RawClient::upgrade(server.addr(), b"").await?;
        hoarder.send(&header(Opcode::BINARY, true, 100_001)).await?;
        hoarder.send(&[0; 100_000]).await?;
        hoarders.push(hoarder);
        assert!(budget.in_use() <= budget.limit());
        let message = Message::text(format!("honest {number}"));
        honest.write_message(message.clone()).await?;
        assert_eq!(timeout(Duration::from_secs(20), honest.read_message()).await??, Some(message));
    }
    let mut refused = 0;
    for mut hoarder in hoarders {
        // Its last byte: those that are left get their message back.
        let _ = hoarder.send(&[0]).await;
        match hoarder.read_frame().await {
            Ok((header, payload)) if header.opcode == Opcode::CLOSE => {
                assert_eq!(payload, 1013_u16.to_be_bytes());
                refused += 1;
            }
            Ok((header, payload)) => {
                assert_eq!((header.opcode, payload.len()), (Opcode::BINARY, 100_001));
            }
            Err(error) => return Err(error.into()),
        }
    }
    assert!((30..=35).contains(&refused), "{refused} of 40 refused: five to ten of 100,000 bytes fit");
    Ok(())
}

// Shows OUT-4.
#[tokio::test]
async fn out_4_sender_is_stopped_by_tcp_when_the_application_does_not_read() -> Result {
    let server = Server::with_handler(|conn| async move {
        let _kept = conn;
        pending::<()>().await;
    })
    .await;
    let to_server = RawClient::upgrade(server.addr(), b"").await?.into_stream();
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let (near, far) = tokio::join!(TcpStream::connect(listener.local_addr()?), listener.accept());
    let _client = Conn::new(near?, Role::Client, Config::new(), Negotiated::new());
    let to_client = far?.0;
    for (mut sender, what) in [(to_server, "server"), (to_client, "client")] {
        let chunk = vec![0; 1 << 20];
        let mut sent = 0;
        while sent < 1 << 30 {
            match timeout(Duration::from_secs(1), sender.write(&chunk)).await {
                Ok(count) => sent += count?,
                Err(_) => break,
            }
        }
        assert!(sent <= 64 << 20, "{what}: {sent} bytes were taken that nobody reads");
    }
    Ok(())
}

// Shows OUT-1.
#[tokio::test]
async fn out_1_writer_waits_for_a_peer_that_does_not_read_and_others_are_served() -> Result {
    let server = Server::with_handler(|mut conn| async move {
        // A gigabyte for one, an echo for the other.
        while let Ok(Some(message)) = conn.read_message().await {
            let copies = if message == Message::text("flood me") { 1024 } else { 1 };
            let reply = if copies > 1 { Message::binary(vec![7; 1 << 20]) } else { message };
            for _ in 0..copies {
                if conn.write_message(reply.clone()).await.is_err() {
                    return;
                }
            }
        }
    })
    .await;
    let mut greedy = RawClient::upgrade(server.addr(), b"").await?;
    greedy.send(&frame(Opcode::TEXT, b"flood me")).await?;
    let (mut other, _) = dial(server.url("/ws")).await?;
    for number in 0..100 {
        let message = Message::text(number.to_string());
        other.write_message(message.clone()).await?;
        assert_eq!(timeout(Duration::from_secs(20), other.read_message()).await??, Some(message));
    }
    Ok(())
}

#[tokio::test]
async fn keep_alive_finds_a_peer_that_is_there_and_does_not_speak() -> Result {
    let keep_alive = KeepAlive::every(Duration::from_millis(100)).timeout(Duration::from_millis(400));
    let server = echo_server(Config::new().keep_alive(keep_alive)).await;
    // One that answers by itself, while it reads.
    let (mut alive, _) = dial(server.url("/ws")).await?;
    // One that does not: it sees pings, and then the end.
    let start = Instant::now();
    let mut silent = RawClient::upgrade(server.addr(), b"").await?.into_stream();
    let ended = async {
        let mut bytes = Vec::new();
        let _ = silent.read_to_end(&mut bytes).await;
        (bytes, start.elapsed())
    };
    let reading = async { timeout(Duration::from_secs(3), alive.read_message()).await };
    let (ended, still) = tokio::join!(timeout(Duration::from_secs(20), ended), reading);
    let (bytes, took) = ended?;
    assert!(still.is_err(), "the one that answers is kept");
    assert_eq!(bytes[..2], [0x89, 8], "a ping");
    assert!(took >= Duration::from_millis(490) && took < Duration::from_secs(10), "{took:?}");
    Ok(())
}
