//! fastwebsockets behind hyper, set up as in the echo examples it ships with.

use std::{convert::Infallible, pin::pin};

use fastwebsockets::{
    FragmentCollector, FragmentCollectorRead, Frame, OpCode, Payload, WebSocketError, WebSocketWrite, upgrade,
};
use futures_channel::mpsc::UnboundedReceiver;
use futures_util::{StreamExt as _, future};
use http_body_util::Empty;
use hyper::{
    Request, Response,
    body::{Bytes, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::{io::AsyncWrite, net::TcpStream, task};

use super::handler::Hub;
use crate::{Result, workload::Traffic};

/// What is done with the messages of a connection.
#[derive(Clone, Debug)]
pub(super) enum Task {
    Echo,
    Broadcast(Hub<Published>),
}

/// A text message to all.
type Published = Bytes;

impl Task {
    pub(super) fn new(traffic: Traffic) -> Self {
        match traffic {
            Traffic::Echo | Traffic::Handshake => Self::Echo,
            Traffic::Broadcast => Self::Broadcast(Hub::default()),
        }
    }
}

pub(super) async fn serve(stream: TcpStream, task: Task) -> Result<()> {
    let answer = service_fn(move |request| future::ready(answer(request, task.clone())));
    http1::Builder::new()
        .serve_connection(TokioIo::new(stream), answer)
        .with_upgrades()
        .await
        .map_err(Into::into)
}

fn answer(mut request: Request<Incoming>, task: Task) -> Result<Response<Empty<Bytes>>, WebSocketError> {
    let (response, connection) = upgrade::upgrade(&mut request)?;
    match task {
        Task::Echo => tokio::spawn(task::unconstrained(echo(connection))),
        Task::Broadcast(hub) => tokio::spawn(task::unconstrained(broadcast(connection, hub))),
    };
    Ok(response)
}

async fn echo(connection: upgrade::UpgradeFut) -> Result<(), WebSocketError> {
    let mut socket = FragmentCollector::new(connection.await?);
    loop {
        let frame = socket.read_frame().await?;
        match frame.opcode {
            OpCode::Close => return Ok(()),
            OpCode::Text | OpCode::Binary => socket.write_frame(frame).await?,
            OpCode::Continuation | OpCode::Ping | OpCode::Pong => {}
        }
    }
}

/// Has a channel for each connection, and the halves of its socket in one task.
async fn broadcast(connection: upgrade::UpgradeFut, hub: Hub<Published>) -> Result<(), WebSocketError> {
    let inbox = hub.join();
    let (read, write) = connection.await?.split(tokio::io::split);
    let mut read = FragmentCollectorRead::new(read);
    let incoming = async {
        loop {
            // The generator sends nothing that this half would have to answer.
            let frame = read.read_frame(&mut |_| future::ready(Ok::<_, Infallible>(()))).await?;
            match frame.opcode {
                OpCode::Close => return Ok(()),
                OpCode::Text | OpCode::Binary => hub.publish(&Bytes::from(Vec::from(frame.payload))),
                OpCode::Continuation | OpCode::Ping | OpCode::Pong => {}
            }
        }
    };
    future::select(pin!(incoming), pin!(deliver(inbox, write))).await.factor_first().0
}

/// It has nothing to write several frames at once with.
async fn deliver(
    mut inbox: UnboundedReceiver<Published>,
    mut write: WebSocketWrite<impl AsyncWrite + Unpin>,
) -> Result<(), WebSocketError> {
    while let Some(message) = inbox.next().await {
        write.write_frame(Frame::text(Payload::Borrowed(&message))).await?;
    }
    Ok(())
}
