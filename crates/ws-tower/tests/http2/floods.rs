//! Clients that flood a connection with what costs them little: h2 ends it, as `ws_tower::http2` leaves it configured.

use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::{
    client::{configured, echo},
    support::within,
};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00";
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;
const END_HEADERS: u8 = 4;
/// `GET /` of `server.example`, in HPACK.
const REQUEST: &[u8] = b"\x82\x86\x84\x41\x0eserver.example";
const ENHANCE_YOUR_CALM: u8 = 11;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("a short frame").to_be_bytes();
    let mut frame = vec![length[1], length[2], length[3], kind, flags];
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

/// Sends frames until the server has had enough. How many of them it took, and the code of its GOAWAY.
async fn flood(frames: impl Iterator<Item = Vec<u8>>) -> (usize, u8) {
    let (near, far) = tokio::io::duplex(4096);
    let server = configured().serve_connection(TokioIo::new(far), TowerToHyperService::new(echo()));
    let server = tokio::spawn(server);
    let (mut read, mut write) = tokio::io::split(near);
    let send = async {
        let mut sent = 0;
        write.write_all(PREFACE).await.expect("the server reads");
        for frame in frames {
            if write.write_all(&frame).await.is_err() {
                break;
            }
            sent += 1;
        }
        sent
    };
    let receive = async {
        let mut code = None;
        loop {
            let mut head = [0; 9];
            // The server drops its end with the connection.
            if read.read_exact(&mut head).await.is_err() {
                return code.expect("a GOAWAY");
            }
            let mut payload = vec![0; usize::from(head[1]) << 8 | usize::from(head[2])];
            read.read_exact(&mut payload).await.expect("a whole frame");
            if head[3] == GOAWAY {
                code = Some(payload[7]);
            }
        }
    };
    let (sent, code) = within(async { tokio::join!(send, receive) }).await;
    let _ = within(server).await.expect("the server does not panic");
    (sent, code)
}

/// A stream of its own for each number.
fn stream(number: u32) -> u32 {
    2 * number + 1
}

// Shows H2-01.
#[tokio::test]
async fn requests_that_are_reset_at_once_end_the_connection() {
    let pairs = (0..100_000).map(|number| {
        let mut pair = frame(HEADERS, END_HEADERS, stream(number), REQUEST);
        pair.extend(frame(RST_STREAM, 0, stream(number), &[0, 0, 0, 8]));
        pair
    });
    let (sent, code) = flood(pairs).await;
    assert_eq!(code, ENHANCE_YOUR_CALM);
    assert!(sent < 1_000, "{sent} pairs");
}

// Shows H2-02.
#[tokio::test]
async fn frames_that_make_the_server_reset_streams_end_the_connection() {
    let pairs = (0..100_000).map(|number| {
        let mut pair = frame(HEADERS, END_HEADERS, stream(number), REQUEST);
        // RFC 9113, 6.9.1: a window beyond its largest size is an error of the stream.
        pair.extend(frame(WINDOW_UPDATE, 0, stream(number), &0x7FFF_FFFF_u32.to_be_bytes()));
        pair
    });
    let (sent, code) = flood(pairs).await;
    assert_eq!(code, ENHANCE_YOUR_CALM);
    assert!(sent < 20_000, "{sent} pairs");
}

// Shows H2-03.
#[tokio::test]
async fn headers_that_never_end_end_the_connection() {
    // A literal without a name in the table, again and again; or nothing.
    for piece in [&b"\x00\x01a\x01b"[..], b""] {
        let begin = frame(HEADERS, 0, 1, REQUEST);
        let pieces = std::iter::once(begin)
            .chain(std::iter::repeat_with(|| frame(CONTINUATION, 0, 1, piece)).take(100_000));
        let (sent, code) = flood(pieces).await;
        assert_eq!(code, ENHANCE_YOUR_CALM, "{piece:?}");
        assert!(sent < 1_000, "{sent} frames of {piece:?}");
    }
}
