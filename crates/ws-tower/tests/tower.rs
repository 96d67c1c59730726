//! The service and the layer as tower sees them, in process: no sockets.

mod support;

use std::{convert::Infallible, sync::Arc, sync::atomic::AtomicBool, sync::atomic::Ordering};

use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, header};
use http_body::Body as _;
use http_body_util::BodyExt as _;
use support::{ACCEPT, KEY};
use tower::{Layer as _, Service as _, ServiceExt as _};
use ws_tower::{
    CheckOrigin, OnUpgrade, ResponseBody, UpgradeError, UpgradeLayer, UpgradeService, Upgraded, Upgrader,
};

/// A correct handshake on a connection that never gets upgraded.
fn handshake() -> http::request::Builder {
    let never = hyper::upgrade::on(Request::new(()));
    Request::get("/chat?room=1")
        .header("host", "server.example")
        .header("connection", "upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", KEY)
        .extension(never)
}

fn request() -> Request<()> {
    handshake().body(()).expect("a request")
}

#[test]
fn accepting_response_says_what_the_rfc_asks_for_and_no_more() {
    let accepted = Upgrader::new().upgrade(&mut request()).expect("accepted");
    assert_eq!(accepted.response.status(), StatusCode::SWITCHING_PROTOCOLS);
    let headers: HeaderMap = [
        (header::CONNECTION, "Upgrade"),
        (header::UPGRADE, "websocket"),
        (header::SEC_WEBSOCKET_ACCEPT, ACCEPT),
    ]
    .map(|(name, value)| (name, HeaderValue::from_static(value)))
    .into_iter()
    .collect();
    assert_eq!(accepted.response.headers(), &headers);
}

#[test]
fn response_headers_of_the_application_are_added_but_for_the_reserved_ones() {
    let mut headers = HeaderMap::new();
    headers.append(header::SET_COOKIE, HeaderValue::from_static("a=1"));
    headers.append(header::SET_COOKIE, HeaderValue::from_static("b=2"));
    for name in [
        "connection",
        "content-length",
        "sec-websocket-accept",
        "sec-websocket-extensions",
        "sec-websocket-protocol",
        "sec-websocket-version",
        "transfer-encoding",
        "upgrade",
    ] {
        headers.append(name, HeaderValue::from_static("1"));
    }
    let accepted = Upgrader::new().response_headers(headers).upgrade(&mut request()).expect("accepted");
    let headers = accepted.response.headers();
    assert_eq!(headers.get_all(header::SET_COOKIE).iter().collect::<Vec<_>>(), ["a=1", "b=2"]);
    assert_eq!(headers.len(), 5);
    assert_eq!(headers[header::SEC_WEBSOCKET_ACCEPT], ACCEPT);
}

#[test]
fn first_subprotocol_of_the_client_that_the_server_knows_is_chosen() {
    let upgrader = Upgrader::new().subprotocols(["chat.v1", "chat.v2"]);
    let choose = |offer: &[&str]| {
        let mut request = handshake();
        for line in offer {
            request = request.header("sec-websocket-protocol", *line);
        }
        let accepted = upgrader.upgrade(&mut request.body(()).expect("a request")).expect("accepted");
        accepted.response.headers().get(header::SEC_WEBSOCKET_PROTOCOL).cloned()
    };
    assert_eq!(choose(&["chat.v3, chat.v2, chat.v1"]).expect("one"), "chat.v2");
    assert_eq!(choose(&["chat.v3", "chat.v1", "chat.v2"]).expect("one"), "chat.v1");
    assert_eq!(choose(&["CHAT.V1"]), None);
    assert_eq!(choose(&[]), None);
}

#[test]
fn request_is_whole_after_the_upgrade_but_for_the_upgrade_itself() {
    let mut request = handshake().body("body").expect("a request");
    request.extensions_mut().insert(7_u8);
    let _ = Upgrader::new().upgrade(&mut request).expect("accepted");
    assert_eq!(
        (request.method(), request.uri().path(), request.uri().query()),
        (&http::Method::GET, "/chat", Some("room=1"))
    );
    assert_eq!((request.headers().len(), *request.body()), (5, "body"));
    assert_eq!(request.extensions().get::<u8>(), Some(&7));
    assert!(request.extensions().get::<hyper::upgrade::OnUpgrade>().is_none());
}

#[test]
fn refused_request_keeps_its_upgrade() {
    let mut request = request();
    request.headers_mut().remove("upgrade");
    Upgrader::new().upgrade(&mut request).expect_err("refused");
    assert!(request.extensions().get::<hyper::upgrade::OnUpgrade>().is_some());
}

#[tokio::test]
async fn service_takes_requests_with_any_body() {
    async fn status<B>(body: B) -> StatusCode {
        let request = handshake().body(body).expect("a request");
        let Ok(response) = Upgrader::new().service(|_| async {}).oneshot(request).await;
        assert!(response.body().is_end_stream());
        response.status()
    }
    assert_eq!(status(()).await, 101);
    assert_eq!(status(String::from("ignored")).await, 101);
    assert_eq!(status(http_body_util::Empty::<bytes::Bytes>::new()).await, 101);
}

#[tokio::test]
async fn service_tells_of_a_failed_upgrade() {
    let (send, receive) = tokio::sync::mpsc::unbounded_channel();
    let mut receive = receive;
    let service = Upgrader::new()
        .service(|_| async { panic!("there is no connection") })
        .on_failed_upgrade(move |error: UpgradeError| send.send(error.is_timeout()).expect("the test waits"));
    let Ok(response) = service.oneshot(request()).await;
    assert_eq!(response.status(), 101);
    assert_eq!(support::within(receive.recv()).await, Some(false));
}

#[tokio::test]
async fn refusal_is_a_response_with_a_short_text() {
    let mut request = request();
    request.headers_mut().remove("sec-websocket-key");
    let Ok(response) = Upgrader::new().service(|_| async {}).oneshot(request).await;
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
    assert_eq!(response.headers()[header::CONTENT_TYPE], "text/plain; charset=utf-8");
    let size = response.body().size_hint().exact().expect("a whole body");
    let body = response.into_body().collect().await.expect("a body").to_bytes();
    assert_eq!(body, "Bad Request");
    assert_eq!(size, body.len() as u64);
}

#[tokio::test]
async fn refusal_is_shaped_by_the_application() {
    let upgrader = Upgrader::new().on_rejection(|rejection, mut response| {
        response.headers_mut().insert("x-reason", HeaderValue::from_static("seen"));
        *response.body_mut() = format!("{}: {rejection}", rejection.status()).into();
        response
    });
    let mut bad = request();
    bad.headers_mut().insert("sec-websocket-version", HeaderValue::from_static("8"));
    let Ok(response) = upgrader.clone().service(|_| async {}).oneshot(bad).await;
    assert_eq!(response.headers()["x-reason"], "seen");
    assert_eq!(response.headers()[header::SEC_WEBSOCKET_VERSION], "13");
    let body = response.into_body().collect().await.expect("a body").to_bytes();
    assert!(body.starts_with(b"426 Upgrade Required: "), "{}", body.escape_ascii());

    // The same where the caller makes the response.
    let mut bad = request();
    bad.headers_mut().insert("origin", HeaderValue::from_static("https://other.example"));
    let response = Response::<ResponseBody>::from(upgrader.upgrade(&mut bad).expect_err("refused"));
    assert_eq!(
        (response.status(), &response.headers()["x-reason"]),
        (StatusCode::FORBIDDEN, &HeaderValue::from_static("seen"))
    );
}

/// Whatever the application makes of the response, the server must not go on reading.
// Shows HS-8.
#[tokio::test]
async fn refusal_that_the_application_replaced_still_ends_the_connection() {
    let upgrader = Upgrader::new().on_rejection(|_, _| Response::new(ResponseBody::from("sorry")));
    let mut bad = request();
    bad.headers_mut().remove("sec-websocket-key");
    let Ok(response) = upgrader.service(|_| async {}).oneshot(bad).await;
    assert_eq!(
        (response.status(), &response.headers()[header::CONNECTION]),
        (StatusCode::OK, &HeaderValue::from_static("close"))
    );
}

#[tokio::test]
async fn layer_leaves_the_response_future_and_readiness_to_the_service() {
    let ready = Arc::new(AtomicBool::new(false));
    let seen = ready.clone();
    let inner = tower::service_fn(|request: Request<()>| {
        std::future::ready(Ok::<_, Infallible>(request.into_parts().0.uri))
    });
    let inner = inner.map_future(move |future| {
        seen.store(true, Ordering::Relaxed);
        future
    });
    let mut service = UpgradeLayer::new(Upgrader::new()).layer(inner);
    let uri = service.ready().await.expect("ready").call(request()).await.expect("a response");
    assert_eq!((uri.path(), ready.load(Ordering::Relaxed)), ("/chat", true));
}

#[tokio::test]
async fn innermost_layer_gives_the_policy() {
    let named = |name: &str| UpgradeLayer::new(Upgrader::new().subprotocols([name]));
    let inner = tower::service_fn(|request: Request<()>| {
        let upgrader = Upgrader::from_extensions(request.extensions()).expect("a policy");
        std::future::ready(Ok::<_, Infallible>(format!("{upgrader:?}")))
    });
    let service = named("outer").layer(named("inner").layer(inner));
    let Ok(policy) = service.oneshot(request()).await;
    assert!(policy.contains("inner") && !policy.contains("outer"), "{policy}");
    assert!(Upgrader::from_extensions(request().extensions()).is_none());
}

#[test]
fn types_cross_threads() {
    fn shared<T: Send + Sync + Clone + 'static>() {}
    fn sent<T: Send + 'static>() {}
    shared::<Upgrader>();
    shared::<UpgradeLayer>();
    shared::<CheckOrigin>();
    shared::<UpgradeService<fn()>>();
    sent::<OnUpgrade>();
    sent::<Upgraded>();
    sent::<UpgradeError>();
}

/// A task that awaits it goes on with the connection and never shrinks.
#[test]
fn future_of_the_connection_is_one_word() {
    assert_eq!(size_of::<OnUpgrade>(), size_of::<usize>());
}
