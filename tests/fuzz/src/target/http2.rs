//! The same bytes over a stream of HTTP/2 (RFC 8441): whatever a client sends in DATA frames, and sessions of our client
//! with our server.

use std::{future::poll_fn, pin::Pin, time::Duration};

use arbitrary::{Arbitrary, Result, Unstructured};
use bytes::Bytes;
use h2::ext::Protocol;
use http::{Request, Uri};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    service::TowerToHyperService,
};
use tokio::{
    io::{DuplexStream, duplex},
    task::JoinSet,
    time::timeout,
};
use ws_client::Dialer;
use ws_core::{Config, Message, MessageKind, Role};
use ws_tower::Upgrader;

use crate::{
    endpoint::{Setup, Told, pieces},
    grammar,
    link::with_time,
    wire,
};

/// A byte that says which of the two, and the bytes or the steps.
pub(crate) fn run(input: &[u8]) {
    let mut input = Unstructured::new(input);
    let Ok(bits) = u8::arbitrary(&mut input) else { return };
    with_time(async {
        if bits & 1 == 0 {
            bytes_in_data_frames(bits, &mut input).await;
        } else {
            // The input is at its end: so is the session.
            let _ = session(bits, &mut input).await;
        }
    });
}

/// A server that echoes, at one end of a pipe. It ends with the pipe.
fn serve(config: Config, tasks: &mut JoinSet<()>) -> DuplexStream {
    let (near, far) = duplex(64 << 10);
    let service = Upgrader::new().config(config).service(|mut conn| async move {
        while let Ok(Some(message)) = conn.read_message().await {
            if conn.write_message(message).await.is_err() {
                return;
            }
        }
    });
    let mut server = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
    ws_tower::http2::configure(&mut server);
    tasks.spawn(async move {
        // However the client ends it.
        let _ = server.serve_connection(TokioIo::new(far), TowerToHyperService::new(service)).await;
    });
    near
}

/// I21: the server answers as the bytes say, however they are cut into DATA frames.
async fn bytes_in_data_frames(bits: u8, input: &mut Unstructured<'_>) {
    let setup = Setup::new(Role::Server);
    let stream = if bits & 2 == 0 {
        grammar::stream(input, &setup)
    } else {
        input.bytes(input.len()).unwrap_or_default().to_vec()
    };
    let stream = &stream[..stream.len().min(16 << 10)];
    let seen = setup.feed([stream]);

    let mut tasks = JoinSet::new();
    let near = serve(setup.config(), &mut tasks);
    let size = (1 + usize::from(bits >> 2) * 7).max(stream.len().div_ceil(MOST_PIECES));
    let written = timeout(PATIENCE, exchange(near, stream, size, &mut tasks)).await;
    let written = written.expect("I10: the stream does not end");
    let (frames, rest) = wire::written(Role::Server, &written, false);
    assert!(rest.is_empty(), "I8: half a frame: {rest:x?}");

    // An echo for each message, a pong for each ping but those that a later one stands for, and the close frame.
    let told: Vec<_> = frames.iter().filter(|(first, _)| first & 0x0F != wire::PONG).cloned().collect();
    let mut expected: Vec<wire::Written> = Vec::new();
    for told in &seen.told {
        if let Told::Message(kind, data) = told {
            let opcode = if *kind == MessageKind::Text { wire::TEXT } else { wire::BINARY };
            expected.push((wire::FIN | opcode, data.clone()));
        }
    }
    let close = seen.written.last().filter(|(first, _)| first & 0x0F == wire::CLOSE);
    expected.extend(close.cloned());
    let first_two = |(first, payload): &wire::Written| {
        let end = if first & 0x0F == wire::CLOSE { 2.min(payload.len()) } else { payload.len() };
        (*first, payload[..end].to_vec())
    };
    let told: Vec<_> = told.iter().map(first_two).collect();
    let expected: Vec<_> = expected.iter().map(first_two).collect();
    assert_eq!(told, expected, "I21: over HTTP/2");
    tasks.shutdown().await;
}

/// Opens a WebSocket, sends the bytes in DATA frames, ends the stream, and gives what came back.
async fn exchange(near: DuplexStream, stream: &[u8], size: usize, tasks: &mut JoinSet<()>) -> Vec<u8> {
    let (mut requests, connection) = h2::client::handshake(near).await.expect("I1: HTTP/2 begins");
    tasks.spawn(async move {
        // However the server ends it.
        let _ = connection.await;
    });
    while !requests.is_extended_connect_protocol_enabled() {
        tokio::task::yield_now().await;
    }
    let request = Request::connect("https://server.example/ws")
        .extension(Protocol::from_static("websocket"))
        .header("sec-websocket-version", "13")
        .body(())
        .expect("a request");
    let (answer, mut send) = requests.send_request(request, false).expect("I1: a request");
    let response = answer.await.expect("I1: an answer");
    assert_eq!(response.status(), 200, "I1: accepted");
    let mut body = response.into_body();
    let sends = async {
        for piece in pieces(stream, &[size]) {
            send.reserve_capacity(piece.len());
            while send.capacity() < piece.len() {
                // The server has ended the stream: it needs no more.
                let Some(Ok(_)) = poll_fn(|cx| send.poll_capacity(cx)).await else { return };
            }
            if send.send_data(Bytes::copy_from_slice(piece), false).is_err() {
                return;
            }
            tokio::task::yield_now().await;
        }
        let _ = send.send_data(Bytes::new(), true);
    };
    let reads = async {
        let mut written = Vec::new();
        while let Some(Ok(data)) = body.data().await {
            let _ = body.flow_control().release_capacity(data.len());
            written.extend_from_slice(&data);
        }
        written
    };
    tokio::join!(sends, reads).1
}

/// I11: messages of our client, on several WebSockets of one connection, come back whole and in order.
async fn session(bits: u8, input: &mut Unstructured<'_>) -> Result<()> {
    let mut tasks = JoinSet::new();
    let near = serve(Config::new(), &mut tasks);
    let dialer = Dialer::new().http2();
    let connection = dialer.handshake(near).await.expect("I1: HTTP/2 begins");
    let uri = Uri::from_static("wss://server.example/ws");
    let mut conns = Vec::new();
    for _ in 0..1 + bits / 2 % 3 {
        let opened = connection.open(uri.clone()).await;
        conns.push((opened.expect("I1: a WebSocket").0, std::collections::VecDeque::new()));
    }
    loop {
        let step = u8::arbitrary(input);
        let at = usize::from(step.unwrap_or(0) / 8) % conns.len();
        let (conn, pending) = &mut conns[at];
        match step.unwrap_or(7) % 8 {
            0..=2 => {
                let size = *input.choose(&[0, 1, 125, 126, 5000, 70_000])?;
                let message = if bool::arbitrary(input)? {
                    Message::text("t".repeat(size))
                } else {
                    Message::binary(vec![b'b'; size])
                };
                // Within what both windows hold while nobody reads.
                if pending.iter().map(|sent: &Message| len(sent) + 100).sum::<usize>() + size < 40_000 {
                    bounded(Box::pin(conn.write_message(message.clone()))).await.expect("I11: a message");
                    pending.push_back(message);
                }
            }
            3 | 4 => {
                if let Some(sent) = pending.pop_front() {
                    let back = bounded(Box::pin(conn.read_message())).await.expect("I11: an echo");
                    assert!(back.as_ref() == Some(&sent), "I11: another message came back");
                }
            }
            5 => bounded(Box::pin(conn.flush())).await.expect("I11: a flush"),
            6 if conns.len() > 1 => {
                // Closed or dropped: the others go on.
                let (mut conn, _) = conns.swap_remove(at);
                if bool::arbitrary(input)? {
                    bounded(Box::pin(conn.close(None))).await.expect("I17: a close");
                }
            }
            _ => {}
        }
        if input.is_empty() {
            break;
        }
    }
    for (mut conn, mut pending) in conns {
        while let Some(sent) = pending.pop_front() {
            let back = bounded(Box::pin(conn.read_message())).await.expect("I11: an echo");
            assert!(back.as_ref() == Some(&sent), "I11: another message came back");
        }
        bounded(Box::pin(conn.close(None))).await.expect("I17: a close");
    }
    tasks.shutdown().await;
    Ok(())
}

fn len(message: &Message) -> usize {
    match message {
        Message::Text(text) => text.len(),
        Message::Binary(data) => data.len(),
        Message::Ping(_) | Message::Pong(_) | Message::Close(_) => 0,
    }
}

async fn bounded<T>(future: Pin<Box<dyn Future<Output = T> + '_>>) -> T {
    timeout(PATIENCE, future).await.expect("I10: nobody wakes it")
}

/// More DATA frames only take longer.
const MOST_PIECES: usize = 2048;
/// In virtual time: longer than any timeout in between.
const PATIENCE: Duration = Duration::from_secs(60);
