//! A TCP server: the floor that the ratios stand on.

use bytes::Bytes;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    sync::broadcast::{self, error::RecvError},
};

use crate::{Result, workload::Traffic};

/// What is done with the bytes of a connection.
#[derive(Clone, Debug)]
pub(super) enum Task {
    /// With a buffer of this many bytes.
    Echo(usize),
    /// They are sent to all connections.
    Broadcast(broadcast::Sender<Bytes>),
}

impl Task {
    pub(super) fn new(traffic: Traffic) -> Self {
        match traffic {
            Traffic::Echo => Self::Echo(BUFFER),
            // A large buffer would be most of what a connection costs that carries a few bytes.
            Traffic::Handshake => Self::Echo(256),
            Traffic::Broadcast => Self::Broadcast(broadcast::Sender::new(1024)),
        }
    }
}

pub(super) async fn serve(mut stream: TcpStream, task: Task) -> Result<()> {
    match task {
        Task::Echo(size) => {
            let mut buffer = vec![0; size];
            loop {
                let len = stream.read(&mut buffer).await?;
                if len == 0 {
                    return Ok(());
                }
                stream.write_all(&buffer[..len]).await?;
            }
        }
        Task::Broadcast(all) => {
            let mut buffer = vec![0; BUFFER];
            let mut inbox = all.subscribe();
            loop {
                tokio::select! {
                    len = stream.read(&mut buffer) => match len? {
                        0 => return Ok(()),
                        // There is a receiver: this one.
                        len => drop(all.send(Bytes::copy_from_slice(&buffer[..len]))),
                    },
                    bytes = inbox.recv() => match bytes {
                        Ok(bytes) => stream.write_all(&bytes).await?,
                        Err(RecvError::Closed | RecvError::Lagged(_)) => return Err("behind".into()),
                    },
                }
            }
        }
    }
}

const BUFFER: usize = 64 << 10;
