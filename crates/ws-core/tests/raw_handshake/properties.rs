//! Whatever arrives.

use proptest::prelude::*;
use tokio::{
    io::{AsyncWriteExt, duplex},
    runtime::{Builder, Runtime},
};
use ws_core::raw::handshake::{DialError, Dialer, UpgradeError, Upgrader};

use super::support::{Request, accepting, dial, read_to_end, serve};

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_time().start_paused(true).build().unwrap()
}

/// Bytes that are a head, nearly.
fn mangled() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        any::<[u8; 1]>().prop_map(Vec::from),
        prop::sample::select(vec![
            "\r\n",
            "\n",
            "\r",
            ":",
            " ",
            ",",
            "\"",
            "\0",
            "HTTP/1.1",
            "websocket",
            "Upgrade: "
        ])
        .prop_map(|text| text.as_bytes().to_vec()),
    ];
    (prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), piece), 0..4)).prop_map(|edits| {
        let mut bytes =
            Request::new().and("Origin", "http://example.org").and("Sec-WebSocket-Protocol", "a, b").bytes();
        for (at, remove, piece) in edits {
            let at = at.index(bytes.len());
            let end = (at + usize::from(remove % 4)).min(bytes.len());
            bytes.splice(at..end, piece);
        }
        bytes
    })
}

/// Sends bytes in two pieces and ends the stream; gives what the server said and wrote.
fn send(input: &[u8], cut: usize) -> (Result<(), UpgradeError>, Vec<u8>) {
    runtime().block_on(async {
        let (mut near, mut far) = duplex(1 << 20);
        let client = async {
            far.write_all(&input[..cut]).await.unwrap();
            tokio::task::yield_now().await;
            let _ = far.write_all(&input[cut..]).await;
            let _ = far.shutdown().await;
            far
        };
        let server = async {
            let result = Upgrader::new().upgrade(&mut near).await.map(drop);
            drop(near);
            result
        };
        let (result, far) = tokio::join!(server, client);
        (result, read_to_end(far).await)
    })
}

proptest! {
    // Shows HS-6, PAN-1.
    #[test]
    fn any_bytes_are_answered_or_end_early(input in prop::collection::vec(any::<u8>(), 0..2000)) {
        let (result, output) = send(&input, 0);
        prop_assert!(result.is_err());
        let closed = matches!(result, Err(UpgradeError::Closed));
        prop_assert_eq!(output.is_empty(), closed);
        prop_assert!(closed || output.starts_with(b"HTTP/1.1 4"));
    }

    #[test]
    fn heads_are_judged_alike_however_they_are_cut(input in mangled(), cut: prop::sample::Index) {
        let (one, output) = send(&input, 0);
        let (other, other_output) = send(&input, cut.index(input.len() + 1));
        prop_assert_eq!(format!("{one:?}"), format!("{other:?}"));
        prop_assert_eq!(&output, &other_output);
        // One answer, and only one.
        prop_assert!(output.windows(9).filter(|bytes| bytes == b"HTTP/1.1 ").count() <= 1);
    }

    #[test]
    fn what_is_accepted_here_is_accepted_over_http_types(input in mangled()) {
        let input = [input.as_slice(), b"\r\n\r\n"].concat();
        let (result, _) = runtime().block_on(serve(&Upgrader::new().allow_any_origin(), &input));
        let mut fields = [httparse::EMPTY_HEADER; 100];
        let mut request = httparse::Request::new(&mut fields);
        let parsed = request.parse(&input);
        if result.is_ok() {
            prop_assert!(matches!(parsed, Ok(httparse::Status::Complete(_))), "{parsed:?}");
        }
        let (Ok(httparse::Status::Complete(_)), Some(Ok(uri))) = (parsed, request.path.map(str::parse::<http::Uri>)) else {
            return Ok(());
        };
        let mut headers = http::HeaderMap::new();
        for field in request.headers.iter() {
            let name = http::HeaderName::from_bytes(field.name.as_bytes());
            headers.append(name.unwrap(), http::HeaderValue::from_bytes(field.value).unwrap());
        }
        let method = request.method.unwrap().parse::<http::Method>().unwrap();
        let version = if request.version == Some(1) { http::Version::HTTP_11 } else { http::Version::HTTP_10 };
        let checked = ws_core::handshake::check_request(&method, version, &uri, &headers)
            .and_then(|()| ws_core::handshake::check_key(&headers));
        match result {
            Ok(_) => prop_assert!(checked.is_ok(), "{checked:?}"),
            Err(UpgradeError::Refused(refusal)) => prop_assert_eq!(checked.err(), Some(refusal)),
            // Stricter here: the ends of lines, and targets that are neither a path nor a URL.
            Err(_) => {}
        }
    }

    // Shows HS-6, PAN-1.
    #[test]
    fn any_answer_is_read_without_harm(
        answer in prop::collection::vec(any::<u8>(), 0..2000),
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..3),
    ) {
        let runtime = runtime();
        let (result, rest) = runtime.block_on(dial(&Dialer::new(), "ws://example.org/", |_| answer.clone()));
        prop_assert!(result.is_err() && rest.is_empty());
        let (result, _) = runtime.block_on(dial(&Dialer::new(), "ws://example.org/", |request| {
            let mut answer = accepting(request).into_bytes();
            for (at, byte) in &edits {
                let at = at.index(answer.len());
                answer[at] = *byte;
            }
            answer.extend_from_slice(&[0x81; 50]);
            answer
        }));
        if let Err(error) = &result {
            prop_assert!(!matches!(error, DialError::Io(_)), "{error:?}");
        }
    }
}
