//! The generator against each server, and against servers that are wrong.

use std::{net::SocketAddr, thread};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

use super::{Server, accept};
use crate::{
    Result,
    load::{self, Limit, Measured, Prepared, Target},
    workload::{ALL, Workload},
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
    let workload = Workload { connections: 3, ..*workload };
    let prepared = Prepared::new(&workload);
    load::run(target, &workload, &prepared, Limit::Messages(messages), std::process::id())
}

#[test]
fn every_server_echoes_every_workload() {
    for &server in Server::ALL.iter().filter(|&&server| server != Server::NodeWs) {
        let addr = start(move |listener| server.serve(listener));
        let target = Target { addr, websocket: server.is_websocket() };
        for workload in ALL.iter().filter(|workload| server.left_out(workload).is_none()) {
            // Compressing takes its time in a debug build.
            let messages = if workload.size < 16 << 10 { 100 } else { 9 };
            let measured = load(&target, workload, messages).unwrap();
            assert_eq!(measured.replies.messages, messages.next_multiple_of(workload.depth as u64));
            assert!(!measured.latency.percentile(50.0).is_zero());
            let shrinks = measured.replies.wire < measured.replies.plain;
            assert_eq!(shrinks, workload.deflate.is_some(), "{server:?} {workload:?}");
        }
    }
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
