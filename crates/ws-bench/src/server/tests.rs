//! The generator against each server, and against servers that are wrong.

mod memory;

use std::{net::SocketAddr, thread};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

use super::{
    Kind, Server, accept,
    table::{LOOPS, SERVERS},
};
use crate::{
    Result,
    child::ServerProcess,
    load::{self, Limit, Measured, Prepared, Target},
    workload::{ALL, Traffic, Workload},
};

/// Serves from a thread of its own, which lasts as long as the test process.
fn start<F>(serve: impl FnOnce(TcpListener) -> F + Send + 'static) -> SocketAddr
where
    F: Future<Output = Result<()>>,
{
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let addr = listener.local_addr().unwrap();
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async { serve(TcpListener::from_std(listener).unwrap()).await })
    });
    addr
}

fn load(target: &Target, workload: &Workload, messages: u64) -> Result<Measured> {
    load_prepared(target, workload, &Prepared::new(workload), messages)
}

fn load_prepared(
    target: &Target,
    workload: &Workload,
    prepared: &Prepared,
    messages: u64,
) -> Result<Measured> {
    let workload = Workload { connections: 3, ..*workload };
    load::run(target, &workload, prepared, Limit::Messages(messages), std::process::id())
}

/// The server, and its process if it is not in this one.
fn serve(server: &'static Server, traffic: Traffic) -> (Target, Option<ServerProcess>) {
    let addr = match server.kind {
        Kind::Program(_) => {
            let process = ServerProcess::start(server, traffic, 1).unwrap();
            return (process.target, Some(process));
        }
        Kind::Tokio(serve) => start(move |listener| serve(listener, traffic)),
        Kind::Blocking(serve) => {
            let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            let addr = listener.local_addr().unwrap();
            thread::spawn(move || serve(&listener));
            addr
        }
    };
    (Target { addr, websocket: server.is_websocket() }, None)
}

fn every_server(traffic: Traffic) {
    let servers = || SERVERS.iter().chain(LOOPS);
    let mut running: Vec<Option<(Target, Option<ServerProcess>)>> = servers().map(|_| None).collect();
    for workload in ALL.iter().filter(|workload| workload.traffic == traffic) {
        let prepared = Prepared::new(workload);
        // Compressing takes its time in a debug build.
        let messages = if workload.size < 16 << 10 { 90 } else { 9 };
        let batch = if traffic == Traffic::Broadcast { 3 * workload.depth } else { workload.depth };
        for (server, running) in servers().zip(&mut running) {
            if server.left_out(workload).is_some() {
                continue;
            }
            let what = format!("{server:?} {workload:?}");
            let (target, _) = running.get_or_insert_with(|| serve(server, traffic));
            let measured = load_prepared(target, workload, &prepared, messages);
            let measured = measured.unwrap_or_else(|error| panic!("{what}: {error}"));
            assert_eq!(measured.replies.messages, messages.next_multiple_of(batch as u64), "{what}");
            assert!(!measured.latency.percentile(50.0).is_zero(), "{what}");
            let shrinks = measured.replies.wire < measured.replies.plain;
            assert_eq!(shrinks, workload.deflate.is_some(), "{what}");
        }
    }
}

#[test]
fn every_server_echoes_every_workload() {
    every_server(Traffic::Echo);
}

#[test]
fn every_server_delivers_to_all() {
    every_server(Traffic::Broadcast);
}

#[test]
fn every_server_opens_and_closes() {
    every_server(Traffic::Handshake);
}

#[test]
fn reply_to_a_close_frame_that_is_none_is_noticed() {
    async fn echo_inverted(mut stream: TcpStream) -> Result<()> {
        let mut buffer = [0; 8];
        stream.read_exact(&mut buffer).await?;
        stream.write_all(&buffer.map(|byte| !byte)).await.map_err(Into::into)
    }
    let target = Target { addr: start(|listener| accept(listener, echo_inverted)), websocket: false };
    let error = load(&target, &Workload::find("hs").unwrap(), 1).unwrap_err();
    assert!(error.to_string().contains("in reply to a close frame"), "{error}");
}

#[test]
fn changed_payload_is_noticed() {
    async fn flip_last_bit(mut stream: TcpStream) -> Result<()> {
        let mut buffer = [0; 1024];
        loop {
            let len = stream.read(&mut buffer).await?;
            buffer[len - 1] ^= 1;
            stream.write_all(&buffer[..len]).await?;
        }
    }
    let target = Target { addr: start(|listener| accept(listener, flip_last_bit)), websocket: false };
    let error = load(&target, &Workload::find("t32-d1").unwrap(), 1).unwrap_err();
    assert!(error.to_string().contains("came back changed"), "{error}");
}

#[test]
fn closed_connection_is_noticed() {
    async fn echo_sixteen(mut stream: TcpStream) -> Result<()> {
        let mut buffer = [0; 38];
        for _ in 0..16 {
            stream.read_exact(&mut buffer).await?;
            stream.write_all(&buffer).await?;
        }
        Ok(())
    }
    let target = Target { addr: start(|listener| accept(listener, echo_sixteen)), websocket: false };
    let error = load(&target, &Workload::find("t32-d1").unwrap(), 1000).unwrap_err();
    let error = error.to_string();
    assert!(["closed", "reset", "Broken pipe"].iter().any(|word| error.contains(word)), "{error}");
}

#[test]
fn refused_upgrade_is_noticed() {
    async fn refuse(mut stream: TcpStream) -> Result<()> {
        let mut buffer = [0; 1024];
        let _ = stream.read(&mut buffer).await?;
        stream.write_all(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n").await.map_err(Into::into)
    }
    let target = Target { addr: start(|listener| accept(listener, refuse)), websocket: true };
    let error = load(&target, &Workload::find("t32-d1").unwrap(), 1).unwrap_err();
    assert!(error.to_string().contains("refused"), "{error}");
}
