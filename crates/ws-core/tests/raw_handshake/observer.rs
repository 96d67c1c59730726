//! What an observer is shown of a handshake.

use std::{
    mem,
    sync::{Arc, Mutex},
};

use ws_core::raw::handshake::{Dialer, Observed, Upgrader};

use super::support::{Request, accepting, dial, serve};

/// What an observer has seen: requests are marked `true`.
#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Vec<(bool, Vec<u8>)>>>);

impl Seen {
    fn observer(&self) -> impl Fn(Observed<'_>) + Send + Sync + Clone + use<> {
        let Self(log) = self.clone();
        move |bytes| match bytes {
            Observed::Request(bytes) => log.lock().unwrap().push((true, bytes.to_vec())),
            Observed::Response(bytes) => log.lock().unwrap().push((false, bytes.to_vec())),
            _ => {}
        }
    }

    fn take(&self) -> Vec<(bool, Vec<u8>)> {
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
