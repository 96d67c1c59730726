//! How a connection behaves: role, limits, buffers, and what the opening handshake agreed on.

use std::time::Duration;

#[cfg(feature = "io")]
use crate::InboundBudget;
use crate::{BufferPool, Utf8Bytes};
#[cfg(feature = "deflate")]
use crate::{DeflateConfig, NegotiatedDeflate};

/// Which end of the connection this endpoint is (RFC 6455, 1.3).
///
/// The client masks what it sends and refuses masked frames; the server does the opposite (5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "a WebSocket connection has two ends")]
pub enum Role {
    /// The endpoint that dialed.
    Client,
    /// The endpoint that accepted.
    Server,
}

/// Limits, buffer sizes and timeouts of a connection.
///
/// Every limit is finite unless it is set to `None`. Sizes are bytes.
///
/// | Setting | Server | Client | What happens beyond it |
/// |---|---|---|---|
/// | [`max_message_size`](Self::max_message_size) | 1 MiB | 16 MiB | the connection fails with 1009 |
/// | [`max_frame_size`](Self::max_frame_size) | message size | message size | the connection fails with 1009 |
/// | [`max_fragments`](Self::max_fragments) | 16,384 | 262,144 | the connection fails with 1008 |
/// | [`max_control_frames`](Self::max_control_frames) | 4,096 | 4,096 | the connection fails with 1008 |
/// | [`read_buffer_size`](Self::read_buffer_size) | 32 KiB | 32 KiB | |
/// | [`write_buffer_size`](Self::write_buffer_size) | 4 KiB | 4 KiB | |
/// | [`high_water_mark`](Self::high_water_mark) | 64 KiB | 64 KiB | writers wait |
/// | [`close_timeout`](Self::close_timeout) | 5 s | 5 s | the transport is dropped |
/// | [`keep_alive`](Self::keep_alive) | off | off | the connection is lost |
/// | [`message_timeout`](Self::message_timeout) | none | none | the connection fails with 1008 |
/// | [`inbound_budget`](Self::inbound_budget) | none | none | the largest holder fails with 1013 |
///
/// ```
/// use std::time::Duration;
/// use ws_core::Config;
///
/// let config = Config::new().max_message_size(64 << 10).close_timeout(Duration::from_secs(2));
/// # let _ = config;
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct Config {
    max_message_size: Setting<Option<u64>>,
    max_frame_size: Setting<Option<u64>>,
    max_fragments: Setting<Option<u32>>,
    max_control_frames: Setting<Option<u32>>,
    read_buffer_size: Setting<usize>,
    write_buffer_size: Setting<usize>,
    high_water_mark: Setting<usize>,
    close_timeout: Setting<Duration>,
    keep_alive: Option<KeepAlive>,
    message_timeout: Option<Duration>,
    accept_unmasked_frames: bool,
    buffer_pool: BufferPool,
    #[cfg(feature = "io")]
    inbound_budget: Option<InboundBudget>,
    #[cfg(feature = "deflate")]
    deflate: DeflateConfig,
}

impl Config {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// The largest message that is accepted, in bytes; `None` for any size. 1 MiB for a server and 16 MiB for a client
    /// unless set (RFC 6455, 10.4). It holds for messages that are streamed as well.
    ///
    /// A message over the limit fails the connection with 1009 as soon as a frame header announces it. Memory never
    /// follows the announced size, only the bytes that have arrived.
    pub fn max_message_size(mut self, limit: impl Into<Option<u64>>) -> Self {
        self.max_message_size = Setting::Set(limit.into());
        self
    }

    /// The largest frame that is accepted, in bytes; `None` for any size. The message limit unless set.
    pub fn max_frame_size(mut self, limit: impl Into<Option<u64>>) -> Self {
        self.max_frame_size = Setting::Set(limit.into());
        self
    }

    /// How many frames a message may come in, 1 at least; `None` for any number.
    ///
    /// Unless set, a 64th of the message limit in bytes, and 1,024 at least. Fragments cost work even when they are
    /// empty, so a limit on bytes alone does not bound them.
    pub fn max_fragments(mut self, limit: impl Into<Option<u32>>) -> Self {
        self.max_fragments = Setting::Set(limit.into());
        self
    }

    /// How many control frames may arrive in one go, that is without a data message between them and without the
    /// connection running out of bytes to read; `None` for any number. 4,096 unless set.
    pub fn max_control_frames(mut self, limit: impl Into<Option<u32>>) -> Self {
        self.max_control_frames = Setting::Set(limit.into());
        self
    }

    /// The size of the buffers that reads borrow from the pool, in bytes; 32 KiB unless set, 125 at least.
    ///
    /// This is not a limit: larger messages are read in several steps. A connection holds a buffer only while
    /// bytes are in flight. After a message of up to about 120 KiB that was larger, the next read borrows one that has
    /// room for another like it, unless it came with others behind it.
    pub fn read_buffer_size(mut self, size: usize) -> Self {
        self.read_buffer_size = Setting::Set(size.max(MIN_BUFFER));
        self
    }

    /// The size of the buffers that writes borrow from the pool, in bytes; 4 KiB unless set, 125 at least.
    ///
    /// This is not a limit: the buffer grows to hold what is queued. It is also the size of the fragments that
    /// [`Conn::next_writer`](crate::Conn::next_writer) sends.
    pub fn write_buffer_size(mut self, size: usize) -> Self {
        self.write_buffer_size = Setting::Set(size.max(MIN_BUFFER));
        self
    }

    /// How many queued bytes make writers wait until the transport has taken some; 64 KiB unless set.
    ///
    /// What a connection holds of outgoing data is bounded by this mark and one message.
    pub fn high_water_mark(mut self, bytes: usize) -> Self {
        self.high_water_mark = Setting::Set(bytes.max(1));
        self
    }

    /// How long the closing handshake, and the end of the transport after it, may take together; 5 seconds unless set.
    /// It runs from the first close frame on, sent or received, while somebody reads or closes. It counts in milliseconds, rounded
    /// up, up to seven weeks.
    pub fn close_timeout(mut self, timeout: Duration) -> Self {
        self.close_timeout = Setting::Set(timeout);
        self
    }

    /// Pings the peer at an interval, and gives it up when nothing comes back; `None` for no keep-alive, the default.
    ///
    /// It needs somebody who reads: pings are sent and answers heard while a read waits. See [`KeepAlive`].
    pub fn keep_alive(mut self, keep_alive: impl Into<Option<KeepAlive>>) -> Self {
        self.keep_alive = keep_alive.into();
        self
    }

    /// How long a message may take from its first byte to its last; `None` for any time, the default.
    ///
    /// A message that is not complete by then fails the connection with 1008. Control frames do not extend the time, and
    /// a frame that was only begun counts as well. With [`Conn::next_reader`](crate::Conn::next_reader), it includes the
    /// time that the application takes to read.
    pub fn message_timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.message_timeout = timeout.into();
        self
    }

    /// Whether a server accepts frames without a mask, which RFC 6455, 5.1 forbids. Off by default.
    ///
    /// Masking protects intermediaries from clients; do not turn this on for peers reached through proxies.
    pub fn accept_unmasked_frames(mut self, accept: bool) -> Self {
        self.accept_unmasked_frames = accept;
        self
    }

    /// What bounds the memory of messages that have arrived in part, over this connection and others; see
    /// [`InboundBudget`]. Nothing unless set.
    #[cfg(feature = "io")]
    #[cfg_attr(docsrs, doc(cfg(feature = "io")))]
    pub fn inbound_budget(mut self, budget: InboundBudget) -> Self {
        self.inbound_budget = Some(budget);
        self
    }

    /// How messages are compressed on a connection that [agreed](Negotiated::deflate) on it; the defaults unless set. This
    /// alone turns nothing on: a server or a client has to negotiate it.
    #[cfg(feature = "deflate")]
    #[cfg_attr(docsrs, doc(cfg(feature = "deflate")))]
    pub fn compression(mut self, deflate: DeflateConfig) -> Self {
        self.deflate = deflate;
        self
    }

    /// Where buffers come from and return to. Per thread unless set.
    pub fn buffer_pool(mut self, pool: BufferPool) -> Self {
        self.buffer_pool = pool;
        self
    }

    /// Whether the read buffer size was left at its default, so that a server may hand over the buffer of the HTTP
    /// connection instead.
    #[must_use]
    pub fn has_default_read_buffer(&self) -> bool {
        matches!(self.read_buffer_size, Setting::Default)
    }

    /// Whether [`keep_alive`](Self::keep_alive) is on, so that a layer above may turn it on where it is needed.
    #[must_use]
    pub fn has_keep_alive(&self) -> bool {
        self.keep_alive.is_some()
    }

    /// What the receiver holds a peer to, with the defaults of the role filled in.
    pub(crate) fn limits(&self, role: Role) -> Limits {
        let max_message_size = self.max_message_size.unwrap_or(match role {
            Role::Client => Some(16 << 20),
            Role::Server => Some(1 << 20),
        });
        let max_message_size = max_message_size.unwrap_or(u64::MAX);
        Limits {
            max_message_size,
            max_frame_size: self.max_frame_size.unwrap_or(Some(max_message_size)).unwrap_or(u64::MAX),
            max_fragments: self
                .max_fragments
                .unwrap_or_else(|| Limits::fragments(max_message_size))
                .map(|limit| limit.max(1)),
            fragments_follow: matches!(self.max_fragments, Setting::Default),
            max_control_frames: self.max_control_frames.unwrap_or(Some(4096)).unwrap_or(u32::MAX),
            accept_unmasked_frames: self.accept_unmasked_frames,
        }
    }

    /// How messages are compressed.
    #[cfg(all(feature = "deflate", feature = "io"))]
    pub(crate) fn deflate(&self) -> &DeflateConfig {
        &self.deflate
    }

    /// What an open connection is timed by.
    #[cfg(feature = "io")]
    pub(crate) fn timing(&self) -> Option<Timing> {
        let Self { keep_alive, message_timeout, .. } = *self;
        let is_timed = keep_alive.is_some() || message_timeout.is_some();
        is_timed.then_some(Timing { keep_alive, message_timeout })
    }

    /// What the async connection needs, with the defaults filled in.
    #[cfg(feature = "io")]
    pub(crate) fn settings(&self) -> Settings {
        Settings {
            read_buffer_size: size(self.read_buffer_size.unwrap_or(DEFAULT_READ_BUFFER)),
            write_buffer_size: size(self.write_buffer_size.unwrap_or(4 << 10)),
            high_water_mark: size(self.high_water_mark.unwrap_or(64 << 10)),
            close_timeout: millis(self.close_timeout.unwrap_or(Duration::from_secs(5))),
            pool: self.buffer_pool.clone(),
            inbound_budget: self.inbound_budget.clone(),
        }
    }
}

/// Pings at an interval, and how long to wait for a sign of life after one.
///
/// A ping is sent every interval, whatever else is sent or received, so that proxies on the way see traffic. Any byte
/// that arrives after it counts as life, the pong among them. If nothing arrives within the timeout, the connection is
/// [lost](crate::ErrorKind::ConnectionLost).
///
/// ```
/// use std::time::Duration;
/// use ws_core::{Config, KeepAlive};
///
/// let keep_alive = KeepAlive::every(Duration::from_secs(30)).timeout(Duration::from_secs(10));
/// let config = Config::new().keep_alive(keep_alive);
/// # let _ = config;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct KeepAlive {
    pub(crate) interval: Duration,
    pub(crate) timeout: Duration,
}

impl KeepAlive {
    /// A ping every `interval`, 10 ms at least. The timeout is 20 seconds unless set.
    pub fn every(interval: Duration) -> Self {
        Self { interval: interval.max(MIN_INTERVAL), timeout: Duration::from_secs(20) }
    }

    /// How long to wait for any byte after a ping before the connection is given up.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }
}

/// What an open connection is timed by. Most are by nothing.
#[cfg(feature = "io")]
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Timing {
    pub(crate) keep_alive: Option<KeepAlive>,
    pub(crate) message_timeout: Option<Duration>,
}

/// What the opening handshake agreed on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Negotiated {
    /// The subprotocol, if one was chosen (RFC 6455, 1.9).
    pub subprotocol: Option<Utf8Bytes>,
    /// The parameters of permessage-deflate, if both endpoints agreed on it (RFC 7692).
    #[cfg(feature = "deflate")]
    #[cfg_attr(docsrs, doc(cfg(feature = "deflate")))]
    pub deflate: Option<NegotiatedDeflate>,
}

impl Negotiated {
    /// No subprotocol and no extension.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the subprotocol.
    #[must_use]
    pub fn with_subprotocol(mut self, name: impl Into<Utf8Bytes>) -> Self {
        self.subprotocol = Some(name.into());
        self
    }

    /// Sets the parameters of permessage-deflate.
    #[cfg(feature = "deflate")]
    #[cfg_attr(docsrs, doc(cfg(feature = "deflate")))]
    #[must_use]
    pub fn with_deflate(mut self, deflate: impl Into<Option<NegotiatedDeflate>>) -> Self {
        self.deflate = deflate.into();
        self
    }
}

/// The buffers and times of one connection. Sizes and times take four bytes: every idle connection has these.
#[cfg(feature = "io")]
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    read_buffer_size: u32,
    write_buffer_size: u32,
    high_water_mark: u32,
    /// In milliseconds, which are what a timer counts in.
    close_timeout: u32,
    pub(crate) pool: BufferPool,
    pub(crate) inbound_budget: Option<InboundBudget>,
}

#[cfg(feature = "io")]
impl Settings {
    pub(crate) fn read_buffer_size(&self) -> usize {
        self.read_buffer_size as usize
    }

    pub(crate) fn write_buffer_size(&self) -> usize {
        self.write_buffer_size as usize
    }

    pub(crate) fn high_water_mark(&self) -> usize {
        self.high_water_mark as usize
    }

    pub(crate) fn close_timeout(&self) -> Duration {
        Duration::from_millis(self.close_timeout.into())
    }
}

/// Whole milliseconds, rounded up; seven weeks at the most.
#[cfg(feature = "io")]
fn millis(time: Duration) -> u32 {
    u32::try_from(time.as_nanos().div_ceil(1_000_000)).unwrap_or(u32::MAX)
}

/// 4 GiB are enough for any buffer.
#[cfg(feature = "io")]
fn size(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

/// What the receiver holds a peer to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) max_message_size: u64,
    pub(crate) max_frame_size: u64,
    pub(crate) max_fragments: Option<u32>,
    /// It is the one that goes with the message size.
    pub(crate) fragments_follow: bool,
    pub(crate) max_control_frames: u32,
    pub(crate) accept_unmasked_frames: bool,
}

impl Limits {
    /// How many fragments a message of this size may come in, unless that is set; `None` for any number.
    pub(crate) fn fragments(max_message_size: u64) -> Option<u32> {
        let fragments = u32::try_from(max_message_size / 64).unwrap_or(u32::MAX).max(1024);
        (max_message_size < u64::MAX).then_some(fragments)
    }
}

/// A value that was set, or the default of the role.
#[derive(Clone, Copy, Debug, Default)]
enum Setting<T> {
    #[default]
    Default,
    Set(T),
}

impl<T: Copy> Setting<T> {
    fn unwrap_or(self, default: T) -> T {
        match self {
            Self::Default => default,
            Self::Set(value) => value,
        }
    }

    fn unwrap_or_else(self, default: impl FnOnce() -> T) -> T {
        match self {
            Self::Default => default(),
            Self::Set(value) => value,
        }
    }
}

/// A batch of sixteen messages of 1 KiB, or one of 16 KiB with its header, in one read: with half of it, these took two.
#[cfg(feature = "io")]
const DEFAULT_READ_BUFFER: usize = 32 << 10;
/// The payload of the largest control frame (RFC 6455, 5.5): less than that is no buffer.
const MIN_BUFFER: usize = 125;
/// Pings without end would be all that a connection does.
const MIN_INTERVAL: Duration = Duration::from_millis(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(feature = "io")]
    #[test]
    fn close_timeout_is_rounded_up_to_milliseconds() {
        let timeout = |time| Config::new().close_timeout(time).settings().close_timeout();
        assert_eq!(timeout(Duration::ZERO), Duration::ZERO);
        assert_eq!(timeout(Duration::from_nanos(1)), Duration::from_millis(1));
        assert_eq!(timeout(Duration::from_millis(1500)), Duration::from_millis(1500));
        assert_eq!(timeout(Duration::MAX), Duration::from_millis(u32::MAX.into()));
    }

    #[test]
    fn frame_and_fragment_limits_follow_the_message_limit() {
        let limits = Config::new().max_message_size(1 << 10).limits(Role::Server);
        assert_eq!(
            (limits.max_message_size, limits.max_frame_size, limits.max_fragments),
            (1024, 1024, Some(1024))
        );
        let limits = Config::new().max_message_size(None).limits(Role::Server);
        assert_eq!((limits.max_message_size, limits.max_fragments), (u64::MAX, None));
        let limits = Config::new().max_frame_size(10).limits(Role::Client);
        assert_eq!((limits.max_message_size, limits.max_frame_size), (16 << 20, 10));
    }

    // Shows MEM-6.
    #[test]
    fn documented_defaults_hold() {
        let server = Config::new().limits(Role::Server);
        assert_eq!((server.max_message_size, server.max_fragments), (1 << 20, Some(16_384)));
        let client = Config::new().limits(Role::Client);
        assert_eq!((client.max_message_size, client.max_fragments), (16 << 20, Some(262_144)));
        assert_eq!((server.max_control_frames, client.max_control_frames), (4096, 4096));
    }

    #[test]
    fn settings_of_nothing_are_taken_for_the_least() {
        let limits = Config::new().max_fragments(0).limits(Role::Server);
        assert_eq!(limits.max_fragments, Some(1));
        assert_eq!(KeepAlive::every(Duration::ZERO).interval, MIN_INTERVAL);
        #[cfg(feature = "io")]
        assert_eq!(Config::new().high_water_mark(0).settings().high_water_mark(), 1);
    }
}
