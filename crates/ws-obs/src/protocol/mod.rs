//! The words of the protocol: requests, answers, events and what they are made of.

pub mod events;
pub mod requests;
pub mod responses;
pub mod types;

use std::sync::Arc;

use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use self::types::EventSubscription;

/// A request that OBS knows, with the type of its answer.
///
/// All requests of the protocol are in [`requests`]; a type of yours may be one, too, for a server that knows more.
///
/// ```
/// use serde::{Deserialize, Serialize};
/// use ws_obs::Request;
///
/// #[derive(Serialize)]
/// struct GetMoon {}
///
/// #[derive(Deserialize)]
/// struct Moon {
///     phase: f64,
/// }
///
/// impl Request for GetMoon {
///     const TYPE: &'static str = "GetMoon";
///     type Response = Moon;
/// }
/// ```
pub trait Request: Serialize {
    /// The name of the request.
    const TYPE: &'static str;
    /// The answer when the request was done.
    type Response: DeserializeOwned;

    /// Reads the answer.
    ///
    /// # Errors
    ///
    /// When it is not what the type says.
    fn response(data: &Value) -> Result<Self::Response, serde_json::Error> {
        decode(data)
    }
}

impl<R: Request> Request for &R {
    const TYPE: &'static str = R::TYPE;
    type Response = R::Response;

    fn response(data: &Value) -> Result<Self::Response, serde_json::Error> {
        R::response(data)
    }
}

/// An event that OBS tells of, with what it is subscribed to with.
///
/// All events of the protocol are in [`events`].
pub trait EventData: DeserializeOwned {
    /// The name of the event.
    const TYPE: &'static str;
    /// What has to be subscribed to for it.
    const SUBSCRIPTION: EventSubscription;
}

/// An event as it came.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct RawEvent {
    /// The name of the event.
    pub event_type: Box<str>,
    /// What it was subscribed to with.
    pub intent: EventSubscription,
    /// Its data, `Null` if it has none. Shared between those that subscribed.
    pub data: Arc<Value>,
    /// About how many bytes the data takes.
    pub(crate) size: usize,
}

impl RawEvent {
    /// Reads the data.
    ///
    /// # Errors
    ///
    /// When it is not what the type says.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        decode(&self.data)
    }
}

/// Reads data that is missing on the wire when all of its fields would be.
pub(crate) fn decode<T: DeserializeOwned>(data: &Value) -> Result<T, serde_json::Error> {
    match data {
        Value::Null => T::deserialize(&Value::Object(Map::new())),
        data => T::deserialize(data),
    }
}
