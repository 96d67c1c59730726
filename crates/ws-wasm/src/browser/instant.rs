//! A moment of the page's clock.

use std::{
    ops::{Add, Sub},
    time::Duration,
};

/// A moment of a browser's clock, which `std::time::Instant` cannot read: the time since the page or worker began.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(pub(crate) Duration);

impl Instant {
    /// Now.
    #[cfg(target_family = "wasm")]
    #[must_use]
    pub fn now() -> Self {
        crate::web::now()
    }

    /// How long ago this was; zero if it is to come.
    #[cfg(target_family = "wasm")]
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        Self::now().saturating_duration_since(*self)
    }

    /// The moment after this time, unless the clock cannot hold it.
    #[must_use]
    pub fn checked_add(&self, duration: Duration) -> Option<Self> {
        self.0.checked_add(duration).map(Self)
    }

    /// The time between an earlier moment and this one; zero if it is later.
    #[must_use]
    pub fn saturating_duration_since(&self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

/// Ends at the last moment that the clock can hold.
impl Add<Duration> for Instant {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(duration))
    }
}

/// As [`Instant::saturating_duration_since`].
impl Sub for Instant {
    type Output = Duration;

    fn sub(self, earlier: Self) -> Duration {
        self.saturating_duration_since(earlier)
    }
}
