//! Whether there is another attempt. Like [`Backoff`](super::Backoff), without a runtime.

use std::time::Duration;

use crate::{CloseCode, Error, ErrorKind, ProtocolError};

/// What follows a connection or an attempt that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Retry {
    /// Another attempt, when the [`Backoff`](super::Backoff) says so.
    Backoff,
    /// Another attempt after this time and the wait of the [`Backoff`](super::Backoff) behind it, because all clients may have
    /// been told the same time.
    NotBefore(Duration),
    /// Another attempt after exactly this time.
    After(Duration),
    /// None: the client is over.
    Stop,
}

impl Retry {
    /// What follows a close code unless the application decides.
    ///
    /// Codes say [`Stop`](Self::Stop) that report an end that was meant (1000) or something that would happen again: 1002,
    /// 1003, 1007 to 1010, and of the registered ones above them 3000 (unauthorized) and 3003 (forbidden). Every other
    /// code is tried again, those of the application (4000 to 4999) included, whose meaning only it knows, and a close frame
    /// without a code (1005), which many servers send whatever the reason.
    #[must_use]
    pub fn after_close(code: CloseCode) -> Self {
        match code.as_u16() {
            1000 | 1002 | 1003 | 1007..=1010 | 3000 | 3003 => Self::Stop,
            _ => Self::Backoff,
        }
    }

    /// What follows an error of a connection unless the application decides: [`after_close`](Self::after_close) with its
    /// close code, and [`Backoff`](Self::Backoff) for a transport that failed.
    #[must_use]
    pub fn after_error(error: &Error) -> Self {
        match error.kind() {
            // The network was slow, or gone.
            ErrorKind::Protocol(ProtocolError::MessageTooSlow) => Self::Backoff,
            // Setting the connection up left it in a state that it will be left in again.
            ErrorKind::Usage(_) => Self::Stop,
            _ => error.close_code().map_or(Self::Backoff, Self::after_close),
        }
    }

    /// The time until the next attempt, where `backoff` is what the [`Backoff`](super::Backoff) says; `None` if there is to be none.
    #[must_use]
    pub fn wait(self, backoff: Duration) -> Option<Duration> {
        match self {
            Self::Backoff => Some(backoff),
            Self::NotBefore(wait) => Some(wait.saturating_add(backoff)),
            Self::After(wait) => Some(wait),
            Self::Stop => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::UsageError;

    use super::*;

    #[test]
    fn close_codes_stop_or_go_on_as_the_page_says() {
        let stops: Vec<u16> =
            (0..=u16::MAX).filter(|code| Retry::after_close(CloseCode::from(*code)) == Retry::Stop).collect();
        assert_eq!(stops, [1000, 1002, 1003, 1007, 1008, 1009, 1010, 3000, 3003]);
    }

    #[test]
    fn waits_are_those_of_the_backoff_behind_them_or_alone() {
        let [one, two] = [1, 2].map(Duration::from_secs);
        assert_eq!(Retry::Backoff.wait(one), Some(one));
        assert_eq!(Retry::NotBefore(two).wait(one), Some(one + two));
        assert_eq!(Retry::NotBefore(Duration::MAX).wait(one), Some(Duration::MAX));
        assert_eq!(Retry::After(two).wait(one), Some(two));
        assert_eq!(Retry::Stop.wait(one), None);
    }

    #[test]
    fn misuse_stops() {
        assert_eq!(Retry::after_error(&UsageError::MessageOpen.into()), Retry::Stop);
    }
}
