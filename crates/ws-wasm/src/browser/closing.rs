//! The closing handshake: which codes a browser sends, and what came of it.

use ws_core::{CloseCode, CloseFrame};

/// The close frames of both ends so far.
#[derive(Clone, Debug, Default)]
pub struct Closing {
    pub(super) sent: Option<Option<CloseFrame>>,
    pub(super) received: Option<Option<CloseFrame>>,
    pub(super) received_first: bool,
    pub(super) was_clean: Option<bool>,
}

impl Closing {
    /// The close frame that was asked for at this end, with the code that the browser sends for it: `None` while there was none,
    /// `Some(None)` for one without a code.
    #[must_use]
    pub fn sent(&self) -> Option<Option<&CloseFrame>> {
        self.sent.as_ref().map(Option::as_ref)
    }

    /// The close frame that the server sent: `None` while there was none, `Some(None)` for one without a code.
    #[must_use]
    pub fn received(&self) -> Option<Option<&CloseFrame>> {
        self.received.as_ref().map(Option::as_ref)
    }

    /// Whether the server's close frame came before this end's.
    #[must_use]
    pub fn received_first(&self) -> bool {
        self.received_first
    }

    /// Whether both close frames were exchanged, as far as the browser tells.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.received.is_some()
    }

    /// What the browser said of the end: `wasClean` of its close event; `None` while there was none.
    #[must_use]
    pub fn was_clean(&self) -> Option<bool> {
        self.was_clean
    }
}

/// The code that a browser sends for one that it would refuse.
///
/// `close` of a browser throws for anything but 1000 and 3000 to 4999, and then does not close at all.
pub(super) fn legal(code: CloseCode) -> CloseCode {
    match code.as_u16() {
        // To go away is what a page does at its end, and browsers say so themselves where they are asked nothing.
        1001 => CloseCode::NORMAL_CLOSURE,
        // Out of the way of the first codes after 4000, which applications take.
        code @ 1002..=1015 => CloseCode::from(code - 1000 + 4900),
        _ => code,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sendable_code_becomes_one_that_browsers_accept() {
        for code in (0..=u16::MAX).map(CloseCode::from).filter(|code| code.is_sendable()) {
            let legal = legal(code).as_u16();
            assert!(matches!(legal, 1000 | 3000..=4999), "{code} became {legal}");
        }
    }

    #[test]
    fn codes_that_browsers_accept_stay_and_others_keep_their_number() {
        for (code, expected) in [
            (1000, 1000),
            (1001, 1000),
            (1003, 4903),
            (1008, 4908),
            (1009, 4909),
            (1011, 4911),
            (1013, 4913),
            (3000, 3000),
            (4000, 4000),
            (4999, 4999),
        ] {
            assert_eq!(legal(code.into()), expected);
        }
    }
}
