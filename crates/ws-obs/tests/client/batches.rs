//! Batches.

use std::time::Duration;

use tokio::time::Instant;
use ws_obs::{
    Batch, ErrorKind, UsageError,
    requests::{GetSceneItemId, GetStudioModeEnabled, SetSceneItemEnabled, Sleep, StartRecord},
    serde_json::{Value, json},
    testing::{Answer, Server},
    types::RequestStatus,
};

use crate::connect;

fn server() -> Server {
    Server::new()
        .on::<GetSceneItemId>(|request| match request.source_name.as_str() {
            "Banner" => Answer::data(json!({"sceneItemId": 42})),
            _ => Answer::fail(RequestStatus::RESOURCE_NOT_FOUND, "no such item"),
        })
        .on::<SetSceneItemEnabled>(|_request| Answer::ok())
        .answer::<GetStudioModeEnabled>(json!({"studioModeEnabled": true}))
        .on_raw("Echo", |received| Answer::data(json!({"number": received.data["number"]})))
}

#[tokio::test(start_paused = true)]
async fn tickets_find_their_answers() {
    let client = connect(&server()).await;
    for mut batch in [Batch::serial(), Batch::serial_frame(), Batch::parallel()] {
        let item = batch.push(GetSceneItemId::new("Live", "Banner"));
        let nothing = batch.push(GetSceneItemId::new("Live", "None"));
        let mode = batch.push(GetStudioModeEnabled::new());
        let raw = batch.push_raw("Echo", json!({"number": 7}));
        assert_eq!(batch.len(), 4);
        let results = client.batch(&batch).await.unwrap();
        assert_eq!(results.get(&item).unwrap().scene_item_id, 42);
        assert!(results.get(&mode).unwrap().studio_mode_enabled);
        let error = results.get(&nothing).unwrap_err();
        assert_eq!(error.status(), Some(RequestStatus::RESOURCE_NOT_FOUND));
        assert_eq!(error.request_type(), Some("GetSceneItemId"));
        assert_eq!(results.raw(raw).unwrap()["number"], 7);
        assert_eq!(results.check().unwrap_err().comment(), Some("no such item"));
        assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 3);
    }
}

#[tokio::test(start_paused = true)]
async fn variables_go_from_answers_into_requests() {
    let server = server();
    let client = connect(&server).await;
    let mut batch = Batch::serial().variable("shown", true);
    batch.entry(GetSceneItemId::new("Live", "Banner")).output("sceneItemId", "item").push();
    batch
        .entry(SetSceneItemEnabled::new("Live", 0, false))
        .input("sceneItemId", "item")
        .input("sceneItemEnabled", "shown")
        .push();
    client.batch(&batch).await.unwrap().check().unwrap();
    let data = server.received().pop().unwrap().data;
    assert_eq!(data, json!({"sceneName": "Live", "sceneItemId": 42, "sceneItemEnabled": true}));
}

/// The server would say nothing, and do what the request says instead.
#[tokio::test(start_paused = true)]
async fn batch_that_takes_a_variable_that_nothing_gives_is_not_sent() {
    let server = server();
    let client = connect(&server).await;
    let expected = ErrorKind::Usage(UsageError::UnknownVariable);
    let mut batch = Batch::serial();
    batch.entry(SetSceneItemEnabled::new("Live", 0, false)).input("sceneItemId", "item").push();
    batch.entry(GetSceneItemId::new("Live", "Banner")).output("sceneItemId", "item").push();
    assert_eq!(client.batch(&batch).await.unwrap_err().kind(), expected);
    // Its own answer comes too late for a request.
    let mut batch = Batch::serial();
    batch
        .entry(GetSceneItemId::new("Live", "Banner"))
        .input("searchOffset", "item")
        .output("sceneItemId", "item")
        .push();
    assert_eq!(client.batch(&batch).await.unwrap_err().kind(), expected);
    assert!(server.received().is_empty());
}

#[tokio::test(start_paused = true)]
async fn batch_that_halts_leaves_out_the_rest() {
    let server = server();
    let client = connect(&server).await;
    let mut batch = Batch::serial().halt_on_failure();
    let first = batch.push(GetSceneItemId::new("Live", "Banner"));
    let second = batch.push(GetSceneItemId::new("Live", "None"));
    let third = batch.push(GetStudioModeEnabled::new());
    let results = client.batch(&batch).await.unwrap();
    assert!(results.get(&first).is_ok());
    assert_eq!(results.get(&second).unwrap_err().status(), Some(RequestStatus::RESOURCE_NOT_FOUND));
    assert_eq!(results.get(&third).unwrap_err().kind(), ErrorKind::NotExecuted);
    assert_eq!(server.received().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn sleeping_adds_to_the_deadline() {
    let client = connect(&server()).await;
    let began = Instant::now();
    let mut batch = Batch::serial();
    batch.push(Sleep::new().sleep_millis(30_000));
    batch.push(Sleep::new().sleep_millis(15_000));
    client.batch(&batch).await.unwrap().check().unwrap();
    assert_eq!(began.elapsed().as_secs(), 45);
}

#[tokio::test(start_paused = true)]
async fn longest_sleep_is_no_overflow() {
    let client = connect(&Server::new().on_raw("Sleep", |_received| Answer::ok())).await;
    let mut batch = Batch::serial();
    batch.push_raw("Sleep", json!({"sleepMillis": u64::MAX}));
    batch.push_raw("Sleep", json!({"sleepMillis": u64::MAX}));
    client.batch(&batch).await.unwrap().check().unwrap();
}

#[tokio::test(start_paused = true)]
async fn empty_batch_is_done_at_once() {
    let client = connect(&server()).await;
    for batch in [Batch::serial(), Batch::parallel()] {
        assert!(batch.is_empty());
        let began = Instant::now();
        assert_eq!(client.batch(&batch).await.unwrap().iter().len(), 0);
        assert_eq!(began.elapsed(), Duration::ZERO);
    }
    assert!(client.batch_unordered(&Batch::parallel()).await.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn parallel_requests_are_matched_whatever_their_order() {
    // The later ones are done first.
    let server = Server::new().on_raw("Echo", |received| {
        let number = received.data["number"].as_u64().unwrap();
        Answer::data(json!({"number": number})).after(Duration::from_millis(1000 - number))
    });
    let client = connect(&server).await;
    let mut batch = Batch::parallel();
    let positions: Vec<_> =
        (0..100).map(|number| batch.push_raw("Echo", json!({"number": number}))).collect();
    let began = Instant::now();
    let results = client.batch(&batch).await.unwrap();
    assert_eq!(began.elapsed().as_secs(), 1);
    for (number, position) in positions.into_iter().enumerate() {
        assert_eq!(results.raw(position).unwrap()["number"], number);
    }
}

#[tokio::test(start_paused = true)]
async fn results_of_the_servers_own_parallel_batch_have_no_names() {
    let client = connect(&server()).await;
    let mut batch = Batch::parallel();
    for number in 0..3 {
        batch.push_raw("Echo", json!({"number": number}));
    }
    let results = client.batch_unordered(&batch).await.unwrap();
    assert!(results.iter().all(|result| result.status == RequestStatus::SUCCESS));
    // As the server has it: the order in which they were done.
    let numbers: Vec<_> = results.iter().map(|result| result.data["number"].as_u64().unwrap()).collect();
    assert_eq!(numbers, [2, 1, 0]);
}

#[tokio::test(start_paused = true)]
async fn parallel_batch_with_variables_is_not_sent() {
    let server = server();
    let client = connect(&server).await;
    let mut batch = Batch::parallel();
    batch.entry(StartRecord::new()).output("b", "a").push();
    let expected = ErrorKind::Usage(UsageError::VariablesInParallel);
    assert_eq!(client.batch(&batch).await.unwrap_err().kind(), expected);
    let batch = Batch::serial().variable("a", 1);
    assert_eq!(client.batch_unordered(&batch).await.unwrap_err().kind(), expected);
    assert!(server.received().is_empty() && client.state().is_connected());
}

#[tokio::test(start_paused = true)]
async fn ticket_of_another_batch_is_told() {
    let client = connect(&server()).await;
    let mut batch = Batch::serial();
    batch.push(GetStudioModeEnabled::new());
    let mut other = Batch::serial();
    let beyond = {
        other.push(StartRecord::new());
        other.push(StartRecord::new())
    };
    let wrong = Batch::serial().push(StartRecord::new());
    let results = client.batch(&batch).await.unwrap();
    let expected = ErrorKind::Usage(UsageError::ForeignTicket);
    assert_eq!(results.get(&wrong).unwrap_err().kind(), expected);
    assert_eq!(results.get(&beyond).unwrap_err().kind(), expected);
    assert_eq!(results.raw(9).unwrap_err().kind(), expected);
}

#[tokio::test(start_paused = true)]
async fn fault_in_a_batch_is_told_before_it_is_sent() {
    let server = server();
    let client = connect(&server).await;
    let mut batch = Batch::serial();
    batch.push_raw("Echo", json!(7));
    let error = client.batch(&batch).await.unwrap_err();
    assert_eq!((error.kind(), error.request_type()), (ErrorKind::InvalidRequest, Some("Echo")));
    assert!(server.received().is_empty());
}

#[tokio::test(start_paused = true)]
async fn batches_are_matched_by_id_too() {
    let server = Server::new().on_raw("Echo", |received| {
        let number = received.data["number"].as_u64().unwrap();
        Answer::data(json!({"number": number})).after(Duration::from_millis(100 - number))
    });
    let client = connect(&server).await;
    let batches = (0..50).map(|number| {
        let client = &client;
        async move {
            let mut batch = Batch::serial();
            let position = batch.push_raw("Echo", json!({"number": number}));
            client.batch(&batch).await.unwrap().raw(position).unwrap()["number"] == number
        }
    });
    assert!(futures_util::future::join_all(batches).await.into_iter().all(|is_its_own| is_its_own));
}

#[tokio::test(start_paused = true)]
async fn batch_that_is_not_answered_times_out() {
    let server = Server::new().on_raw("Silent", |_received| Answer::nothing());
    let client = connect(&server).await;
    for mut batch in [Batch::serial(), Batch::parallel()] {
        batch.push_raw("Silent", Value::Null);
        let result = client.batch(&batch).await.and_then(|results| results.check());
        assert!(result.unwrap_err().is_timeout());
    }
}
