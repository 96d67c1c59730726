//! Servers that speak something else, break off, or dawdle.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use rustls::ServerConfig;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy, duplex, split},
    task::JoinHandle,
    time::timeout,
};
use tokio_rustls::TlsAcceptor;
use ws_client::{DialErrorKind, ErrorKind, Message, Phase, TlsError, dial as dial_plainly};

use super::{
    authority::Authority,
    dial, greet, reason,
    support::{PATIENCE, accept_handshake, serve},
};

/// A close_notify that is not encrypted: a warning, as RFC 8446, 6.1 has it.
const CLOSE_NOTIFY: &[u8] = b"\x15\x03\x03\x00\x02\x01\x00";

/// A server whose bytes go through `relay` on their way to the client.
async fn relayed(config: ServerConfig, mut cut: Cut) -> (SocketAddr, JoinHandle<()>) {
    serve(move |io| async move {
        let (near, far) = duplex(1 << 16);
        let server = async move {
            let Ok(mut io) = TlsAcceptor::from(Arc::new(config)).accept(near).await else { return };
            accept_handshake(&mut io, "").await;
            io.write_all(b"\x81\x02hi").await.unwrap();
            io.flush().await.unwrap();
            let _ = io.read(&mut [0]).await;
        };
        let (mut from_client, mut to_client) = io.into_split();
        let (mut from_server, mut to_server) = split(far);
        let up = async { copy(&mut from_client, &mut to_server).await };
        let down = async {
            let mut byte = [0];
            while cut.after > 0 && from_server.read(&mut byte).await.is_ok_and(|count| count > 0) {
                cut.after -= 1;
                if to_client.write_all(&byte).await.is_err() {
                    return;
                }
            }
            let _ = to_client.write_all(cut.last_words).await;
            let _ = to_client.shutdown().await;
        };
        tokio::spawn(server);
        // The client hangs up, or hears nothing more.
        tokio::join!(down, up).1.ok();
    })
    .await
}

/// Where the server's bytes end, and what comes then.
struct Cut {
    after: usize,
    last_words: &'static [u8],
}

// Shows TLS-1.
#[tokio::test]
async fn server_that_answers_byte_by_byte_is_understood() {
    let authority = Authority::new();
    for dialer in authority.dialers() {
        let cut = Cut { after: usize::MAX, last_words: b"" };
        let (addr, _server) = relayed(authority.server(&["localhost"]), cut).await;
        let mut conn = dial(&dialer, "localhost", addr).await.unwrap();
        assert_eq!(conn.read_message().await.unwrap(), Some(Message::text("hi")));
    }
}

// Shows TLS-3.
#[tokio::test]
async fn server_that_breaks_off_during_the_handshake_is_told_at_once() {
    let authority = Authority::new();
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        for dialer in authority.dialers() {
            // The first 500 bytes are TLS's; the last of these come behind the handshake of the WebSocket.
            for after in (0..1000).step_by(53) {
                for last_words in [b"", CLOSE_NOTIFY] {
                    let (addr, _server) =
                        relayed(authority.strict(version, None), Cut { after, last_words }).await;
                    let dialed = timeout(PATIENCE, dial(&dialer, "localhost", addr)).await.expect("no end");
                    if after < 500 {
                        let error = dialed.unwrap_err();
                        assert_eq!(reason(&error), TlsError::Closed, "{after} {error:?}");
                    } else if let Err(error) = dialed {
                        assert!(!error.is_timeout(), "{after} {error:?}");
                    }
                }
            }
        }
    }
}

// Shows TLS-3.
#[tokio::test]
async fn server_that_never_finishes_the_handshake_is_given_up() {
    let authority = Authority::new();
    for dialer in authority.dialers() {
        // Who is trusted is read once, and before there is a connection.
        let (addr, _server) = greet(authority.server(&["localhost"])).await;
        dial(&dialer, "localhost", addr).await.unwrap();
        let (addr, server) = serve(|mut io| async move { io.read_to_end(&mut Vec::new()).await }).await;
        let dialer = dialer.handshake_timeout(Duration::from_millis(500));
        let error = dial(&dialer, "localhost", addr).await.unwrap_err();
        assert_eq!(error.kind(), &DialErrorKind::TimedOut(Phase::Tls));
        server.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn server_that_speaks_http_is_told_from_one_that_speaks_tls() {
    for dialer in Authority::new().dialers() {
        for answer in ["HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n", "SSH-2.0-OpenSSH_9.2\r\n"] {
            let (addr, _server) = serve(move |mut io| async move {
                io.write_all(answer.as_bytes()).await.unwrap();
                let _ = io.read_to_end(&mut Vec::new()).await;
            })
            .await;
            let error = dial(&dialer, "localhost", addr).await.unwrap_err();
            assert_eq!(reason(&error), TlsError::NotTls, "{error:?}");
            assert!(error.to_string().contains("ws://"), "{error}");
        }
    }
}

#[tokio::test]
async fn ws_to_a_server_with_tls_is_an_http_error_that_hints_at_wss() {
    let (addr, _server) = greet(Authority::new().server(&["localhost"])).await;
    let error = dial_plainly(format!("ws://localhost:{}/", addr.port())).await.unwrap_err();
    assert_eq!(error.kind(), &DialErrorKind::Http);
    assert!(error.to_string().contains("wss://"), "{error}");
}

// Shows TLS-4.
#[tokio::test]
async fn connection_that_is_cut_is_lost_and_has_no_clean_end() {
    let authority = Authority::new();
    for dialer in authority.dialers() {
        // Between frames, within one, and with TLS's own goodbye in place of a close frame.
        for (begun, says_goodbye) in [(&b""[..], false), (b"\x81\x05he", false), (b"", true)] {
            let (addr, server) = greet(authority.server(&["localhost"])).await;
            let mut conn = dial(&dialer, "localhost", addr).await.unwrap();
            let mut stream = server.await.unwrap().unwrap();
            stream.write_all(begun).await.unwrap();
            stream.flush().await.unwrap();
            if says_goodbye {
                stream.shutdown().await.unwrap();
            }
            drop(stream);
            assert_eq!(conn.read_message().await.unwrap(), Some(Message::text("hi")));
            let error = conn.read_message().await.unwrap_err();
            assert_eq!(error.kind(), &ErrorKind::ConnectionLost, "{error:?}");
        }
    }
}
