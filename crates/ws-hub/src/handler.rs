//! What an application does about its sessions.

use std::{future, time::Duration};

use bytes::Bytes;
use ws_core::{CloseFrame, Error, Message, Utf8Bytes};

use crate::{Disconnect, Hub, Payload, PresenceEvent, RoomMessage, Session};

/// What an application does about its sessions: one value of it is the state of a [`Hub`].
///
/// Every method has a default that does nothing, so an application writes those that it has a use for. The ones that wait are
/// `async`: of one session they are called one after the other, in the order of its messages, and while one waits, that
/// session is sent what waits for it, but no further message of it is handled. The others must not block.
///
/// All of them may use the hub in every way. A panic in one ends its session with 1011, and goes on to whoever awaits
/// [`Hub::serve`].
///
/// ```
/// use ws_core::Utf8Bytes;
/// use ws_hub::{Handler, Session};
///
/// /// Tells everybody what anybody says.
/// struct Chat;
///
/// impl Handler for Chat {
///     async fn text(&self, session: &Session<Self>, text: Utf8Bytes) {
///         session.hub().all().send(text);
///     }
/// }
/// ```
pub trait Handler: Sized + Send + Sync + 'static {
    /// A session has begun: it is registered, and its messages wait until this is done. What is sent to it goes out already.
    ///
    /// # Errors
    /// A close frame refuses the session.
    fn connect(&self, session: &Session<Self>) -> impl Future<Output = Result<(), CloseFrame>> + Send {
        let _ = session;
        future::ready(Ok(()))
    }

    /// A text message arrived.
    fn text(&self, session: &Session<Self>, text: Utf8Bytes) -> impl Future<Output = ()> + Send {
        let _ = (session, text);
        future::ready(())
    }

    /// A binary message arrived.
    fn binary(&self, session: &Session<Self>, data: Bytes) -> impl Future<Output = ()> + Send {
        let _ = (session, data);
        future::ready(())
    }

    /// A message was handed to the transport. A slow one holds up what is sent to this session.
    fn sent(&self, session: &Session<Self>, message: &Message) {
        let _ = (session, message);
    }

    /// Messages to this session were dropped, so many since the last call: its queue was full, or it was closed before they
    /// could go out.
    fn dropped(&self, session: &Session<Self>, messages: u32) {
        let _ = (session, messages);
    }

    /// A pong arrived, and how long it took if it answers a ping of the hub.
    fn pong(&self, session: &Session<Self>, round_trip: Option<Duration>) {
        let _ = (session, round_trip);
    }

    /// The peer's close frame arrived; `None` for one without a code. It is answered without help.
    fn close(&self, session: &Session<Self>, frame: Option<&CloseFrame>) {
        let _ = (session, frame);
    }

    /// The connection failed. [`disconnect`](Self::disconnect) follows.
    fn error(&self, session: &Session<Self>, error: &Error) {
        let _ = (session, error);
    }

    /// A session has ended. It is called once for each session that [`connect`](Self::connect) was called for, whatever
    /// happened: a panic, or a task that was aborted.
    ///
    /// The session is in no room any more; [`Disconnect::rooms`] are those that it was in.
    fn disconnect(&self, session: &Session<Self>, end: &Disconnect) {
        let _ = (session, end);
    }

    /// Somebody came to a room that [is watched](crate::Room::watch), changed or left, on any node.
    fn presence(&self, hub: &Hub<Self>, room: &str, event: &PresenceEvent) {
        let _ = (hub, room, event);
    }

    /// Messages of this room may be missing on this node: the [backplane](crate::backplane) has lost them, or was lost for
    /// longer than its history goes back. Sessions in it should read the room's state anew. It is called before they are sent
    /// what came after.
    fn gap(&self, hub: &Hub<Self>, room: &str) {
        let _ = (hub, room);
    }

    /// What sessions are sent for a message that a room [publishes](crate::Room::publish): the payload as it is, unless this
    /// says otherwise.
    ///
    /// It is called once for each message on each node that has sessions in the room, however many, and once for each message
    /// that a session recovers. What one node makes of a message should be what all others do.
    fn encode(&self, message: &RoomMessage<'_>) -> Payload {
        message.payload.clone()
    }
}

/// An application that does nothing: for hubs that only send.
impl Handler for () {}
