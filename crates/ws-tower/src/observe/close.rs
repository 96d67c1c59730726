//! How a connection ended, in a word and a number.

use ws_core::{CloseCode, CloseFrame, End, Stats};

/// Who ended a connection, and with what code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Close {
    pub(super) by: &'static str,
    pub(super) code: CloseCode,
}

impl Close {
    /// Of a connection whose transport is dropped, perhaps after a panic has dropped the rest.
    pub(super) fn of(stats: &Stats, panicked: bool) -> Self {
        let closing = stats.closing();
        // 7.1.5: a close frame without a code stands for 1005, and 1006 for there being none.
        let code =
            |frame: Option<&CloseFrame>| CloseCode::from(frame.map_or(1005, |frame| frame.code.as_u16()));
        match (closing.received(), closing.sent(), stats.ended()) {
            (Some(frame), _, _) if closing.received_first() => Self { by: "peer", code: code(frame) },
            (_, Some(Some(frame)), _) if panicked && frame.code == CloseCode::INTERNAL_ERROR => {
                Self { by: "panicked", code: frame.code }
            }
            (_, Some(frame), _) => Self { by: "us", code: code(frame) },
            (_, None, Some(End::Lost(_))) => Self::without_frame("lost"),
            (_, None, _) if panicked => Self::without_frame("panicked"),
            (_, None, _) => Self::without_frame("dropped"),
        }
    }

    fn without_frame(by: &'static str) -> Self {
        Self { by, code: CloseCode::from(1006) }
    }

    /// The code as a label. A peer may choose among thousands of codes, and must not make as many time series.
    #[cfg(feature = "metrics")]
    pub(super) fn label(self) -> std::borrow::Cow<'static, str> {
        match self.code.as_u16() {
            code @ 1000..=1015 => code.to_string().into(),
            code if self.by == "us" => code.to_string().into(),
            3000..=3999 => "3xxx".into(),
            4000..=4999 => "4xxx".into(),
            _ => "other".into(),
        }
    }
}
