//! `wss://`: certificates that are accepted and refused, what TLS agrees on, and how it ends. Each test runs with every
//! library that is compiled in.
#![cfg(any(feature = "native-tls", feature = "rustls"))]

#[path = "../support/mod.rs"]
mod support;

mod alpn;
mod authority;
mod certificates;
mod client_certificates;
mod ends;
#[cfg(feature = "native-tls")]
mod native_tls_only;
#[cfg(feature = "rustls")]
mod roots;
mod server_name;

use std::{net::SocketAddr, sync::Arc};

use rustls::ServerConfig;
use tokio::{io::AsyncWriteExt, net::TcpStream, task::JoinHandle};
use tokio_rustls::{TlsAcceptor, server::TlsStream};
use ws_client::{Conn, DialError, DialErrorKind, Dialer, TlsError, Transport};

use support::{accept_handshake, serve};

/// Accepts TLS and the opening handshake, greets, and hands over the stream.
async fn greet(config: ServerConfig) -> (SocketAddr, JoinHandle<Option<TlsStream<TcpStream>>>) {
    serve(|io| async move {
        let mut io = TlsAcceptor::from(Arc::new(config)).accept(io).await.ok()?;
        accept_handshake(&mut io, "").await;
        io.write_all(b"\x81\x02hi").await.unwrap();
        io.flush().await.unwrap();
        Some(io)
    })
    .await
}

async fn dial(dialer: &Dialer, host: &str, addr: SocketAddr) -> Result<Conn<Transport>, DialError> {
    dialer.dial(format!("wss://{host}:{}/", addr.port())).await.map(|(conn, _)| conn)
}

/// Dials a server whose certificate must not be accepted.
async fn refused(dialer: &Dialer, server: ServerConfig, host: &str) -> (TlsError, String) {
    let (addr, server) = greet(server).await;
    let error = dial(dialer, host, addr).await.unwrap_err();
    assert!(server.await.unwrap().is_none(), "the server saw a handshake");
    (reason(&error), error.to_string())
}

fn reason(error: &DialError) -> TlsError {
    match error.kind() {
        DialErrorKind::Tls(reason) => *reason,
        _ => panic!("{error:?}"),
    }
}
