//! The scripted server holds clients to the protocol, with the close codes of OBS.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::DuplexStream;
use ws_obs::{
    events::CurrentSceneCollectionChanged,
    requests::{GetStudioModeEnabled, SetCurrentSceneCollection},
    testing::{Answer, Server},
    ws_client::{Conn, Dialer, Message},
};

/// A client that says anything.
async fn raw(server: &Server, subprotocol: Option<&str>) -> Conn<DuplexStream> {
    let dialer = Dialer::new().subprotocols(subprotocol).connector(server.connector());
    let (mut conn, _) = dialer.dial("ws://obs.test/").await.expect("it is there");
    let hello = read(&mut conn).await.expect("it greets");
    assert_eq!(hello["op"], 0);
    conn
}

async fn read(conn: &mut Conn<DuplexStream>) -> Result<Value, u16> {
    match conn.read_message().await {
        Ok(Some(Message::Text(text))) => Ok(serde_json::from_str(&text).expect("it is JSON")),
        Ok(other) => panic!("{other:?}"),
        Err(error) => Err(error.close_code().expect("it has a code").as_u16()),
    }
}

/// What the server closes the connection with when it is told these things.
async fn close_code(said: &[Value]) -> u16 {
    let server = Server::new().answer::<GetStudioModeEnabled>(json!({"studioModeEnabled": true}));
    let mut conn = raw(&server, None).await;
    for message in said {
        conn.write_message(message.to_string()).await.expect("it is open");
    }
    loop {
        if let Err(code) = read(&mut conn).await {
            return code;
        }
    }
}

fn identify() -> Value {
    json!({"op": 1, "d": {"rpcVersion": 1}})
}

#[tokio::test(start_paused = true)]
async fn faults_before_identifying_have_their_codes() {
    for (said, code) in [
        (json!([]), 4002),
        (json!({"request-type": "GetVersion", "message-id": "1"}), 4010),
        (json!({}), 4006),
        (json!({"op": "1", "d": {}}), 4006),
        (json!({"op": 1}), 4003),
        (json!({"op": 1, "d": null}), 4003),
        (json!({"op": 1, "d": []}), 4004),
        (json!({"op": 6, "d": {}}), 4007),
        (json!({"op": 99, "d": {}}), 4007),
        (json!({"op": 1, "d": {}}), 4003),
        (json!({"op": 1, "d": {"rpcVersion": "1"}}), 4004),
        (json!({"op": 1, "d": {"rpcVersion": 2}}), 4010),
        (json!({"op": 1, "d": {"rpcVersion": 1, "eventSubscriptions": -1}}), 4004),
    ] {
        assert_eq!(close_code(std::slice::from_ref(&said)).await, code, "{said}");
    }
}

#[tokio::test(start_paused = true)]
async fn faults_after_identifying_have_their_codes() {
    let batch = |data: Value| {
        let mut data = data;
        data["requestId"] = "1".into();
        json!({"op": 8, "d": data})
    };
    for (said, code) in [
        (identify(), 4008),
        (json!({"op": 99, "d": {}}), 4006),
        (json!({"op": 6, "d": {"requestType": "GetVersion"}}), 4003),
        (json!({"op": 8, "d": {"requests": []}}), 4003),
        (batch(json!({})), 4003),
        (batch(json!({"requests": {}})), 4004),
        (batch(json!({"requests": [], "executionType": -1})), 4004),
        (batch(json!({"requests": [], "executionType": 3})), 4005),
        (batch(json!({"requests": [], "haltOnFailure": 1})), 4004),
        (batch(json!({"requests": [], "executionType": 2, "variables": {}})), 4012),
    ] {
        assert_eq!(close_code(&[identify(), said.clone()]).await, code, "{said}");
    }
}

#[tokio::test(start_paused = true)]
async fn first_subprotocol_that_is_known_is_chosen() {
    let conn = raw(&Server::new(), Some("obswebsocket.json")).await;
    assert_eq!(conn.subprotocol(), Some("obswebsocket.json"));
    assert_eq!(raw(&Server::new(), None).await.subprotocol(), None);
}

#[tokio::test(start_paused = true)]
async fn identifying_without_a_subscription_means_all_and_again_without_one_changes_nothing() {
    let server = Server::new();
    let mut conn = raw(&server, None).await;
    conn.write_message(identify().to_string()).await.unwrap();
    assert_eq!(read(&mut conn).await.unwrap()["d"]["negotiatedRpcVersion"], 1);
    assert_eq!(server.subscription(), Some(ws_obs::types::EventSubscription::ALL));
    for (data, bits) in [(json!({"eventSubscriptions": 5}), 5), (json!({}), 5)] {
        conn.write_message(json!({"op": 3, "d": data}).to_string()).await.unwrap();
        assert_eq!(read(&mut conn).await.unwrap()["op"], 2);
        assert_eq!(server.subscription().unwrap().bits(), bits);
    }
}

#[tokio::test(start_paused = true)]
async fn pictures_may_be_sent() {
    let server = Server::new().on_raw("Large", |_received| Answer::ok());
    let client = server.obs().connect().await.unwrap();
    client.call_raw("Large", json!({"data": "x".repeat(5_000_000)})).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn function_that_answers_may_use_the_server() {
    let server = Server::new();
    let inner = server.clone();
    let server = server.on::<SetCurrentSceneCollection>(move |request| {
        inner.set_ready(false);
        let (later, name) = (inner.clone(), request.scene_collection_name);
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_secs(1)).await;
            later.set_ready(true);
            later.emit::<CurrentSceneCollectionChanged>(json!({"sceneCollectionName": name}));
        });
        Answer::ok()
    });
    let server = server.answer::<GetStudioModeEnabled>(json!({"studioModeEnabled": true}));
    let client = server.obs().connect().await.unwrap();
    let mut changed = client.events_of::<CurrentSceneCollectionChanged>().await.unwrap();
    client.call(SetCurrentSceneCollection::new("Evening")).await.unwrap();
    assert!(client.call(GetStudioModeEnabled::new()).await.unwrap().studio_mode_enabled);
    assert_eq!(changed.next().await.unwrap().unwrap().scene_collection_name, "Evening");
}

#[tokio::test]
async fn server_listens_on_the_loopback_interface() {
    let server =
        Server::new().password("secret").answer::<GetStudioModeEnabled>(json!({"studioModeEnabled": true}));
    let url = server.listen().await.unwrap();
    let client = ws_obs::Obs::new(format!("{url}/any/path")).password("secret").connect().await.unwrap();
    assert!(client.call(GetStudioModeEnabled::new()).await.unwrap().studio_mode_enabled);
    client.close().await;
}
