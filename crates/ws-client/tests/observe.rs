//! Events of the `tracing` crate.
#![cfg(feature = "tracing")]

#[allow(dead_code, reason = "it is shared with other tests")]
#[path = "../../ws-tower/tests/observe/subscriber.rs"]
mod subscriber;
mod support;

use std::time::Duration;

use http::Response;
use subscriber::Told;
use tracing::subscriber::set_default;
use ws_client::{
    Config, Conn, DialError, DialErrorKind, Dialer,
    reconnect::{Event, Reconnecting},
    ws_core::{CloseFrame, Negotiated, Role},
};

use support::{accept_handshake, answer, serve};

#[tokio::test]
async fn dial_has_a_span_with_its_steps_and_what_was_agreed_on_and_no_secrets() {
    let told = Told::default();
    let _guard = set_default(told.clone());
    let chat = "sec-websocket-protocol: chat\r\n";
    let (addr, server) = serve(move |mut io| async move { accept_handshake(&mut io, chat).await }).await;
    let dialer = Dialer::new().subprotocols(["chat"]);
    dialer.dial(format!("ws://{addr}/secret-path?token=secret-token")).await.unwrap();
    server.await.unwrap();
    assert_eq!(
        told.take(),
        [
            format!("span dial child server=\"{addr}\""),
            "TRACE in dial: connecting".into(),
            "TRACE in dial: waiting for the response".into(),
            "DEBUG in dial: connection opened status=101 subprotocol=\"chat\"".into(),
        ]
    );
}

#[tokio::test]
async fn dial_that_fails_says_why_once() {
    let told = Told::default();
    let _guard = set_default(told.clone());
    let (addr, _server) = serve(|mut io| async move {
        answer(&mut io, "HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n").await;
    })
    .await;
    let error = Dialer::new().dial(format!("ws://{addr}/")).await.unwrap_err();
    assert_eq!(error.kind(), &DialErrorKind::Refused(http::StatusCode::UNAUTHORIZED));
    let lines = told.take();
    let failed: Vec<_> = lines.iter().filter(|line| line.contains("dial failed")).collect();
    assert_eq!(failed, [&format!("DEBUG in dial: dial failed error={error}")]);
}

#[tokio::test(start_paused = true)]
async fn client_that_comes_back_tells_when_it_is_up_and_down() {
    let told = Told::default();
    let _guard = set_default(told.clone());
    let mut client = Reconnecting::from_fn(|attempt| async move {
        if attempt == 1 {
            return Err(DialError::from(DialErrorKind::Dns).into());
        }
        let (near, far) = tokio::io::duplex(1 << 10);
        let mut server = Conn::new(far, Role::Server, Config::new(), Negotiated::new());
        tokio::spawn(async move {
            let _ = server.close(CloseFrame::new(1012, "a \u{1b}[31m word")).await;
        });
        Ok((Conn::new(near, Role::Client, Config::new(), Negotiated::new()), Response::new(())))
    });
    for _ in 0..3 {
        client.next().await.unwrap();
    }
    let lines = told.take();
    let [failed, up, down] = &lines[..] else { panic!("{lines:?}") };
    assert!(failed.starts_with("WARN in none: attempt failed attempt=1 cause=could not find"), "{failed}");
    assert!(failed.contains("retry_in_seconds="), "{failed}");
    assert_eq!(up, "INFO in none: connection is up attempt=2");
    assert!(down.starts_with("WARN in none: connection is down cause=the server closed"), "{down}");
    assert!(!down.contains('\u{1b}'), "what the server wrote is escaped: {down}");

    let _ = client.outbox().close(None);
    while let Some(event) = client.next().await {
        assert!(!matches!(event, Event::Message(_)));
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}
