//! Deadlines, servers that are silent or not ready.

use std::time::Duration;

use tokio::time::Instant;
use ws_obs::{
    Batch, ErrorKind,
    requests::StartStream,
    serde_json::Value,
    testing::{Answer, Server},
    types::RequestStatus,
};

use crate::{connect, obs, wait_for};

fn silent() -> Server {
    Server::new().on_raw("Silent", |_received| Answer::nothing())
}

#[tokio::test(start_paused = true)]
async fn request_that_is_not_answered_times_out() {
    let client = connect(&silent()).await;
    let began = Instant::now();
    let error = client.call_raw("Silent", Value::Null).await.unwrap_err();
    assert!(error.is_timeout() && error.request_type() == Some("Silent"));
    assert_eq!(began.elapsed().as_secs(), 10);
}

#[tokio::test(start_paused = true)]
async fn each_request_may_have_its_own_deadline() {
    let client = obs(&silent()).timeout(Duration::from_secs(4)).connect().await.unwrap();
    let began = Instant::now();
    client.with_timeout(Duration::from_secs(1)).call_raw("Silent", Value::Null).await.unwrap_err();
    assert_eq!(began.elapsed().as_secs(), 1);
    client.call_raw("Silent", Value::Null).await.unwrap_err();
    assert_eq!(began.elapsed().as_secs(), 5);
}

#[tokio::test(start_paused = true)]
async fn deadline_holds_while_waiting_for_a_turn() {
    let client = obs(&silent()).max_in_flight(1).connect().await.unwrap();
    let began = Instant::now();
    let short = client.with_timeout(Duration::from_secs(1));
    let (first, second) =
        tokio::join!(client.call_raw("Silent", Value::Null), short.call_raw("Silent", Value::Null));
    assert!(first.unwrap_err().is_timeout() && second.unwrap_err().is_timeout());
    assert_eq!(began.elapsed().as_secs(), 10);
}

#[tokio::test(start_paused = true)]
async fn longest_timeout_is_no_overflow() {
    let server = Server::new().on::<StartStream>(|_request| Answer::ok());
    connect(&server).await.with_timeout(Duration::MAX).call(StartStream::new()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn connection_lives_on_after_a_deadline() {
    let server = silent().on::<StartStream>(|_request| Answer::ok());
    let client = connect(&server).await;
    client.call_raw("Silent", Value::Null).await.unwrap_err();
    client.call(StartStream::new()).await.unwrap();
    assert!(client.state().is_connected());
}

#[tokio::test(start_paused = true)]
async fn request_is_sent_again_until_obs_is_ready() {
    let server = Server::new().on::<StartStream>(|_request| Answer::ok());
    server.set_ready(false);
    let client = connect(&server).await;
    let ready = async {
        tokio::time::sleep(Duration::from_secs(3)).await;
        server.set_ready(true);
    };
    let (result, ()) = tokio::join!(client.call(StartStream::new()), ready);
    result.unwrap();
    assert!(server.received().len() > 2);
}

#[tokio::test(start_paused = true)]
async fn obs_that_never_gets_ready_is_told_within_the_deadline() {
    let server = Server::new();
    server.set_ready(false);
    let client = connect(&server).await;
    let began = Instant::now();
    let error = client.call(StartStream::new()).await.unwrap_err();
    assert_eq!(error.status(), Some(RequestStatus::NOT_READY));
    assert!(began.elapsed() <= Duration::from_secs(10));
}

#[tokio::test(start_paused = true)]
async fn batch_is_sent_again_until_obs_is_ready() {
    for halts in [false, true] {
        let server = Server::new().on::<StartStream>(|_request| Answer::ok());
        server.set_ready(false);
        let client = connect(&server).await;
        let mut batch = if halts { Batch::serial().halt_on_failure() } else { Batch::serial() };
        batch.push(StartStream::new());
        batch.push(StartStream::new());
        let ready = async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            server.set_ready(true);
        };
        let (results, ()) = tokio::join!(client.batch(&batch), ready);
        results.unwrap().check().unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn half_open_connection_is_noticed() {
    let server = silent();
    let client = connect(&server).await;
    let began = Instant::now();
    server.freeze();
    let error =
        client.with_timeout(Duration::from_secs(60)).call_raw("Silent", Value::Null).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionLost);
    assert!(began.elapsed() <= Duration::from_secs(21), "{:?}", began.elapsed());
    wait_for(&client, |state| state.is_connected()).await;
}

#[tokio::test(start_paused = true)]
async fn requests_that_a_connection_did_not_take_are_not_sent_by_the_next_one() {
    let server = Server::new().on_raw("Large", |_received| Answer::ok());
    let client = connect(&server).await.with_timeout(Duration::from_secs(60));
    server.freeze();
    // More than the connection and its transport hold.
    let data = serde_json::json!({"text": "x".repeat(50_000)});
    let calls = (0..100).map(|_| client.call_raw("Large", data.clone()));
    for result in futures_util::future::join_all(calls).await {
        assert_eq!(result.unwrap_err().kind(), ErrorKind::ConnectionLost);
    }
    client.connected().await.unwrap();
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert!(server.received().is_empty());
}
