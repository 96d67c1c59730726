//! Counters, the gauge and the histogram.

use std::{convert::Infallible, sync::Arc, time::Duration};

use ::metrics::with_local_recorder;
use http::{Request, Response, StatusCode, header};
use tokio::time::sleep;
use tower::service_fn;
use ws_core::{CloseCode, CloseFrame};
use ws_tower::{Observe, ResponseBody, Upgrader, testing::Client};

use super::{echo, recorder::Kept, run, settle};

fn observed() -> Upgrader {
    Upgrader::new().observe(Observe::new().metrics())
}

/// Runs a test with a recorder of its own.
fn recorded<F: Future>(test: impl FnOnce(Arc<Kept>) -> F) -> Arc<Kept> {
    let kept = Arc::new(Kept::default());
    with_local_recorder(&*kept, || run(test(kept.clone())));
    kept
}

const OPEN: &str = "websocket_connections{}";

fn outcome(outcome: &str, reason: &str) -> String {
    format!("websocket_handshakes_total{{outcome={outcome},reason={reason}}}")
}

fn close(by: &str, code: &str) -> String {
    format!("websocket_closes_total{{by={by},code={code}}}")
}

#[test]
fn connection_is_counted_from_its_handshake_to_its_end() {
    let kept = recorded(|kept| async move {
        let client = Client::new(observed().service(echo));
        let (mut conn, _) = client.connect("/").await.unwrap();
        let (other, _) = client.connect("/").await.unwrap();
        settle().await;
        assert_eq!((kept.gauge(OPEN), kept.counter(&outcome("accepted", "none"))), (2.0, 2));
        conn.write_message("hello").await.unwrap();
        conn.read_message().await.unwrap();
        sleep(Duration::from_secs(90)).await;
        conn.close(CloseCode::NORMAL_CLOSURE).await.unwrap();
        settle().await;
        assert_eq!((kept.gauge(OPEN), kept.counter(&close("peer", "1000"))), (1.0, 1));
        drop(other);
        settle().await;
    });
    assert_eq!((kept.gauge(OPEN), kept.counter(&close("lost", "1006"))), (0.0, 1));
    let samples = kept.samples();
    assert!(samples.len() == 2 && samples.iter().all(|seconds| seconds.round() == 90.0), "{samples:?}");
    for (name, received, sent) in [
        ("websocket_messages_total", 1, 1),
        ("websocket_payload_bytes_total", 5, 5),
        // A header of two bytes, a masking key, and the close frame with its code.
        ("websocket_wire_bytes_total", 11 + 8, 7 + 4),
    ] {
        assert_eq!(kept.counter(&format!("{name}{{direction=received}}")), received, "{name}");
        assert_eq!(kept.counter(&format!("{name}{{direction=sent}}")), sent, "{name}");
    }
}

#[test]
fn totals_move_while_a_connection_is_open_and_not_for_each_message() {
    recorded(|kept| async move {
        let (mut conn, _) = Client::new(observed().service(echo)).connect("/").await.unwrap();
        let received = "websocket_messages_total{direction=received}";
        let mut exchange = async |count| {
            for _ in 0..count {
                conn.write_message("x").await.unwrap();
                conn.read_message().await.unwrap();
            }
        };
        settle().await;
        let before = kept.calls();
        exchange(100).await;
        assert_eq!((kept.counter(received), kept.calls()), (0, before), "within one second");
        sleep(Duration::from_secs(2)).await;
        exchange(1).await;
        settle().await;
        assert_eq!(kept.counter(received), 101);
        assert!(kept.calls() <= before + 6, "{} calls", kept.calls() - before);
    });
}

#[test]
fn totals_move_for_a_server_that_only_writes() {
    recorded(|kept| async move {
        let service = observed().service(|mut conn| async move {
            loop {
                conn.write_message("tick").await.unwrap();
                sleep(Duration::from_secs(5)).await;
            }
        });
        let _conn = Client::new(service).connect("/").await.unwrap();
        sleep(Duration::from_secs(21)).await;
        assert_eq!(kept.counter("websocket_messages_total{direction=sent}"), 5);
    });
}

#[test]
fn refused_handshakes_are_counted_by_their_reason() {
    let kept = recorded(|_| async {
        let client = Client::new(observed().service(echo));
        client.clone().origin("https://evil.example").connect("/").await.unwrap_err();
        client.header(header::SEC_WEBSOCKET_VERSION, "8".parse().unwrap()).connect("/").await.unwrap_err();
        // A page, not a handshake.
        observed().upgrade(&mut Request::new(())).unwrap_err();
    });
    let names = ["InvalidConnectionHeader", "InvalidWebSocketVersionHeader", "OriginNotAllowed"];
    assert_eq!(kept.names(), names.map(|name| outcome("refused", name)));
    assert_eq!(kept.counter(&outcome("refused", "OriginNotAllowed")), 1);
}

/// A service that answers late, or otherwise.
fn answering(
    delay: u64,
    status: StatusCode,
) -> impl tower::Service<
    Request<ResponseBody>,
    Response = Response<ResponseBody>,
    Error = Infallible,
    Future = impl Future<Output = Result<Response<ResponseBody>, Infallible>>,
> + Clone {
    service_fn(move |mut request: Request<ResponseBody>| async move {
        let accepted = observed().upgrade(&mut request).unwrap();
        tokio::spawn(accepted.conn);
        sleep(Duration::from_secs(delay)).await;
        let mut response = accepted.response.map(|()| ResponseBody::empty());
        *response.status_mut() = status;
        Ok(response)
    })
}

#[test]
fn handshake_that_comes_to_nothing_is_counted_once() {
    let kept = recorded(|_| async {
        let late = Client::new(answering(20, StatusCode::SWITCHING_PROTOCOLS));
        late.connect("/").await.unwrap();
        Client::new(answering(0, StatusCode::IM_A_TEAPOT)).connect("/").await.unwrap_err();
        settle().await;
        let declining = service_fn(|mut request: Request<ResponseBody>| {
            drop(observed().upgrade(&mut request).unwrap());
            std::future::ready(Ok::<_, Infallible>(Response::new(ResponseBody::empty())))
        });
        Client::new(declining).connect("/").await.unwrap_err();
    });
    let outcomes = [("declined", "none"), ("failed", "NotUpgraded"), ("failed", "Timeout")];
    assert_eq!(kept.names(), outcomes.map(|(name, reason)| outcome(name, reason)));
    assert!(outcomes.iter().all(|(name, reason)| kept.counter(&outcome(name, reason)) == 1));
}

#[test]
fn ends_are_counted_by_who_ended_and_by_code() {
    let kept = recorded(|_| async {
        let service = observed().service(|mut conn| async move {
            match conn.read_message().await.ok().flatten().as_ref().and_then(|text| text.to_text().ok()) {
                Some("close") => drop(conn.close(CloseFrame::new(4321, "bye")).await),
                Some("drop") => drop(conn),
                Some("panic") => panic!("as asked for"),
                _ => {}
            }
        });
        let client = Client::new(service);
        for asked in ["close", "drop", "panic"] {
            let (mut conn, _) = client.connect("/").await.unwrap();
            conn.write_message(asked).await.unwrap();
            conn.read_message().await.unwrap_err();
            settle().await;
        }
        for frame in [Some(4000), Some(4999), Some(3001), None] {
            let (mut conn, _) = client.connect("/").await.unwrap();
            conn.close(frame.map(|code| CloseFrame::new(code, ""))).await.unwrap();
            settle().await;
        }
        // Two messages in one another (RFC 6455, 5.4).
        let (conn, _) = client.connect("/").await.unwrap();
        tokio::io::AsyncWriteExt::write_all(&mut conn.into_parts().io, &[0x82, 0]).await.unwrap();
        settle().await;
    });
    let closes: Vec<_> =
        kept.names().into_iter().filter(|name| name.starts_with("websocket_closes")).collect();
    let expected = [
        ("dropped", "1006"),
        ("panicked", "1011"),
        ("peer", "1005"),
        ("peer", "3xxx"),
        ("peer", "4xxx"),
        ("us", "1002"),
        ("us", "4321"),
    ];
    assert_eq!(closes, expected.map(|(by, code)| close(by, code)));
    assert_eq!((kept.counter(&close("peer", "4xxx")), kept.gauge(OPEN)), (2, 0.0));
}

#[test]
fn client_that_vanishes_while_the_server_only_writes_is_lost() {
    let kept = recorded(|_| async {
        let service = observed().service(|mut conn| async move {
            while conn.write_message("tick").await.is_ok() {
                sleep(Duration::from_secs(5)).await;
            }
        });
        drop(Client::new(service).connect("/").await.unwrap());
        sleep(Duration::from_secs(11)).await;
    });
    assert_eq!(kept.counter(&close("lost", "1006")), 1);
}

#[test]
fn connection_that_its_handler_gives_away_is_counted_to_its_end() {
    recorded(|kept| async move {
        let service = observed().service(|conn| async {
            let (read, write) = conn.into_split();
            tokio::spawn(async move {
                sleep(Duration::from_secs(60)).await;
                drop(read);
            });
            drop(write);
        });
        let _conn = Client::new(service).connect("/").await.unwrap();
        sleep(Duration::from_secs(30)).await;
        assert_eq!(kept.gauge(OPEN), 1.0);
        sleep(Duration::from_secs(31)).await;
        assert_eq!((kept.gauge(OPEN), kept.counter(&close("dropped", "1006"))), (0.0, 1));
    });
}

#[test]
fn route_is_a_label_of_everything_if_it_is_named() {
    let kept = recorded(|_| async {
        let observe = Observe::new()
            .metrics()
            .route(|request| request.uri.path().strip_prefix("/rooms/").map(|_| "/rooms/{room}".to_owned()));
        let client = Client::new(Upgrader::new().observe(observe).service(echo));
        let (mut conn, _) = client.connect("/rooms/tea").await.unwrap();
        conn.write_message("hello").await.unwrap();
        conn.close(None).await.unwrap();
        drop(client.origin("https://evil.example").connect("/else").await.unwrap_err());
        settle().await;
    });
    let (others, rooms): (Vec<_>, Vec<_>) =
        kept.names().into_iter().partition(|name| name.contains("route=other"));
    assert_eq!(others, ["websocket_handshakes_total{outcome=refused,reason=OriginNotAllowed,route=other}"]);
    assert!(rooms.len() >= 8 && rooms.iter().all(|name| name.contains("route=/rooms/{room}")), "{rooms:?}");
}

#[test]
fn route_whose_name_panics_is_another_one() {
    let kept = recorded(|_| async {
        let observe = Observe::new().metrics().route(|_| std::panic::resume_unwind(Box::new("a bug")));
        let client = Client::new(Upgrader::new().observe(observe).service(echo));
        let _open = client.connect("/").await.unwrap();
        settle().await;
    });
    assert_eq!(kept.counter("websocket_handshakes_total{outcome=accepted,reason=none,route=other}"), 1);
}

#[cfg(feature = "deflate")]
#[test]
fn compression_is_counted_before_and_after() {
    let kept = recorded(|_| async {
        let upgrader = observed().compression(ws_core::DeflateConfig::new());
        let client = Client::new(upgrader.service(echo)).compression(ws_core::DeflateConfig::new());
        let (mut conn, _) = client.connect("/").await.unwrap();
        conn.write_message("long ".repeat(1000)).await.unwrap();
        assert_eq!(conn.read_message().await.unwrap(), Some(ws_core::Message::text("long ".repeat(1000))));
        conn.close(None).await.unwrap();
        settle().await;
    });
    for direction in ["received", "sent"] {
        let of = |name: &str| kept.counter(&format!("websocket_{name}_total{{direction={direction}}}"));
        assert_eq!((of("compressed_messages"), of("uncompressed_bytes")), (1, 5000));
        assert!((1..500).contains(&of("compressed_bytes")), "{}", of("compressed_bytes"));
    }
}

#[test]
fn nothing_is_told_unless_it_is_asked_for() {
    let kept = recorded(|_| async {
        for upgrader in [
            Upgrader::new(),
            Upgrader::new().observe(Observe::new()),
            Upgrader::new().observe(Observe::new().tracing()),
            observed().observe(None),
        ] {
            let client = Client::new(upgrader.service(echo));
            let (mut conn, _) = client.connect("/").await.unwrap();
            conn.close(None).await.unwrap();
            client.origin("https://evil.example").connect("/").await.unwrap_err();
            settle().await;
        }
    });
    assert_eq!(kept.calls(), 0);
}

#[test]
fn every_metric_is_described() {
    let kept = recorded(|_| async {
        let _ = Observe::new().metrics();
    });
    let described = kept.described();
    let page = include_str!("../../../../docs/how-to/observe.md");
    for name in &described {
        assert!(page.contains(&format!("| `{name}` |")), "{name} is not in the documentation");
    }
    assert_eq!(described.len(), 10);
}
