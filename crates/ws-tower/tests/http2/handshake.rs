//! What is accepted and refused, and what the answers say.

use h2::ext::Protocol;
use http::{HeaderMap, Request, Response, StatusCode, Version, header};
use ws_tower::{CheckOrigin, ResponseBody, Upgrader, rejection::WebSocketUpgradeRejection};

use crate::client::{Connection, configured, echo, handshake};

/// The answer to a request over a connection, without the date.
async fn answer(upgrader: Upgrader, request: http::request::Builder) -> (StatusCode, HeaderMap) {
    let connection = Connection::to(&configured(), upgrader.service(|_| async {})).await;
    let (response, _stream) = connection.ask(request.body(()).expect("a request")).await;
    let (mut head, _) = response.into_parts();
    head.headers.remove(header::DATE);
    (head.status, head.headers)
}

#[tokio::test]
async fn answer_is_200_and_has_nothing_of_http1() {
    let (status, headers) = answer(Upgrader::new(), handshake()).await;
    assert_eq!((status, headers), (StatusCode::OK, HeaderMap::new()));
}

#[tokio::test]
async fn subprotocol_and_headers_of_the_application_are_answered() {
    let mut own = HeaderMap::new();
    own.insert("x-own", "1".parse().expect("a value"));
    own.insert("sec-websocket-accept", "1".parse().expect("a value"));
    let upgrader = Upgrader::new().subprotocols(["chat.v1"]).response_headers(own.clone());
    let (status, headers) =
        answer(upgrader, handshake().header("sec-websocket-protocol", "chat.v2, chat.v1")).await;
    assert_eq!(
        (status, &headers["sec-websocket-protocol"], &headers["x-own"]),
        (StatusCode::OK, &"chat.v1".parse().expect("a value"), &own["x-own"])
    );
    assert_eq!(headers.len(), 2);
}

// Shows ORG-1.
#[tokio::test]
async fn origin_is_compared_with_the_authority() {
    let status = async |origin: &str| answer(Upgrader::new(), handshake().header("origin", origin)).await.0;
    assert_eq!(status("https://server.example").await, 200);
    assert_eq!(status("https://other.example").await, 403);
}

// Shows H2-08.
#[tokio::test]
async fn refusals_come_over_the_wire_without_a_connection_header() {
    let refuse = |name: &str, value: &str| {
        let mut request =
            Request::connect("https://server.example/ws").extension(Protocol::from_static("websocket"));
        if name != "sec-websocket-version" {
            request = request.header("sec-websocket-version", "13");
        }
        answer(Upgrader::new(), request.header(name, value))
    };
    for (name, value, expected) in [
        ("sec-websocket-version", "8", 400),
        ("host", "other.example", 400),
        ("expect", "100-continue", 400),
        ("sec-websocket-protocol", "a b", 400),
        ("sec-websocket-extensions", "a;;b", 400),
        ("origin", "null", 403),
    ] {
        let (status, headers) = refuse(name, value).await;
        assert_eq!(status, expected, "{name}: {value}");
        assert!(!headers.contains_key(header::CONNECTION), "{name}: {value}");
        assert_eq!(headers.contains_key("sec-websocket-version"), name == "sec-websocket-version");
    }
}

// Shows H2-08.
#[tokio::test]
async fn other_protocols_and_methods_are_refused() {
    let other = Request::connect("https://server.example/").extension(Protocol::from_static("connect-ip"));
    assert_eq!(answer(Upgrader::new(), other).await.0, 501);
    let (status, headers) = answer(Upgrader::new(), Request::get("https://server.example/")).await;
    assert_eq!(
        (status, &headers[header::ALLOW]),
        (StatusCode::METHOD_NOT_ALLOWED, &"CONNECT".parse().expect("a value"))
    );
}

/// A correct handshake as hyper's server gives it to a service.
fn request() -> Request<()> {
    let never = hyper::upgrade::on(Request::new(()));
    Request::connect("https://server.example/ws")
        .version(Version::HTTP_2)
        .extension(hyper::ext::Protocol::from_static("websocket"))
        .extension(never)
        .header("sec-websocket-version", "13")
        .body(())
        .expect("a request")
}

/// h2 takes such a request for malformed before it gets here. Other servers may not.
// Shows H2-08.
#[test]
fn fields_of_http1_are_refused() {
    for name in ["connection", "upgrade"] {
        let mut request = request();
        request.headers_mut().insert(name, "upgrade".parse().expect("a value"));
        let rejection = Upgrader::new().upgrade(&mut request).expect_err("refused");
        assert!(matches!(rejection, WebSocketUpgradeRejection::InvalidConnectionHeader(_)), "{rejection}");
        assert_eq!(rejection.status(), 400);
    }
}

#[test]
fn origin_check_that_panics_is_no_connection_header_either() {
    let upgrader = Upgrader::new().check_origin(CheckOrigin::with(|_| panic!("in the application")));
    let response = Response::<ResponseBody>::from(upgrader.upgrade(&mut request()).expect_err("refused"));
    assert_eq!(response.status(), 500);
    assert!(!response.headers().contains_key(header::CONNECTION));
}

#[test]
fn request_without_an_upgrade_is_refused_without_a_connection_header() {
    let mut request = request();
    request.extensions_mut().remove::<hyper::upgrade::OnUpgrade>();
    let rejection = Upgrader::new().upgrade(&mut request).expect_err("refused");
    assert!(matches!(rejection, WebSocketUpgradeRejection::ConnectionNotUpgradable(_)));
    let response = Response::<ResponseBody>::from(rejection);
    assert_eq!(response.status(), 500);
    assert!(!response.headers().contains_key(header::CONNECTION));
}

#[tokio::test]
async fn connections_open_after_one_another_on_the_same_connection() {
    let connection = Connection::to(&configured(), echo()).await;
    for text in ["one", "two", "three"] {
        connection.open().await.echoes(text).await;
    }
}

#[cfg(feature = "deflate")]
#[tokio::test]
async fn compression_is_negotiated_and_used() {
    let upgrader = Upgrader::new().compression(ws_core::DeflateConfig::new());
    let service = upgrader.service(|mut conn| async move {
        conn.write_message("compress ".repeat(1000)).await.expect("written");
        conn.close(None).await.ok();
    });
    let connection = Connection::to(&configured(), service).await;
    let request = handshake().header("sec-websocket-extensions", "permessage-deflate");
    let (mut response, _send) = connection.ask(request.body(()).expect("a request")).await;
    assert_eq!(response.headers()["sec-websocket-extensions"], "permessage-deflate");
    let data = crate::support::within(response.body_mut().data()).await.expect("a frame").expect("open");
    // FIN, RSV1, text.
    assert_eq!(data[0], 0b1100_0001);
    assert!(data.len() < 200, "{} bytes", data.len());
}
