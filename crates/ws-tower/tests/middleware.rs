//! Upgrades through tower-http's middleware, in front of the layer and behind it, over loopback.
#![cfg(feature = "axum")]

mod support;

use std::{convert::Infallible, net::SocketAddr, time::Duration};

use axum::{Router, body::Body, extract::DefaultBodyLimit, response::Response, routing::any};
use http::{HeaderName, HeaderValue, Request, StatusCode, header};
use support::{ACCEPT, Handshake, Raw, TEXT};
use tower::{Layer as _, Service, ServiceBuilder, limit::ConcurrencyLimitLayer};
use tower_http::{
    auth::{AsyncAuthorizeRequest, AsyncRequireAuthorizationLayer},
    catch_panic::CatchPanicLayer,
    compression::CompressionLayer,
    cors::CorsLayer,
    limit::RequestBodyLimitLayer,
    set_header::SetResponseHeaderLayer,
    timeout::TimeoutLayer,
    trace::TraceLayer,
    validate_request::ValidateRequestHeaderLayer,
};
use ws_tower::{Upgrade, UpgradeLayer, Upgrader, extract::WebSocketUpgrade};

async fn echo(ws: WebSocketUpgrade) -> Response {
    ws.on_upgrade(|mut socket| async move {
        while let Some(Ok(message)) = socket.recv().await {
            let _ = socket.send(message).await;
        }
    })
}

fn policy() -> UpgradeLayer {
    UpgradeLayer::new(Upgrader::new().subprotocols(["chat"]))
}

fn routes() -> Router {
    Router::new()
        .route("/ws", any(echo))
        .route("/page", any(async || "page ".repeat(1000)))
        .route("/panics", any(async || -> &'static str { panic!("as asked for") }))
}

/// Opens a connection that goes by the policy of the layer, and echoes over it.
async fn upgrades(addr: SocketAddr, handshake: Handshake) -> (Raw, support::Head) {
    let handshake = handshake.add("Sec-WebSocket-Protocol", "other, chat");
    let (mut raw, head) = Raw::open(addr, &handshake).await;
    assert_eq!(head.status, 101);
    assert_eq!(head.get("sec-websocket-accept").as_deref(), Some(ACCEPT));
    assert_eq!(head.get("sec-websocket-protocol").as_deref(), Some("chat"));
    for absent in ["content-length", "transfer-encoding", "content-encoding", "sec-websocket-extensions"] {
        assert_eq!(head.get(absent), None, "{absent}");
    }
    raw.send_frame(TEXT, b"hi").await;
    assert_eq!(raw.frame().await, (TEXT, b"hi".to_vec()));
    (raw, head)
}

fn get() -> Handshake {
    Handshake::new("/ws")
}

fn plain(path: &str) -> Handshake {
    Handshake::new(path).without("Upgrade").set("Connection", "close")
}

// Shows PRX-6.
#[tokio::test]
async fn stack_in_front_of_the_policy_and_behind_it() {
    let outside = routes()
        .layer(policy())
        .layer(TraceLayer::new_for_http())
        .layer(CorsLayer::permissive())
        .layer(CompressionLayer::new())
        .layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, Duration::from_secs(5)))
        .layer(RequestBodyLimitLayer::new(1024))
        .layer(CatchPanicLayer::new());
    let inside = routes()
        .layer(CatchPanicLayer::new())
        .layer(RequestBodyLimitLayer::new(1024))
        .layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, Duration::from_secs(5)))
        .layer(CompressionLayer::new())
        .layer(CorsLayer::permissive())
        .layer(TraceLayer::new_for_http())
        .layer(policy());
    for app in [outside, inside] {
        let addr = support::serve_axum(app).await;
        let (_raw, head) = upgrades(addr, get().add("Accept-Encoding", "gzip")).await;
        assert_eq!(head.get("access-control-allow-origin").as_deref(), Some("*"));

        // What is no WebSocket is served as ever.
        let (mut raw, head) = Raw::open(addr, &plain("/page").add("Accept-Encoding", "gzip")).await;
        assert_eq!((head.status, head.get("content-encoding").as_deref()), (200, Some("gzip")));
        assert!(!raw.rest().await.is_empty());
        let (_raw, head) = Raw::open(addr, &plain("/panics")).await;
        assert_eq!(head.status, 500);

        // A refusal passes as a response like any other, and still ends its connection.
        let (mut raw, head) = Raw::open(addr, &get().add("Origin", "https://evil.example")).await;
        assert!(head.status == 403 && head.has("connection", "close"));
        raw.rest().await;
    }
}

/// The time is that of the response. What was upgraded by then lives on.
// Shows PRX-6.
#[tokio::test]
async fn timeout_ends_with_the_response_and_not_with_the_connection() {
    const TIMEOUT: Duration = Duration::from_millis(200);
    async fn slow(ws: WebSocketUpgrade) -> Response {
        std::future::pending::<()>().await;
        echo(ws).await
    }
    let app = Router::new()
        .route("/ws", any(echo))
        .route("/slow", any(slow))
        .layer(policy())
        .layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, TIMEOUT));
    let addr = support::serve_axum(app).await;
    let (mut raw, _) = upgrades(addr, get()).await;
    // The answer to this request says that the time has passed.
    let (_, head) = Raw::open(addr, &Handshake::new("/slow")).await;
    assert_eq!(head.status, 408);
    raw.send_frame(TEXT, b"still there").await;
    assert_eq!(raw.frame().await, (TEXT, b"still there".to_vec()));
}

#[tokio::test]
async fn authorization_decides_before_the_handshake_is_looked_at() {
    let app = || {
        #[expect(deprecated, reason = "meant for examples, and this is one")]
        let bearer = ValidateRequestHeaderLayer::bearer("secret");
        routes().layer(policy()).layer(bearer)
    };
    let addr = support::serve_axum(app()).await;
    let (_raw, head) = Raw::open(addr, &get()).await;
    assert_eq!(head.status, 401);
    upgrades(addr, get().add("Authorization", "Bearer secret")).await;
}

#[tokio::test]
async fn authorization_that_waits_decides_before_the_handshake_is_looked_at() {
    let addr =
        support::serve_axum(routes().layer(policy()).layer(AsyncRequireAuthorizationLayer::new(Session)))
            .await;
    let (_raw, head) = Raw::open(addr, &get()).await;
    assert_eq!(head.status, 401);
    upgrades(addr, get().add("Cookie", "session=1")).await;
}

/// Whether the cookie of a session is there, after a while.
#[derive(Clone, Copy)]
struct Session;

impl<B: Send + 'static> AsyncAuthorizeRequest<B> for Session {
    type RequestBody = B;
    type ResponseBody = Body;
    type Future = std::pin::Pin<Box<dyn Future<Output = Result<Request<B>, Response>> + Send>>;

    fn authorize(&mut self, request: Request<B>) -> Self::Future {
        Box::pin(async move {
            tokio::task::yield_now().await;
            let is_known = request.headers().get(header::COOKIE).is_some_and(|cookie| cookie == "session=1");
            let refused = || http::Response::builder().status(StatusCode::UNAUTHORIZED).body(Body::empty());
            if is_known { Ok(request) } else { Err(refused().expect("a response")) }
        })
    }
}

#[tokio::test]
async fn header_that_is_set_on_every_response_is_on_the_101() {
    let name = HeaderName::from_static("x-served-by");
    let header = SetResponseHeaderLayer::overriding(name, HeaderValue::from_static("tests"));
    let addr = support::serve_axum(routes().layer(policy()).layer(header)).await;
    let (_raw, head) = upgrades(addr, get()).await;
    assert_eq!(head.get("x-served-by").as_deref(), Some("tests"));
}

/// A limit on requests that are handled at a time: an upgraded connection is none any more.
#[tokio::test]
async fn limit_on_requests_is_none_on_connections() {
    let app = routes().layer(policy()).layer(ConcurrencyLimitLayer::new(1)).layer(DefaultBodyLimit::max(16));
    let addr = support::serve_axum(app).await;
    let (_one, _) = upgrades(addr, get()).await;
    let (_other, _) = upgrades(addr, get()).await;
}

/// Below tower's own builder, around a service that is no router.
// Shows PRX-6.
#[tokio::test]
async fn endpoint_runs_below_a_stack_of_its_own() {
    let endpoint = Upgrader::new().subprotocols(["chat"]).service(|mut conn| async move {
        while let Ok(Some(message)) = conn.read_message().await {
            if conn.write_message(message).await.is_err() {
                return;
            }
        }
    });
    let service = ServiceBuilder::new()
        .layer(TraceLayer::new_for_http())
        .layer(CorsLayer::permissive())
        .layer(CompressionLayer::new())
        .layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, Duration::from_secs(5)))
        .service(endpoint);
    upgrades(support::serve_axum(Router::new().route_service("/ws", service)).await, get()).await;
}

/// The future of the inner service comes out as it is: nothing is boxed, and nothing wrapped.
#[test]
fn layer_keeps_the_future_and_the_error_of_the_service() {
    fn same<S>(_: &S)
    where
        S: Service<Request<Body>>,
        Upgrade<S>: Service<Request<Body>, Response = S::Response, Error = S::Error, Future = S::Future>,
    {
    }
    async fn answer(_: Request<Body>) -> Result<Response, Infallible> {
        Ok(Response::default())
    }
    let service = tower::service_fn(answer);
    same(&service);
    same(policy().layer(service).get_ref());
}
