//! What a server can make a client hold and wait for.

use std::time::Duration;

use tokio::{sync::Notify, time::Instant};
use ws_obs::{
    ErrorKind, State,
    events::CustomEvent,
    serde_json::{Value, json},
    testing::{Answer, Server},
    types::EventSubscription,
    ws_client::{Config, Dialer},
};

use crate::{
    connect, obs, reconnected, wait_for,
    wire::{greet, hear, identified, pair, say},
};

fn silent() -> Server {
    Server::new()
        .on_raw("Silent", |_received| Answer::nothing())
        .on_raw("Large", |_received| Answer::data(json!({"data": "x".repeat(100_000)})))
        .on_raw("Small", |_received| Answer::ok())
}

fn custom(data: impl Into<Value>) -> Value {
    json!({"eventType": "CustomEvent", "eventIntent": 1, "eventData": {"data": data.into()}})
}

#[tokio::test(start_paused = true)]
async fn events_before_the_answer_are_given_to_the_streams() {
    let (obs, io) = pair();
    let client = obs.start().unwrap();
    let mut events = client.events_of::<CustomEvent>().await.unwrap();
    let mut conn = greet(io).await;
    for number in 0..64 {
        say(&mut conn, 5, custom(number)).await;
    }
    identified(&mut conn).await;
    for number in 0..64 {
        assert_eq!(events.next().await.unwrap().unwrap().event_data["data"], number);
    }
}

#[tokio::test(start_paused = true)]
async fn events_before_the_answer_are_bounded_in_number_and_bytes() {
    for (count, size) in [(65, 1), (5, 1 << 20)] {
        let (obs, io) = pair();
        let server = async {
            let mut conn = greet(io).await;
            let event = json!({"op": 5, "d": custom("x".repeat(size))}).to_string();
            for _ in 0..count {
                // The client may have had enough.
                let _ = conn.write_message(event.clone()).await;
            }
            while hear(&mut conn).await.is_some() {}
        };
        let (result, ()) = tokio::join!(obs.connect(), server);
        assert_eq!(result.unwrap_err().kind(), ErrorKind::Protocol, "{count} of {size}");
    }
}

#[tokio::test(start_paused = true)]
async fn message_over_the_limit_ends_the_connection_alone() {
    let server = silent();
    let client = connect(&server).await;
    // More than a client takes unless it is set.
    server.send_text(json!({"op": 99, "d": "x".repeat(17 << 20)}).to_string());
    client.call_raw("Small", Value::Null).await.unwrap();
    server.send_text("x".repeat((64 << 20) + 1));
    let state = wait_for(&client, |state| !state.is_connected()).await;
    assert!(matches!(state, State::Waiting { error, .. } if error.kind() == ErrorKind::ConnectionLost));
    client.connected().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn answer_over_the_limit_fails_its_request_and_the_next_one_goes_on() {
    let server = silent();
    let limited = |dialer: Dialer<_>| dialer.config(Config::new().max_message_size(10_000));
    let client = obs(&server).map_dialer(limited).connect().await.unwrap();
    let error = client.call_raw("Large", Value::Null).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionLost);
    reconnected(&client).await;
    client.call_raw("Small", Value::Null).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn message_that_is_nested_without_end_ends_the_connection_alone() {
    for depth in [1_000, 1_000_000] {
        let server = silent();
        let client = connect(&server).await;
        server.send_text(format!("{{\"op\":5,\"d\":{}", "[".repeat(depth)));
        reconnected(&client).await;
        client.call_raw("Small", Value::Null).await.unwrap();
    }
}

#[cfg(feature = "msgpack")]
#[tokio::test(start_paused = true)]
async fn message_pack_that_is_nested_without_end_ends_the_connection_alone() {
    use ws_obs::{Encoding, ws_client::ws_core::raw::handshake::Upgrader};

    for depth in [100, 1_000, 1_000_000] {
        let (obs, io) = pair();
        let server = async {
            let names = [Encoding::MsgPack.subprotocol()];
            let mut conn = Upgrader::new().subprotocols(names).accept(io, Config::new()).await.unwrap();
            // {"op": 0, "d": [[[…
            let message = [b"\x82\xa2op\x00\xa1d".to_vec(), vec![0x91; depth], vec![0xc0]].concat();
            let _ = conn.write_message(message).await;
            while conn.read_message().await.is_ok_and(|message| message.is_some()) {}
        };
        let (result, ()) = tokio::join!(obs.encoding(Encoding::MsgPack).connect(), server);
        assert_eq!(result.unwrap_err().kind(), ErrorKind::Protocol, "{depth}");
    }
}

#[tokio::test(start_paused = true)]
async fn requests_on_their_way_are_bounded() {
    let server = silent();
    let client = obs(&server).max_in_flight(3).connect().await.unwrap();
    let calls = (0..10).map(|_| client.call_raw("Silent", Value::Null));
    let all = futures_util::future::join_all(calls);
    assert!(tokio::time::timeout(Duration::from_secs(1), all).await.is_err());
    assert_eq!(server.received().len(), 3);
}

/// Requests that timed out stay with a server that does not read. There is room for a subscription when it has read them.
#[tokio::test(start_paused = true)]
async fn subscription_is_asked_for_when_there_is_room_again() {
    let (obs, io) = pair();
    let reads_on = Notify::new();
    let server = async {
        let mut conn = greet(io).await;
        identified(&mut conn).await;
        reads_on.notified().await;
        while let Some(said) = hear(&mut conn).await {
            match said["op"].as_u64() {
                Some(3) => identified(&mut conn).await,
                _ => {
                    let (name, id) = (&said["d"]["requestType"], &said["d"]["requestId"]);
                    let status = json!({"result": true, "code": 100});
                    say(&mut conn, 7, json!({"requestType": name, "requestId": id, "requestStatus": status}))
                        .await;
                }
            }
        }
    };
    let client = async {
        let client = obs.max_in_flight(1).connect().await.unwrap();
        let brief = client.with_timeout(Duration::from_millis(1));
        let data = json!({"data": "x".repeat(50_000)});
        let mut calls = 0;
        while brief.call_raw("Large", data.clone()).await.unwrap_err().kind() != ErrorKind::QueueFull {
            calls += 1;
            assert!(calls < 100, "the queue is bounded");
        }
        let read = async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            reads_on.notify_one();
        };
        let (events, ()) = tokio::join!(client.events(EventSubscription::SCENES), read);
        drop(events.unwrap());
        client.close().await;
    };
    tokio::join!(server, client);
}

#[tokio::test(start_paused = true)]
async fn close_is_not_waited_for_longer_than_five_seconds() {
    let server = silent();
    let client = connect(&server).await;
    server.freeze();
    let began = Instant::now();
    client.close().await;
    assert_eq!(began.elapsed().as_secs(), 5);
    assert!(matches!(client.state(), State::Closed(_)));
}
