//! Requests to clients, and their acknowledgements.

use std::{collections::HashMap, error, fmt, sync::Arc, time::Duration};

use tokio::{
    sync::oneshot,
    time::{error::Elapsed, timeout},
};

use crate::{
    Delivery, Envelope, Overflow, Payload, Session, envelope::Outgoing, handler::Handler, queue::Pushed,
};

/// Why a request has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RequestError {
    /// The session is closing or has ended. The client may have got the request.
    Closed,
    /// The request was dropped: the session's queue is full.
    Dropped,
    /// No answer came in time.
    TimedOut,
    /// As many requests of the session wait as [may](crate::Config::max_requests).
    TooMany,
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Closed => "the session has ended",
            Self::Dropped => "the queue of the session is full",
            Self::TimedOut => "no answer came in time",
            Self::TooMany => "too many requests wait for an answer",
        })
    }
}

impl error::Error for RequestError {}

/// An acknowledgement of a request that nobody waits for: it was never made, was answered, or has timed out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnknownRequest;

impl fmt::Display for UnknownRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("nobody waits for this acknowledgement")
    }
}

impl error::Error for UnknownRequest {}

/// The requests of one session that wait. Nothing while there are none.
#[derive(Default)]
pub(crate) struct Requests {
    #[expect(clippy::box_collection, reason = "every session has room for it, and few have any")]
    waiting: Option<Box<HashMap<u64, oneshot::Sender<Payload>>>>,
}

impl<A: Handler> Session<A> {
    /// Asks the client something, and waits for the answer.
    ///
    /// `message` is given a number that stands for the request, and puts it into the message in whatever way the client
    /// understands. When the client answers, the application finds the number in the answer and calls
    /// [`acknowledge`](Self::acknowledge). Numbers are not used again.
    ///
    /// Not from a handler of the same session, where messages are handled one after the other: the answer is one of those that wait
    /// for that handler to be done. Spawn a task that asks, or have more [messages handled at a
    /// time](crate::Config::concurrent_messages).
    ///
    /// # Errors
    /// [`RequestError`]; a late answer is [`UnknownRequest`] to the one who calls `acknowledge`.
    ///
    /// # Cancel safety
    /// Safe: the request is forgotten. The client may have got it.
    pub async fn request<E: Into<Envelope>>(
        &self,
        message: impl FnOnce(u64) -> E,
        within: Duration,
    ) -> Result<Payload, RequestError> {
        let number = self.hub().next_number();
        let waiting = Waiting::new(self, number)?;
        let sending = self.send(message(number));
        let delivery = sending.delivery();
        if delivery.queued == 0 && delivery.waiting == 0 {
            return Err(if delivery.dropped > 0 { RequestError::Dropped } else { RequestError::Closed });
        }
        let sent = async {
            if sending.await.dropped > 0 {
                return Err(RequestError::Dropped);
            }
            waiting.answer().await
        };
        timeout(within, sent).await.unwrap_or_else(|_: Elapsed| Err(RequestError::TimedOut))
    }

    /// Hands the answer of the client to the one who [asked](Self::request).
    ///
    /// # Errors
    /// [`UnknownRequest`] when nobody waits for it: numbers come from clients, who may send any.
    pub fn acknowledge(&self, number: u64, answer: impl Into<Payload>) -> Result<(), UnknownRequest> {
        let sender = self.requests(|requests| requests.waiting.as_mut()?.remove(&number)).flatten();
        sender.ok_or(UnknownRequest)?.send(answer.into()).map_err(|_| UnknownRequest)
    }
}

/// A request that waits; forgotten when dropped.
pub(crate) struct Waiting<A: Handler> {
    session: Session<A>,
    number: u64,
    answer: oneshot::Receiver<Payload>,
}

impl<A: Handler> Waiting<A> {
    pub(crate) fn new(session: &Session<A>, number: u64) -> Result<Self, RequestError> {
        let limit = session.hub().config().max_requests;
        let (sender, answer) = oneshot::channel();
        let added = session.requests(|requests| {
            let waiting = requests.waiting.get_or_insert_default();
            (waiting.len() < limit).then(|| waiting.insert(number, sender)).is_some()
        });
        match added {
            Some(true) => Ok(Self { session: session.clone(), number, answer }),
            Some(false) => Err(RequestError::TooMany),
            None => Err(RequestError::Closed),
        }
    }

    pub(crate) async fn answer(mut self) -> Result<Payload, RequestError> {
        (&mut self.answer).await.map_err(|_| RequestError::Closed)
    }

    /// Sends what others are asked, too.
    pub(crate) fn send(self, message: &Arc<Outgoing>, overflow: &Overflow) -> Result<Self, RequestError> {
        let mut pushed = self.session.push(message, overflow);
        if pushed == Pushed::Full {
            self.session.count_dropped();
            pushed = Pushed::Dropped;
        }
        let mut delivery = Delivery::default();
        delivery.count(pushed);
        crate::observe::sent(&delivery);
        match pushed {
            Pushed::Queued | Pushed::Displaced(_) | Pushed::Replaced => Ok(self),
            Pushed::Full | Pushed::Dropped => Err(RequestError::Dropped),
            Pushed::Closed | Pushed::Disconnected => Err(RequestError::Closed),
        }
    }
}

impl<A: Handler> Drop for Waiting<A> {
    fn drop(&mut self) {
        let number = self.number;
        self.session.requests(|requests| {
            if let Some(waiting) = &mut requests.waiting {
                waiting.remove(&number);
                if waiting.is_empty() {
                    requests.waiting = None;
                }
            }
        });
    }
}
