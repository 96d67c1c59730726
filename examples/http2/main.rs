//! How do several WebSockets share one connection of HTTP/2?
//!
//! ```text
//! cargo run --release --bin http2 --features http2
//! ```
//!
//! A server without TLS, as it stands behind a proxy that ends TLS, and a client that opens three WebSockets on one connection
//! (RFC 8441). Browsers speak HTTP/2 over TLS only: `tls` serves those.
#![forbid(unsafe_code)]

use std::{
    convert::Infallible, error::Error, future::poll_fn, net::SocketAddr, pin::Pin, task::Poll, time::Duration,
};

use axum::http::{Method, Request, Uri, Version, header::SEC_WEBSOCKET_VERSION};
use http_body_util::Empty;
use hyper::{body::Bytes, client::conn::http2 as client, ext::Protocol, server::conn::http2 as server};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    time::timeout,
};
use ws_core::{Config, Conn, Negotiated, Role};
use ws_tower::Upgrader;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

#[tokio::main]
async fn main() -> Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let address = listener.local_addr()?;
    tokio::spawn(serve(listener));

    let mut connection = connect(address).await?;
    let mut sockets = Vec::new();
    for number in 0..3 {
        sockets.push(open(&mut connection, address, number).await?);
    }
    for (number, conn) in sockets.iter_mut().enumerate() {
        conn.write_message(format!("hello from {number}")).await?;
    }
    for conn in &mut sockets {
        if let Some(message) = conn.read_message().await? {
            println!("{}", message.to_text()?);
        }
        conn.close(None).await?;
    }
    println!("{} WebSockets over one connection", sockets.len());
    Ok(())
}

/// Echoes, over HTTP/2 and nothing else.
async fn serve(listener: TcpListener) -> Result<Infallible> {
    // The same policy and the same handlers as over HTTP/1.1.
    let echo = Upgrader::new().service(|mut conn| async move {
        while let Ok(Some(message)) = conn.read_message().await {
            if conn.queue_message(message).await.is_err() {
                break;
            }
        }
    });
    // It takes the requests that open WebSockets, and no stream that is not read stops the others.
    let mut http2 = server::Builder::new(TokioExecutor::new());
    ws_tower::http2::configure(&mut http2);
    loop {
        let (stream, _) = listener.accept().await?;
        let service = TowerToHyperService::new(echo.clone());
        tokio::spawn(http2.serve_connection(TokioIo::new(stream), service));
    }
}

type Connection = client::SendRequest<Empty<Bytes>>;

/// Opens a connection, and waits until the server has said that it takes WebSockets (RFC 8441, 3).
async fn connect(address: SocketAddr) -> Result<Connection> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let (requests, mut connection) = client::handshake(TokioExecutor::new(), TokioIo::new(stream)).await?;
    let settings = poll_fn(|cx| {
        let polled = Pin::new(&mut connection).poll(cx).map(|_| Err("the server has closed the connection"));
        if connection.is_extended_connect_protocol_enabled() { Poll::Ready(Ok(())) } else { polled }
    });
    timeout(Duration::from_secs(5), settings)
        .await
        .map_err(|_| "the server takes no WebSockets over HTTP/2")??;
    tokio::spawn(connection);
    Ok(requests)
}

/// Opens a WebSocket as a stream of the connection (RFC 8441, 5).
async fn open(
    connection: &mut Connection,
    address: SocketAddr,
    number: usize,
) -> Result<Conn<TokioIo<hyper::upgrade::Upgraded>>> {
    let uri: Uri = format!("http://{address}/ws/{number}").parse()?;
    let request = Request::builder()
        .method(Method::CONNECT)
        .version(Version::HTTP_2)
        .uri(uri)
        .header(SEC_WEBSOCKET_VERSION, "13")
        .extension(Protocol::from_static("websocket"))
        .body(Empty::new())?;
    let response = connection.send_request(request).await?;
    if !response.status().is_success() {
        return Err(format!("refused: {}", response.status()).into());
    }
    let stream = hyper::upgrade::on(response).await?;
    Ok(Conn::new(TokioIo::new(stream), Role::Client, Config::new(), Negotiated::new()))
}
