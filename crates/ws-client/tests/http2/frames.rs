//! Servers whose frames are written by hand, for what h2 would not send.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream},
    time::timeout,
};
use ws_client::{Conn, DialErrorKind, Dialer, ErrorKind, Http2Connection, Http2Error, Http2Stream, Message};

use crate::server::{pipe, within};

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const WINDOW_UPDATE: u8 = 8;

const END_HEADERS: u8 = 4;

/// The server's end of a connection.
struct Frames(DuplexStream);

struct Frame {
    kind: u8,
    stream: u32,
}

impl Frames {
    async fn write(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        let mut frame = vec![length[1], length[2], length[3], kind, flags];
        frame.extend_from_slice(&stream.to_be_bytes());
        frame.extend_from_slice(payload);
        within(self.0.write_all(&frame)).await.unwrap();
    }

    /// The next frame of this kind.
    async fn read(&mut self, kind: u8) -> Frame {
        loop {
            let frame = within(self.next()).await;
            if frame.kind == kind {
                return frame;
            }
        }
    }

    async fn next(&mut self) -> Frame {
        let mut head = [0; 9];
        self.0.read_exact(&mut head).await.unwrap();
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        self.0.read_exact(&mut vec![0; length as usize]).await.unwrap();
        Frame { kind: head[3], stream: u32::from_be_bytes([head[5], head[6], head[7], head[8]]) }
    }

    /// Accepts the next WebSocket, on a stream that it tells.
    async fn accept(&mut self) -> u32 {
        let stream = self.read(HEADERS).await.stream;
        // :status 200, in HPACK's static table.
        self.write(HEADERS, END_HEADERS, stream, &[0x88]).await;
        stream
    }
}

/// A connection with a server that takes WebSockets.
async fn connected() -> (Http2Connection, Frames) {
    let (near, far) = pipe();
    let mut server = Frames(far);
    // ENABLE_CONNECT_PROTOCOL.
    server.write(SETTINGS, 0, 0, &[0, 8, 0, 0, 0, 1]).await;
    let connection = within(Dialer::new().http2().handshake(near)).await.unwrap();
    within(server.0.read_exact(&mut [0; 24])).await.unwrap();
    (connection, server)
}

async fn open(connection: &Http2Connection, server: &mut Frames) -> (Conn<Http2Stream>, u32) {
    let (opened, stream) =
        within(async { tokio::join!(connection.open("ws://example.com/"), server.accept()) }).await;
    (opened.unwrap().0, stream)
}

/// What was on its way when a stream was reset is no offence of the server's.
#[tokio::test]
async fn websockets_that_are_dropped_in_the_middle_of_messages_leave_the_others_alone() {
    let (connection, mut server) = connected().await;
    let (mut conn, stream) = open(&connection, &mut server).await;
    let mut others = Vec::new();
    while others.len() < 150 {
        others.push(open(&connection, &mut server).await);
    }
    let streams: Vec<_> = others.iter().map(|(_, stream)| *stream).collect();
    drop(others);
    for _ in &streams {
        server.read(RST_STREAM).await;
    }
    for _ in 0..20 {
        for other in &streams {
            server.write(DATA, 0, *other, b"\x82\x01!").await;
        }
        // The client has seen them before the next ones come.
        server.write(PING, 0, 0, &[0; 8]).await;
        server.read(PING).await;
    }
    server.write(DATA, 0, stream, b"\x81\x05hello").await;
    assert_eq!(within(conn.read_message()).await.unwrap(), Some(Message::text("hello")));
}

/// The window of the connection belongs to all. A stream that waits and then has no more to say must not keep it.
#[tokio::test(start_paused = true)]
async fn websockets_whose_writes_were_given_up_leave_the_window_to_the_others() {
    let (connection, mut server) = connected().await;
    let mut conns = Vec::new();
    for _ in 0..10 {
        conns.push(open(&connection, &mut server).await);
    }
    let second = Duration::from_secs(1);
    let (mut conn, _) = conns.pop().unwrap();
    // The first one fills the window, and the others wait for it.
    for (waiting, _) in &mut conns {
        timeout(second, waiting.write_message(vec![0; 70_000])).await.unwrap_err();
    }
    server.write(WINDOW_UPDATE, 0, 0, &65_535_u32.to_be_bytes()).await;
    timeout(second, conn.write_message("hello")).await.expect("nothing is left for it").unwrap();
}

#[tokio::test]
async fn server_changes_how_many_streams_it_allows() {
    let (connection, mut server) = connected().await;
    let (mut conn, stream) = open(&connection, &mut server).await;
    for streams in [0, 1] {
        // MAX_CONCURRENT_STREAMS.
        server.write(SETTINGS, 0, 0, &[0, 3, 0, 0, 0, streams]).await;
        server.write(DATA, 0, stream, b"\x81\x05hello").await;
        assert_eq!(within(conn.read_message()).await.unwrap(), Some(Message::text("hello")));
        let error = within(connection.open("ws://example.com/")).await.unwrap_err();
        assert_eq!(error.kind(), &DialErrorKind::Http2(Http2Error::TooManyStreams));
    }
    server.write(SETTINGS, 0, 0, &[0, 3, 0, 0, 0, 2]).await;
    server.write(DATA, 0, stream, b"\x81\x05hello").await;
    within(conn.read_message()).await.unwrap();
    open(&connection, &mut server).await;
}

#[tokio::test]
async fn reset_of_any_code_in_the_middle_of_a_message_is_a_loss_of_that_websocket_alone() {
    let (connection, mut server) = connected().await;
    let (mut conn, stream) = open(&connection, &mut server).await;
    for code in (0..=14).chain([u32::MAX]) {
        let (mut other, reset) = open(&connection, &mut server).await;
        server.write(DATA, 0, reset, b"\x81\x05he").await;
        server.write(RST_STREAM, 0, reset, &code.to_be_bytes()).await;
        let error = within(other.read_message()).await.unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::ConnectionLost, "{code}");
        server.write(DATA, 0, stream, b"\x81\x05hello").await;
        assert_eq!(within(conn.read_message()).await.unwrap(), Some(Message::text("hello")));
    }
}
