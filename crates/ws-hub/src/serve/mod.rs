//! The life of a session: what its task does from the first message to the last.

mod due;
mod pump;
mod timer;

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    thread,
};

use tokio::{
    io::{AsyncRead, AsyncWrite},
    task::JoinSet,
    time::Instant,
};
use ws_core::{CloseCode, CloseFrame, Conn, Message};

use self::pump::{Input, Pump};
use crate::{
    Cause, Disconnect, Hub, Refusal, Session,
    admission::{Place, Seat, Slot},
    handler::Handler,
};

/// What a panic left.
type Panic = Box<dyn Any + Send>;

/// Has a session, or closes the connection of a client that may not have one.
pub(crate) async fn admit<A: Handler, S: AsyncRead + AsyncWrite + Unpin>(
    seat: Result<Seat<A>, Refusal>,
    mut conn: Conn<S>,
) -> Disconnect {
    let refusal = match seat {
        Ok(seat) => return run(seat, conn).await,
        Err(refusal) => refusal,
    };
    let frame = refusal.close_frame();
    let error = conn.close(frame.clone()).await.err();
    let error = error.map(|error| error.kind().clone());
    Disconnect { error, ..Disconnect::new(Some(frame), Cause::Refused) }
}

/// Has a session over a connection, and ends with it.
pub(crate) async fn run<A: Handler, S: AsyncRead + AsyncWrite + Unpin>(
    seat: Seat<A>,
    conn: Conn<S>,
) -> Disconnect {
    let Seat { place, user, key, expires, extensions } = seat;
    let hub = place.0.clone();
    hub.listen();
    let session = Session::new(hub.clone(), hub.next_number(), user, expires, extensions);
    let mut registered = Registered::new(session.clone(), place, key);
    let mut pump = Pump::new(&session, conn);
    if hub.is_closed() {
        // It came in while the others were sent away.
        session.end_with(Some(Refusal::Closed.close_frame()), Cause::Drained, true);
    }

    let mut panic = None;
    let connected = pump.drive(|| hub.handler().connect(&session)).await;
    match connected {
        Ok(Ok(())) => panic = converse(&hub, &session, &mut pump).await.err(),
        Ok(Err(frame)) => {
            session.end_with(Some(frame), Cause::Refused, true);
        }
        Err(payload) => panic = Some(payload),
    }
    if panic.is_some() {
        let frame = CloseFrame::from(CloseCode::INTERNAL_ERROR);
        session.end_with(Some(frame), Cause::Panicked, false);
    }
    let (end, error) = pump.finish().await;
    if let Some(error) = error {
        let told = catch_unwind(AssertUnwindSafe(|| hub.handler().error(&session, &error)));
        panic = panic.or_else(|| told.err());
    }
    let end = registered.end(end);
    if let Some(payload) = panic.or_else(|| registered.panic.take()) {
        resume_unwind(payload);
    }
    end
}

/// Handles what arrives until the connection ends.
async fn converse<A: Handler, S: AsyncRead + AsyncWrite + Unpin>(
    hub: &Hub<A>,
    session: &Session<A>,
    pump: &mut Pump<'_, A, S>,
) -> Result<(), Panic> {
    let concurrent = hub.config().concurrent_messages;
    // A set takes memory, even an empty one.
    let mut tasks = (concurrent > 1).then(JoinSet::new);
    loop {
        let message = match pump.next().await? {
            Input::Message(message) => message,
            Input::Ended => break,
        };
        if let Some(tasks) = &mut tasks {
            while tasks.len() >= concurrent {
                pump.drive(|| join_next(tasks)).await??;
            }
            while let Some(joined) = tasks.try_join_next() {
                joined.map_err(into_panic)?;
            }
            let (hub, session) = (hub.clone(), session.clone());
            tasks.spawn(async move {
                match message {
                    Message::Text(text) => hub.handler().text(&session, text).await,
                    other => hub.handler().binary(&session, other.into_data()).await,
                }
            });
            continue;
        }
        match message {
            Message::Text(text) => pump.drive(|| hub.handler().text(session, text)).await?,
            other => pump.drive(|| hub.handler().binary(session, other.into_data())).await?,
        }
    }
    if let Some(tasks) = &mut tasks {
        while !tasks.is_empty() {
            join_next(tasks).await?;
        }
    }
    Ok(())
}

async fn join_next(tasks: &mut JoinSet<()>) -> Result<(), Panic> {
    match tasks.join_next().await {
        Some(joined) => joined.map_err(into_panic),
        None => Ok(()),
    }
}

fn into_panic(error: tokio::task::JoinError) -> Panic {
    error.try_into_panic().unwrap_or_else(|error| Box::new(error.to_string()))
}

/// A session that others can see. However its task ends, it is taken back, and the application is told once.
struct Registered<A: Handler> {
    session: Session<A>,
    since: Instant,
    ended: bool,
    panic: Option<Panic>,
    /// Given up last, so that whoever waits for the hub to be empty finds all told.
    _slots: (Option<Slot<A>>, Place<A>),
}

impl<A: Handler> Registered<A> {
    fn new(session: Session<A>, place: Place<A>, key: Option<Slot<A>>) -> Self {
        session.hub().register(&session);
        crate::observe::opened();
        Self { session, since: Instant::now(), ended: false, panic: None, _slots: (key, place) }
    }

    fn end(&mut self, mut end: Disconnect) -> Disconnect {
        self.ended = true;
        let session = &self.session;
        session.outbox().end();
        session.hub().unregister(session);
        end.rooms = session.leave_all();
        crate::observe::closed(session, &end, self.since.elapsed());
        let told = catch_unwind(AssertUnwindSafe(|| session.hub().handler().disconnect(session, &end)));
        self.panic = told.err();
        end
    }
}

impl<A: Handler> Drop for Registered<A> {
    fn drop(&mut self) {
        if !self.ended {
            let cause = if thread::panicking() { Cause::Panicked } else { Cause::Dropped };
            self.end(Disconnect::lost(cause, None));
        }
    }
}
