//! Several requests in one message.

use std::{collections::HashSet, fmt, marker::PhantomData, time::Duration};

use serde_json::{Map, Value};
use tokio::{task::JoinSet, time::Instant};

use crate::{
    client::{Client, Waits, outcome},
    error::{Error, ErrorKind, UsageError},
    message::{Answer, BatchMessage},
    protocol::Request,
    requests::Sleep,
    shared::Reply,
    types::{ExecutionType, OpCode, RequestStatus},
};

/// Several requests that go together: in their order, between two frames of the video, or all at once.
///
/// ```no_run
/// # async fn run(client: ws_obs::Client) -> Result<(), ws_obs::Error> {
/// use ws_obs::{Batch, requests::{GetSceneItemId, SetSceneItemEnabled, Sleep}};
///
/// // Shows an item for two seconds. Its number goes from one request to the others without a round trip.
/// let mut batch = Batch::serial().halt_on_failure();
/// let item = batch.entry(GetSceneItemId::new("Live", "Banner")).output("sceneItemId", "item").push();
/// batch.entry(SetSceneItemEnabled::new("Live", 0, true)).input("sceneItemId", "item").push();
/// batch.push(Sleep::new().sleep_millis(2000));
/// batch.entry(SetSceneItemEnabled::new("Live", 0, false)).input("sceneItemId", "item").push();
///
/// let results = client.batch(&batch).await?;
/// results.check()?;
/// println!("item {}", results.get(&item)?.scene_item_id);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "nothing is sent until `Client::batch`"]
pub struct Batch {
    execution: ExecutionType,
    halt_on_failure: bool,
    variables: Map<String, Value>,
    entries: Vec<BatchEntry>,
    /// The first request that could not be written.
    fault: Option<Error>,
}

#[derive(Clone, Debug)]
struct BatchEntry {
    request_type: Box<str>,
    data: Value,
    inputs: Map<String, Value>,
    outputs: Map<String, Value>,
}

impl Batch {
    /// One request after the other. Nothing else of this client runs between them that it does not send itself.
    pub fn serial() -> Self {
        Self::new(ExecutionType::SERIAL_REALTIME)
    }

    /// One request after the other on the thread that renders, so that all that changes does so in the same frame. A
    /// [`Sleep`] in it counts frames.
    pub fn serial_frame() -> Self {
        Self::new(ExecutionType::SERIAL_FRAME)
    }

    /// All requests at once, by as many threads as the server has.
    ///
    /// They are sent as single requests in one go. The server has batches of this kind, too, but it names their results in the order of the
    /// requests and lists them in the order in which they were done, so that nobody can tell which is which; the threads that run
    /// them are the same. [`Client::batch_unordered`] sends such a batch where that does not matter.
    pub fn parallel() -> Self {
        Self::new(ExecutionType::PARALLEL)
    }

    fn new(execution: ExecutionType) -> Self {
        Self { execution, halt_on_failure: false, variables: Map::new(), entries: Vec::new(), fault: None }
    }

    /// Stops at the first request that fails. A parallel batch cannot.
    pub fn halt_on_failure(mut self) -> Self {
        self.halt_on_failure = true;
        self
    }

    /// Gives a variable its first value. See [`Entry`].
    pub fn variable(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.variables.insert(name.into(), value.into());
        self
    }

    /// Adds a request. The ticket finds its answer in the results.
    pub fn push<R: Request>(&mut self, request: R) -> Ticket<R> {
        self.entry(request).push()
    }

    /// Adds a request without a type; gives its position, for [`BatchResults::raw`].
    pub fn push_raw(&mut self, request_type: impl Into<String>, data: Value) -> usize {
        let request_type = request_type.into().into_boxed_str();
        if !(data.is_object() || data.is_null()) {
            let error = Error::new(ErrorKind::InvalidRequest).with_source("its data is no object");
            self.fault.get_or_insert_with(|| error.of(&request_type));
        }
        self.entries.push(BatchEntry { request_type, data, inputs: Map::new(), outputs: Map::new() });
        self.entries.len() - 1
    }

    /// Begins a request that uses variables.
    pub fn entry<R: Request>(&mut self, request: R) -> Entry<'_, R> {
        let data = serde_json::to_value(&request).unwrap_or_else(|error| {
            let fault = || Error::new(ErrorKind::InvalidRequest).with_source(error).of(R::TYPE);
            self.fault.get_or_insert_with(fault);
            Value::Null
        });
        let entry =
            BatchEntry { request_type: R::TYPE.into(), data, inputs: Map::new(), outputs: Map::new() };
        Entry { batch: self, entry, request: PhantomData }
    }

    /// How many requests there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The requests as they are sent. Their positions are their ids.
    fn to_wire(&self) -> Vec<Value> {
        let entry = |(position, entry): (usize, &BatchEntry)| {
            let mut object = Map::new();
            object.insert("requestType".into(), (&*entry.request_type).into());
            object.insert("requestId".into(), position.to_string().into());
            if !entry.data.is_null() {
                object.insert("requestData".into(), entry.data.clone());
            }
            for (name, map) in [("inputVariables", &entry.inputs), ("outputVariables", &entry.outputs)] {
                if !map.is_empty() {
                    object.insert(name.into(), Value::Object(map.clone()));
                }
            }
            Value::Object(object)
        };
        self.entries.iter().enumerate().map(entry).collect()
    }

    fn uses_variables(&self) -> bool {
        let uses = |entry: &BatchEntry| !(entry.inputs.is_empty() && entry.outputs.is_empty());
        !self.variables.is_empty() || self.entries.iter().any(uses)
    }

    /// Whether a request takes a variable that nothing before it could give a value.
    fn has_unknown_variables(&self) -> bool {
        let mut known: HashSet<&str> = self.variables.keys().map(String::as_str).collect();
        self.entries.iter().any(|entry| {
            let mut taken = entry.inputs.values().filter_map(Value::as_str);
            let is_unknown = taken.any(|variable| !known.contains(variable));
            known.extend(entry.outputs.keys().map(String::as_str));
            is_unknown
        })
    }

    /// How long the batch waits in all, in real time.
    fn sleeps(&self) -> Duration {
        let sleeps = self.entries.iter().filter(|entry| &*entry.request_type == Sleep::TYPE);
        let millis = sleeps.filter_map(|entry| entry.data.get("sleepMillis")?.as_u64());
        Duration::from_millis(millis.fold(0, u64::saturating_add))
    }
}

/// A request that is about to be added to a [batch](Batch::entry), with the variables that it takes and gives.
///
/// Variables are values that the server keeps while it runs a serial batch: from an answer of one request into the data of a later one.
#[derive(Debug)]
#[must_use = "the request is not added until `push`"]
pub struct Entry<'a, R> {
    batch: &'a mut Batch,
    entry: BatchEntry,
    request: PhantomData<fn() -> R>,
}

impl<R: Request> Entry<'_, R> {
    /// Takes a field of the request, by its name on the wire, from a variable. What the request says in that field counts
    /// only if the variable has no value: the request before, which was to give it one, has failed.
    ///
    /// The variable is one that the batch [begins with](Batch::variable), or an [output](Self::output) of a request before this one.
    pub fn input(mut self, field: impl Into<String>, variable: impl Into<String>) -> Self {
        self.entry.inputs.insert(field.into(), variable.into().into());
        self
    }

    /// Keeps a field of the answer, by its name on the wire, in a variable.
    pub fn output(mut self, field: impl Into<String>, variable: impl Into<String>) -> Self {
        self.entry.outputs.insert(variable.into(), field.into().into());
        self
    }

    /// Adds the request. The ticket finds its answer in the results.
    #[expect(clippy::must_use_candidate, reason = "not every answer is looked at")]
    pub fn push(self) -> Ticket<R> {
        self.batch.entries.push(self.entry);
        Ticket { position: self.batch.entries.len() - 1, request: PhantomData }
    }
}

/// Finds the answer to a request of a batch.
pub struct Ticket<R> {
    position: usize,
    request: PhantomData<fn() -> R>,
}

impl<R> Clone for Ticket<R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R> Copy for Ticket<R> {}

impl<R> fmt::Debug for Ticket<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Ticket").field(&self.position).finish()
    }
}

/// What became of the requests of a batch.
#[derive(Clone, Debug)]
pub struct BatchResults {
    types: Vec<Box<str>>,
    results: Vec<Result<Value, Error>>,
}

impl BatchResults {
    /// The answer to a request.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Request`] if it failed, [`ErrorKind::NotExecuted`] if the batch was halted before, and
    /// [`UsageError::ForeignTicket`] for a ticket of another batch.
    pub fn get<R: Request>(&self, ticket: &Ticket<R>) -> Result<R::Response, Error> {
        if self.types.get(ticket.position).is_none_or(|name| &**name != R::TYPE) {
            return Err(UsageError::ForeignTicket.into());
        }
        let data = self.raw(ticket.position)?;
        R::response(data)
            .map_err(|error| Error::new(ErrorKind::InvalidResponse).with_source(error).of(R::TYPE))
    }

    /// The data of the answer to the request at this position.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get).
    pub fn raw(&self, position: usize) -> Result<&Value, Error> {
        match self.results.get(position) {
            Some(result) => result.as_ref().map_err(Clone::clone),
            None => Err(UsageError::ForeignTicket.into()),
        }
    }

    /// The results in the order of the requests.
    #[must_use]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Result<Value, Error>> {
        self.results.iter()
    }

    /// Fails with the first request that failed.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get).
    pub fn check(&self) -> Result<(), Error> {
        self.results
            .iter()
            .find_map(|result| result.as_ref().err())
            .map_or(Ok(()), |error| Err(error.clone()))
    }
}

/// A result of a parallel batch, of which it is not known what request it answers.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct UnorderedResult {
    /// What became of the request.
    pub status: RequestStatus,
    /// What the server says about it.
    pub comment: Option<Box<str>>,
    /// The data of the answer, `Null` if there is none.
    pub data: Value,
}

impl Client {
    /// Sends a batch, and gives the results.
    ///
    /// A [`Sleep`] in real time adds to the deadline; for one that counts frames, set a [timeout](Self::with_timeout). While OBS says that it
    /// is not ready, the batch is sent again.
    ///
    /// # Errors
    ///
    /// As [`call`](Self::call), for the batch as a whole; what single requests failed with is in the results, and so is all that
    /// a parallel batch fails with.
    ///
    /// # Cancel safety
    ///
    /// As [`call`](Self::call).
    pub async fn batch(&self, batch: &Batch) -> Result<BatchResults, Error> {
        check(batch)?;
        let results = if batch.execution == ExecutionType::PARALLEL {
            self.all_at_once(batch).await
        } else {
            let deadline = self.deadline_after(batch.sleeps());
            let mut waits = Waits::until(deadline);
            loop {
                let results = in_order(batch, self.exchange_batch(batch, deadline).await?);
                if !was_not_looked_at(&results) || !waits.next().await {
                    break results;
                }
            }
        };
        let types = batch.entries.iter().map(|entry| entry.request_type.clone()).collect();
        Ok(BatchResults { types, results })
    }

    /// Sends requests as a batch that the server runs in parallel, and gives the results in the order in which they were done. Which
    /// request each one answers is not known: see [`Batch::parallel`].
    ///
    /// # Errors
    ///
    /// As [`batch`](Self::batch). A server with one processor closes the connection with 4012.
    ///
    /// # Cancel safety
    ///
    /// As [`call`](Self::call).
    pub async fn batch_unordered(&self, batch: &Batch) -> Result<Vec<UnorderedResult>, Error> {
        let batch = Batch { execution: ExecutionType::PARALLEL, halt_on_failure: false, ..batch.clone() };
        check(&batch)?;
        let deadline = self.deadline();
        let mut waits = Waits::until(deadline);
        loop {
            let answers = self.exchange_batch(&batch, deadline).await?;
            let is_ready =
                answers.iter().any(|answer| answer.request_status.code != RequestStatus::NOT_READY);
            if is_ready || answers.is_empty() || !waits.next().await {
                let result = |answer: Answer| UnorderedResult {
                    status: answer.request_status.code,
                    comment: answer.request_status.comment,
                    data: answer.response_data,
                };
                return Ok(answers.into_iter().map(result).collect());
            }
        }
    }

    async fn exchange_batch(&self, batch: &Batch, deadline: Instant) -> Result<Vec<Answer>, Error> {
        let requests = batch.to_wire();
        let reply = self
            .shared()
            .exchange(deadline, self.is_setup(), |encoding, id| {
                let message = BatchMessage {
                    request_id: id,
                    halt_on_failure: batch.halt_on_failure,
                    execution_type: batch.execution.code(),
                    requests: &requests,
                    variables: &batch.variables,
                };
                encoding.encode(OpCode::REQUEST_BATCH, &message)
            })
            .await?;
        match reply {
            Reply::Batch(answer) => Ok(answer.results),
            Reply::One(answer) => Err(outcome(answer).err().unwrap_or_else(|| ErrorKind::Protocol.into())),
        }
    }

    /// Sends the requests one by one without waiting in between.
    async fn all_at_once(&self, batch: &Batch) -> Vec<Result<Value, Error>> {
        let mut running = JoinSet::new();
        for (position, entry) in batch.entries.iter().enumerate() {
            let (client, entry) = (self.clone(), entry.clone());
            running.spawn(async move { (position, client.request(&entry.request_type, entry.data).await) });
        }
        let mut results: Vec<_> = batch.entries.iter().map(|_| Err(ErrorKind::NotExecuted.into())).collect();
        // Each request has its deadline.
        while let Some(done) = running.join_next().await {
            if let Ok((position, result)) = done {
                results[position] = result;
            }
        }
        results
    }
}

fn check(batch: &Batch) -> Result<(), Error> {
    if let Some(fault) = &batch.fault {
        return Err(fault.clone());
    }
    if batch.execution == ExecutionType::PARALLEL && batch.uses_variables() {
        // The server would close the connection.
        return Err(UsageError::VariablesInParallel.into());
    }
    if batch.has_unknown_variables() {
        // The server would do without a word what the request says otherwise.
        return Err(UsageError::UnknownVariable.into());
    }
    Ok(())
}

/// Sorts the answers by the positions that they were given as ids, and by their own where they have none.
fn in_order(batch: &Batch, answers: Vec<Answer>) -> Vec<Result<Value, Error>> {
    let mut results: Vec<_> = batch
        .entries
        .iter()
        .map(|entry| Err(Error::new(ErrorKind::NotExecuted).of(&entry.request_type)))
        .collect();
    for (index, answer) in answers.into_iter().enumerate() {
        let position = answer.request_id.as_str().and_then(|id| id.parse().ok()).unwrap_or(index);
        if let (Some(result), Some(entry)) = (results.get_mut(position), batch.entries.get(position)) {
            *result = outcome(answer).map_err(|error| error.of(&entry.request_type));
        }
    }
    results
}

/// Whether OBS said that it is not ready, and did nothing of the batch. One that halts leaves out the requests behind the first.
fn was_not_looked_at(results: &[Result<Value, Error>]) -> bool {
    let mut kinds = results.iter().map(|result| result.as_ref().err().map(Error::kind));
    kinds.next() == Some(Some(ErrorKind::Request(RequestStatus::NOT_READY)))
        && kinds.all(|kind| {
            matches!(kind, Some(ErrorKind::Request(RequestStatus::NOT_READY) | ErrorKind::NotExecuted))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn results(statuses: &[Option<ErrorKind>]) -> Vec<Result<Value, Error>> {
        statuses.iter().map(|kind| kind.map_or(Ok(Value::Null), |kind| Err(kind.into()))).collect()
    }

    #[test]
    fn only_a_batch_of_which_nothing_was_done_is_sent_again() {
        let not_ready = Some(ErrorKind::Request(RequestStatus::NOT_READY));
        let left_out = Some(ErrorKind::NotExecuted);
        for again in [&[not_ready][..], &[not_ready, not_ready], &[not_ready, left_out, left_out]] {
            assert!(was_not_looked_at(&results(again)), "{again:?}");
        }
        let failed = Some(ErrorKind::Request(RequestStatus::GENERIC_ERROR));
        for done in [&[][..], &[left_out], &[None, not_ready], &[not_ready, None], &[not_ready, failed]] {
            assert!(!was_not_looked_at(&results(done)), "{done:?}");
        }
    }
}
