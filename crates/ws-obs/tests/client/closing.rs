//! The end of a client.

use std::time::Duration;

use ws_obs::{
    ErrorKind, State,
    events::CurrentProgramSceneChanged,
    requests::StartRecord,
    serde_json::{Value, json},
    testing::{Answer, Server},
};

use crate::{connect, obs, wait_for};

#[tokio::test(start_paused = true)]
async fn close_ends_everything_well() {
    let server = Server::new().on_raw("Silent", |_received| Answer::nothing());
    let client = connect(&server).await;
    let other = client.clone();
    let (call, ()) = tokio::join!(other.call_raw("Silent", Value::Null), async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        client.close().await;
    });
    assert_eq!(call.unwrap_err().kind(), ErrorKind::ClientClosed);
    assert!(matches!(other.state(), State::Closed(error) if error.kind() == ErrorKind::ClientClosed));
    assert_eq!(other.call(StartRecord::new()).await.unwrap_err().kind(), ErrorKind::ClientClosed);
    client.close().await;
    server.wait_for_sessions(0).await;
}

#[tokio::test(start_paused = true)]
async fn client_that_waits_to_connect_can_be_closed() {
    let server = Server::new();
    server.set_reachable(false);
    let client = obs(&server).start().unwrap();
    wait_for(&client, |state| matches!(state, State::Waiting { .. })).await;
    client.close().await;
    assert_eq!(client.connected().await.unwrap_err().kind(), ErrorKind::ClientClosed);
}

#[tokio::test(start_paused = true)]
async fn last_handle_closes_the_connection() {
    let server = Server::new();
    let client = connect(&server).await;
    let clone = client.clone();
    let mut states = client.states();
    drop(client);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(server.sessions(), 1);
    drop(clone);
    server.wait_for_sessions(0).await;
    while let Some(state) = states.next().await {
        if let State::Closed(error) = state {
            assert_eq!(error.kind(), ErrorKind::ClientClosed);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn stream_keeps_the_connection() {
    let server = Server::new();
    let client = connect(&server).await;
    let mut events = client.events_of::<CurrentProgramSceneChanged>().await.unwrap();
    drop(client);
    tokio::time::sleep(Duration::from_secs(60)).await;
    server.emit::<CurrentProgramSceneChanged>(json!({"sceneName": "A"}));
    assert_eq!(events.next().await.unwrap().unwrap().scene_name, "A");
    drop(events);
    server.wait_for_sessions(0).await;
}

#[tokio::test(start_paused = true)]
async fn future_of_connect_that_is_dropped_closes_the_connection() {
    let server = Server::new().without_identifying();
    let connect = tokio::time::timeout(Duration::from_secs(1), obs(&server).connect());
    connect.await.unwrap_err();
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(server.sessions(), 0);
}

#[tokio::test(start_paused = true)]
async fn future_of_connect_that_is_dropped_while_the_connection_is_set_up_closes_it() {
    let server = Server::new();
    let connect = obs(&server).on_connect(|client| async move {
        client.connected().await?;
        Ok(())
    });
    tokio::time::timeout(Duration::from_secs(1), connect.connect()).await.unwrap_err();
    assert_eq!(server.sessions(), 1);
    tokio::time::timeout(Duration::from_secs(1), server.wait_for_sessions(0)).await.expect("it is closed");
}

#[test]
fn runtime_that_ends_fails_those_who_wait_elsewhere() {
    let server = Server::new().on_raw("Silent", |_received| Answer::nothing());
    let first = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let client = first.block_on(connect(&server));
    let second = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let call = second.block_on(async {
        let call = client.call_raw("Silent", Value::Null);
        first.shutdown_background();
        call.await
    });
    assert_eq!(call.unwrap_err().kind(), ErrorKind::ClientClosed);
}

#[test]
fn handles_can_cross_threads() {
    fn check<T: Send + Sync + 'static>() {}
    check::<ws_obs::Client>();
    check::<ws_obs::Events<ws_obs::events::Event>>();
    check::<ws_obs::Batch>();
    check::<Server>();
}
