//! The JSON protocol, as a client sees it.

#![cfg(feature = "json")]

#[path = "../support/mod.rs"]
mod support;

use std::time::Duration;

use serde_json::{Value, json};
use ws_core::CloseFrame;
use ws_hub::{
    Admission, Config, Hub, Session,
    backplane::{HistoryLimits, Position},
    json::{self as protocol, Denied, Identity, Policy, Protocol, Publish, RawValue},
};

use crate::support::{Client, closed, connect, connect_as, silent, text};

/// Rooms that begin with `x` are closed; what is published to `passing` is not kept.
struct Rules;

impl Policy for Rules {
    async fn authenticate(&self, _: &protocol::Client<Self>, token: &str) -> Result<Identity, Denied> {
        match token {
            "ada's" => Ok(Identity::new("ada").expires_in(Duration::from_secs(60))),
            _ => Err(Denied::new("denied", "no such token")),
        }
    }

    async fn join(&self, _: &protocol::Client<Self>, room: &str) -> Result<(), Denied> {
        if room.starts_with('x') { Err(Denied::new("denied", "closed")) } else { Ok(()) }
    }

    async fn publish(
        &self,
        _: &protocol::Client<Self>,
        room: &str,
        data: &RawValue,
    ) -> Result<Publish, Denied> {
        match (room, data.get()) {
            (_, "\"bad\"") => Err(Denied::new("rude", "mind your language")),
            (_, "\"loud\"") => Ok(Publish::kept().data(&"LOUD")),
            ("passing", _) => Ok(Publish::passing()),
            _ => Ok(Publish::kept()),
        }
    }

    async fn presence(
        &self,
        _: &protocol::Client<Self>,
        _: &str,
        data: &RawValue,
    ) -> Result<Box<RawValue>, Denied> {
        match data.get() {
            "\"bad\"" => Err(Denied::new("rude", "mind your language")),
            "\"loud\"" => Ok(RawValue::from_string("\"LOUD\"".into()).unwrap()),
            "\"long\"" => Ok(RawValue::from_string(format!("\"{}\"", "long".repeat(1024))).unwrap()),
            _ => Ok(data.to_owned()),
        }
    }

    async fn call(&self, _: &protocol::Client<Self>, data: &RawValue) -> Result<Box<RawValue>, Denied> {
        Ok(data.to_owned())
    }
}

type Rule = Protocol<Rules>;

fn hub() -> Hub<Rule> {
    Hub::with_config(Protocol::new(Rules), Config::new().keep_alive(None))
}

async fn send(client: &mut Client, frame: Value) {
    client.write_message(frame.to_string()).await.unwrap();
}

async fn next(client: &mut Client) -> Value {
    serde_json::from_str(&text(client).await).unwrap()
}

/// Sends a frame and gives the next that arrives.
async fn ask(client: &mut Client, frame: Value) -> Value {
    send(client, frame).await;
    next(client).await
}

/// A client that has read its welcome.
async fn welcomed(hub: &Hub<Rule>, user: &str) -> (Client, Session<Rule>) {
    let (mut client, session, _) = connect_as(hub, Admission::new().user(user), 64 << 10).await;
    let welcome = next(&mut client).await;
    assert_eq!(
        welcome,
        json!({"type": "welcome", "version": 1, "session": session.id().to_string(), "user": user})
    );
    (client, session)
}

fn position(frame: &Value) -> &str {
    let position = frame["position"].as_str().unwrap();
    position.parse::<Position>().unwrap();
    position
}

#[tokio::test(start_paused = true)]
async fn rooms_are_joined_spoken_in_and_left() {
    let hub = hub();
    let (mut a, first) = welcomed(&hub, "ada").await;
    let (mut b, _) = welcomed(&hub, "bob").await;
    for client in [&mut a, &mut b] {
        let joined = ask(client, json!({"type": "join", "id": 1, "room": "r"})).await;
        assert_eq!(joined["type"], "joined");
        assert_eq!((&joined["id"], &joined["recovered"]), (&json!(1), &json!(false)));
        position(&joined);
    }
    send(&mut a, json!({"type": "publish", "id": 2, "room": "r", "data": {"text": "hi"}})).await;
    let (one, two) = (next(&mut a).await, next(&mut a).await);
    let (message, ok) = if one["type"] == "ok" { (two, one) } else { (one, two) };
    assert_eq!((&ok["id"], position(&ok)), (&json!(2), position(&message)));
    let at = position(&message);
    let from = json!({"session": first.id().to_string(), "user": "ada"});
    let expected =
        json!({"type": "message", "room": "r", "position": at, "from": from, "data": {"text": "hi"}});
    assert_eq!(message, expected);
    assert_eq!(next(&mut b).await, expected);
    let left = ask(&mut b, json!({"type": "leave", "id": 3, "room": "r"})).await;
    assert_eq!(left, json!({"type": "ok", "id": 3}));
    send(&mut a, json!({"type": "publish", "room": "r", "data": "loud"})).await;
    assert_eq!(next(&mut a).await["data"], "LOUD");
    silent(&mut b).await;
}

#[tokio::test(start_paused = true)]
async fn what_passes_has_no_position_and_is_not_kept() {
    let hub = hub();
    let (mut a, _) = welcomed(&hub, "ada").await;
    ask(&mut a, json!({"type": "join", "room": "passing"})).await;
    let message = ask(&mut a, json!({"type": "publish", "room": "passing", "data": [1, 2]})).await;
    assert_eq!((&message["data"], &message["position"]), (&json!([1, 2]), &Value::Null));
    let history = ask(&mut a, json!({"type": "history", "id": 1, "room": "passing"})).await;
    assert_eq!(history["messages"], json!([]));
}

#[tokio::test(start_paused = true)]
async fn who_comes_back_is_sent_what_it_missed() {
    let limits = HistoryLimits::new().messages(3);
    let hub = Hub::with_config(Protocol::new(Rules), Config::new().keep_alive(None).history(limits));
    let (mut a, _) = welcomed(&hub, "ada").await;
    let joined = ask(&mut a, json!({"type": "join", "room": "r"})).await;
    let start = position(&joined).to_owned();
    ask(&mut a, json!({"type": "leave", "id": 1, "room": "r"})).await;
    for number in 0..3 {
        hub.publish_json("r", &number).await.unwrap();
    }
    let joined = ask(&mut a, json!({"type": "join", "room": "r", "since": start})).await;
    assert_eq!((&joined["recovered"], &joined["messages"]), (&json!(true), &json!(3)));
    for number in 0..3 {
        let message = next(&mut a).await;
        assert_eq!((&message["data"], &message["from"]), (&json!(number), &Value::Null));
    }
    hub.publish_json("r", &3).await.unwrap();
    assert_eq!(next(&mut a).await["data"], 3);
    // Too long ago: refused as a whole.
    let joined = ask(&mut a, json!({"type": "join", "room": "r", "since": start})).await;
    assert_eq!((&joined["recovered"], &joined["messages"]), (&json!(false), &json!(0)));
    let joined = ask(&mut a, json!({"type": "join", "room": "r", "newest": 2})).await;
    assert_eq!(joined["messages"], 2);
    assert_eq!(
        (next(&mut a).await["data"].clone(), next(&mut a).await["data"].clone()),
        (json!(2), json!(3))
    );
    let history = ask(&mut a, json!({"type": "history", "id": 9, "room": "r", "limit": 1})).await;
    assert_eq!((&history["exact"], &history["messages"][0]["data"]), (&json!(true), &json!(3)));
    assert_eq!(position(&history), position(&history["messages"][0]));
}

#[tokio::test(start_paused = true)]
async fn history_gives_256_messages_at_once_and_no_more() {
    let limits = HistoryLimits::new().messages(300).bytes(1 << 20).age(Duration::from_secs(60));
    let hub = Hub::with_config(Protocol::new(Rules), Config::new().keep_alive(None).history(limits));
    for number in 1..=300 {
        hub.publish_json("r", &number).await.unwrap();
    }
    let (mut a, _) = welcomed(&hub, "ada").await;
    ask(&mut a, json!({"type": "join", "room": "r"})).await;
    for limit in [json!(1000), json!(null)] {
        let history = ask(&mut a, json!({"type": "history", "id": 1, "room": "r", "limit": limit})).await;
        let messages = history["messages"].as_array().unwrap();
        assert_eq!((messages.len(), &messages[255]["data"]), (256, &json!(300)));
    }
}

#[tokio::test(start_paused = true)]
async fn presence_that_the_application_makes_too_long_is_refused() {
    let hub = hub();
    let (mut a, _) = welcomed(&hub, "ada").await;
    let refused = ask(&mut a, json!({"type": "join", "id": 1, "room": "r", "presence": "long"})).await;
    assert_eq!((&refused["type"], &refused["code"]), (&json!("error"), &json!("too_big")));
}

#[tokio::test(start_paused = true)]
async fn presence_is_told_to_those_who_watch() {
    let hub = hub();
    let (mut a, _) = welcomed(&hub, "ada").await;
    send(&mut a, json!({"type": "join", "room": "r", "presence": {"color": "red"}, "watch": true})).await;
    assert_eq!(next(&mut a).await["type"], "joined");
    let present = next(&mut a).await;
    assert_eq!(
        present,
        json!({"type": "present", "room": "r", "members": [{"name": "ada", "data": {"color": "red"}}]})
    );
    let (mut b, _) = welcomed(&hub, "bob").await;
    ask(&mut b, json!({"type": "join", "room": "r", "presence": 1})).await;
    let join = next(&mut a).await;
    assert_eq!(join, json!({"type": "presence", "room": "r", "event": "join", "name": "bob", "data": 1}));
    assert_eq!(
        ask(&mut b, json!({"type": "presence", "id": 1, "room": "r", "data": 2})).await,
        json!({"type": "ok", "id": 1})
    );
    assert_eq!(next(&mut a).await["event"], "update");
    let asked = ask(&mut b, json!({"type": "presence", "id": 2, "room": "r"})).await;
    assert_eq!((&asked["id"], asked["members"].as_array().unwrap().len()), (&json!(2), 2));
    b.abort();
    assert_eq!(next(&mut a).await, json!({"type": "presence", "room": "r", "event": "leave", "name": "bob"}));
}

#[tokio::test(start_paused = true)]
async fn the_application_has_a_say_in_what_clients_say_of_themselves() {
    let hub = hub();
    let (mut a, session) = welcomed(&hub, "ada").await;
    let refused = ask(&mut a, json!({"type": "join", "id": 1, "room": "r", "presence": "bad"})).await;
    assert_eq!((&refused["code"], session.is_in("r")), (&json!("rude"), false));
    ask(&mut a, json!({"type": "join", "room": "r", "presence": "loud"})).await;
    let ada = |data: &str| json!([{"name": "ada", "data": data}]);
    let present = json!({"type": "presence", "room": "r"});
    assert_eq!(ask(&mut a, present.clone()).await["members"], ada("LOUD"));
    ask(&mut a, json!({"type": "presence", "id": 2, "room": "r", "data": "quiet"})).await;
    let refused = ask(&mut a, json!({"type": "presence", "id": 3, "room": "r", "data": "bad"})).await;
    assert_eq!((&refused["code"], &refused["id"]), (&json!("rude"), &json!(3)));
    assert_eq!(ask(&mut a, present).await["members"], ada("quiet"));
}

#[tokio::test(start_paused = true)]
async fn what_is_wrong_with_a_frame_is_told_in_few_words() {
    let hub = hub();
    let (mut a, _) = welcomed(&hub, "ada").await;
    let error = ask(&mut a, json!({"type": "join", "id": "é".repeat(10_000)})).await;
    assert_eq!(error["code"], "invalid");
    assert!(error["message"].as_str().unwrap().chars().count() <= 200);
    // As is what the backplane does not take.
    ask(&mut a, json!({"type": "join", "room": "r"})).await;
    let large = "x".repeat(800 << 10);
    let error = ask(&mut a, json!({"type": "publish", "id": 1, "room": "r", "data": large})).await;
    assert_eq!(error["code"], "too_big");
}

#[tokio::test(start_paused = true)]
async fn clients_say_who_they_are_and_call_the_application() {
    let hub = hub();
    let (mut client, session, _served) = connect(&hub).await;
    assert_eq!(next(&mut client).await["user"], Value::Null);
    let denied = ask(&mut client, json!({"type": "auth", "id": 1, "token": "?"})).await;
    assert_eq!((&denied["type"], &denied["code"]), (&json!("error"), &json!("denied")));
    let ok = ask(&mut client, json!({"type": "auth", "id": 2, "token": "ada's"})).await;
    assert_eq!(ok, json!({"type": "ok", "id": 2, "user": "ada", "expires": 60}));
    assert_eq!(session.user().as_deref(), Some("ada"));
    let answer = ask(&mut client, json!({"type": "call", "id": 3, "data": {"a": [1]}})).await;
    assert_eq!(answer, json!({"type": "ok", "id": 3, "data": {"a": [1]}}));
    assert_eq!(ask(&mut client, json!({"type": "ping", "id": 4})).await, json!({"type": "pong", "id": 4}));
}

#[tokio::test(start_paused = true)]
async fn requests_are_acknowledged_once() {
    let hub = hub();
    let (mut a, session) = welcomed(&hub, "ada").await;
    let answer = async {
        let request = next(&mut a).await;
        assert_eq!((&request["type"], &request["data"]), (&json!("request"), &json!("ready?")));
        let id = request["id"].as_u64().unwrap();
        send(&mut a, json!({"type": "ack", "id": id, "data": "yes"})).await;
        let forged = ask(&mut a, json!({"type": "ack", "id": id, "data": "no"})).await;
        assert_eq!(forged["code"], "unknown_request");
    };
    let asked = session.request_json(&"ready?", Duration::from_secs(5));
    let (asked, ()) = tokio::join!(asked, answer);
    assert_eq!(asked.unwrap().as_text(), Some("\"yes\""));
}

#[tokio::test(start_paused = true)]
async fn what_is_wrong_is_named_and_changes_nothing() {
    let hub = Hub::with_config(
        Protocol::new(Rules),
        Config::new().keep_alive(None).max_rooms_per_session(1).max_name_len(8),
    );
    let (mut a, session) = welcomed(&hub, "ada").await;
    let long = "n".repeat(9);
    for (frame, code) in [
        (json!({"type": "join", "id": 1, "room": "xyz"}), "denied"),
        (json!({"type": "join", "id": 1, "room": long}), "invalid_room"),
        (json!({"type": "join", "id": 1, "room": ""}), "invalid_room"),
        (json!({"type": "publish", "id": 1, "room": "r", "data": 1}), "not_in_room"),
        (json!({"type": "history", "id": 1, "room": "r"}), "not_in_room"),
        (json!({"type": "leave", "id": 1, "room": "r"}), "not_in_room"),
        (json!({"type": "presence", "id": 1, "room": "r"}), "not_in_room"),
        (json!({"type": "join", "id": 1, "room": "r", "presence": "x".repeat(5000)}), "too_big"),
        (json!({"type": "join", "id": 1}), "invalid"),
        (json!({"type": "join", "id": 1, "room": "r", "since": "yesterday"}), "invalid"),
        (json!({"type": "auth", "id": 1}), "invalid"),
        (json!({"type": "dance", "id": 1}), "invalid"),
    ] {
        let error = ask(&mut a, frame.clone()).await;
        assert_eq!(
            (&error["type"], &error["id"], &error["code"]),
            (&json!("error"), &json!(1), &json!(code)),
            "{frame}"
        );
    }
    assert!(session.rooms().is_empty() && hub.room_names().is_empty());
    ask(&mut a, json!({"type": "join", "room": "r"})).await;
    assert_eq!(ask(&mut a, json!({"type": "join", "room": "s"})).await["code"], "too_many_rooms");
    assert_eq!(ask(&mut a, json!({"type": "publish", "room": "r", "data": "bad"})).await["code"], "rude");
    // Again into the same room is no second room.
    assert_eq!(ask(&mut a, json!({"type": "join", "room": "r"})).await["type"], "joined");
}

#[tokio::test(start_paused = true)]
async fn ten_frames_that_are_not_understood_close_the_session() {
    let hub = hub();
    let (mut a, _) = welcomed(&hub, "ada").await;
    let deep = "[".repeat(100_000);
    for bad in ["", "{", "[]", "{\"type\": 1}", &deep, "null", "{\"type\":\"join\",\"room\":{}}", "x", "1"] {
        a.write_message(bad).await.unwrap();
        assert_eq!(next(&mut a).await["code"], "invalid", "{bad:.20}");
    }
    // One that is understood forgives.
    ask(&mut a, json!({"type": "ping"})).await;
    for _ in 0..10 {
        a.write_message("x").await.unwrap();
        assert_eq!(next(&mut a).await["type"], "error");
    }
    assert_eq!(closed(&mut a).await, Some(CloseFrame::new(1008, "too many invalid frames")));
    let (mut b, _) = welcomed(&hub, "bob").await;
    b.write_message(vec![1]).await.unwrap();
    assert_eq!(closed(&mut b).await, Some(CloseFrame::new(1003, "text only")));
}

#[tokio::test(start_paused = true)]
async fn what_the_application_publishes_its_own_way_is_data() {
    let hub = hub();
    let (mut a, _) = welcomed(&hub, "ada").await;
    ask(&mut a, json!({"type": "join", "room": "r"})).await;
    for (payload, data) in [
        ("plain text", json!("plain text")),
        ("{\"a\":1}", json!({"a": 1})),
        ("{\"data\":1,\"type\":\"forged\"}", json!({"data": 1, "type": "forged"})),
    ] {
        hub.room("r").publish(payload).await.unwrap();
        let message = next(&mut a).await;
        assert_eq!((&message["type"], &message["data"]), (&json!("message"), &data));
    }
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_joins_leaves_nothing_behind() {
    let hub = hub();
    let (mut a, _) = welcomed(&hub, "ada").await;
    for number in 0..2000 {
        send(&mut a, json!({"type": "join", "room": format!("{number}")})).await;
        let frame = next(&mut a).await;
        assert_eq!(frame["type"], if number < 128 { "joined" } else { "error" });
    }
    assert_eq!(hub.room_names().len(), 128);
    a.abort();
    hub.closed().await;
    assert!(hub.room_names().is_empty());
}
