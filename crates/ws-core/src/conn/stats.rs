//! What a connection has carried, and how it ended, for whoever wants to know.

use std::{fmt, io, sync::Arc};

#[cfg(target_has_atomic = "64")]
use std::sync::atomic::AtomicU64 as Atomic;
#[cfg(not(target_has_atomic = "64"))]
use std::sync::atomic::AtomicUsize as Atomic;
use std::sync::atomic::Ordering::Relaxed;

use super::Conn;
#[cfg(feature = "deflate")]
use crate::proto::Tally;
use crate::{
    ErrorKind, Violation,
    proto::Closing,
    sync::{Mutex, lock},
};

/// What one connection has carried, and how it ended.
///
/// [`Conn::stats`] gives it. Clones read the same connection, from any task, while it is open and after its end. Counting
/// begins when the first one is asked for; a connection of which none is asked counts nothing.
///
/// The figures are read one by one while the connection goes on: those of one [`Traffic`] may be a message apart.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
/// # use ws_core::{Config, Conn, Negotiated, Role};
/// # let (near, far) = tokio::io::duplex(1024);
/// # let mut client = Conn::new(near, Role::Client, Config::new(), Negotiated::new());
/// # let mut server = Conn::new(far, Role::Server, Config::new(), Negotiated::new());
/// let stats = server.stats();
/// client.write_message("hello").await?;
/// server.read_message().await?;
/// assert_eq!((stats.received().messages, stats.received().payload_bytes), (1, 5));
/// assert!(stats.ended().is_none());
/// # Ok::<(), ws_core::Error>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Stats(Arc<Counters>);

/// What one direction of a connection has carried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Traffic {
    /// Data messages: received as a whole, or queued as a whole to be sent. Those that the application skips count, too.
    pub messages: u64,
    /// The bytes of data messages, of unfinished ones as well: after decompression, and before compression.
    pub payload_bytes: u64,
    /// Bytes that were read from the transport, or that it has taken: with headers and control frames, compressed as they are.
    pub wire_bytes: u64,
    /// Data messages that were compressed.
    pub compressed_messages: u64,
    /// The bytes of compressed messages on the wire, without headers.
    pub compressed_bytes: u64,
    /// The bytes of compressed messages without compression.
    pub uncompressed_bytes: u64,
}

impl Traffic {
    /// The size of compressed messages in relation to what they were: 0.25 if a quarter was left. `None` without any.
    #[must_use]
    pub fn compression_ratio(&self) -> Option<f64> {
        (self.uncompressed_bytes > 0).then(|| self.compressed_bytes as f64 / self.uncompressed_bytes as f64)
    }
}

/// How a connection ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum End {
    /// With the closing handshake; [`Stats::closing`] has both close frames.
    Closed,
    /// The peer broke a rule or went over a limit.
    Failed(Violation),
    /// The transport ended or failed, or the peer did not answer in time.
    Lost(ErrorKind),
    /// This program dropped the connection, aborted it, or took it apart, before it had ended. If writing had failed by then, it
    /// was [`Lost`](Self::Lost).
    Dropped,
}

impl Stats {
    /// What has arrived.
    #[must_use]
    pub fn received(&self) -> Traffic {
        self.0.received.read()
    }

    /// What was sent.
    #[must_use]
    pub fn sent(&self) -> Traffic {
        self.0.sent.read()
    }

    /// The close frames of both ends so far, and their order; see [`Conn::closing`].
    #[must_use]
    pub fn closing(&self) -> Closing {
        lock(&self.0.end).closing.clone()
    }

    /// How the connection ended; `None` while it is open.
    #[must_use]
    pub fn ended(&self) -> Option<End> {
        lock(&self.0.end).end.clone()
    }
}

impl fmt::Debug for Stats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stats")
            .field("received", &self.received())
            .field("sent", &self.sent())
            .field("closing", &self.closing())
            .field("ended", &self.ended())
            .finish()
    }
}

impl<S> Conn<S> {
    /// Counts what the connection carries from now on; see [`Stats`]. Ask for it when the connection is new, to have all of it.
    #[must_use]
    pub fn stats(&mut self) -> Stats {
        if let Some(counters) = &self.0.stats.0 {
            return Stats(counters.clone());
        }
        let counters = Arc::new(Counters {
            #[cfg(feature = "deflate")]
            before: self.0.protocol.tallies(),
            ..Counters::default()
        });
        // What came with the handshake is parsed from here on.
        counters.received.wire.add(self.0.read.filled().len());
        self.0.stats = StatsSlot(Some(counters.clone()));
        self.note_closing();
        if self.0.ending.is_over() {
            self.note_end();
        }
        Stats(counters)
    }

    /// Bytes of a data message were queued.
    #[inline]
    pub(super) fn count_sent(&self, bytes: usize, last: bool) {
        if let Some(counters) = self.0.stats.get() {
            counters.sent.count(bytes, last);
            #[cfg(feature = "deflate")]
            counters.sent.publish(self.0.protocol.tallies().1, counters.before.1);
        }
    }

    /// Decompressed bytes of a data message were received.
    #[cfg(feature = "deflate")]
    pub(super) fn count_inflated(&self, bytes: usize, last: bool) {
        if let Some(counters) = self.0.stats.get() {
            counters.received.count(bytes, last);
            counters.received.publish(self.0.protocol.tallies().0, counters.before.0);
        }
    }

    /// There is one more close frame.
    pub(super) fn note_closing(&self) {
        if let Some(counters) = self.0.stats.get() {
            lock(&counters.end).closing = self.closing().clone();
        }
    }

    /// The connection is over.
    pub(super) fn note_end(&self) {
        if let Some(counters) = self.0.stats.get() {
            lock(&counters.end).end.get_or_insert_with(|| self.0.ending.end());
        }
    }
}

/// What a connection counts: nothing, until it is asked to.
#[derive(Default)]
pub(super) struct StatsSlot(Option<Arc<Counters>>);

impl StatsSlot {
    /// Bytes of a data message were received.
    #[inline]
    pub(super) fn count_received(&self, bytes: usize, last: bool) {
        if let Some(counters) = self.get() {
            counters.received.count(bytes, last);
        }
    }

    /// Bytes were read from the transport.
    #[inline]
    pub(super) fn count_read(&self, bytes: usize) {
        if let Some(counters) = self.get() {
            counters.received.wire.add(bytes);
        }
    }

    /// Writing failed.
    pub(super) fn note_broken(&self, kind: io::ErrorKind) {
        if let Some(counters) = self.get() {
            lock(&counters.end).broken = Some(ErrorKind::of_transport(kind));
        }
    }

    /// The transport took bytes.
    #[inline]
    pub(super) fn count_written(&self, bytes: usize) {
        if let Some(counters) = self.get() {
            counters.sent.wire.add(bytes);
        }
    }

    #[inline]
    fn get(&self) -> Option<&Counters> {
        self.0.as_deref()
    }
}

impl Drop for StatsSlot {
    fn drop(&mut self) {
        if let Some(counters) = self.get() {
            let mut ended = lock(&counters.end);
            let end = ended.broken.take().map_or(End::Dropped, End::Lost);
            ended.end.get_or_insert(end);
        }
    }
}

#[derive(Default)]
struct Counters {
    received: Counted,
    sent: Counted,
    /// What compression had come to before, received and sent.
    #[cfg(feature = "deflate")]
    before: (Tally, Tally),
    end: Mutex<Ended>,
}

#[derive(Default)]
struct Ended {
    closing: Closing,
    end: Option<End>,
    /// Why nothing could be written any more. That alone is no end: the peer's last words may be still to be read.
    broken: Option<ErrorKind>,
}

#[derive(Default)]
struct Counted {
    messages: Count,
    payload: Count,
    wire: Count,
    compressed_messages: Count,
    compressed: Count,
    uncompressed: Count,
}

impl Counted {
    fn count(&self, bytes: usize, last: bool) {
        self.payload.add(bytes);
        self.messages.add(usize::from(last));
    }

    #[cfg(feature = "deflate")]
    fn publish(&self, tally: Tally, before: Tally) {
        let Tally { messages, plain, compressed } = tally.since(before);
        self.compressed_messages.set(messages);
        self.compressed.set(compressed);
        self.uncompressed.set(plain);
    }

    fn read(&self) -> Traffic {
        Traffic {
            messages: self.messages.get(),
            payload_bytes: self.payload.get(),
            wire_bytes: self.wire.get(),
            compressed_messages: self.compressed_messages.get(),
            compressed_bytes: self.compressed.get(),
            uncompressed_bytes: self.uncompressed.get(),
        }
    }
}

/// A number that its connection alone changes, so that nothing has to be added atomically. A processor without atomic
/// numbers of 64 bits counts to 4 GiB and begins anew.
#[derive(Default)]
struct Count(Atomic);

#[allow(clippy::unnecessary_cast, trivial_numeric_casts, reason = "the type depends on the processor")]
impl Count {
    fn add(&self, more: usize) {
        self.0.store(self.0.load(Relaxed).wrapping_add(more as _), Relaxed);
    }

    #[cfg(feature = "deflate")]
    fn set(&self, number: u64) {
        self.0.store(number as _, Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Relaxed) as u64
    }
}
