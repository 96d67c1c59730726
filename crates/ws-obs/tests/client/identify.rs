//! Greeting, authentication, versions.

use std::time::Duration;

use ws_obs::{ErrorKind, Obs, ServerInfo, State, serde_json::json, testing::Server, types::CloseCode};

use crate::{
    connect, obs,
    wire::{greet, pair, say},
};

async fn connect_error(obs: Obs<ws_obs::testing::MemoryConnector>) -> ErrorKind {
    obs.connect().await.expect_err("it fails").kind()
}

fn server_of(state: State) -> ServerInfo {
    match state {
        State::Connected(server) => (*server).clone(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn server_without_a_password_takes_any_client() {
    let client = connect(&Server::new()).await;
    let server = server_of(client.state());
    assert_eq!(server.web_socket_version, "5.7.3");
    assert_eq!(server.obs_version.as_deref(), Some("32.0.0"));
    assert_eq!(server.rpc_version, 1);
    obs(&Server::new()).password("not asked for").connect().await.expect("it is ignored");
}

#[tokio::test(start_paused = true)]
async fn password_is_proved() {
    let server = Server::new().password("secret");
    obs(&server).password("secret").connect().await.expect("it is the right one");
}

#[tokio::test(start_paused = true)]
async fn wrong_password_and_none_are_told_apart() {
    let server = Server::new().password("secret");
    assert_eq!(connect_error(obs(&server).password("wrong")).await, ErrorKind::AuthenticationFailed);
    assert_eq!(connect_error(obs(&server)).await, ErrorKind::PasswordRequired);
}

#[tokio::test(start_paused = true)]
async fn wrong_password_is_not_tried_again() {
    let server = Server::new().password("secret");
    let client = obs(&server).password("wrong").start().expect("there is a runtime");
    let error = client.connected().await.expect_err("it gives up");
    assert_eq!(error.kind(), ErrorKind::AuthenticationFailed);
    assert_eq!(error.close_code(), Some(CloseCode::AUTHENTICATION_FAILED));
    assert!(matches!(client.state(), State::Closed(_)));
}

#[tokio::test(start_paused = true)]
async fn later_version_of_the_protocol_is_spoken_as_this_one() {
    let client = connect(&Server::new().version("6.1.0", 2)).await;
    assert_eq!(server_of(client.state()).rpc_version, 1);
}

#[tokio::test(start_paused = true)]
async fn version_that_is_too_old_is_refused() {
    let server = Server::new().version("5.0.0", 0);
    assert_eq!(connect_error(obs(&server)).await, ErrorKind::UnsupportedRpcVersion);
}

#[tokio::test(start_paused = true)]
async fn version_that_was_not_asked_for_is_refused() {
    let (obs, io) = pair();
    let (result, _conn) = tokio::join!(obs.connect(), async {
        let mut conn = greet(io).await;
        say(&mut conn, 2, json!({"negotiatedRpcVersion": 2})).await;
        conn
    });
    assert_eq!(result.unwrap_err().kind(), ErrorKind::UnsupportedRpcVersion);
}

#[tokio::test(start_paused = true)]
async fn server_that_does_not_greet_times_out() {
    let server = Server::new().without_greeting();
    let obs = obs(&server).connect_timeout(Duration::from_secs(3));
    let began = tokio::time::Instant::now();
    assert_eq!(connect_error(obs).await, ErrorKind::TimedOut);
    assert_eq!(began.elapsed().as_secs(), 3);
}

#[tokio::test(start_paused = true)]
async fn server_that_does_not_identify_times_out() {
    let began = tokio::time::Instant::now();
    assert_eq!(connect_error(obs(&Server::new().without_identifying())).await, ErrorKind::TimedOut);
    assert_eq!(began.elapsed().as_secs(), 10);
}

#[tokio::test(start_paused = true)]
async fn first_attempt_that_fails_is_told_at_once() {
    let server = Server::new();
    server.set_reachable(false);
    assert_eq!(connect_error(obs(&server)).await, ErrorKind::Dial);
}

#[tokio::test(start_paused = true)]
async fn url_that_cannot_be_dialed_is_told_at_once() {
    let error = Obs::new("localhost:4455").start().expect_err("there is no scheme");
    assert_eq!(error.kind(), ErrorKind::Dial);
}

#[test]
fn there_has_to_be_a_runtime() {
    let error = Obs::new("ws://localhost:4455").start().expect_err("there is none");
    assert_eq!(error.kind(), ErrorKind::Usage(ws_obs::UsageError::NoRuntime));
}

#[tokio::test(start_paused = true)]
async fn password_is_not_shown() {
    let obs = Obs::new("ws://localhost:4455/?token=secret").password("secret");
    assert!(!format!("{obs:?}").contains("secret"));
}
