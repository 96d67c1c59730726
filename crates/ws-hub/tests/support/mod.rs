//! A hub and its clients in one process, over pipes in memory.

#![allow(dead_code, reason = "each test program uses a part")]

use std::{sync::Mutex, time::Duration};

use bytes::Bytes;
use tokio::{
    io::{DuplexStream, duplex},
    task::JoinHandle,
};
use ws_core::{CloseFrame, Config, Conn, Error, Message, Negotiated, Role, Utf8Bytes};
use ws_hub::{Admission, Disconnect, Handler, Hub, PresenceEvent, Session};

pub(crate) type Client = Conn<DuplexStream>;

/// Two ends of one connection; `capacity` bytes are under way at the most.
pub(crate) fn pair(capacity: usize) -> (Client, Client) {
    let (near, far) = duplex(capacity);
    (
        Conn::new(near, Role::Client, Config::new(), Negotiated::new()),
        Conn::new(far, Role::Server, Config::new(), Negotiated::new()),
    )
}

/// Connects a client to the hub, and waits until its session has begun.
pub(crate) async fn connect<A: Handler>(hub: &Hub<A>) -> (Client, Session<A>, JoinHandle<Disconnect>) {
    connect_as(hub, Admission::new(), 64 << 10).await
}

pub(crate) async fn connect_as<A: Handler>(
    hub: &Hub<A>,
    admission: Admission,
    capacity: usize,
) -> (Client, Session<A>, JoinHandle<Disconnect>) {
    let (client, server) = pair(capacity);
    let before: Vec<_> = hub.sessions();
    let seat = hub.reserve(admission).expect("there is room");
    let served = tokio::spawn(seat.serve(server));
    for turn in 0..2000 {
        let new = hub.sessions().into_iter().find(|session| !before.contains(session));
        if let Some(session) = new {
            return (client, session, served);
        }
        // With several threads another one may have the task, and not the time for it.
        if turn < 1000 {
            tokio::task::yield_now().await;
        } else {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
    panic!("the session has not begun");
}

/// The next text message.
pub(crate) async fn text(client: &mut Client) -> String {
    match client.read_message().await {
        Ok(Some(Message::Text(text))) => text.to_string(),
        other => panic!("no text but {other:?}"),
    }
}

/// The close frame of the server.
pub(crate) async fn closed(client: &mut Client) -> Option<CloseFrame> {
    loop {
        match client.recv().await {
            Ok(Some(Message::Close(frame))) => return frame,
            Ok(Some(_)) => {}
            other => panic!("no close frame but {other:?}"),
        }
    }
}

/// Nothing arrives.
pub(crate) async fn silent(client: &mut Client) {
    let read = tokio::time::timeout(Duration::from_millis(5), client.read_message()).await;
    assert!(read.is_err(), "something arrived: {read:?}");
}

/// Writes down what it is told.
#[derive(Default)]
pub(crate) struct Recorder(Mutex<Vec<String>>);

impl Recorder {
    pub(crate) fn log(&self, line: impl Into<String>) {
        self.0.lock().unwrap().push(line.into());
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    pub(crate) fn count(&self, start: &str) -> usize {
        self.lines().iter().filter(|line| line.starts_with(start)).count()
    }
}

impl Handler for Recorder {
    async fn connect(&self, _: &Session<Self>) -> Result<(), CloseFrame> {
        self.log("connect");
        Ok(())
    }

    async fn text(&self, _: &Session<Self>, text: Utf8Bytes) {
        self.log(format!("text {text}"));
    }

    async fn binary(&self, _: &Session<Self>, data: Bytes) {
        self.log(format!("binary {}", data.len()));
    }

    fn sent(&self, _: &Session<Self>, message: &Message) {
        self.log(format!("sent {}", message.to_text().unwrap_or("binary")));
    }

    fn dropped(&self, _: &Session<Self>, messages: u32) {
        self.log(format!("dropped {messages}"));
    }

    fn pong(&self, _: &Session<Self>, round_trip: Option<Duration>) {
        self.log(format!("pong {}", round_trip.is_some()));
    }

    fn close(&self, _: &Session<Self>, frame: Option<&CloseFrame>) {
        self.log(format!("close {:?}", frame.map(|frame| frame.code.as_u16())));
    }

    fn error(&self, _: &Session<Self>, error: &Error) {
        self.log(format!("error {error}"));
    }

    fn disconnect(&self, _: &Session<Self>, end: &Disconnect) {
        self.log(format!("disconnect {} {:?} {:?}", end.code, end.reason, end.cause));
    }

    fn presence(&self, _: &Hub<Self>, room: &str, event: &PresenceEvent) {
        self.log(match event {
            PresenceEvent::Joined { name, .. } => format!("{room} + {name}"),
            PresenceEvent::Left { name, .. } => format!("{room} - {name}"),
            PresenceEvent::Updated { name, data } => format!("{room} = {name} {data:?}"),
            other => format!("{other:?}"),
        });
    }

    fn gap(&self, _: &Hub<Self>, room: &str) {
        self.log(format!("gap {room}"));
    }
}
