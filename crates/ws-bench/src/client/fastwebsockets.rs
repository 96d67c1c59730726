//! fastwebsockets behind hyper, set up as in the client example it ships with.

use std::sync::Arc;

use fastwebsockets::{FragmentCollector, Frame, OpCode, Payload, WebSocketError, handshake};
use http_body_util::Empty;
use hyper::{Request, body::Bytes, rt::Executor};

use super::job::{Job, Turn};
use crate::Result;

pub(super) async fn run(job: Arc<Job>) -> Result<()> {
    let request = Request::get(job.uri())
        .header("host", "localhost")
        .header("upgrade", "websocket")
        .header("connection", "upgrade")
        .header("sec-websocket-key", handshake::generate_key())
        .header("sec-websocket-version", "13")
        .body(Empty::<Bytes>::new())?;
    let (socket, _) = handshake::client(&Spawn, request, job.connect().await?).await?;
    let mut socket = FragmentCollector::new(socket);
    let opcode = if job.is_text { OpCode::Text } else { OpCode::Binary };
    let mut turn = Turn::new(&job.payloads);
    loop {
        for _ in 0..job.depth {
            let payload = turn.next();
            socket.write_frame(Frame::new(true, opcode, None, Payload::Borrowed(&payload))).await?;
        }
        for _ in 0..job.depth {
            if socket.read_frame().await?.opcode == OpCode::Close {
                return Err(WebSocketError::ConnectionClosed.into());
            }
        }
    }
}

struct Spawn;

impl<F> Executor<F> for Spawn
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    fn execute(&self, future: F) {
        tokio::spawn(future);
    }
}
