//! Messages as they are on the wire.

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;
use ws_client::Message;

use crate::{
    protocol::RawEvent,
    types::{EventSubscription, OpCode, RequestStatus},
};

/// What messages are written in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Encoding {
    /// JSON in text messages.
    #[default]
    Json,
    /// MessagePack in binary messages: fewer bytes, and less work for both sides.
    #[cfg(feature = "msgpack")]
    #[cfg_attr(docsrs, doc(cfg(feature = "msgpack")))]
    MsgPack,
}

impl Encoding {
    /// The subprotocol that stands for it.
    #[must_use]
    pub const fn subprotocol(self) -> &'static str {
        match self {
            Self::Json => "obswebsocket.json",
            #[cfg(feature = "msgpack")]
            Self::MsgPack => "obswebsocket.msgpack",
        }
    }

    /// What a client offers that would like this one best.
    pub(crate) fn offers(self) -> Vec<&'static str> {
        let mut offers = vec![self.subprotocol()];
        if self != Self::Json {
            offers.push(Self::Json.subprotocol());
        }
        offers
    }

    /// What the server chose. One that chose nothing speaks JSON.
    pub(crate) fn chosen(subprotocol: Option<&str>) -> Self {
        match subprotocol {
            #[cfg(feature = "msgpack")]
            Some(name) if name == Self::MsgPack.subprotocol() => Self::MsgPack,
            _ => Self::Json,
        }
    }

    pub(crate) fn encode(self, op: OpCode, data: &impl Serialize) -> Result<Message, BoxError> {
        let envelope = Envelope { op: i64::from(op.code()), d: data };
        Ok(match self {
            Self::Json => Message::text(serde_json::to_string(&envelope)?),
            #[cfg(feature = "msgpack")]
            Self::MsgPack => Message::binary(rmp_serde::to_vec_named(&envelope)?),
        })
    }

    /// Reads a message; fails if it is not one of the protocol, or came in the wrong type of frame.
    pub(crate) fn decode(self, message: &Message) -> Result<Incoming, BoxError> {
        let envelope: Envelope<Value> = self.read(message)?;
        let op = u8::try_from(envelope.op).map_or(UNKNOWN, OpCode::new);
        Ok(match op {
            OpCode::HELLO => Incoming::Hello(from(envelope.d)?),
            OpCode::IDENTIFIED => Incoming::Identified(from(envelope.d)?),
            OpCode::EVENT => Incoming::Event(from::<EventMessage>(envelope.d)?.into()),
            OpCode::REQUEST_RESPONSE => Incoming::Response(from(envelope.d)?),
            OpCode::REQUEST_BATCH_RESPONSE => Incoming::BatchResponse(from(envelope.d)?),
            _ => Incoming::Other,
        })
    }

    /// Reads a message that may be none of the protocol.
    #[cfg(feature = "testing")]
    pub(crate) fn decode_any(self, message: &Message) -> Result<Value, BoxError> {
        self.read(message)
    }

    fn read<T: DeserializeOwned>(self, message: &Message) -> Result<T, BoxError> {
        match (self, message) {
            (Self::Json, Message::Text(text)) => Ok(serde_json::from_str(text)?),
            #[cfg(feature = "msgpack")]
            (Self::MsgPack, Message::Binary(data)) => {
                let mut reader = rmp_serde::Deserializer::from_read_ref(data);
                reader.set_max_depth(MAX_DEPTH);
                Ok(T::deserialize(&mut reader)?)
            }
            _ => Err("the message is in the wrong type of frame".into()),
        }
    }
}

fn from<T: DeserializeOwned>(data: Value) -> Result<T, serde_json::Error> {
    serde_json::from_value(data)
}

/// No operation has this number, so that whatever has one that is too large is ignored, too.
const UNKNOWN: OpCode = OpCode::new(u8::MAX);

pub(crate) type BoxError = Box<dyn std::error::Error + Send + Sync>;

#[derive(Serialize, Deserialize)]
pub(crate) struct Envelope<D> {
    pub(crate) op: i64,
    #[serde(default)]
    pub(crate) d: D,
}

/// What the server sends.
#[derive(Debug)]
pub(crate) enum Incoming {
    Hello(Hello),
    Identified(Identified),
    Event(RawEvent),
    Response(Answer),
    BatchResponse(BatchAnswer),
    /// An operation that is not known here.
    Other,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Hello {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) obs_studio_version: Option<String>,
    pub(crate) obs_web_socket_version: String,
    pub(crate) rpc_version: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) authentication: Option<Challenge>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Challenge {
    pub(crate) challenge: String,
    pub(crate) salt: String,
}

/// Not to be shown: who has seen the challenge, too, may try passwords on the answer.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Identify {
    pub(crate) rpc_version: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) authentication: Option<String>,
    pub(crate) event_subscriptions: u32,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Identified {
    pub(crate) negotiated_rpc_version: u32,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Reidentify {
    pub(crate) event_subscriptions: u32,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct EventMessage {
    pub(crate) event_type: String,
    pub(crate) event_intent: u32,
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub(crate) event_data: Value,
}

impl From<EventMessage> for RawEvent {
    fn from(message: EventMessage) -> Self {
        Self {
            size: heap_size(&message.event_data),
            event_type: message.event_type.into(),
            intent: EventSubscription::from_bits_retain(message.event_intent),
            data: message.event_data.into(),
        }
    }
}

/// About how many bytes a value has on the heap. That may be a hundred times what it has on the wire: an object with one field takes
/// a whole node of a tree.
fn heap_size(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        Value::String(text) => text.capacity(),
        Value::Array(values) => {
            values.capacity() * size_of::<Value>() + values.iter().map(heap_size).sum::<usize>()
        }
        Value::Object(fields) => {
            let field = |(name, value): (&String, &Value)| name.capacity() + heap_size(value);
            fields.len().div_ceil(NODE_FIELDS) * NODE + fields.iter().map(field).sum::<usize>()
        }
    }
}

/// As deep as JSON may be. The limit of rmp-serde itself, 1,024, is more than the stack of a thread has room for.
#[cfg(feature = "msgpack")]
const MAX_DEPTH: usize = 128;
/// A node of a tree has room for 11 names and values, and half of that is in use where names come in order.
const NODE_FIELDS: usize = 6;
const NODE: usize = 11 * (size_of::<String>() + size_of::<Value>()) + 16;

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RequestMessage<'a> {
    pub(crate) request_type: &'a str,
    pub(crate) request_id: &'a str,
    #[serde(skip_serializing_if = "Value::is_null")]
    pub(crate) request_data: &'a Value,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Answer {
    #[serde(default)]
    pub(crate) request_type: String,
    /// In a batch it is missing where the request had none.
    #[serde(default)]
    pub(crate) request_id: Value,
    pub(crate) request_status: Status,
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub(crate) response_data: Value,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Status {
    pub(crate) result: bool,
    pub(crate) code: RequestStatus,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) comment: Option<Box<str>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BatchMessage<'a> {
    pub(crate) request_id: &'a str,
    pub(crate) halt_on_failure: bool,
    pub(crate) execution_type: i8,
    pub(crate) requests: &'a [Value],
    #[serde(skip_serializing_if = "serde_json::Map::is_empty")]
    pub(crate) variables: &'a serde_json::Map<String, Value>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BatchAnswer {
    pub(crate) request_id: Value,
    pub(crate) results: Vec<Answer>,
}
