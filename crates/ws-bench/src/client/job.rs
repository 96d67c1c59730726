//! What a client is to do.

use std::net::SocketAddr;

use bytes::Bytes;
use tokio::net::TcpStream;

use crate::{
    Result,
    load::{Prepared, Random, Requests, extension::Encoding, payloads},
    workload::{Content, Workload},
};

/// One connection's part of a workload.
#[derive(Debug)]
pub(super) struct Job {
    target: SocketAddr,
    /// The messages, in order, and then from the first again.
    pub(super) payloads: Vec<Bytes>,
    pub(super) is_text: bool,
    /// Messages in a batch.
    pub(super) depth: usize,
    /// The messages as frames, for a client that has no library for that.
    pub(super) requests: Requests,
    pub(super) answers: Requests,
}

impl Job {
    pub(super) fn new(target: SocketAddr, workload: &Workload) -> Result<Self> {
        let requests = Prepared::new(workload).build(Encoding::Plain)?;
        Ok(Self {
            target,
            payloads: payloads(workload, &mut Random::new()).into_iter().map(Bytes::from).collect(),
            is_text: workload.content != Content::Binary,
            depth: workload.depth,
            answers: requests.unmasked(),
            requests,
        })
    }

    pub(super) async fn connect(&self) -> Result<TcpStream> {
        let stream = TcpStream::connect(self.target).await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    pub(super) fn uri(&self) -> String {
        format!("ws://{}/ws", self.target)
    }
}

/// Which of several things is next, in a circle.
#[derive(Debug)]
pub(super) struct Turn<'a, T> {
    all: &'a [T],
    next: usize,
}

impl<'a, T: Clone> Turn<'a, T> {
    pub(super) fn new(all: &'a [T]) -> Self {
        Self { all, next: 0 }
    }

    pub(super) fn next(&mut self) -> T {
        let item = self.all[self.next].clone();
        self.next = (self.next + 1) % self.all.len();
        item
    }
}
