//! A scripted server: it answers with bytes that the test writes by hand.
#![allow(dead_code, reason = "each test binary uses a part of it")]

pub(crate) mod net;

use std::{future::Future, net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
    time::timeout,
};
use ws_client::{Conn, DialError, Dialer};

/// Bounds what must not hang, far beyond what it takes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Runs a script for the first connection to a loopback port.
pub(crate) async fn serve<F, T>(
    script: impl FnOnce(TcpStream) -> F + Send + 'static,
) -> (SocketAddr, JoinHandle<T>)
where
    F: Future<Output = T> + Send,
    T: Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let server = tokio::spawn(async move {
        let (stream, _) = timeout(PATIENCE, listener.accept()).await.expect("nobody dialed").unwrap();
        stream.set_nodelay(true).unwrap();
        script(stream).await
    });
    (addr, server)
}

/// Does the opening handshake over memory, with a script at the other end. The script's end is kept open.
pub(crate) async fn handshake<C, F, T>(
    dialer: &Dialer<C>,
    script: impl FnOnce(tokio::io::DuplexStream) -> F,
) -> (Result<Conn<tokio::io::DuplexStream>, DialError>, T)
where
    F: Future<Output = T>,
{
    let (near, far) = tokio::io::duplex(1 << 20);
    let dial = dialer.handshake("ws://example.com/chat", near);
    let (dialed, told) = timeout(Duration::from_secs(1 << 20), async { tokio::join!(dial, script(far)) })
        .await
        .expect("the dial has no end");
    (dialed.map(|(conn, _)| conn), told)
}

/// Reads a request up to its blank line and not a byte further.
pub(crate) async fn read_head(io: &mut (impl AsyncRead + Unpin)) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(io.read_u8().await.expect("the request ends in its head"));
    }
    String::from_utf8(head).unwrap()
}

/// The values of a header of a request, one a line.
pub(crate) fn fields<'a>(head: &'a str, name: &str) -> Vec<&'a str> {
    head.lines()
        .filter_map(|line| line.split_once(": "))
        .filter(|(field, _)| field.eq_ignore_ascii_case(name))
        .map(|(_, value)| value)
        .collect()
}

/// The `Sec-WebSocket-Accept` that a request asks for.
pub(crate) fn accept(head: &str) -> String {
    let key = fields(head, "sec-websocket-key")[0];
    ws_core::handshake::accept_key(key.as_bytes()).to_str().unwrap().to_owned()
}

/// The response that accepts a request, with more header lines.
pub(crate) fn switching(head: &str, more: &str) -> String {
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: \
         {}\r\n{more}\r\n",
        accept(head)
    )
}

/// Accepts the handshake and returns the request.
pub(crate) async fn accept_handshake(io: &mut (impl AsyncRead + AsyncWrite + Unpin), more: &str) -> String {
    let head = read_head(io).await;
    io.write_all(switching(&head, more).as_bytes()).await.unwrap();
    io.flush().await.unwrap();
    head
}

/// Answers every request with these bytes and keeps the connection until the client ends it.
pub(crate) async fn answer(io: &mut (impl AsyncRead + AsyncWrite + Unpin), response: &str) {
    read_head(io).await;
    io.write_all(response.as_bytes()).await.unwrap();
    io.flush().await.unwrap();
    let _ = io.read(&mut [0]).await;
}
