//! Requests to a server: without an HTTP server, and over `http` types (RFC 6455, 4.2).

use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, Version};
use ws_core::{
    handshake::{self, Refusal},
    raw::handshake::{Handshake, UpgradeError, Upgrader},
};

use crate::{
    heap::measured_in_place,
    invariant::memory_for,
    link::{link, with_time},
};

/// A head, and what follows it.
pub(crate) fn run(input: &[u8]) {
    let upgrader = Upgrader::new().allow_any_origin().subprotocols(["chat", "superchat"]);
    let whole = answer(&upgrader, input, usize::MAX);
    for width in [1, 7, 64] {
        assert_eq!(answer(&upgrader, input, width), whole, "I3: reads of {width}");
    }
    check_output(&whole);
    if let Some(result) = over_http_types(input) {
        match (&whole.result, result) {
            // Stricter: the ends of lines, and targets that are neither a path nor a URL.
            (Err(told), _) if told.starts_with("Malformed") => {}
            (Err(told), Err(refusal)) => {
                assert_eq!(*told, format!("{:?}", UpgradeError::Refused(refusal)), "I21")
            }
            (Ok(_), Ok(accept)) => {
                let line =
                    [b"\r\nSec-WebSocket-Accept: ", accept.as_bytes(), b"\r\n"].concat().to_ascii_lowercase();
                let output = whole.output.to_ascii_lowercase();
                assert!(output.windows(line.len()).any(|found| found == line), "I21: the key is answered");
            }
            (told, other) => panic!("I21: {told:?}, over http types {other:?}"),
        }
    } else {
        // A target may have characters here that `http::Uri` does not take.
        assert!(whole.result.is_err() || is_head(input), "I21: accepted, and is no HTTP");
    }
}

fn is_head(input: &[u8]) -> bool {
    let mut fields = [httparse::EMPTY_HEADER; 200];
    matches!(httparse::Request::new(&mut fields).parse(input), Ok(httparse::Status::Complete(_)))
}

/// What a server made of the bytes.
#[derive(Debug, PartialEq, Eq)]
struct Answer {
    /// Subprotocol and extensions; or why not.
    result: Result<String, String>,
    output: Vec<u8>,
}

fn answer(upgrader: &Upgrader, input: &[u8], width: usize) -> Answer {
    let (mut near, far) = link(width, true);
    far.send(input);
    far.end(Ok(()));
    let (result, usage) = measured_in_place(|| with_time(upgrader.upgrade(&mut near)));
    let limit = memory_for(input.len());
    assert!(usage.peak <= limit as isize, "I2: {} bytes for {} received", usage.peak, input.len());
    let describe = |handshake: Handshake| {
        let read = &input[..input.len() - far.unread()];
        assert!(read.ends_with(&handshake.read_buf), "I11: what came behind the head is there");
        format!("{:?} {:?}", handshake.subprotocol, handshake.extensions)
    };
    Answer { result: result.map(describe).map_err(|error| format!("{error:?}")), output: far.written() }
}

/// I7 and I8: one answer or none, and a head that is one.
fn check_output(answer: &Answer) {
    let output = &answer.output;
    if output.is_empty() {
        assert_eq!(answer.result, Err("Closed".to_owned()), "I9: no answer");
        return;
    }
    let mut fields = [httparse::EMPTY_HEADER; 32];
    let mut response = httparse::Response::new(&mut fields);
    let parsed = response.parse(output).expect("I8: the answer is HTTP");
    let httparse::Status::Complete(head) = parsed else { panic!("I8: half an answer") };
    let status = response.code.expect("a status");
    match &answer.result {
        Ok(_) => assert_eq!((status, head), (101, output.len()), "I7: something behind the head"),
        Err(_) => {
            assert!((400..500).contains(&status), "I9: {status}");
            let length =
                response.headers.iter().find(|field| field.name.eq_ignore_ascii_case("content-length"));
            let length = length.and_then(|field| std::str::from_utf8(field.value).ok()?.parse().ok());
            assert_eq!(length, Some(output.len() - head), "I8: the length of the body");
        }
    }
    for field in response.headers.iter() {
        assert!(HeaderValue::from_bytes(field.value).is_ok(), "I8: {field:?}");
    }
}

/// What [`handshake`] says of the same head; `None` if it is no head, or none that `http` has types for.
fn over_http_types(input: &[u8]) -> Option<Result<HeaderValue, Refusal>> {
    let mut fields = [httparse::EMPTY_HEADER; 200];
    let mut request = httparse::Request::new(&mut fields);
    let Ok(httparse::Status::Complete(_)) = request.parse(input) else { return None };
    let uri: Uri = request.path?.parse().ok()?;
    let mut headers = HeaderMap::new();
    for field in request.headers.iter() {
        let name = HeaderName::from_bytes(field.name.as_bytes()).ok()?;
        headers.append(name, HeaderValue::from_bytes(field.value).ok()?);
    }
    let method: Method = request.method?.parse().ok()?;
    let version = if request.version == Some(1) { Version::HTTP_11 } else { Version::HTTP_10 };
    let checked = handshake::check_request(&method, version, &uri, &headers);
    let accept = checked.and_then(|()| handshake::check_key(&headers));
    if accept.is_ok() {
        // 4.2.1, by hand and by the letter of it.
        let has = |name: &str, word: &str| {
            let lines = headers.get_all(name).iter();
            let words = lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b','));
            words.map(<[u8]>::trim_ascii).any(|found| found.eq_ignore_ascii_case(word.as_bytes()))
        };
        assert!(method == Method::GET && version == Version::HTTP_11, "I21: {method} {version:?}");
        assert!(has("connection", "upgrade") && has("upgrade", "websocket"), "I21: {headers:?}");
        assert!(has("sec-websocket-version", "13"), "I21: {headers:?}");
        assert_eq!(headers.get_all("sec-websocket-key").iter().count(), 1, "I21: {headers:?}");
        let key = headers["sec-websocket-key"].as_bytes().trim_ascii();
        assert!(key.len() == 24 && key.ends_with(b"=="), "I21: {headers:?}");
    }
    Some(accept)
}
