//! The differences that are known, and why each of them is none of ours.

use ws_core::{CloseFrame, ProtocolError, Violation};

use super::{Case, Verdict};
use crate::endpoint::Told;

/// A known difference between this stack and another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Difference {
    /// The code 1014 is in the IANA registry, and refused.
    BadGateway,
    /// A close frame between the fragments of a message fails the connection.
    CloseBetweenFragments,
    /// A close frame with a forbidden code is told, as one with 1002.
    CloseCodeTold,
    /// The reason of a close frame is judged before its code.
    ReasonBeforeCode,
    /// A violation is seen later: at the end of the frame, of the message, or not before more arrives.
    FailsLater,
    /// What does not decompress is a violation of the protocol, and not data that does not fit its type.
    InflateCode,
    /// A compressed message is taken that does not end where a block ends, and of one that goes on behind a final block the rest
    /// is left out, with the messages that come later.
    InflateNotWhole,
    /// Lengths that are not in the fewest bytes are taken.
    MinimalLength,
    /// Lengths of 2^63 and more are judged as a size.
    LengthOverflow,
}

/// All of them, each with the others that have it and with what RFC 6455 says.
pub const DIFFERENCES: &[(Difference, &[&str], &str)] = &[
    (Difference::BadGateway, &["tungstenite"], "7.4.2: 1014 is registered with IANA"),
    (
        Difference::CloseBetweenFragments,
        &["websockets"],
        "5.4: control frames may be injected in the middle of a fragmented message; 5.5: Close is one",
    ),
    (Difference::CloseCodeTold, &["tungstenite"], "7.4.1 and 7.4.2; the same goes over the wire"),
    (
        Difference::ReasonBeforeCode,
        &["tungstenite", "websockets"],
        "7.4 and 8.1: both are broken, and neither goes first",
    ),
    (
        Difference::FailsLater,
        &["tungstenite", "websockets"],
        "8.1 and 5.x do not say when; an endpoint should not have to wait for a payload that it will refuse",
    ),
    (
        Difference::InflateCode,
        &["websockets"],
        "7.4.1: 1007 is data that is not consistent with its type, 1002 a violation; RFC 7692 names no code",
    ),
    (
        Difference::InflateNotWhole,
        &["websockets"],
        "RFC 7692, 7.2.2: a message is whole blocks; 7.2.3.4: blocks may be final, and others follow them",
    ),
    (
        Difference::MinimalLength,
        &["tungstenite", "websockets"],
        "5.2: the minimal number of bytes MUST be used",
    ),
    (Difference::LengthOverflow, &["tungstenite", "websockets"], "5.2: the most significant bit MUST be 0"),
];

impl Difference {
    /// The one that this is, if the other is known to have it.
    pub(super) fn explain(name: &str, case: &Case<'_>) -> Option<Self> {
        let found = Self::find(case)?;
        let known =
            DIFFERENCES.iter().any(|(difference, names, _)| *difference == found && names.contains(&name));
        known.then_some(found)
    }

    fn find(case: &Case<'_>) -> Option<Self> {
        let Case { ours, violation, open, there, whole } = *case;
        let same_told = ours.told == there.told;
        let is = |rule: ProtocolError| violation == Some(Violation::from(rule));
        if is(ProtocolError::NonMinimalLength) {
            return whole.told.starts_with(&ours.told).then_some(Self::MinimalLength);
        }
        if let Some(odd) = whole.odd {
            let same = ours.told.len() >= odd && ours.told[..odd] == whole.told[..odd];
            return same.then_some(Self::InflateNotWhole);
        }
        if is(ProtocolError::InvalidDeflate) && same_told && there.failed == Some(1002) {
            return Some(Self::InflateCode);
        }
        if is(ProtocolError::LengthOverflow) && same_told && there.failed != Some(1002) {
            return Some(Self::LengthOverflow);
        }
        if is(ProtocolError::InvalidCloseCode) {
            let refused = Told::Close(Some(CloseFrame::new(1002, "Protocol violation")));
            if there.failed.is_none() && there.told == [&ours.told[..], &[refused]].concat() {
                return Some(Self::CloseCodeTold);
            }
            if same_told && there.failed == Some(1007) {
                return Some(Self::ReasonBeforeCode);
            }
        }
        if let Some((Told::Close(frame), before)) = ours.told.split_last() {
            if before == without_close(there) {
                if frame.as_ref().is_some_and(|frame| frame.code == 1014) {
                    return Some(Self::BadGateway);
                }
                if open && there.failed == Some(1002) {
                    return Some(Self::CloseBetweenFragments);
                }
            }
        }
        // Nothing that ours has refused is told later either: no message, and of other frames only those that can stand
        // between the fragments of the message that is broken.
        let messages = |verdict: &Verdict| {
            let is_message = |told: &&Told| matches!(told, Told::Message(..));
            verdict.told.iter().filter(is_message).cloned().collect::<Vec<_>>()
        };
        let is_later = violation.is_some() && same_told && there.failed.is_none();
        (is_later && messages(whole) == messages(ours)).then_some(Self::FailsLater)
    }
}

fn without_close(verdict: &Verdict) -> &[Told] {
    match verdict.told.split_last() {
        Some((Told::Close(_), before)) => before,
        _ => &verdict.told,
    }
}
