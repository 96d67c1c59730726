//! The span and the events.

use std::{convert::Infallible, time::Duration};

use ::tracing::{info, info_span, subscriber::with_default};
use http::Request;
use tower::{Service as _, service_fn};
use ws_core::CloseFrame;
use ws_tower::{Observe, ResponseBody, Upgrader, testing::Client};

use super::{echo, run, settle, subscriber::Told};

fn observed() -> Upgrader {
    Upgrader::new().observe(Observe::new().tracing())
}

fn told<F: Future>(test: impl FnOnce(Told) -> F) {
    let told = Told::default();
    with_default(told.clone(), || run(test(told)));
}

#[test]
fn connection_has_a_span_with_what_was_agreed_on_and_events_at_its_ends() {
    told(|told| async move {
        let upgrader = observed().subprotocols(["chat"]);
        let client = Client::new(upgrader.service(echo)).subprotocols(["chat"]);
        let (mut conn, _) = client.connect("/").await.unwrap();
        settle().await;
        assert_eq!(
            told.take(),
            [
                r#"span websocket root role="server" subprotocol="chat""#,
                "INFO in websocket: connection opened"
            ]
        );
        for _ in 0..100 {
            conn.write_message("hello").await.unwrap();
            conn.read_message().await.unwrap();
        }
        assert_eq!(told.take(), [""; 0], "nothing for messages and polls");
        tokio::time::sleep(Duration::from_secs(2)).await;
        conn.close(CloseFrame::new(4000, "the peer's words")).await.unwrap();
        settle().await;
        let events = told.take();
        let [closed] = &events[..] else { panic!("{events:?}") };
        assert!(
            closed.starts_with(r#"INFO in websocket: connection closed by="peer" code=4000 seconds=2.0"#),
            "{closed}"
        );
        assert!(
            closed.contains("messages_received=100 messages_sent=100 payload_bytes_received=500"),
            "{closed}"
        );
        assert!(!closed.contains("words") && !closed.contains("ratio"), "{closed}");
    });
}

#[test]
fn handler_runs_inside_the_span_in_every_poll() {
    told(|told| async move {
        let service = observed().service(|mut conn| {
            info!(target: "test", "made");
            async move {
                while let Ok(Some(_)) = conn.read_message().await {
                    info!(target: "test", "message");
                }
            }
        });
        let (mut conn, _) = Client::new(service).connect("/").await.unwrap();
        for _ in 0..2 {
            conn.write_message("x").await.unwrap();
            settle().await;
        }
        conn.close(None).await.unwrap();
        settle().await;
        let events = told.take();
        let own: Vec<_> =
            events.iter().filter(|line| line.ends_with(": made") || line.ends_with(": message")).collect();
        assert_eq!(
            own,
            ["INFO in websocket: made", "INFO in websocket: message", "INFO in websocket: message"]
        );
    });
}

#[test]
fn span_follows_from_the_one_of_the_request() {
    told(|told| async move {
        let inner = observed().service(echo);
        let service = service_fn(move |request: Request<ResponseBody>| {
            let _request = info_span!(target: "test", "request").entered();
            inner.clone().call(request)
        });
        let (conn, _) = Client::new(service).connect("/").await.unwrap();
        settle().await;
        let events = told.take();
        assert_eq!(events[1..3], [r#"span websocket root role="server""#, "websocket follows request"]);
        drop(conn);
    });
}

#[test]
fn refusals_and_failures_are_told_with_their_reason() {
    told(|told| async move {
        let observe = Observe::new().tracing().route(|_| Some("/ws".into()));
        let client = Client::new(Upgrader::new().observe(observe).service(echo));
        client.origin("https://evil.example").connect("/").await.unwrap_err();
        let [refused] = &told.take()[..] else { panic!("one event") };
        assert!(
            refused.starts_with(
                r#"INFO in none: handshake refused route="/ws" status=403 rejection="OriginNotAllowed" reason="#
            ),
            "{refused}"
        );

        let never = service_fn(|mut request: Request<ResponseBody>| {
            tokio::spawn(observed().upgrade(&mut request).unwrap().conn);
            std::future::ready(Ok::<_, Infallible>(http::Response::new(ResponseBody::empty())))
        });
        Client::new(never).connect("/").await.unwrap_err();
        settle().await;
        assert_eq!(
            told.take(),
            ["WARN in none: upgrade failed error=the server did not upgrade the connection"]
        );
    });
}

#[cfg(feature = "deflate")]
#[test]
fn compression_is_told() {
    told(|told| async move {
        let upgrader = observed().compression(ws_core::DeflateConfig::new());
        let client = Client::new(upgrader.service(echo)).compression(ws_core::DeflateConfig::new());
        let (mut conn, _) = client.connect("/").await.unwrap();
        conn.write_message("long ".repeat(1000)).await.unwrap();
        conn.read_message().await.unwrap();
        conn.close(None).await.unwrap();
        settle().await;
        let events = told.take();
        assert!(events[0].contains(r#"compression="permessage-deflate""#), "{events:?}");
        assert!(events[2].contains("compression_ratio_received=0.0"), "{events:?}");
    });
}

#[cfg(feature = "axum")]
#[test]
fn handler_of_the_extractor_runs_inside_the_span() {
    use axum::{Router, response::Response, routing::any};
    use ws_tower::{UpgradeLayer, extract::WebSocketUpgrade};

    async fn handler(ws: WebSocketUpgrade) -> Response {
        ws.on_upgrade(|socket| async move {
            info!(target: "test", "in the handler");
            drop(socket);
        })
    }
    told(|told| async move {
        let observe = Observe::new().tracing().route(|request| {
            Some(request.extensions.get::<axum::extract::MatchedPath>()?.as_str().to_owned())
        });
        let app = Router::new()
            .route("/rooms/{room}", any(handler))
            .layer(UpgradeLayer::new(Upgrader::new().observe(observe)));
        let _conn = Client::new(app).connect("/rooms/tea").await.unwrap();
        settle().await;
        let events = told.take();
        assert_eq!(events[0], r#"span websocket root role="server" route="/rooms/{room}""#);
        assert_eq!(events[2], "INFO in websocket: in the handler");
        assert!(events[3].starts_with(r#"INFO in websocket: connection closed by="dropped" code=1006"#));
    });
}

#[test]
fn nothing_is_told_unless_it_is_asked_for() {
    told(|told| async move {
        for upgrader in [Upgrader::new(), Upgrader::new().observe(Observe::new().metrics())] {
            let client = Client::new(upgrader.service(echo));
            let (mut conn, _) = client.connect("/").await.unwrap();
            conn.close(None).await.unwrap();
            client.origin("https://evil.example").connect("/").await.unwrap_err();
            settle().await;
        }
        assert_eq!((told.take(), told.entries()), (vec![], 0));
    });
}
