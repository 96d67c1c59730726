//! What a server says.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex},
    time::Duration,
};

use serde_json::Value;

use crate::{
    message::Status,
    types::{CloseCode, RequestStatus},
};

/// What a scripted server does with a request.
#[derive(Clone, Debug)]
#[must_use = "it is an answer when the script returns it"]
pub struct Answer {
    pub(super) act: Act,
    pub(super) delay: Duration,
}

#[derive(Clone, Debug)]
pub(super) enum Act {
    Say(Status, Value),
    Nothing,
    Close(CloseCode),
    Reset,
}

impl Answer {
    /// Done, with nothing to tell.
    pub fn ok() -> Self {
        Self::data(Value::Null)
    }

    /// Done, with this data, an object.
    pub fn data(data: Value) -> Self {
        Act::Say(Status { result: true, code: RequestStatus::SUCCESS, comment: None }, data).into()
    }

    /// Not done, for this reason.
    pub fn fail(status: RequestStatus, comment: impl Into<String>) -> Self {
        let comment = Some(comment.into().into_boxed_str()).filter(|comment| !comment.is_empty());
        Act::Say(Status { result: false, code: status, comment }, Value::Null).into()
    }

    /// No answer, ever.
    pub fn nothing() -> Self {
        Act::Nothing.into()
    }

    /// A close frame with this code in place of an answer.
    pub fn close(code: CloseCode) -> Self {
        Act::Close(code).into()
    }

    /// The end of the transport in place of an answer, as when OBS crashes.
    pub fn reset() -> Self {
        Act::Reset.into()
    }

    /// The same after a time.
    pub fn after(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }
}

impl From<Act> for Answer {
    fn from(act: Act) -> Self {
        Self { act, delay: Duration::ZERO }
    }
}

/// A request that a server received.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Received {
    /// The name of the request.
    pub request_type: String,
    /// Its data, `Null` if it has none.
    pub data: Value,
    /// Whether it came in a batch.
    pub is_batched: bool,
}

/// Called without the lock on the script, which it may want to change.
pub(super) type Handler = Arc<Mutex<dyn FnMut(&Received) -> Answer + Send>>;

/// What a server does.
pub(super) struct Script {
    pub(super) password: Option<String>,
    pub(super) obs_version: Option<String>,
    pub(super) web_socket_version: String,
    pub(super) rpc_version: u32,
    pub(super) speaks_msgpack: bool,
    pub(super) is_ready: bool,
    pub(super) is_reachable: bool,
    pub(super) greets: bool,
    pub(super) identifies: bool,
    pub(super) reidentify_delay: Duration,
    /// Answers are held until there are so many, and sent in the other order.
    pub(super) reorder: usize,
    pub(super) handlers: HashMap<String, Handler>,
}

impl Script {
    pub(super) fn new() -> Self {
        Self {
            password: None,
            obs_version: Some("32.0.0".into()),
            web_socket_version: "5.7.3".into(),
            rpc_version: 1,
            speaks_msgpack: true,
            is_ready: true,
            is_reachable: true,
            greets: true,
            identifies: true,
            reidentify_delay: Duration::ZERO,
            reorder: 1,
            handlers: HashMap::new(),
        }
    }

    /// What answers these requests, or why nothing does.
    pub(super) fn handler(&self, request_type: &str) -> Result<Handler, RequestStatus> {
        if !self.is_ready {
            return Err(RequestStatus::NOT_READY);
        }
        if request_type.is_empty() {
            return Err(RequestStatus::MISSING_REQUEST_TYPE);
        }
        self.handlers.get(request_type).cloned().ok_or(RequestStatus::UNKNOWN_REQUEST_TYPE)
    }
}

impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Script")
            .field("web_socket_version", &self.web_socket_version)
            .field("handlers", &self.handlers.keys())
            .finish_non_exhaustive()
    }
}
