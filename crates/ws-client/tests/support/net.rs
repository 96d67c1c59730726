//! A network in memory: every transport that is opened is answered by the next answer of a script.

use std::{
    collections::VecDeque,
    future::{Ready, ready},
    io,
    sync::{Arc, Mutex},
    task::{Context, Poll},
};

use http::Uri;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tower_service::Service;

use super::{fields, read_head, switching};

/// A connector to it; clones share the script.
#[derive(Clone, Debug, Default)]
pub(crate) struct Net(Arc<Mutex<Script>>);

#[derive(Debug, Default)]
struct Script {
    answers: VecDeque<String>,
    asked: Vec<Asked>,
}

/// What was asked of a server.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) endpoint: String,
    pub(crate) head: String,
}

impl Asked {
    pub(crate) fn path(&self) -> &str {
        self.head.split(' ').nth(1).unwrap()
    }

    pub(crate) fn fields(&self, name: &str) -> Vec<&str> {
        fields(&self.head, name)
    }
}

impl Net {
    /// Answers are header lines, with the status of a response in front; those of a 101 are added to what accepts the
    /// handshake.
    pub(crate) fn new<A: Into<String>>(answers: impl IntoIterator<Item = A>) -> Self {
        let answers = answers.into_iter().map(Into::into).collect();
        Self(Arc::new(Mutex::new(Script { answers, asked: Vec::new() })))
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.0.lock().unwrap().asked.clone()
    }

    /// Waits until every transport is closed.
    pub(crate) async fn ended(&self) {
        while Arc::strong_count(&self.0) > 1 {
            tokio::task::yield_now().await;
        }
    }

    async fn run(self, endpoint: Uri, answer: Option<String>, mut io: DuplexStream) {
        let head = read_head(&mut io).await;
        let response = match answer.as_deref().map(|answer| answer.split_once("\r\n").unwrap_or((answer, "")))
        {
            Some(("101", lines)) => switching(&head, lines),
            Some((status, lines)) => format!("HTTP/1.1 {status} Scripted\r\n{lines}\r\n"),
            None => String::new(),
        };
        self.0.lock().unwrap().asked.push(Asked { endpoint: endpoint.to_string(), head });
        let _ = io.write_all(response.as_bytes()).await;
        // Until the client hangs up.
        let _ = io.read_to_end(&mut Vec::new()).await;
    }
}

impl Service<Uri> for Net {
    type Response = DuplexStream;
    type Error = io::Error;
    type Future = Ready<io::Result<DuplexStream>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, endpoint: Uri) -> Self::Future {
        let (near, far) = duplex(1 << 16);
        let answer = self.0.lock().unwrap().answers.pop_front();
        tokio::spawn(self.clone().run(endpoint, answer, far));
        ready(Ok(near))
    }
}
