//! Futures that are polled only when they were woken still finish: no wake-up is lost.

use std::{cell::Cell, future::poll_fn, task::Poll};

use futures_util::{SinkExt, StreamExt};
use ws_core::{CloseFrame, Config, Message};

use crate::{
    executor::{Task, run, with_timers},
    pipe::{Pace, Remote, pair},
    wire::pattern,
};

/// Waits until the connection has written something that the test has not taken.
pub(crate) async fn yield_until_written(remote: &Remote) {
    poll_fn(|cx| if remote.poll_written(cx) { Poll::Ready(()) } else { Poll::Pending }).await;
}

/// A sequence of numbers that is the same in every run.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9))
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end as u64) as usize
    }

    pub(crate) fn pace(&mut self) -> Pace {
        let piece = |random: &mut Self| [1, 3, 20, 5000, usize::MAX][random.below(5)];
        Pace {
            read: piece(self),
            write: piece(self),
            stutter: self.below(2) == 0,
            vectored: self.below(2) == 0,
        }
    }

    pub(crate) fn capacity(&mut self) -> usize {
        [1, 7, 100, 4096, 1 << 20][self.below(5)]
    }

    /// Not too large for the transport: every byte may take a poll of its own.
    pub(crate) fn message(&mut self, pace: Pace, capacity: usize) -> Message {
        let step = pace.read.min(pace.write).min(capacity);
        let sizes = [0, 1, 10, 130, if step < 20 { 200 } else { 5000 }];
        Message::binary(pattern(sizes[self.below(sizes.len())]))
    }
}

// Shows WAKE-1.
#[test]
fn request_and_response_finish_over_any_transport() {
    with_timers(|| {
        for seed in 1..300 {
            let mut random = Random::new(seed);
            let (pace, capacity) = (random.pace(), random.capacity());
            let (mut client, mut server) = pair(&Config::new(), pace, capacity);
            let messages: Vec<_> = (0..5).map(|_| random.message(pace, capacity)).collect();
            let ask = async {
                for message in &messages {
                    client.write_message(message.clone()).await.unwrap();
                    assert!(client.read_message().await.unwrap().as_ref() == Some(message));
                }
                client.close(CloseFrame::new(1000, "done")).await.unwrap();
                drop(client);
            };
            let answer = async {
                while let Some(message) = server.read_message().await.unwrap() {
                    server.write_message(message).await.unwrap();
                }
                drop(server);
            };
            assert_eq!(run(vec![Box::pin(ask), Box::pin(answer)]), Ok(()), "seed {seed}: 0 is the client");
        }
    });
}

// Shows WAKE-1.
#[test]
fn batches_that_are_only_queued_finish_over_any_transport() {
    with_timers(|| {
        for seed in 1..300 {
            let mut random = Random::new(seed);
            let (pace, capacity) = (random.pace(), random.capacity());
            let config = Config::new().high_water_mark(1 << 20);
            let (mut client, mut server) = pair(&config, pace, capacity);
            let batches: Vec<Vec<_>> = (0..3)
                .map(|_| (0..1 + random.below(6)).map(|_| random.message(pace, capacity)).collect())
                .collect();
            let ask = async {
                for batch in &batches {
                    for message in batch {
                        client.queue_message(message.clone()).await.unwrap();
                    }
                    // Nobody flushes: the read does, when it is about to wait.
                    for message in batch {
                        assert!(client.read_message().await.unwrap().as_ref() == Some(message));
                    }
                }
                client.close(None).await.unwrap();
                drop(client);
            };
            let answer = async {
                while let Some(message) = server.read_message().await.unwrap() {
                    server.queue_message(message).await.unwrap();
                }
                drop(server);
            };
            assert_eq!(run(vec![Box::pin(ask), Box::pin(answer)]), Ok(()), "seed {seed}: 0 is the client");
        }
    });
}

#[cfg(feature = "stream")]
// Shows WAKE-1.
#[test]
fn split_halves_of_both_ends_in_four_tasks_finish_over_any_transport() {
    with_timers(|| {
        for seed in 1..300 {
            let mut random = Random::new(seed);
            let (pace, capacity) = (random.pace(), random.capacity());
            let config = Config::new().high_water_mark([1, 100, 1 << 16][random.below(3)]);
            let (client, server) = pair(&config, pace, capacity);
            let messages: Vec<_> = (0..8).map(|_| random.message(pace, capacity)).collect();
            let written = Cell::new(0);
            let mut tasks: Vec<Task<'_>> = Vec::new();
            for conn in [client, server] {
                let (mut sink, mut stream) = conn.split();
                let (messages, written) = (&messages, &written);
                tasks.push(Box::pin(async move {
                    for message in messages {
                        sink.send(message.clone()).await.unwrap();
                    }
                    written.set(written.get() + 1);
                }));
                tasks.push(Box::pin(async move {
                    for message in messages {
                        assert!(stream.next().await.unwrap().unwrap() == *message, "seed {seed}");
                    }
                    // The other half may still have to write, and reading helps. The end never comes.
                    let _ = stream.next().await;
                }));
            }
            let _ = run(tasks);
            assert_eq!(written.get(), 2, "seed {seed}: a writer was not woken");
        }
    });
}
