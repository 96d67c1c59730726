//! Every rule of [`ProtocolError`] is broken by some bytes, and answered on the wire with its close code.

use super::{
    trace::{Endpoint, Told},
    wire::{
        BINARY, CLOSE, CONTINUATION, FIN, KEY, Length, PING, ROLES, TEXT, close, frame, frame_masked, header,
        peer,
    },
};
use crate::{
    Config,
    ProtocolError::{self, *},
    Role,
};

/// The rule that follows in the enum. A new rule does not compile until it stands here, and in [`break_rule`].
fn after(rule: ProtocolError) -> Option<ProtocolError> {
    Some(match rule {
        UnmaskedFrame => MaskedFrame,
        MaskedFrame => ReservedBits,
        ReservedBits => ReservedOpcode,
        ReservedOpcode => NonMinimalLength,
        NonMinimalLength => LengthOverflow,
        LengthOverflow => UnexpectedContinuation,
        UnexpectedContinuation => ExpectedContinuation,
        ExpectedContinuation => FragmentedControl,
        FragmentedControl => ControlTooLong,
        ControlTooLong => ClosePayloadTooShort,
        ClosePayloadTooShort => InvalidCloseReason,
        InvalidCloseReason => InvalidCloseCode,
        InvalidCloseCode => InvalidUtf8,
        InvalidUtf8 => TooManyFragments,
        TooManyFragments => TooManyControlFrames,
        TooManyControlFrames => return None,
        // These are broken by the clock, for an endpoint that wants no such message, or where an extension was negotiated.
        MessageTooSlow | UnexpectedMessage | UnacceptableKind | InvalidDeflate => return None,
    })
}

fn rules() -> impl Iterator<Item = ProtocolError> {
    std::iter::successors(Some(UnmaskedFrame), |rule| after(*rule))
}

/// Bytes that break this rule and no other, for an endpoint of this role; `None` for the rules of the other role.
fn break_rule(rule: ProtocolError, to: Role) -> Option<Vec<u8>> {
    Some(match rule {
        UnmaskedFrame if to == Role::Server => frame_masked(None, FIN | TEXT, b"a"),
        MaskedFrame if to == Role::Client => frame_masked(Some(KEY), FIN | TEXT, b"a"),
        UnmaskedFrame | MaskedFrame => return None,
        ReservedBits => frame(to, FIN | 0x10 | TEXT, b"a"),
        ReservedOpcode => frame(to, FIN | 0xF, b"a"),
        NonMinimalLength => header(to, FIN | BINARY, Length::Sixteen(1)),
        LengthOverflow => header(to, FIN | BINARY, Length::SixtyFour(1 << 63)),
        UnexpectedContinuation => frame(to, FIN | CONTINUATION, b"a"),
        ExpectedContinuation => [frame(to, TEXT, b"a"), frame(to, TEXT, b"b")].concat(),
        FragmentedControl => frame(to, PING, b"a"),
        ControlTooLong => frame(to, FIN | PING, &[b'a'; 126]),
        ClosePayloadTooShort => frame(to, FIN | CLOSE, b"a"),
        InvalidCloseReason => close(to, 1000, b"\xFF"),
        InvalidCloseCode => close(to, 1006, b""),
        InvalidUtf8 => frame(to, FIN | TEXT, b"\xFF"),
        TooManyFragments => [frame(to, TEXT, b""), frame(to, CONTINUATION, b"").repeat(3)].concat(),
        TooManyControlFrames => frame(to, FIN | PING, b"").repeat(4),
        MessageTooSlow | UnexpectedMessage | UnacceptableKind | InvalidDeflate => return None,
    })
}

// Shows FRM-1.
#[test]
fn every_rule_is_enforced_and_answered_with_its_close_code() {
    let config = Config::new().max_fragments(3).max_control_frames(3);
    for rule in rules() {
        let mut roles = 0;
        for role in ROLES {
            let Some(bytes) = break_rule(rule, role) else { continue };
            roles += 1;
            let mut endpoint = Endpoint::with(role, &config);
            endpoint.feed(&frame(role, FIN | TEXT, b"before")).feed(&bytes);
            assert_eq!(endpoint.told.first(), Some(&Told::text("before")), "{rule:?}");
            assert_eq!(endpoint.told.last(), Some(&Told::failed(rule)), "{role:?}");
            let code = rule.close_code().as_u16().to_be_bytes().to_vec();
            let frames = endpoint.take_frames();
            assert_eq!(frames.last(), Some(&(FIN | CLOSE, code)), "{role:?} {rule:?}");
            assert!(endpoint.protocol.wants_shutdown(), "{role:?} {rule:?}");
            let sent = endpoint.protocol.closing().sent().flatten().map(|frame| frame.code);
            assert_eq!(sent, Some(rule.close_code()), "{role:?} {rule:?}");
        }
        assert!(roles > 0, "{rule:?} was not tried");
    }
}

#[test]
fn peer_of_the_same_making_understands_the_answer_to_every_rule() {
    let config = Config::new().max_fragments(3).max_control_frames(3);
    for rule in rules() {
        for role in ROLES {
            let Some(bytes) = break_rule(rule, role) else { continue };
            let mut endpoint = Endpoint::with(role, &config);
            let written = endpoint.feed(&bytes).take_bytes();
            let mut other = Endpoint::new(peer(role));
            other.feed(&written);
            let close = super::wire::code_only(rule.close_code());
            assert_eq!(other.told.last(), Some(&Told::Close(close)), "{role:?} {rule:?}");
        }
    }
}

#[test]
fn codes_and_sections_of_the_rules_are_those_of_the_rfc() {
    // 7.4.1: 1007 for payloads that do not fit their type, 1008 for policy, 1002 for the rest.
    for rule in rules().chain([MessageTooSlow, UnexpectedMessage, UnacceptableKind]) {
        let code = match rule {
            InvalidUtf8 | InvalidCloseReason => 1007,
            UnacceptableKind => 1003,
            TooManyFragments | TooManyControlFrames | MessageTooSlow | UnexpectedMessage => 1008,
            _ => 1002,
        };
        assert_eq!(rule.close_code(), code, "{rule:?}");
        assert!(rule.section().starts_with(['5', '7', '8', '1']), "{rule:?}");
        assert!(!rule.to_string().is_empty());
    }
}
