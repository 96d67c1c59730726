//! What an observer is shown of a handshake.

use std::{
    io, mem,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, ReadBuf, duplex, join, sink};
use ws_core::raw::handshake::{Dialer, Observed, Upgrader};

use super::support::{Request, accepting, dial, read_head, serve};

/// Bytes that an observer was shown, and whether they are a request's.
type Shown = (bool, Vec<u8>);

/// What an observer has seen.
#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Vec<Shown>>>);

impl Seen {
    fn observer(&self) -> impl Fn(Observed<'_>) + Send + Sync + Clone + use<> {
        let Self(log) = self.clone();
        move |bytes| match bytes {
            Observed::Request(bytes) => log.lock().unwrap().push((true, bytes.to_vec())),
            Observed::Response(bytes) => log.lock().unwrap().push((false, bytes.to_vec())),
            _ => {}
        }
    }

    fn take(&self) -> Vec<Shown> {
        mem::take(&mut *self.0.lock().unwrap())
    }
}

#[tokio::test(start_paused = true)]
async fn observer_sees_the_bytes_of_both_directions() {
    let seen = Seen::default();
    let upgrader = Upgrader::new().observe(seen.observer());
    for input in
        [Request::new().bytes(), Request::new().without("Host").bytes(), b"GET / HTTP/1.1\n".to_vec()]
    {
        let (_, output) =
            serve(&upgrader, &[input.as_slice(), if input.len() > 20 { b"\x81" } else { b"" }].concat())
                .await;
        assert_eq!(seen.take(), [(true, input), (false, output)]);
    }

    let dialer = Dialer::new().observe(seen.observer());
    let mut expected = Vec::new();
    let (result, _) = dial(&dialer, "ws://example.org/", |request| {
        expected.push((true, request.as_bytes().to_vec()));
        expected.push((false, b"HTTP/1.1 100 Continue\r\n\r\n".to_vec()));
        expected.push((false, accepting(request).into_bytes()));
        [&expected[1].1[..], &expected[2].1, b"\x81\x00"].concat()
    })
    .await;
    assert!(result.is_ok());
    assert_eq!(seen.take(), expected);
}

/// A stream that was reset.
struct Reset;

impl AsyncRead for Reset {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, _: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()))
    }
}

#[tokio::test(start_paused = true)]
async fn observer_of_a_server_sees_what_arrived_of_a_request_that_breaks_off() {
    let head = Request::new().bytes();
    for input in [&head[..0], &head[..40]] {
        let seen = Seen::default();
        let upgrader = Upgrader::new().observe(seen.observer());
        let (mut near, mut far) = duplex(4096);
        far.write_all(input).await.unwrap();
        far.shutdown().await.unwrap();
        upgrader.upgrade(&mut near).await.unwrap_err();
        assert_eq!(seen.take(), [(true, input.to_vec())]);

        upgrader.upgrade(&mut join(input.chain(Reset), sink())).await.unwrap_err();
        assert_eq!(seen.take(), [(true, input.to_vec())]);
    }
}

#[tokio::test(start_paused = true)]
async fn observer_of_a_client_sees_what_arrived_of_an_answer_that_is_none() {
    let too_large = [b"HTTP/1.1 101 \r\nX: ".as_slice(), &[b'x'; 64 << 10]].concat();
    for (name, input, closes) in [
        ("silent", b"".as_slice(), false),
        ("late", b"HTTP/1.1 101 Switching Protocols\r\nUpgr", false),
        ("cut", b"HTTP/1.1 101 Switching Protocols\r\nUpgr", true),
        ("malformed", b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\n\n", false),
        ("too large", &too_large, false),
    ] {
        let seen = Seen::default();
        let dialer = Dialer::new().observe(seen.observer());
        let (mut near, mut far) = duplex(1 << 20);
        let answer = async {
            let request = read_head(&mut far).await.into_bytes();
            far.write_all(b"HTTP/1.1 100 \r\n\r\n").await.unwrap();
            far.write_all(input).await.unwrap();
            if closes {
                far.shutdown().await.unwrap();
            }
            (request, far)
        };
        let uri = "ws://example.org/".parse().unwrap();
        let (result, (request, _far)) = tokio::join!(dialer.handshake(&mut near, &uri), answer);
        assert!(result.is_err(), "{name}");
        let expected = [
            (true, request),
            (false, b"HTTP/1.1 100 \r\n\r\n".to_vec()),
            // No more than a head may have is read.
            (false, input[..input.len().min(64 << 10)].to_vec()),
        ];
        assert_eq!(seen.take(), expected, "{name}");
    }
}
