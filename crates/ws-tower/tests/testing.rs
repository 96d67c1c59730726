//! Routes in process: the test client against every kind of service, and what becomes of upgrades that come to nothing.

#![cfg(feature = "testing")]

use std::{
    convert::Infallible,
    future::{Ready, ready},
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use http::{HeaderValue, Request, Response, StatusCode, header};
use http_body::{Body, Frame};
use tokio::sync::mpsc;
use tower::{Service, ServiceBuilder, service_fn};
use ws_core::{CloseCode, Config, Conn, ErrorKind, Message};
use ws_tower::{ResponseBody, UpgradeError, Upgraded, Upgrader, testing::Client};

async fn echo(mut conn: Conn<Upgraded>) {
    while let Ok(Some(message)) = conn.read_message().await {
        if conn.write_message(message).await.is_err() {
            return;
        }
    }
}

#[tokio::test]
async fn service_of_an_upgrader_talks_over_the_pipe() {
    let client = Client::new(Upgrader::new().service(echo));
    let (mut conn, response) = client.connect("/any?where").await.expect("a connection");
    assert_eq!(response.status(), StatusCode::SWITCHING_PROTOCOLS);
    assert!(response.headers().contains_key(header::SEC_WEBSOCKET_ACCEPT));
    conn.write_message("hello").await.expect("sent");
    assert_eq!(conn.read_message().await.expect("read"), Some(Message::text("hello")));
    conn.close(CloseCode::GOING_AWAY).await.expect("the closing handshake");
}

#[tokio::test]
async fn many_connections_share_one_service() {
    let client = Client::new(Upgrader::new().service(echo));
    let mut conns = Vec::new();
    for _ in 0..20 {
        conns.push(client.connect("/").await.expect("a connection").0);
    }
    for (number, conn) in conns.iter_mut().enumerate() {
        conn.write_message(format!("{number}")).await.expect("sent");
    }
    for (number, conn) in conns.iter_mut().enumerate() {
        assert_eq!(conn.read_message().await.expect("read"), Some(Message::text(number.to_string())));
    }
}

#[tokio::test]
async fn subprotocol_is_agreed_on_at_both_ends() {
    let service = Upgrader::new().subprotocols(["v1", "v2"]).service(|mut conn| async move {
        let name = conn.subprotocol().unwrap_or("none").to_owned();
        conn.write_message(name).await.expect("sent");
    });
    for (offer, chosen) in [(&["v2", "v1"][..], Some("v2")), (&["v3"], None), (&[], None)] {
        let client = Client::new(service.clone()).subprotocols(offer.iter().copied());
        let (mut conn, _) = client.connect("/").await.expect("a connection");
        assert_eq!(conn.subprotocol(), chosen);
        let told = conn.read_message().await.expect("read");
        assert_eq!(told, Some(Message::text(chosen.unwrap_or("none"))));
    }
}

#[cfg(feature = "deflate")]
#[tokio::test]
async fn compression_is_agreed_on_at_both_ends() {
    use ws_core::DeflateConfig;

    let service = Upgrader::new().compression(DeflateConfig::new()).service(echo);
    let plain = Client::new(service);
    let (conn, _) = plain.connect("/").await.expect("a connection");
    assert_eq!(conn.deflate(), None);
    let (mut conn, response) =
        plain.compression(DeflateConfig::new()).connect("/").await.expect("a connection");
    assert!(conn.deflate().is_some() && response.headers().contains_key(header::SEC_WEBSOCKET_EXTENSIONS));
    let stats = conn.stats();
    conn.write_message("long ".repeat(1000)).await.expect("sent");
    assert_eq!(conn.read_message().await.expect("read"), Some(Message::text("long ".repeat(1000))));
    assert_eq!((stats.sent().compressed_messages, stats.received().compressed_messages), (1, 1));
}

#[tokio::test]
async fn refusal_is_given_with_its_headers_and_body() {
    let client = Client::new(Upgrader::new().service(echo)).origin("https://evil.example");
    let refused = client.connect("wss://app.example/ws").await.expect_err("refused");
    assert_eq!(refused.status(), Some(StatusCode::FORBIDDEN));
    let response = refused.into_response().expect("an answer");
    assert_eq!(response.headers()["connection"], "close");
    assert_eq!(response.body(), "Forbidden");
}

#[tokio::test]
async fn host_of_the_url_is_the_origin_that_may_connect() {
    let client = Client::new(Upgrader::new().service(echo)).origin("https://app.example");
    client.connect("wss://app.example/ws").await.expect("a connection");
    client.connect("/ws").await.expect_err("that is localhost");
}

#[tokio::test]
async fn header_of_the_handshake_is_replaced() {
    let client = Client::new(Upgrader::new().service(echo));
    let old = client.clone().header(header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static("8"));
    assert_eq!(old.connect("/").await.expect_err("refused").status(), Some(StatusCode::UPGRADE_REQUIRED));
    // Another key has another answer, which is checked.
    let key = HeaderValue::from_static("AQIDBAUGBwgJCgsMDQ4PEA==");
    client.header(header::SEC_WEBSOCKET_KEY, key).connect("/").await.expect("a connection");
}

#[tokio::test]
async fn what_cannot_be_sent_is_an_error_without_an_answer() {
    let client = Client::new(Upgrader::new().service(echo));
    for refused in [
        client.connect("no url").await,
        client.clone().origin("a\nb").connect("/").await,
        client.clone().subprotocols(["two words"]).connect("/").await,
    ] {
        let error = refused.expect_err("not sent");
        assert!(error.response().is_none() && std::error::Error::source(&error).is_some(), "{error:?}");
    }
}

/// Accepts what it takes with a policy, and answers with something else when that is told.
fn hand_written(
    events: mpsc::UnboundedSender<Result<(), bool>>,
    answer: Option<StatusCode>,
) -> impl Service<
    Request<String>,
    Response = Response<ResponseBody>,
    Error = Infallible,
    Future = Ready<Result<Response<ResponseBody>, Infallible>>,
> + Clone {
    service_fn(move |mut request: Request<String>| {
        let accepted = Upgrader::new().upgrade(&mut request).expect("accepted");
        assert!(Upgrader::new().upgrade(&mut request).is_err(), "the upgrade was taken");
        let events = events.clone();
        tokio::spawn(async move {
            let upgraded = accepted.conn.await;
            let _ = events.send(upgraded.map(drop).map_err(|error: UpgradeError| error.is_timeout()));
        });
        let mut response = accepted.response.map(|()| ResponseBody::from("no"));
        *response.status_mut() = answer.unwrap_or(StatusCode::SWITCHING_PROTOCOLS);
        ready(Ok(response))
    })
}

#[tokio::test]
async fn service_may_take_a_body_of_its_own() {
    let (send, mut events) = mpsc::unbounded_channel();
    let client = Client::new(hand_written(send, None)).body(String::new);
    let (mut conn, _) = client.connect("/").await.expect("a connection");
    assert_eq!(events.recv().await, Some(Ok(())));
    let lost = conn.read_message().await.expect_err("the other end was dropped");
    assert_eq!(lost.kind(), &ErrorKind::ConnectionLost);
}

#[tokio::test]
async fn upgrade_fails_when_another_response_is_sent() {
    let (send, mut events) = mpsc::unbounded_channel();
    let client = Client::new(hand_written(send, Some(StatusCode::IM_A_TEAPOT))).body(String::new);
    let refused = client.connect("/").await.expect_err("refused");
    assert_eq!(events.recv().await, Some(Err(false)));
    let response = refused.response().expect("an answer");
    assert_eq!((response.status().as_u16(), &response.body()[..]), (418, &b"no"[..]));
}

#[tokio::test(start_paused = true)]
async fn upgrade_waits_for_the_response_and_fails_when_it_is_never_sent() {
    let (send, mut events) = mpsc::unbounded_channel();
    let inner = hand_written(send, None);
    let slow = service_fn(move |request: Request<String>| {
        let mut inner = inner.clone();
        async move {
            let response = inner.call(request).await;
            tokio::time::sleep(Duration::from_secs(5)).await;
            response
        }
    });
    let client = Client::new(slow).body(String::new);
    let connect = client.connect("/");
    assert!(tokio::time::timeout(Duration::from_secs(4), connect).await.is_err());
    // Dropped with the future, and not a moment before.
    assert_eq!(events.recv().await, Some(Err(false)));
    let (answer, upgraded) = tokio::join!(client.connect("/"), events.recv());
    answer.expect("a connection");
    assert_eq!(upgraded, Some(Ok(())));
}

#[tokio::test(start_paused = true)]
async fn handshake_timeout_passes_in_paused_time() {
    let (send, mut events) = mpsc::unbounded_channel();
    let inner = Upgrader::new()
        .service(echo)
        .on_failed_upgrade(move |error: UpgradeError| send.send(error.is_timeout()).expect("the test waits"));
    let slow = service_fn(move |request: Request<ResponseBody>| {
        let mut inner = inner.clone();
        async move {
            let response = inner.call(request).await;
            tokio::time::sleep(Duration::from_secs(11)).await;
            response
        }
    });
    let (mut conn, _) = Client::new(slow).connect("/").await.expect("the response came");
    assert_eq!(events.recv().await, Some(true));
    conn.read_message().await.expect_err("nobody is there");
}

#[tokio::test]
async fn service_that_fails_is_an_error() {
    let client = Client::new(service_fn(|_: Request<ResponseBody>| {
        ready(Err::<Response<ResponseBody>, _>(std::io::Error::other("broken")))
    }));
    let error = client.connect("/").await.expect_err("failed");
    assert_eq!(std::error::Error::source(&error).expect("a cause").to_string(), "broken");
}

#[tokio::test]
async fn answer_that_no_client_accepts_is_an_error() {
    let client = Client::new(service_fn(|_: Request<ResponseBody>| {
        let mut response = Response::new(ResponseBody::empty());
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        ready(Ok::<_, Infallible>(response))
    }));
    let error = client.connect("/").await.expect_err("no handshake");
    assert_eq!(error.status(), Some(StatusCode::SWITCHING_PROTOCOLS));
    assert!(std::error::Error::source(&error).expect("a cause").is::<ws_core::handshake::ResponseError>());
}

/// A body that never ends.
struct Endless;

impl Body for Endless {
    type Data = bytes::Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Infallible>>> {
        Poll::Ready(Some(Ok(Frame::data(bytes::Bytes::from_static(&[b'x'; 1000])))))
    }
}

#[tokio::test]
async fn body_of_a_refusal_is_bounded() {
    let client = Client::new(service_fn(|_: Request<ResponseBody>| {
        let mut response = Response::new(Endless);
        *response.status_mut() = StatusCode::BAD_GATEWAY;
        ready(Ok::<_, Infallible>(response))
    }));
    let refused = client.connect("/").await.expect_err("refused");
    assert_eq!(refused.response().expect("an answer").body().len(), 64 << 10);
}

#[tokio::test(start_paused = true)]
async fn small_pipe_makes_the_application_wait() {
    let (send, mut events) = mpsc::unbounded_channel();
    let service = Upgrader::new().service(move |mut conn| async move {
        conn.write_message(vec![0; 1000]).await.expect("sent");
        send.send(()).expect("the test waits");
    });
    let client = Client::new(service).buffer_size(100).config(Config::new().max_message_size(2000));
    let (mut conn, _) = client.connect("/").await.expect("a connection");
    assert!(tokio::time::timeout(Duration::from_secs(60), events.recv()).await.is_err(), "nobody reads");
    assert_eq!(conn.read_message().await.expect("read").expect("a message").into_data().len(), 1000);
    events.recv().await.expect("sent");
}

#[tokio::test]
async fn settings_of_the_client_are_its_own() {
    let client = Client::new(Upgrader::new().service(echo)).config(Config::new().max_message_size(10));
    let (mut conn, _) = client.connect("/").await.expect("a connection");
    conn.write_message("far too long for this end").await.expect("the server takes it");
    let error = conn.read_message().await.expect_err("too big");
    assert_eq!(error.kind(), &ErrorKind::TooBig { limit: 10 });
}

#[tokio::test]
async fn layers_see_the_request_and_the_response() {
    let service = ServiceBuilder::new()
        .map_request(|mut request: Request<ResponseBody>| {
            request.headers_mut().insert("x-seen", HeaderValue::from_static("1"));
            request
        })
        .map_response(|mut response: Response<ResponseBody>| {
            response.headers_mut().insert("x-layer", HeaderValue::from_static("1"));
            response
        })
        .service(Upgrader::new().service(echo));
    let (_, response) = Client::new(service).connect("/").await.expect("a connection");
    assert_eq!(response.headers()["x-layer"], "1");
}

#[cfg(feature = "axum")]
mod axum {
    use std::{net::SocketAddr, sync::Arc};

    use ::axum::{
        Extension, Router,
        body::Body,
        extract::{ConnectInfo, Path, RawQuery, State},
        middleware::{Next, from_fn},
        response::IntoResponse,
        routing::any,
    };
    use tokio::sync::broadcast;
    use ws_tower::{CheckOrigin, UpgradeLayer, extract::WebSocketUpgrade};

    use super::*;

    #[tokio::test]
    async fn router_gives_state_path_query_and_extensions_to_the_handler() {
        async fn handler(
            State(greeting): State<Arc<str>>,
            Path(room): Path<String>,
            RawQuery(query): RawQuery,
            ConnectInfo(peer): ConnectInfo<SocketAddr>,
            Extension(user): Extension<&'static str>,
            ws: WebSocketUpgrade,
        ) -> impl IntoResponse {
            ws.on_upgrade(async move |mut socket| {
                let text = format!("{greeting} {user} in {room} with {query:?} from {peer}");
                socket.send(text.into()).await.expect("sent");
            })
        }
        let require = |request: Request<Body>, next: Next| async move {
            match request.headers().get("authorization") {
                Some(token) if token == "Bearer secret" => {
                    let mut request = request;
                    request.extensions_mut().insert("ann");
                    next.run(request).await
                }
                _ => (StatusCode::UNAUTHORIZED, "sign in").into_response(),
            }
        };
        let app = Router::new()
            .route("/rooms/{room}", any(handler))
            .layer(from_fn(require))
            .with_state(Arc::<str>::from("hello"));
        let client = Client::new(app).extension(ConnectInfo(SocketAddr::from(([192, 0, 2, 1], 1234))));
        let refused = client.connect("/rooms/tea").await.expect_err("refused");
        let response = refused.response().expect("an answer");
        assert_eq!((response.status().as_u16(), &response.body()[..]), (401, &b"sign in"[..]));
        assert!(refused.to_string().contains("sign in"), "{refused}");

        let client = client.header(header::AUTHORIZATION, HeaderValue::from_static("Bearer secret"));
        let (mut conn, _) = client.connect("/rooms/tea?a=1").await.expect("a connection");
        let told = conn.read_message().await.expect("read").expect("a message").into_text().expect("text");
        assert_eq!(told, r#"hello ann in tea with Some("a=1") from 192.0.2.1:1234"#);
        assert_eq!(
            client.connect("/other").await.expect_err("refused").status(),
            Some(StatusCode::NOT_FOUND)
        );
    }

    #[tokio::test]
    async fn layer_decides_and_a_plain_request_is_no_upgrade() {
        async fn handler(ws: WebSocketUpgrade) -> impl IntoResponse {
            ws.on_upgrade(|socket| echo(socket.into_conn()))
        }
        let upgrader = Upgrader::new()
            .check_origin(CheckOrigin::list(["https://app.example"]).expect("a pattern"))
            .subprotocols(["chat"]);
        let app = Router::new().route("/ws", any(handler)).layer(UpgradeLayer::new(upgrader));
        let client = Client::new(app).subprotocols(["chat"]);
        let (mut conn, response) =
            client.clone().origin("https://app.example").connect("/ws").await.expect("a connection");
        assert_eq!(response.headers()["sec-websocket-protocol"], "chat");
        conn.write_message("hello").await.expect("sent");
        assert_eq!(conn.read_message().await.expect("read"), Some(Message::text("hello")));
        let refused = client.origin("https://other.example").connect("/ws").await.expect_err("refused");
        assert_eq!(refused.status(), Some(StatusCode::FORBIDDEN));
    }

    #[tokio::test]
    async fn connections_of_one_app_hear_each_other() {
        async fn handler(
            State(room): State<broadcast::Sender<String>>,
            ws: WebSocketUpgrade,
        ) -> impl IntoResponse {
            ws.on_upgrade(move |mut socket| async move {
                let mut messages = room.subscribe();
                loop {
                    tokio::select! {
                        message = socket.recv() => match message {
                            Some(Ok(Message::Text(text))) => drop(room.send(text.to_string())),
                            _ => return,
                        },
                        Ok(text) = messages.recv() => socket.send(text.into()).await.expect("sent"),
                    }
                }
            })
        }
        let app = Router::new().route("/chat", any(handler)).with_state(broadcast::channel(8).0);
        let client = Client::new(app);
        let (mut ann, _) = client.connect("/chat").await.expect("a connection");
        let (mut bob, _) = client.connect("/chat").await.expect("a connection");
        // Bob hears himself once he is in the room.
        bob.write_message("here").await.expect("sent");
        assert_eq!(bob.read_message().await.expect("read"), Some(Message::text("here")));
        ann.write_message("hello").await.expect("sent");
        assert_eq!(bob.read_message().await.expect("read"), Some(Message::text("hello")));
    }

    #[tokio::test]
    async fn service_with_the_body_of_axum_is_called_with_it() {
        let service = service_fn(|mut request: Request<Body>| {
            let accepted = Upgrader::new().upgrade(&mut request).expect("accepted");
            drop(accepted.conn);
            ready(Ok::<_, Infallible>(accepted.response.map(|()| Body::empty())))
        });
        Client::new(service).body(Body::empty).connect("/").await.expect("a response");
    }
}
