//! Responses to a client: without an HTTP client, and over `http` types (RFC 6455, 4.1).

use std::pin::pin;

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri};
use ws_core::{
    handshake::{accept_key, check_response},
    raw::handshake::{DialError, Dialer},
};

use crate::{
    heap::measured_in_place,
    invariant::memory_for,
    link::{link, with_time},
};

/// A head and what follows it; the word [`PLACEHOLDER`] stands for the answer to the key.
pub(crate) fn run(input: &[u8]) {
    let whole = dial(input, usize::MAX);
    for width in [1, 7, 64] {
        assert_eq!(dial(input, width), whole, "I3: reads of {width}");
    }
    if let Some(checked) = over_http_types(input) {
        if whole.is_ok() {
            assert!(checked, "I21: accepted, and refused over http types");
        }
    }
}

/// What a client made of the answer.
fn dial(input: &[u8], width: usize) -> Result<String, String> {
    let (mut near, far) = link(width, true);
    let dialer = Dialer::new().subprotocols(["chat", "superchat"]);
    let uri = Uri::from_static("ws://server.example/chat");
    let (result, usage) = measured_in_place(|| {
        with_time(async {
            let mut dial = pin!(dialer.handshake(&mut near, &uri));
            // The request is written in the first poll; its key is new each time.
            let first = std::future::poll_fn(|cx| std::task::Poll::Ready(dial.as_mut().poll(cx))).await;
            assert!(first.is_pending(), "I10: there is no answer yet");
            let request = String::from_utf8(far.written()).expect("I8: a request is ASCII");
            let answer = replaced(input, &answer_to(&request));
            far.send(&answer);
            far.end(Ok(()));
            let result = dial.await;
            assert_eq!(far.written().len(), request.len(), "I7: something behind the request");
            (result, answer)
        })
    });
    let (result, answer) = result;
    let limit = memory_for(input.len());
    assert!(usage.peak <= limit as isize, "I2: {} bytes for {} received", usage.peak, input.len());
    match result {
        Ok(handshake) => {
            let read = &answer[..answer.len() - far.unread()];
            assert!(read.ends_with(&handshake.read_buf), "I11: what came behind the head is there");
            assert!(answer.starts_with(b"HTTP/1.1 "), "I21: accepted");
            Ok(format!("{:?} {:?}", handshake.subprotocol, handshake.extensions))
        }
        Err(error) => {
            assert!(!matches!(error, DialError::TimedOut), "I10: {error:?}");
            Err(error.to_string())
        }
    }
}

fn answer_to(request: &str) -> Vec<u8> {
    let key = request.split("\r\n").find_map(|line| line.strip_prefix("Sec-WebSocket-Key: "));
    accept_key(key.expect("I8: a key").as_bytes()).as_bytes().to_vec()
}

fn replaced(input: &[u8], accept: &[u8]) -> Vec<u8> {
    match input.windows(PLACEHOLDER.len()).position(|found| found == PLACEHOLDER) {
        Some(at) => [&input[..at], accept, &input[at + PLACEHOLDER.len()..]].concat(),
        None => input.to_vec(),
    }
}

/// Whether [`check_response`] accepts the same head; `None` if it is none.
fn over_http_types(input: &[u8]) -> Option<bool> {
    let key = HeaderValue::from_static("dGhlIHNhbXBsZSBub25jZQ==");
    let answer = replaced(input, accept_key(key.as_bytes()).as_bytes());
    let mut rest = &answer[..];
    loop {
        let mut fields = [httparse::EMPTY_HEADER; 200];
        let mut response = httparse::Response::new(&mut fields);
        let Ok(httparse::Status::Complete(head)) = response.parse(rest) else { return None };
        let status = StatusCode::from_u16(response.code?).ok()?;
        // An interim response: the answer is behind it.
        if status.is_informational() && status != StatusCode::SWITCHING_PROTOCOLS {
            rest = &rest[head..];
            continue;
        }
        let mut headers = HeaderMap::new();
        for field in response.headers.iter() {
            let name = HeaderName::from_bytes(field.name.as_bytes()).ok()?;
            headers.append(name, HeaderValue::from_bytes(field.value).ok()?);
        }
        return Some(check_response(status, &headers, &key, &["chat", "superchat"]).is_ok());
    }
}

/// What a head says where the answer to the key belongs. As long as the answer, so that sizes stay.
pub(crate) const PLACEHOLDER: &[u8] = b"ACCEPT-OF-THE-CLIENTS-KEY-HE";
