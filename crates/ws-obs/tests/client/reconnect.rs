//! Connections that are lost, and come back.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use ws_obs::{
    ErrorKind, State,
    requests::{GetSceneList, StartRecord},
    serde_json::{Value, json},
    testing::{Answer, Server},
    types::{CloseCode, EventSubscription},
};

use crate::{connect, obs, reconnected, wait_for};

fn server() -> Server {
    Server::new()
        .answer::<GetSceneList>(json!({"scenes": []}))
        .on::<StartRecord>(|_request| Answer::ok())
        .on_raw("Silent", |_received| Answer::nothing())
        .on_raw("Crash", |_received| Answer::reset())
}

#[tokio::test(start_paused = true)]
async fn client_that_starts_before_obs_connects_when_it_is_there() {
    let server = server();
    server.set_reachable(false);
    let client = obs(&server).start().unwrap();
    assert_eq!(client.call(StartRecord::new()).await.unwrap_err().kind(), ErrorKind::NotConnected);
    let state = wait_for(&client, |state| matches!(state, State::Waiting { .. })).await;
    assert!(matches!(state, State::Waiting { error, .. } if error.kind() == ErrorKind::Dial));
    tokio::time::sleep(Duration::from_secs(60)).await;
    server.set_reachable(true);
    client.connected().await.unwrap();
    client.call(StartRecord::new()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn lost_connection_fails_what_was_on_its_way_and_comes_back() {
    let server = server();
    let client = connect(&server).await;
    let (silent, crash) =
        tokio::join!(client.call_raw("Silent", Value::Null), client.call_raw("Crash", Value::Null));
    for error in [silent.unwrap_err(), crash.unwrap_err()] {
        assert_eq!(error.kind(), ErrorKind::ConnectionLost);
        assert!(error.is_connection());
    }
    client.connected().await.unwrap();
    client.call(StartRecord::new()).await.unwrap();
    // Nothing was sent again.
    let names: Vec<_> = server.received().into_iter().map(|received| received.request_type).collect();
    assert_eq!(names, ["Silent", "Crash", "StartRecord"]);
}

#[tokio::test(start_paused = true)]
async fn request_without_a_connection_fails_at_once_and_is_never_sent() {
    let server = server();
    let client = connect(&server).await;
    server.set_reachable(false);
    server.reset();
    wait_for(&client, |state| matches!(state, State::Waiting { .. })).await;
    let error = client.call(StartRecord::new()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotConnected);
    assert!(std::error::Error::source(&error).is_some(), "it says why there is none");
    server.set_reachable(true);
    client.connected().await.unwrap();
    assert!(server.received().is_empty());
}

#[tokio::test(start_paused = true)]
async fn subscriptions_are_there_on_the_next_connection() {
    let server = server();
    let client = connect(&server).await;
    let _events = client.events(EventSubscription::INPUTS).await.unwrap();
    server.reset();
    reconnected(&client).await;
    assert_eq!(server.subscription(), Some(EventSubscription::INPUTS));
}

#[tokio::test(start_paused = true)]
async fn every_close_code_is_told_and_followed_by_what_it_means() {
    let again = [1001, 1005, 1009, 1011, 1012, 1013, 4000, 4001, 4013, 4999];
    let over = [1000, 4002, 4003, 4004, 4005, 4006, 4007, 4008, 4009, 4010, 4011, 4012];
    for code in again.into_iter().filter(|code| *code != 1005).chain(over) {
        let server = server();
        let client = connect(&server).await;
        let call = client.call_raw("Silent", Value::Null);
        let close = async {
            server.wait_for_sessions(1).await;
            tokio::time::sleep(Duration::from_secs(1)).await;
            server.close(CloseCode::new(code));
        };
        let (result, ()) = tokio::join!(call, close);
        let error = result.unwrap_err();
        assert!(error.is_connection(), "{code}: {error:?}");
        if !matches!(code, 4009 | 4010) {
            assert_eq!(error.close_code().map(CloseCode::code), Some(code), "{error:?}");
        }
        let state = wait_for(&client, |state| !state.is_connected()).await;
        match state {
            State::Closed(_) => assert!(over.contains(&code), "{code} ends the client"),
            _ => {
                assert!(again.contains(&code), "{code} does not end the client: {state:?}");
                client.connected().await.unwrap();
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn removed_session_is_never_opened_again() {
    let server = server();
    let client = connect(&server).await;
    let mut events = client.events(EventSubscription::ALL).await.unwrap();
    server.close(CloseCode::SESSION_INVALIDATED);
    assert!(events.next().await.is_none());
    tokio::time::sleep(Duration::from_secs(3600)).await;
    assert_eq!(server.sessions(), 0);
    let error = client.call(StartRecord::new()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotConnected);
    let cause = std::error::Error::source(&error).unwrap().downcast_ref::<ws_obs::Error>().unwrap();
    assert_eq!(cause.close_code(), Some(CloseCode::SESSION_INVALIDATED));
    assert_eq!(client.connected().await.unwrap_err().close_code(), Some(CloseCode::SESSION_INVALIDATED));
}

#[tokio::test(start_paused = true)]
async fn reconnection_can_be_turned_off() {
    let server = server();
    let client = server.obs().reconnect(None).connect().await.unwrap();
    server.reset();
    let state = wait_for(&client, |state| matches!(state, State::Closed(_))).await;
    assert!(matches!(state, State::Closed(error) if error.kind() == ErrorKind::ConnectionLost));
}

#[tokio::test(start_paused = true)]
async fn message_that_is_none_of_the_protocol_ends_the_connection_alone() {
    for text in ["no JSON", "[]", r#"{"d":{}}"#, r#"{"op":7,"d":{"requestId":"1"}}"#, r#"{"op":5,"d":7}"#] {
        let server = server();
        let client = connect(&server).await;
        server.send_text(text);
        let state = wait_for(&client, |state| matches!(state, State::Waiting { .. })).await;
        assert!(
            matches!(state, State::Waiting { error, .. } if error.kind() == ErrorKind::Protocol),
            "{text}"
        );
        client.connected().await.unwrap();
        client.call(StartRecord::new()).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn who_waits_is_told_at_once_of_a_message_that_is_none_of_the_protocol() {
    let server = server();
    let client = connect(&server).await;
    let began = tokio::time::Instant::now();
    let (result, ()) = tokio::join!(client.call_raw("Silent", Value::Null), async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        server.send_text("no JSON");
        // The closing handshake is not answered.
        server.freeze();
    });
    assert!(began.elapsed() < Duration::from_secs(2));
    let error = result.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionLost);
    let cause = std::error::Error::source(&error).unwrap().downcast_ref::<ws_obs::Error>().unwrap();
    assert_eq!(cause.kind(), ErrorKind::Protocol);
}

#[tokio::test(start_paused = true)]
async fn function_sets_up_every_connection_before_others_may_use_it() {
    let server = server();
    let count = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&count);
    let client = obs(&server)
        .on_connect(move |client| {
            counted.fetch_add(1, Ordering::Relaxed);
            async move {
                tokio::time::sleep(Duration::from_secs(2)).await;
                client.call(GetSceneList::new()).await?;
                Ok(())
            }
        })
        .connect()
        .await
        .unwrap();
    client.call(StartRecord::new()).await.unwrap();
    server.reset();
    wait_for(&client, |state| matches!(state, State::SettingUp(_))).await;
    // This waits for the function.
    client.call(StartRecord::new()).await.unwrap();
    assert_eq!(count.load(Ordering::Relaxed), 2);
    let names: Vec<_> = server.received().into_iter().map(|received| received.request_type).collect();
    assert_eq!(names, ["GetSceneList", "StartRecord", "GetSceneList", "StartRecord"]);
}

#[tokio::test(start_paused = true)]
async fn function_that_fails_at_first_fails_the_first_attempt() {
    let error = obs(&server()).on_connect(|_client| async { Err("no".into()) }).connect().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Setup);
    assert_eq!(std::error::Error::source(&error).unwrap().to_string(), "no");
}

#[tokio::test(start_paused = true)]
async fn session_that_is_removed_while_it_is_set_up_is_never_opened_again() {
    let server = server();
    let removing = server.clone();
    let client = obs(&server)
        .on_connect(move |_client| {
            removing.close(CloseCode::SESSION_INVALIDATED);
            async { Err("no".into()) }
        })
        .start()
        .unwrap();
    let over = tokio::time::timeout(Duration::from_secs(60), client.connected()).await;
    let error = over.expect("it is not tried again").unwrap_err();
    assert_eq!(error.close_code(), Some(CloseCode::SESSION_INVALIDATED), "{error:?}");
    assert!(matches!(client.state(), State::Closed(_)));
}

#[tokio::test(start_paused = true)]
async fn client_does_not_stand_as_connected_while_it_closes_the_connection() {
    let server = server();
    let client = connect(&server).await;
    server.send_text("no JSON");
    // The closing handshake is not answered.
    server.freeze();
    let state = wait_for(&client, |state| !state.is_connected()).await;
    assert!(matches!(state, State::Closing(error) if error.kind() == ErrorKind::Protocol));
    assert_eq!(client.call(StartRecord::new()).await.unwrap_err().kind(), ErrorKind::NotConnected);
    // Whoever waits for the next connection does wait.
    client.connected().await.unwrap();
    client.call(StartRecord::new()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn function_that_fails_later_is_tried_again() {
    let server = server();
    let mut attempts = 0;
    let client = obs(&server)
        .on_connect(move |client| {
            attempts += 1;
            let fails = attempts == 2 || attempts == 3;
            async move {
                if fails {
                    client.call_raw("Unknown", Value::Null).await?;
                }
                Ok(())
            }
        })
        .connect()
        .await
        .unwrap();
    server.reset();
    let state = wait_for(
        &client,
        |state| matches!(state, State::Waiting { error, .. } if error.kind() == ErrorKind::Setup),
    );
    state.await;
    client.connected().await.unwrap();
    client.call(StartRecord::new()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn function_that_takes_too_long_is_given_up() {
    let began = tokio::time::Instant::now();
    let client = obs(&server()).on_connect(|_client| std::future::pending()).start().unwrap();
    let state = wait_for(&client, |state| matches!(state, State::Waiting { .. })).await;
    assert!(matches!(state, State::Waiting { error, .. } if error.kind() == ErrorKind::Setup));
    assert_eq!(began.elapsed().as_secs(), 60);
}

#[tokio::test(start_paused = true)]
async fn connection_that_is_lost_while_it_is_set_up_is_set_up_anew() {
    let server = server();
    let mut is_first = true;
    let client = obs(&server)
        .on_connect(move |client| {
            let crashes = std::mem::take(&mut is_first);
            async move {
                let request = if crashes { "Crash" } else { "StartRecord" };
                client.call_raw(request, Value::Null).await?;
                Ok(())
            }
        })
        .start()
        .unwrap();
    let state = wait_for(&client, |state| matches!(state, State::Waiting { .. })).await;
    assert!(matches!(state, State::Waiting { error, .. } if error.kind() == ErrorKind::ConnectionLost));
    client.connected().await.unwrap();
    client.call(StartRecord::new()).await.unwrap();
}
