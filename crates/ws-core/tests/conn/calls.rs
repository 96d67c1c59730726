//! Every way to read a message, and the virtual time it takes.

use std::{pin::Pin, time::Duration};

use tokio::{io::AsyncReadExt as _, time::Instant};
use ws_core::{Conn, Error, ErrorKind};

use crate::pipe::Pipe;

pub(crate) const S: Duration = Duration::from_secs(1);
pub(crate) const MS: Duration = Duration::from_millis(1);

/// The virtual time.
#[expect(clippy::disallowed_methods, reason = "virtual time, of the test")]
pub(crate) fn clock() -> Instant {
    Instant::now()
}

/// A deadline from now on.
pub(crate) fn within(time: Duration) -> std::time::Instant {
    (clock() + time).into_std()
}

/// A deadline that has passed.
pub(crate) fn past() -> std::time::Instant {
    clock().into_std()
}

/// A call that reads a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Read {
    Message,
    Recv,
    Borrowed,
    /// With `next_reader`, to the end.
    Streamed,
    /// With `join_messages`, as much as one call gives.
    Joined,
}

pub(crate) const READS: [Read; 5] = [Read::Message, Read::Recv, Read::Borrowed, Read::Streamed, Read::Joined];

impl Read {
    /// The payload of the next message; `None` at the end.
    pub(crate) async fn call(self, conn: &mut Conn<Pipe>) -> Result<Option<Vec<u8>>, Error> {
        Ok(match self {
            Self::Message => conn.read_message().await?.map(|message| message.into_data().to_vec()),
            Self::Recv => loop {
                match conn.recv().await? {
                    Some(message) if message.is_text() || message.is_binary() => {
                        break Some(message.into_data().to_vec());
                    }
                    Some(_) => {}
                    None => break None,
                }
            },
            Self::Borrowed => conn.read_borrowed().await?.map(|message| message.as_bytes().to_vec()),
            Self::Streamed => match conn.next_reader().await? {
                Some(mut reader) => {
                    let mut bytes = Vec::new();
                    reader.read_to_end(&mut bytes).await.map_err(error_in)?;
                    Some(bytes)
                }
                None => None,
            },
            Self::Joined => {
                let mut bytes = vec![0; 1 << 20];
                let mut joined = conn.join_messages("");
                let count = Pin::new(&mut joined).read(&mut bytes).await.map_err(error_in)?;
                bytes.truncate(count);
                Some(bytes).filter(|bytes| !bytes.is_empty())
            }
        })
    }
}

/// The error of the connection inside of one of a byte stream.
pub(crate) fn error_in(error: std::io::Error) -> Error {
    error.downcast::<Error>().expect("an error of the connection")
}

#[track_caller]
pub(crate) fn assert_timed_out<T>(result: Result<T, Error>) {
    let Err(error) = result else { panic!("a call that should have timed out did not") };
    assert_eq!(error.kind(), &ErrorKind::TimedOut);
    assert!(error.is_timeout() && !error.is_closed());
}
