//! A server of obs-websocket in process, to test automation with: it says what a script tells it to.
//!
//! ```
//! use ws_obs::{
//!     requests::{GetSceneList, SetCurrentProgramScene},
//!     serde_json::json,
//!     testing::{Answer, Server},
//!     types::RequestStatus,
//! };
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(async {
//! let server = Server::new()
//!     .password("secret")
//!     .answer::<GetSceneList>(json!({"scenes": [{"sceneName": "Live"}]}))
//!     .on::<SetCurrentProgramScene>(|_request| Answer::fail(RequestStatus::RESOURCE_NOT_FOUND, "no such scene"));
//!
//! let client = server.obs().password("secret").connect().await?;
//! let scenes = client.call(GetSceneList::new()).await?;
//! assert_eq!(scenes.scenes[0].scene_name, "Live");
//! let error = client.call(SetCurrentProgramScene::new("Off")).await.unwrap_err();
//! assert_eq!(error.status(), Some(RequestStatus::RESOURCE_NOT_FOUND));
//! assert_eq!(server.received().len(), 2);
//! # Ok::<(), ws_obs::Error>(())
//! # }).unwrap();
//! ```
//!
//! [`Server::obs`] connects in memory, without sockets, so that tokio's paused time works: tests of deadlines, pings and reconnection take
//! no time. [`Server::listen`] gives a URL on the loopback interface for programs that dial one.
//!
//! It holds clients to the protocol as OBS does, with the same close codes in the same order of checks, filters events by what was
//! subscribed to, and runs batches with variables; the results of parallel ones are in another order than their names say, as in OBS.
//! What it answers is up to the script: a request that the script does not name fails with
//! [`UNKNOWN_REQUEST_TYPE`](crate::types::RequestStatus::UNKNOWN_REQUEST_TYPE).

mod batch;
mod connector;
mod script;
mod server;
mod session;

pub use self::{
    connector::MemoryConnector,
    script::{Answer, Received},
    server::Server,
};
