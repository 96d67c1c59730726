//! The closing handshake over sockets: who ends TCP first, and what peers that never do so cost (CLS-2 to CLS-6).

use std::{fs, time::Duration};

use futures_util::future::join_all;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    time::{Instant, timeout},
};
use ws_core::{
    CloseCode, CloseFrame, Config, Conn, ErrorKind, Message, Negotiated, Role,
    frame::{FrameHeader, Opcode},
};
use ws_tests::{
    raw::{RawClient, frame},
    serve::Server,
};

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

const ROLES: [Role; 2] = [Role::Client, Role::Server];
const CODE: [u8; 2] = 4000_u16.to_be_bytes();

/// Both ends of a connection over loopback.
async fn sockets() -> Result<(TcpStream, TcpStream)> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let (near, far) = tokio::join!(TcpStream::connect(listener.local_addr()?), listener.accept());
    Ok((near?, far?.0))
}

fn conn(stream: TcpStream, role: Role, config: Config) -> Conn<TcpStream> {
    Conn::new(stream, role, config, Negotiated::new())
}

/// A close frame with the code 4000 for an endpoint of this role.
fn close_for(role: Role) -> Vec<u8> {
    match role {
        Role::Server => frame(Opcode::CLOSE, &CODE),
        Role::Client => [&FrameHeader::new(Opcode::CLOSE, CODE.len() as u64).encode()[..], &CODE].concat(),
    }
}

// Shows CLS-2.
#[tokio::test]
async fn server_ends_tcp_first_whoever_begins() -> Result {
    for server_begins in [false, true] {
        let server = Server::with_handler(move |mut conn| async move {
            if server_begins {
                let _ = conn.close(CloseFrame::new(4000, "")).await;
            } else {
                let _ = conn.read_message().await;
            }
        })
        .await;
        let mut client = RawClient::upgrade(server.addr(), b"").await?;
        if !server_begins {
            client.send(&frame(Opcode::CLOSE, &CODE)).await?;
        }
        let (header, payload) = client.read_frame().await?;
        assert_eq!((header.opcode, &payload[..]), (Opcode::CLOSE, &CODE[..]));
        if server_begins {
            client.send(&frame(Opcode::CLOSE, &CODE)).await?;
        }
        // This end stays open, and the server's end comes all the same, before any timeout of five seconds.
        let start = Instant::now();
        assert!(client.read_to_end().await?.is_empty(), "the server began: {server_begins}");
        assert!(start.elapsed() < Duration::from_secs(4), "the server began: {server_begins}");
    }
    Ok(())
}

// Shows CLS-2.
#[tokio::test]
async fn client_does_not_end_tcp_before_the_server_does() -> Result {
    for client_begins in [false, true] {
        let (near, mut far) = sockets().await?;
        let mut client = conn(near, Role::Client, Config::new());
        let server = async {
            far.write_all(&close_for(Role::Client)).await?;
            // Header, key and code of the client's close frame.
            let mut frame = [0; 8];
            far.read_exact(&mut frame).await?;
            let more = timeout(Duration::from_millis(300), far.read(&mut frame)).await;
            assert!(more.is_err(), "the client waits: {more:?}");
            far.shutdown().await?;
            assert_eq!(timeout(Duration::from_secs(4), far.read(&mut frame)).await??, 0, "then it follows");
            Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
        };
        let ends = async {
            if client_begins {
                client.close(CloseFrame::new(4000, "")).await
            } else {
                client.recv().await.map(drop)
            }
        };
        let (served, ended) = tokio::join!(server, ends);
        served?;
        ended?;
        assert_eq!(client.closing().received_first(), !client_begins);
    }
    Ok(())
}

// Shows CLS-3.
#[tokio::test]
async fn peer_that_does_not_answer_or_does_not_read_is_gone_at_the_close_timeout() -> Result {
    for role in ROLES {
        for full in [false, true] {
            let (near, far) = sockets().await?;
            let config = Config::new().close_timeout(Duration::from_millis(500)).high_water_mark(1 << 20);
            let mut conn = conn(near, role, config);
            if full {
                // More than the sockets hold, so that the close frame waits behind it.
                let large = Message::binary(vec![7; 64 << 20]);
                assert!(timeout(Duration::from_millis(200), conn.write_message(large)).await.is_err());
            }
            let start = Instant::now();
            let error = conn.close(CloseCode::NORMAL_CLOSURE).await.expect_err("nobody answers");
            let took = start.elapsed();
            assert_eq!(error.kind(), &ErrorKind::ConnectionLost, "{role:?}");
            assert!(took >= Duration::from_millis(500), "{role:?} full: {full}: {took:?}");
            assert!(took < Duration::from_secs(5), "{role:?} full: {full}: {took:?}");
            drop((conn, far));
        }
    }
    Ok(())
}

/// How many files and sockets this process may open.
fn file_limit() -> usize {
    let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let line = limits.lines().find(|line| line.starts_with("Max open files")).unwrap_or_default();
    line.split_whitespace().nth(3).and_then(|soft| soft.parse().ok()).unwrap_or(1024)
}

fn open_files() -> Result<usize> {
    Ok(fs::read_dir("/proc/self/fd")?.count())
}

#[cfg(target_os = "linux")]
// Shows CLS-5, LIF-1.
#[tokio::test]
async fn cls_5_a_thousand_peers_that_never_answer_leave_no_socket_behind() -> Result {
    let count = ((file_limit() - 300) / 2).min(1000);
    for role in ROLES {
        let before = open_files()?;
        let mut conns = Vec::new();
        let mut peers = Vec::new();
        for _ in 0..count {
            let (near, far) = sockets().await?;
            conns.push(conn(near, role, Config::new().close_timeout(Duration::from_secs(1))));
            peers.push(far);
        }
        // Other tests of this binary have a few.
        assert!(open_files()? >= before + 2 * count - 100, "{role:?}");
        let start = Instant::now();
        let closes = conns.into_iter().map(|mut conn| async move {
            let lost = conn.close(None).await.expect_err("nobody answers");
            assert_eq!(lost.kind(), &ErrorKind::ConnectionLost);
        });
        join_all(closes).await;
        assert!(start.elapsed() < Duration::from_secs(7), "{role:?}: {:?}", start.elapsed());
        let left = open_files()?;
        assert!(left <= before + count + 100, "{role:?}: {left} of our ends are left, {before} before");
        // Each peer finds the close frame and the end.
        for mut peer in peers {
            let mut bytes = Vec::new();
            timeout(Duration::from_secs(5), peer.read_to_end(&mut bytes)).await??;
            assert_eq!(bytes.first(), Some(&0x88), "{role:?}: {bytes:x?}");
        }
    }
    Ok(())
}
