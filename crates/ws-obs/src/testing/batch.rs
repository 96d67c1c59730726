//! Batches, as OBS runs them.

use std::{sync::Arc, time::Duration};

use serde_json::{Map, Value, json};
use tokio::time::sleep;

use super::{
    Answer, Received, Server,
    script::Act,
    session::{Out, Peer, Session},
};
use crate::{
    message::Status,
    types::{CloseCode, ExecutionType, OpCode, RequestStatus},
};

/// Checks a batch, and runs it beside what else the client asks for.
pub(super) fn start(session: &Session, data: &Value) -> Result<(), CloseCode> {
    let id = data.get("requestId").ok_or(CloseCode::MISSING_DATA_FIELD)?.clone();
    let requests = match &data["requests"] {
        Value::Null => return Err(CloseCode::MISSING_DATA_FIELD),
        requests => requests.as_array().ok_or(CloseCode::INVALID_DATA_FIELD_TYPE)?.clone(),
    };
    let execution = match &data["executionType"] {
        Value::Null => ExecutionType::SERIAL_REALTIME,
        number => {
            let number = number.as_u64().ok_or(CloseCode::INVALID_DATA_FIELD_TYPE)?;
            i8::try_from(number).map(ExecutionType::new).map_err(|_| CloseCode::INVALID_DATA_FIELD_VALUE)?
        }
    };
    if !(0..=2).contains(&execution.code()) {
        return Err(CloseCode::INVALID_DATA_FIELD_VALUE);
    }
    let halts = match &data["haltOnFailure"] {
        Value::Null => false,
        halts => halts.as_bool().ok_or(CloseCode::INVALID_DATA_FIELD_TYPE)?,
    };
    let variables = match &data["variables"] {
        Value::Null => Map::new(),
        _ if execution == ExecutionType::PARALLEL => return Err(CloseCode::UNSUPPORTED_FEATURE),
        variables => variables.as_object().ok_or(CloseCode::INVALID_DATA_FIELD_TYPE)?.clone(),
    };
    let run = Run { server: session.server.clone(), peer: session.peer(), execution, halts, variables };
    tokio::spawn(run.all(id, requests));
    Ok(())
}

struct Run {
    server: Server,
    peer: Arc<Peer>,
    execution: ExecutionType,
    halts: bool,
    variables: Map<String, Value>,
}

impl Run {
    async fn all(mut self, id: Value, requests: Vec<Value>) {
        let is_parallel = self.execution == ExecutionType::PARALLEL;
        let mut results = Vec::new();
        for request in &requests {
            // A script that does not answer one request does not answer the batch.
            let Some((status, data)) = self.one(request).await else { return };
            let failed = !status.result;
            results.push((status, data));
            if failed && self.halts && !is_parallel {
                break;
            }
        }
        if is_parallel {
            // They are listed in the order in which they were done, the last one first here, and named in the order in which they
            // were asked for.
            results.reverse();
        }
        let results: Vec<_> =
            requests.iter().zip(results).map(|(request, result)| named(request, result)).collect();
        self.peer
            .send(Out::Say(OpCode::REQUEST_BATCH_RESPONSE, json!({"requestId": id, "results": results})));
    }

    async fn one(&mut self, request: &Value) -> Option<(Status, Value)> {
        let request_type = request["requestType"].as_str().unwrap_or_default().to_owned();
        let mut data = request["requestData"].clone();
        for (field, variable) in pairs(&request["inputVariables"]) {
            if let Some(value) = self.variables.get(variable) {
                if !data.is_object() {
                    data = json!({});
                }
                data[field] = value.clone();
            }
        }
        let received = Received { request_type, data, is_batched: true };
        self.server.record(received.clone());
        let Answer { act, delay } = self.answer(&received);
        sleep(delay).await;
        match act {
            Act::Say(status, data) => {
                for (variable, field) in pairs(&request["outputVariables"]) {
                    if let Some(value) = data.get(field) {
                        self.variables.insert(variable.into(), value.clone());
                    }
                }
                Some((status, data))
            }
            Act::Nothing => None,
            Act::Close(code) => {
                self.peer.send(Out::Close(code));
                None
            }
            Act::Reset => {
                self.peer.send(Out::Reset);
                None
            }
        }
    }

    fn answer(&self, received: &Received) -> Answer {
        let is_unscripted_sleep = received.request_type == "Sleep"
            && matches!(self.server.script().handler("Sleep"), Err(RequestStatus::UNKNOWN_REQUEST_TYPE));
        if !is_unscripted_sleep {
            return self.server.answer_to(received);
        }
        let number = |name: &str| received.data[name].as_u64().unwrap_or(0);
        match self.execution {
            ExecutionType::SERIAL_REALTIME => {
                Answer::ok().after(Duration::from_millis(number("sleepMillis")))
            }
            // 60 a second.
            ExecutionType::SERIAL_FRAME => {
                Answer::ok().after(Duration::from_millis(number("sleepFrames").saturating_mul(1000) / 60))
            }
            _ => Answer::fail(RequestStatus::UNSUPPORTED_REQUEST_BATCH_EXECUTION_TYPE, ""),
        }
    }
}

fn named(request: &Value, (status, data): (Status, Value)) -> Value {
    let mut result = json!({"requestType": request["requestType"], "requestStatus": status});
    if let Some(id) = request.get("requestId") {
        result["requestId"] = id.clone();
    }
    if !data.is_null() {
        result["responseData"] = data;
    }
    result
}

/// The entries of an object whose values are text; OBS skips all others.
fn pairs(object: &Value) -> impl Iterator<Item = (&str, &str)> {
    object.as_object().into_iter().flatten().filter_map(|(key, value)| Some((key.as_str(), value.as_str()?)))
}
