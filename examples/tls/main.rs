//! How do I serve `wss://`, over HTTP/1.1 and HTTP/2?
//!
//! ```text
//! cargo run --release --bin tls --features tls
//! cargo run --release --bin tls --features tls -- --listen 127.0.0.1:8443
//! ```
//!
//! Then open the printed address in a browser, and accept the certificate, which is made at every start and
//! signed by nobody. The page and its WebSocket come over one connection of HTTP/2; the program says so. A server of your own
//! loads a certificate and its key from files instead: `CertificateDer::pem_file_iter` and `PrivateKeyDer::from_pem_file`.
#![forbid(unsafe_code)]

use std::{error::Error, pin::pin, sync::Arc, time::Duration};

use axum::{
    Router,
    http::{Request, Version, uri::Scheme},
    response::{Html, Response},
    routing::{any, get},
};
use hyper::body::Incoming;
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
    service::TowerToHyperService,
};
use tokio::{
    net::TcpStream,
    sync::Notify,
    time::{sleep, timeout},
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{ServerConfig, crypto::ring, pki_types::PrivateKeyDer},
};
use tower::ServiceExt as _;
use ws_tower::{
    UpgradeLayer, Upgrader,
    extract::{Error as WebSocketError, WebSocket, WebSocketUpgrade},
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let acceptor = TlsAcceptor::from(Arc::new(config()?));
    // There is nothing here but TLS, so a page of `http://` on this host is of another origin.
    let upgrader = Upgrader::new().external_scheme(Scheme::HTTPS);
    let app = Router::new()
        .route("/", get(Html(include_str!("../echo/index.html"))))
        // `any` and not `get`: over HTTP/1.1 the method is GET, over HTTP/2 it is CONNECT.
        .route("/ws", any(upgrade))
        .layer(UpgradeLayer::new(upgrader));

    // One server for both versions of HTTP. What `configure` sets is for HTTP/2 alone.
    let mut server = auto::Builder::new(TokioExecutor::new());
    server.http1().timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT);
    ws_tower::http2::configure(&mut server);

    let listener = ws_examples::listen_tls().await;
    loop {
        let Ok((tcp, _)) = listener.accept().await else { continue };
        let (acceptor, server, app) = (acceptor.clone(), server.clone(), app.clone());
        tokio::spawn(async move {
            if let Err(error) = serve(tcp, &acceptor, &server, app).await {
                eprintln!("{error}");
            }
        });
    }
}

/// Serves one connection, from its first byte on.
async fn serve(
    tcp: TcpStream,
    acceptor: &TlsAcceptor,
    server: &auto::Builder<TokioExecutor>,
    app: Router,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    // Who does not finish the TLS handshake is not kept.
    let tls = timeout(HEAD_TIMEOUT, acceptor.accept(tcp)).await??;
    let asked = Arc::new(Notify::new());
    let app = app.map_request({
        let asked = asked.clone();
        move |request: Request<Incoming>| {
            asked.notify_one();
            request
        }
    });
    let mut served =
        pin!(server.serve_connection_with_upgrades(TokioIo::new(tls), TowerToHyperService::new(app)));
    // Nor who speaks TLS and asks for nothing: hyper-util waits for ever for the bytes that tell the version of HTTP.
    tokio::select! {
        result = served.as_mut() => return result,
        () = asked.notified() => {}
        () = sleep(HEAD_TIMEOUT) => return Err("no request in time".into()),
    }
    served.await
}

/// A certificate for this machine, and the two protocols in the order in which they are liked (RFC 7301).
fn config() -> Result<ServerConfig, Box<dyn Error>> {
    let names = ["localhost", "127.0.0.1", "::1"].map(str::to_owned);
    let certified = rcgen::generate_simple_self_signed(names)?;
    let key = PrivateKeyDer::try_from(certified.signing_key.serialize_der())?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![certified.cert.der().clone()], key)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

/// Answers the opening handshake, whichever version it came over.
async fn upgrade(version: Version, ws: WebSocketUpgrade) -> Response {
    println!("a WebSocket over {version:?}");
    ws.on_upgrade(|socket| async move {
        if let Err(error) = echo(socket).await {
            eprintln!("{error}");
        }
    })
}

async fn echo(socket: WebSocket) -> Result<(), WebSocketError> {
    let mut conn = socket.into_conn();
    while let Some(message) = conn.read_message().await? {
        conn.queue_message(message).await?;
    }
    Ok(())
}

const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
