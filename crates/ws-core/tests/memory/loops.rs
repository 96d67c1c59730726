//! What an echo takes from the heap, whichever way its messages are read and written.

use std::future::Future;

use futures_util::{SinkExt as _, StreamExt as _};
use ws_core::{Config, Conn, Error, Role, frame::Opcode};

use crate::{
    heap::measured,
    wire::{Wire, conn, frame, now},
};

type Echo = Conn<Wire<'static>>;

async fn write(mut conn: Echo) -> Result<(), Error> {
    while let Some(message) = conn.read_message().await? {
        conn.write_message(message).await?;
    }
    Ok(())
}

async fn queue(mut conn: Echo) -> Result<(), Error> {
    while let Some(message) = conn.read_message().await? {
        conn.queue_message(message).await?;
    }
    Ok(())
}

async fn recv(mut conn: Echo) -> Result<(), Error> {
    while let Some(message) = conn.recv().await? {
        conn.write_message(message).await?;
    }
    Ok(())
}

async fn borrow(mut conn: Echo) -> Result<(), Error> {
    while let Some(message) = conn.read_borrowed().await? {
        let copy = message.to_message();
        conn.queue_message(copy).await?;
    }
    Ok(())
}

async fn halves(conn: Echo) -> Result<(), Error> {
    let (mut read, mut write) = conn.into_split();
    while let Some(message) = read.read_message().await? {
        write.queue_message(message).await?;
    }
    Ok(())
}

async fn feed(mut conn: Echo) -> Result<(), Error> {
    while let Some(message) = conn.next().await {
        conn.feed(message?).await?;
    }
    Ok(())
}

async fn send_by_split_halves(conn: Echo) -> Result<(), Error> {
    let (mut sink, mut stream) = conn.split();
    while let Some(message) = stream.next().await {
        sink.send(message?).await?;
    }
    Ok(())
}

/// How often memory is taken for a message, beyond what a connection takes once.
fn calls<F>(run: fn(Echo) -> F, opcode: Opcode, len: usize, batch: usize) -> f64
where
    F: Future<Output = Result<(), Error>>,
{
    let stream = frame(Role::Server, true, opcode, &vec![b'a'; len]).repeat(batch).leak();
    let calls = |messages: usize| {
        let mut wire = Wire::new(stream);
        wire.credit = stream.len() / batch * messages;
        let (ended, usage) = measured(|| now(run(conn(Role::Server, Config::new(), wire))));
        assert!(ended.is_none(), "it waits for more");
        usage.calls
    };
    // Fills the pool of this thread.
    calls(MESSAGES);
    (calls(2 * MESSAGES) - calls(MESSAGES)) as f64 / MESSAGES as f64
}

fn row<F>(name: &str, run: fn(Echo) -> F) -> [f64; 5]
where
    F: Future<Output = Result<(), Error>>,
{
    let calls = [
        calls(run, Opcode::TEXT, 32, 1),
        calls(run, Opcode::TEXT, 32, 16),
        calls(run, Opcode::BINARY, 1 << 10, 1),
        calls(run, Opcode::BINARY, 16 << 10, 1),
        calls(run, Opcode::BINARY, 64 << 10, 1),
    ];
    println!("{name}: {calls:?}");
    calls
}

#[test]
fn echo_takes_memory_for_the_payload_alone_in_every_loop_unless_that_is_large() {
    let rows = [
        row("write_message", write),
        row("queue_message", queue),
        row("recv", recv),
        row("read_borrowed", borrow),
        row("into_split", halves),
        row("Stream and Sink", feed),
        row("StreamExt::split", send_by_split_halves),
    ];
    for calls in rows {
        assert_eq!(calls[..3], [0.0, 0.0, 1.0]);
        // The buffer that it was read into is cut and given on, so that the next read takes another; and its place in the queue.
        assert!(calls[3..].iter().all(|calls| *calls <= 3.0), "{calls:?}");
    }
}

const MESSAGES: usize = 16;
