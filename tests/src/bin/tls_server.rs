//! An echo over TLS that takes HTTP/1.1 and HTTP/2, and says what came over which connection: `chromium_tls.cjs` reads it.
//!
//! It ends with its standard input.

use std::sync::Arc;

use axum::{
    Extension, Router,
    http::Version,
    response::{Html, Response},
    routing::{any, get},
};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
    service::TowerToHyperService,
};
use serde_json::json;
use tokio::net::TcpListener;
use tokio_rustls::{
    TlsAcceptor,
    rustls::{ServerConfig, crypto::ring, pki_types::PrivateKeyDer},
};
use ws_core::{CloseCode, CloseFrame, Conn, DeflateConfig, Message};
use ws_tower::{UpgradeLayer, Upgraded, Upgrader, extract::WebSocketUpgrade};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// The number of a connection, from one on.
#[derive(Clone, Copy)]
struct Connection(u32);

#[tokio::main]
async fn main() -> Result<()> {
    let acceptor = TlsAcceptor::from(Arc::new(config()?));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", json!({ "listening": listener.local_addr()?.port() }));
    std::thread::spawn(|| {
        std::io::stdin().lines().for_each(drop);
        std::process::exit(0)
    });
    serve(listener, acceptor).await
}

async fn serve(listener: TcpListener, acceptor: TlsAcceptor) -> Result<()> {
    let app = Router::new()
        .route("/", get(page))
        .route("/ws", any(upgrade))
        .layer(UpgradeLayer::new(Upgrader::new().compression(DeflateConfig::new())));
    let mut server = auto::Builder::new(TokioExecutor::new());
    ws_tower::http2::configure(&mut server);
    for number in 1.. {
        let (tcp, _) = listener.accept().await?;
        let (acceptor, server) = (acceptor.clone(), server.clone());
        let app = app.clone().layer(Extension(Connection(number)));
        tokio::spawn(async move {
            // A browser opens connections that it does not use.
            if let Ok(tls) = acceptor.accept(tcp).await {
                let service = TowerToHyperService::new(app);
                server.serve_connection_with_upgrades(TokioIo::new(tls), service).await.ok();
            }
        });
    }
    Ok(())
}

fn config() -> Result<ServerConfig> {
    let certified = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()])?;
    let key = PrivateKeyDer::try_from(certified.signing_key.serialize_der())?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![certified.cert.der().clone()], key)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

async fn page(Extension(Connection(number)): Extension<Connection>, version: Version) -> Html<&'static str> {
    println!("{}", json!({ "page": [number, format!("{version:?}")] }));
    Html("<!doctype html><title>page</title>")
}

async fn upgrade(
    Extension(Connection(number)): Extension<Connection>,
    version: Version,
    ws: WebSocketUpgrade,
) -> Response {
    println!("{}", json!({ "socket": [number, format!("{version:?}")] }));
    ws.on_upgrade(move |socket| async move {
        let mut conn = socket.into_conn();
        let end = match echo(&mut conn).await {
            Ok(()) => String::from("closed"),
            Err(error) => error.to_string(),
        };
        println!("{}", json!({ "end": end }));
    })
}

/// Echoes, until the peer closes or asks to be closed.
async fn echo(conn: &mut Conn<Upgraded>) -> std::result::Result<(), ws_core::Error> {
    while let Some(message) = conn.read_message().await? {
        if message == Message::from("close me") {
            return conn.close(CloseFrame::new(CloseCode::from(4001), "as you wish")).await;
        }
        conn.queue_message(message).await?;
    }
    Ok(())
}
