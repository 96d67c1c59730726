//! 10.4: what a peer may make an endpoint hold and do.

use super::{
    trace::{Endpoint, Told},
    wire::{BINARY, CLOSE, CONTINUATION, FIN, Length, PING, PONG, ROLES, TEXT, close_payload, frame, header},
};
use crate::{Config, ProtocolError, Role, Violation};

const TOO_BIG: u16 = 1009;
const POLICY: u16 = 1008;

#[test]
fn message_of_exactly_the_limit_is_told_and_one_byte_more_is_not() {
    for role in ROLES {
        for limit in [0, 1, 125, 126, 65_535, 65_536] {
            let payload = vec![0; limit + 1];
            let mut endpoint = Endpoint::with(role, &Config::new().max_message_size(limit as u64));
            endpoint.feed(&frame(role, FIN | BINARY, &payload[..limit]));
            assert_eq!(endpoint.told, [Told::binary(&payload[..limit])], "{role:?} {limit}");
            endpoint.feed(&frame(role, FIN | BINARY, &payload));
            assert_eq!(endpoint.told[1..], [Told::Failed(Violation::TooBig { limit: limit as u64 })]);
            assert_eq!(endpoint.take_frames(), [(FIN | CLOSE, close_payload(TOO_BIG, b""))]);
        }
    }
}

// Shows MEM-2.
#[test]
fn sum_of_fragments_is_held_to_the_limit_at_the_header_that_exceeds_it() {
    for role in ROLES {
        let limit = 100;
        let mut endpoint = Endpoint::with(role, &Config::new().max_message_size(limit));
        endpoint.feed(&frame(role, TEXT, &[b'a'; 60])).feed(&frame(role, CONTINUATION, &[b'a'; 40]));
        assert_eq!(endpoint.told, [], "exactly the limit");
        endpoint.feed(&header(role, CONTINUATION, Length::Seven(1)));
        assert_eq!(endpoint.told, [Told::Failed(Violation::TooBig { limit })], "{role:?}");
    }
}

// Shows MEM-2.
#[test]
fn endless_fragments_never_sum_up_to_more_than_the_limit() {
    for role in ROLES {
        let limit = 1 << 16;
        let mut endpoint = Endpoint::with(role, &Config::new().max_message_size(limit));
        endpoint.feed(&frame(role, BINARY, &[0; 1 << 14]));
        let mut held = 0;
        while endpoint.told.is_empty() {
            endpoint.feed(&frame(role, CONTINUATION, &[0; 1 << 14]));
            held = held.max(endpoint.partial.as_ref().map_or(0, |(_, data)| data.len()));
        }
        assert_eq!(held as u64, limit);
        assert_eq!(endpoint.told, [Told::Failed(Violation::TooBig { limit })], "{role:?}");
    }
}

#[test]
fn limit_counts_each_message_anew() {
    for role in ROLES {
        let mut endpoint = Endpoint::with(role, &Config::new().max_message_size(10).max_fragments(2));
        for _ in 0..100 {
            endpoint.feed(&frame(role, TEXT, b"12345")).feed(&frame(role, FIN | CONTINUATION, b"67890"));
        }
        assert_eq!(endpoint.told, vec![Told::text("1234567890"); 100], "{role:?}");
    }
}

#[test]
fn frame_limit_is_held_apart_from_the_message_limit() {
    for role in ROLES {
        let config = || Config::new().max_message_size(100).max_frame_size(10);
        let mut whole = Endpoint::with(role, &config());
        whole.feed(&header(role, FIN | BINARY, Length::Seven(11)));
        assert_eq!(whole.told, [Told::Failed(Violation::TooBig { limit: 10 })], "{role:?}");
        let mut pieces = Endpoint::with(role, &config());
        pieces.feed(&frame(role, BINARY, &[0; 10]));
        for _ in 0..8 {
            pieces.feed(&frame(role, CONTINUATION, &[0; 10]));
        }
        pieces.feed(&frame(role, FIN | CONTINUATION, &[0; 10]));
        assert_eq!(pieces.told, [Told::binary([0; 100])], "{role:?}");
    }
}

#[test]
fn control_frames_do_not_count_towards_the_size_of_messages() {
    for role in ROLES {
        let mut endpoint = Endpoint::with(role, &Config::new().max_message_size(1).max_frame_size(1));
        endpoint.feed(&frame(role, TEXT, b"a")).feed(&frame(role, FIN | PONG, &[0; 125])).feed(&frame(
            role,
            FIN | CONTINUATION,
            b"",
        ));
        assert_eq!(endpoint.told[1..], [Told::text("a")], "{role:?}");
    }
}

#[test]
fn without_a_limit_any_length_is_begun_and_nothing_overflows() {
    for role in ROLES {
        let mut endpoint = Endpoint::with(role, &Config::new().max_message_size(None));
        endpoint.feed(&frame(role, BINARY, b"a"));
        endpoint.feed(&header(role, CONTINUATION, Length::SixtyFour((1 << 63) - 1)));
        endpoint.feed(&[0; 1000]);
        assert_eq!(endpoint.told, [], "{role:?}");
        assert_eq!(endpoint.protocol.receiver().data_remaining(), Some((1 << 63) - 1001));
    }
}

// Shows MEM-5.
#[test]
fn fragments_up_to_their_limit_are_told_and_one_more_fails_empty_or_not() {
    for role in ROLES {
        for payload in [&b""[..], b"a"] {
            let start = |endpoint: &mut Endpoint| {
                endpoint.feed(&frame(role, TEXT, payload));
                for _ in 0..8 {
                    endpoint.feed(&frame(role, CONTINUATION, payload));
                }
            };
            let mut most = Endpoint::with(role, &Config::new().max_fragments(10));
            start(&mut most);
            most.feed(&frame(role, FIN | CONTINUATION, payload));
            assert_eq!(most.told, [Told::Message(crate::MessageKind::Text, payload.repeat(10))]);
            let mut over = Endpoint::with(role, &Config::new().max_fragments(10));
            start(&mut over);
            over.feed(&frame(role, CONTINUATION, payload));
            assert_eq!(over.told, []);
            over.feed(&frame(role, FIN | CONTINUATION, payload));
            assert_eq!(over.told, [Told::failed(ProtocolError::TooManyFragments)], "{role:?}");
            assert_eq!(over.take_frames(), [(FIN | CLOSE, close_payload(POLICY, b""))]);
        }
    }
}

// Shows MEM-5.
#[test]
fn default_limits_refuse_endless_empty_fragments() {
    for (role, limit) in [(Role::Server, 16_384), (Role::Client, 262_144)] {
        let mut endpoint = Endpoint::with(role, &Config::new());
        endpoint.feed(&frame(role, BINARY, b""));
        let empty = frame(role, CONTINUATION, b"").repeat(1024);
        let mut fragments = 1;
        while endpoint.told.is_empty() {
            assert!(fragments <= limit, "{role:?}: {fragments} fragments");
            endpoint.feed(&empty);
            fragments += 1024;
        }
        assert_eq!(endpoint.told, [Told::failed(ProtocolError::TooManyFragments)], "{role:?}");
        assert!(fragments >= limit, "{role:?}: {fragments} fragments");
    }
}

// Shows MEM-6.
#[test]
fn client_accepts_an_honest_large_message_in_100_000_fragments() {
    let size = 16 << 20;
    let mut client = Endpoint::with(Role::Client, &Config::new());
    let fragment = vec![b'h'; size / 100_000];
    client.feed(&frame(Role::Client, TEXT, &vec![b'h'; size - 99_999 * fragment.len()]));
    let middle = frame(Role::Client, CONTINUATION, &fragment);
    client.feed(&middle.repeat(99_998)).feed(&frame(Role::Client, FIN | CONTINUATION, &fragment));
    assert!(matches!(&client.told[..], [Told::Message(_, data)] if data.len() == size));
}

#[test]
fn control_frames_in_one_go_are_counted_until_data_or_a_pause() {
    for role in ROLES {
        let ping = frame(role, FIN | PING, b"");
        let pong = frame(role, FIN | PONG, b"");
        let config = || Config::new().max_control_frames(10);

        let mut over = Endpoint::with(role, &config());
        over.feed(&[ping.repeat(5), pong.repeat(6)].concat());
        assert_eq!(over.told.len(), 11);
        assert_eq!(over.told.last(), Some(&Told::failed(ProtocolError::TooManyControlFrames)), "{role:?}");
        assert_eq!(over.take_frames().last(), Some(&(FIN | CLOSE, close_payload(POLICY, b""))));

        let mut between = Endpoint::with(role, &config());
        for _ in 0..10 {
            between.feed(&ping.repeat(10)).feed(&frame(role, FIN | TEXT, b""));
        }
        assert_eq!(between.told.len(), 110, "{role:?}: a data message begins the count anew");

        let mut paused = Endpoint::with(role, &config());
        for _ in 0..10 {
            paused.feed(&ping.repeat(10));
            paused.protocol.receiver().caught_up();
        }
        assert_eq!(paused.told.len(), 100, "{role:?}: so does a pause");
    }
}

#[test]
fn raising_a_limit_never_refuses_what_was_accepted() {
    for role in ROLES {
        let bytes = [
            frame(role, TEXT, &[b'a'; 50]),
            frame(role, CONTINUATION, &[b'a'; 50]),
            frame(role, FIN | CONTINUATION, &[b'a'; 50]),
        ]
        .concat();
        let accepted = |limit: u64, fragments: u32| {
            let config = Config::new().max_message_size(limit).max_fragments(fragments);
            Endpoint::with(role, &config)
                .feed(&bytes)
                .told
                .last()
                .is_some_and(|told| matches!(told, Told::Message(..)))
        };
        for limit in 0..200 {
            assert_eq!(accepted(limit, 3), limit >= 150, "{role:?} {limit}");
        }
        for fragments in 0..6 {
            assert_eq!(accepted(150, fragments), fragments >= 3, "{role:?} {fragments}");
        }
    }
}

// Shows LEN-3, MEM-5.
#[test]
fn work_for_empty_fragments_is_linear_in_their_bytes() {
    // Not by the clock: every call takes all of its input and gives at most one event for each frame in it.
    for role in ROLES {
        let mut endpoint = Endpoint::with(role, &Config::new());
        let mut bytes = frame(role, BINARY, b"");
        bytes.extend(frame(role, CONTINUATION, b"").repeat(1000));
        let mut input = &mut bytes[..];
        let mut calls = 0;
        while !input.is_empty() {
            endpoint.protocol.receive(&mut input).unwrap();
            calls += 1;
        }
        assert!(calls <= 2, "{role:?}: {calls} calls for fragments that tell nothing");
    }
}

#[test]
fn limits_that_follow_the_message_size_go_on_following_it_when_it_changes() {
    for role in ROLES {
        let fragments =
            |count| [frame(role, BINARY, b""), frame(role, CONTINUATION, b"").repeat(count)].concat();
        let mut lifted = Endpoint::with(role, &Config::new().max_message_size(1 << 16));
        lifted.protocol.set_max_message_size(None);
        lifted.feed(&fragments(3000)).feed(&header(role, CONTINUATION, Length::SixtyFour(1 << 40)));
        assert!(!lifted.told.iter().any(|told| matches!(told, Told::Failed(_))), "{role:?}");

        let mut lowered = Endpoint::with(role, &Config::new());
        lowered.protocol.set_max_message_size(Some(10));
        lowered.feed(&fragments(1024));
        assert_eq!(lowered.told.last(), Some(&Told::failed(ProtocolError::TooManyFragments)), "{role:?}");

        let own = Config::new().max_fragments(2).max_frame_size(100);
        let mut own = Endpoint::with(role, &own);
        own.protocol.set_max_message_size(None);
        own.feed(&header(role, FIN | BINARY, Length::Seven(101)));
        assert_eq!(own.told.last(), Some(&Told::Failed(Violation::TooBig { limit: 100 })), "{role:?}");

        let mut own = Endpoint::with(role, &Config::new().max_fragments(2));
        own.protocol.set_max_message_size(Some(1 << 20));
        own.feed(&fragments(2));
        assert_eq!(own.told.last(), Some(&Told::failed(ProtocolError::TooManyFragments)), "{role:?}");
    }
}

#[test]
fn control_frames_between_fragments_that_carry_bytes_are_counted_anew_each_time() {
    for role in ROLES {
        let config = Config::new().max_control_frames(2);
        let pings = frame(role, FIN | PING, b"").repeat(2);
        let mut honest = Endpoint::with(role, &config);
        honest.feed(&frame(role, BINARY, b"a"));
        for _ in 0..10 {
            honest.feed(&[&pings[..], &frame(role, CONTINUATION, b"a")].concat());
        }
        assert!(!honest.told.iter().any(|told| matches!(told, Told::Failed(_))), "{role:?}");

        let mut ended = Endpoint::with(role, &config);
        let end = frame(role, FIN | CONTINUATION, b"");
        ended.feed(&[&frame(role, BINARY, b"a")[..], &pings, &end, &pings].concat());
        assert_eq!(ended.told.len(), 5, "{role:?}: the end of a message does, however short it is");

        let mut empty = Endpoint::with(role, &config);
        let stream =
            [frame(role, BINARY, b"a"), pings.clone(), frame(role, CONTINUATION, b""), pings].concat();
        empty.feed(&stream);
        assert_eq!(empty.told.last(), Some(&Told::failed(ProtocolError::TooManyControlFrames)), "{role:?}");
    }
}
