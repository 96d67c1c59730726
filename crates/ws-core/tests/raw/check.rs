use proptest::prelude::*;
use ws_core::{
    Config, ProtocolError, Role, Violation,
    frame::{FrameHeader, Opcode, ReservedBits},
    proto::Receiver,
    raw::FrameChecker,
};

use crate::wire::KEY;

fn header(opcode: Opcode) -> FrameHeader {
    FrameHeader::new(opcode, 1)
}

fn masked(opcode: Opcode) -> FrameHeader {
    FrameHeader { mask: Some(KEY), ..header(opcode) }
}

#[test]
fn checker_of_no_role_does_not_look_at_masks() {
    let mut checker = FrameChecker::new();
    assert_eq!(checker.check(&header(Opcode::TEXT)), Ok(()));
    assert_eq!(checker.check(&masked(Opcode::TEXT)), Ok(()));
    assert_eq!(checker.check(&header(Opcode::CONTINUATION)), Err(ProtocolError::UnexpectedContinuation));
}

#[test]
fn servers_demand_masks_and_clients_refuse_them() {
    for opcode in [Opcode::TEXT, Opcode::BINARY, Opcode::PING, Opcode::PONG, Opcode::CLOSE] {
        assert_eq!(FrameChecker::from(Role::Server).check(&masked(opcode)), Ok(()));
        assert_eq!(
            FrameChecker::from(Role::Server).check(&header(opcode)),
            Err(ProtocolError::UnmaskedFrame)
        );
        assert_eq!(FrameChecker::from(Role::Client).check(&header(opcode)), Ok(()));
        assert_eq!(FrameChecker::from(Role::Client).check(&masked(opcode)), Err(ProtocolError::MaskedFrame));
    }
}

#[test]
fn reserved_opcodes_are_refused() {
    for bits in [3, 4, 5, 6, 7, 0xB, 0xC, 0xD, 0xE, 0xF] {
        let result = FrameChecker::new().check(&header(Opcode::from_bits(bits)));
        assert_eq!(result, Err(ProtocolError::ReservedOpcode), "{bits}");
    }
}

#[test]
fn control_frames_are_short_whole_and_allowed_between_fragments() {
    for opcode in [Opcode::PING, Opcode::PONG, Opcode::CLOSE] {
        let mut checker = FrameChecker::new().fragmented(true);
        assert_eq!(checker.check(&FrameHeader::new(opcode, 125)), Ok(()));
        assert!(checker.is_fragmented(), "the message is still open");
        assert_eq!(checker.check(&FrameHeader::new(opcode, 126)), Err(ProtocolError::ControlTooLong));
        let fragment = FrameHeader { fin: false, ..header(opcode) };
        assert_eq!(checker.check(&fragment), Err(ProtocolError::FragmentedControl));
    }
}

#[test]
fn fragments_of_messages_are_not_interleaved() {
    let mut checker = FrameChecker::new();
    let first = FrameHeader { fin: false, ..header(Opcode::BINARY) };
    let middle = FrameHeader { fin: false, ..header(Opcode::CONTINUATION) };
    for header in [first, middle, middle] {
        assert_eq!(checker.check(&header), Ok(()));
        assert!(checker.is_fragmented());
    }
    assert_eq!(checker.check(&header(Opcode::TEXT)), Err(ProtocolError::ExpectedContinuation));
    assert!(checker.is_fragmented(), "what is refused changes nothing");
    assert_eq!(checker.check(&header(Opcode::CONTINUATION)), Ok(()));
    assert!(!checker.is_fragmented());
    assert_eq!(checker.check(&header(Opcode::CONTINUATION)), Err(ProtocolError::UnexpectedContinuation));
}

#[test]
fn reserved_bits_stand_where_extensions_put_them() {
    let rsv1 = |opcode, fin| FrameHeader { reserved: ReservedBits::RSV1, fin, ..header(opcode) };
    let (first, next) = (rsv1(Opcode::TEXT, false), rsv1(Opcode::CONTINUATION, true));
    let ping = rsv1(Opcode::PING, true);
    let refused = Err(ProtocolError::ReservedBits);

    let none = FrameChecker::new();
    let by_message = FrameChecker::new().message_bits(ReservedBits::RSV1);
    let by_frame = FrameChecker::new().frame_bits(ReservedBits::RSV1);
    let expected = [(none, refused, refused), (by_message, Ok(()), refused), (by_frame, Ok(()), Ok(()))];
    for (checker, of_first, of_next) in expected {
        assert_eq!(checker.clone().check(&first), of_first, "{checker:?}");
        assert_eq!(checker.fragmented(true).check(&next), of_next, "{checker:?}");
        assert_eq!(checker.clone().check(&ping), refused, "no extension defines bits of control frames");
    }
    let both = FrameHeader { reserved: ReservedBits::RSV1.union(ReservedBits::RSV2), ..first };
    assert_eq!(by_message.clone().check(&both), refused);
}

fn headers() -> impl Strategy<Value = Vec<FrameHeader>> {
    // Mostly what may come, so that sequences get somewhere.
    let opcode = prop_oneof![6 => prop::sample::select(vec![0, 1, 2, 8, 9, 10]), 1 => 0u8..16];
    let length = prop_oneof![8 => 0u64..10, 1 => 120u64..130];
    let reserved = prop_oneof![20 => Just(ReservedBits::NONE), 1 => Just(ReservedBits::RSV2)];
    let header = (opcode, any::<bool>(), prop::bool::weighted(0.9), length, reserved);
    prop::collection::vec(header, 1..12).prop_map(|headers| {
        let make = |(opcode, fin, right, payload_len, reserved)| FrameHeader {
            fin,
            reserved,
            mask: if right { Some(KEY) } else { None },
            ..FrameHeader::new(Opcode::from_bits(opcode), payload_len)
        };
        headers.into_iter().map(make).collect()
    })
}

proptest! {
    #[test]
    fn agrees_with_the_receiver_on_every_sequence(headers in headers(), client in any::<bool>()) {
        let role = if client { Role::Client } else { Role::Server };
        let mut checker = FrameChecker::from(role);
        let mut receiver = Receiver::new(role, &Config::new());
        for mut header in headers {
            // `Some` stands for a frame that is masked as it should be.
            if client {
                header.mask = if header.mask.is_some() { None } else { Some(KEY) };
            }
            // Zeros are text, and masked zeros are the key: all of it less than 0x80, but of no close code.
            let mut wire = header.encode().to_vec();
            wire.resize(wire.len() + header.payload_len as usize, 0);
            if header.mask.is_some() {
                let at = header.encode().len();
                ws_core::frame::apply_mask(&mut wire[at..], KEY);
            }
            let mut input = &mut wire[..];
            let mut received = Ok(());
            while !input.is_empty() && received.is_ok() {
                received = receiver.receive(&mut input).map(|_| ());
            }
            let checked = checker.check(&header);
            if header.opcode == Opcode::CLOSE && checked.is_ok() {
                return Ok(());
            }
            prop_assert_eq!(received, checked.map_err(Violation::from));
            if checked.is_err() {
                return Ok(());
            }
        }
    }
}
