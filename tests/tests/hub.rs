//! A hub behind real servers: `ws-client` over loopback, HTTP/1.1 and HTTP/2, axum and plain tower, with compression and without.

use std::{net::SocketAddr, time::Duration};

use axum::{Router, body::Body, extract::State, response::Response, routing::any};
use http::StatusCode;
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
    service::TowerToHyperService,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
    time::timeout,
};
use ws_client::{Conn, DialErrorKind, Dialer, dial};
use ws_core::{CloseFrame, DeflateConfig, Message, Utf8Bytes};
use ws_hub::{Admission, Config, Disconnect, Handler, Hub, Session};
use ws_tests::serve::Server;
use ws_tower::{Upgrader, extract::WebSocketUpgrade};

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// One room for all.
struct Chat;

impl Handler for Chat {
    async fn connect(&self, session: &Session<Self>) -> std::result::Result<(), CloseFrame> {
        let joined = session.hub().room("lobby").join(session);
        session.send("welcome");
        joined.map(drop).map_err(|error| CloseFrame::new(4000, error.to_string()))
    }

    async fn text(&self, session: &Session<Self>, text: Utf8Bytes) {
        session.hub().room("lobby").except(session).send(text);
    }

    fn disconnect(&self, session: &Session<Self>, end: &Disconnect) {
        session.hub().room("lobby").send(format!("left with {}", end.code));
    }
}

async fn welcomed<S: AsyncRead + AsyncWrite + Unpin>(conn: &mut Conn<S>) -> Result {
    assert_eq!(conn.read_message().await?, Some(Message::text("welcome")));
    Ok(())
}

/// Two talk, one leaves.
async fn converse<S, T>(mut a: Conn<S>, mut b: Conn<T>) -> Result
where
    S: AsyncRead + AsyncWrite + Unpin,
    T: AsyncRead + AsyncWrite + Unpin,
{
    welcomed(&mut a).await?;
    welcomed(&mut b).await?;
    for len in [0, 10, 5000, 200_000] {
        let message = Message::text("x".repeat(len));
        a.write_message(message.clone()).await?;
        assert_eq!(b.read_message().await?, Some(message));
    }
    a.close(CloseFrame::new(4001, "bye")).await?;
    assert_eq!(b.read_message().await?, Some(Message::text("left with 4001")));
    b.close(None).await?;
    Ok(())
}

async fn upgrade(State(hub): State<Hub<Chat>>, ws: WebSocketUpgrade) -> Response {
    match hub.reserve(Admission::new()) {
        Ok(seat) => ws.compression(DeflateConfig::new()).on_upgrade(|socket| async move {
            seat.serve(socket.into_conn()).await;
        }),
        Err(_) => Response::builder().status(503).body(Body::empty()).expect("a response"),
    }
}

fn app(hub: &Hub<Chat>) -> Router {
    Router::new().route("/ws", any(upgrade)).with_state(hub.clone())
}

#[tokio::test]
async fn sessions_talk_over_axum() -> Result {
    let hub = Hub::new(Chat);
    let server = Server::start(app(&hub)).await;
    let (a, _) = dial(server.url("/ws")).await?;
    // One of them with compression: both receive what one has sent.
    let (b, _) = Dialer::new().compression(DeflateConfig::new()).dial(server.url("/ws")).await?;
    converse(a, b).await?;
    timeout(Duration::from_secs(10), hub.closed()).await?;
    assert!(hub.room_names().is_empty());
    Ok(())
}

#[tokio::test]
async fn a_full_hub_refuses_before_the_handshake() -> Result {
    let hub = Hub::with_config(Chat, Config::new().max_sessions(1));
    let server = Server::start(app(&hub)).await;
    let (mut conn, _) = dial(server.url("/ws")).await?;
    welcomed(&mut conn).await?;
    let refused = dial(server.url("/ws")).await.err().ok_or("a second was let in")?;
    assert!(matches!(refused.kind(), DialErrorKind::Refused(StatusCode::SERVICE_UNAVAILABLE)));
    Ok(())
}

/// A server of HTTP/1.1 and HTTP/2 without axum.
async fn plain(hub: &Hub<Chat>) -> Result<SocketAddr> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let addr = listener.local_addr()?;
    let hub = hub.clone();
    let service = Upgrader::new().service(move |conn| {
        let hub = hub.clone();
        async move {
            hub.serve(conn).await;
        }
    });
    let mut server = auto::Builder::new(TokioExecutor::new());
    ws_tower::http2::configure(&mut server);
    tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            let (server, service) = (server.clone(), TowerToHyperService::new(service.clone()));
            tokio::spawn(async move {
                let _ = server.serve_connection_with_upgrades(TokioIo::new(tcp), service).await;
            });
        }
    });
    Ok(addr)
}

#[tokio::test]
async fn sessions_talk_over_plain_tower_and_http2() -> Result {
    let hub = Hub::new(Chat);
    let addr = plain(&hub).await?;
    let url = format!("ws://{addr}/");
    let (a, _) = dial(&*url).await?;
    let (b, _) = Dialer::new().http2().prior_knowledge(true).dial(&*url).await?;
    converse(a, b).await?;
    timeout(Duration::from_secs(10), hub.closed()).await?;
    Ok(())
}
