//! The settings of connections that a policy names itself: shortcuts to [`Config`].

use std::{mem, time::Duration};

use ws_core::{BufferPool, Config, InboundBudget, KeepAlive};

use super::Upgrader;

impl Upgrader {
    /// The settings of the connections: limits, buffers, timeouts. Replaces all of them.
    pub fn config(self, config: Config) -> Self {
        self.configure(|_| config)
    }

    /// The size of the buffers that reads borrow, in bytes: [`Config::read_buffer_size`].
    ///
    /// Left at its default, a connection reads first into the buffer that the HTTP server is done with.
    pub fn read_buffer_size(self, size: usize) -> Self {
        self.configure(|config| config.read_buffer_size(size))
    }

    /// The size of the buffers that writes borrow, in bytes: [`Config::write_buffer_size`].
    pub fn write_buffer_size(self, size: usize) -> Self {
        self.configure(|config| config.write_buffer_size(size))
    }

    /// Where buffers come from and return to: [`Config::buffer_pool`].
    pub fn buffer_pool(self, pool: BufferPool) -> Self {
        self.configure(|config| config.buffer_pool(pool))
    }

    /// The largest message that is accepted, in bytes, `None` for any: [`Config::max_message_size`].
    pub fn max_message_size(self, limit: impl Into<Option<u64>>) -> Self {
        self.configure(|config| config.max_message_size(limit))
    }

    /// The largest frame that is accepted, in bytes; the message limit unless set: [`Config::max_frame_size`].
    pub fn max_frame_size(self, limit: impl Into<Option<u64>>) -> Self {
        self.configure(|config| config.max_frame_size(limit))
    }

    /// How many queued bytes make writers wait: [`Config::high_water_mark`].
    pub fn high_water_mark(self, bytes: usize) -> Self {
        self.configure(|config| config.high_water_mark(bytes))
    }

    /// Pings clients that are silent, and gives up those that stay so: [`Config::keep_alive`]. Off unless set.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use ws_tower::{Upgrader, ws_core::KeepAlive};
    ///
    /// let upgrader = Upgrader::new().keep_alive(KeepAlive::every(Duration::from_secs(30)));
    /// # let _ = upgrader;
    /// ```
    pub fn keep_alive(self, keep_alive: impl Into<Option<KeepAlive>>) -> Self {
        self.configure(|config| config.keep_alive(keep_alive))
    }

    /// How long a closing handshake may take: [`Config::close_timeout`].
    pub fn close_timeout(self, timeout: Duration) -> Self {
        self.configure(|config| config.close_timeout(timeout))
    }

    /// How long a message may take from its first frame to its last: [`Config::message_timeout`]. Any time unless set.
    pub fn message_timeout(self, timeout: impl Into<Option<Duration>>) -> Self {
        self.configure(|config| config.message_timeout(timeout))
    }

    /// Bounds the memory of unfinished messages over all connections: [`Config::inbound_budget`].
    pub fn inbound_budget(self, budget: InboundBudget) -> Self {
        self.configure(|config| config.inbound_budget(budget))
    }

    fn configure(self, change: impl FnOnce(Config) -> Config) -> Self {
        self.set(|settings| settings.config = change(mem::take(&mut settings.config)))
    }
}
