//! This stack's hub behind axum.

use bytes::Bytes;
use tokio::net::TcpListener;
use ws_core::{CloseFrame, DeflateConfig, Utf8Bytes};
use ws_hub::{Handler, Hub, Session};
use ws_tower::extract::WebSocket;

use super::{Serving, ours};
use crate::workload::Traffic;

pub(super) fn serve(listener: TcpListener, traffic: Traffic) -> Serving {
    match traffic {
        Traffic::Broadcast => serve_with(listener, Room),
        Traffic::Echo | Traffic::Handshake => serve_with(listener, Mirror),
    }
}

fn serve_with(listener: TcpListener, handler: impl Handler) -> Serving {
    let hub = Hub::new(handler);
    let serve = move |socket: WebSocket| {
        let (hub, conn) = (hub.clone(), socket.into_conn());
        async move { hub.serve(conn).await }
    };
    Box::pin(ours::axum(listener, DeflateConfig::new(), serve))
}

/// What one says comes to all in a room.
struct Room;

impl Handler for Room {
    async fn connect(&self, session: &Session<Self>) -> Result<(), CloseFrame> {
        let joined = session.hub().room(ALL).join(session);
        joined.map(drop).map_err(|error| CloseFrame::new(4000, error.to_string()))
    }

    async fn text(&self, session: &Session<Self>, text: Utf8Bytes) {
        session.hub().room(ALL).send(text);
    }

    async fn binary(&self, session: &Session<Self>, data: Bytes) {
        session.hub().room(ALL).send(data);
    }
}

const ALL: &str = "all";

/// What one says comes back to it.
struct Mirror;

impl Handler for Mirror {
    async fn text(&self, session: &Session<Self>, text: Utf8Bytes) {
        session.send(text);
    }

    async fn binary(&self, session: &Session<Self>, data: Bytes) {
        session.send(data);
    }
}
