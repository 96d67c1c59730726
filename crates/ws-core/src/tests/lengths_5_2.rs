//! 5.2 and 10.4: payload lengths at the edges of what computers count with, in a table written by hand (LEN-1), and the work
//! that bytes cause (LEN-3).

use super::{
    trace::{Endpoint, Told},
    wire::{BINARY, CONTINUATION, FIN, KEY, Length, PING, ROLES, TEXT, frame, header, header_masked},
};
use crate::{
    Config,
    ProtocolError::{LengthOverflow, NonMinimalLength},
    Role, Violation,
    proto::Event,
};

const LIMIT: u64 = 1 << 20;

/// What a length must come to, in each of the long forms.
#[derive(Clone, Copy, Debug)]
enum Must {
    /// The frame is begun.
    Begin,
    /// 1002: fewer bytes would have held it.
    NonMinimal,
    /// 1002: the highest bit is set.
    Overflow,
    /// 1009.
    TooBig,
    /// The form cannot say it.
    Nothing,
}

use Must::{Begin, NonMinimal, Nothing, Overflow, TooBig};

/// Length, verdict on the 16-bit form and on the 64-bit form: of a first frame, and behind a fragment that leaves one byte of
/// the limit.
const TABLE: [(u64, [Must; 2], [Must; 2]); 16] = [
    (0, [NonMinimal, NonMinimal], [NonMinimal, NonMinimal]),
    (125, [NonMinimal, NonMinimal], [NonMinimal, NonMinimal]),
    (126, [Begin, NonMinimal], [TooBig, NonMinimal]),
    (65_535, [Begin, NonMinimal], [TooBig, NonMinimal]),
    (65_536, [Nothing, Begin], [Nothing, TooBig]),
    (LIMIT, [Nothing, Begin], [Nothing, TooBig]),
    (LIMIT + 1, [Nothing, TooBig], [Nothing, TooBig]),
    ((1 << 31) - 1, [Nothing, TooBig], [Nothing, TooBig]),
    (1 << 31, [Nothing, TooBig], [Nothing, TooBig]),
    ((1 << 32) - 1, [Nothing, TooBig], [Nothing, TooBig]),
    (1 << 32, [Nothing, TooBig], [Nothing, TooBig]),
    (1 << 53, [Nothing, TooBig], [Nothing, TooBig]),
    ((1 << 63) - 1, [Nothing, TooBig], [Nothing, TooBig]),
    (1 << 63, [Nothing, Overflow], [Nothing, Overflow]),
    (u64::MAX - 3, [Nothing, Overflow], [Nothing, Overflow]),
    (u64::MAX, [Nothing, Overflow], [Nothing, Overflow]),
];

fn long_forms(length: u64) -> [Option<Length>; 2] {
    [u16::try_from(length).ok().map(Length::Sixteen), Some(Length::SixtyFour(length))]
}

// Shows LEN-1.
#[test]
fn every_edge_of_the_lengths_comes_to_what_the_table_says() {
    for role in ROLES {
        let mut used = frame(role, BINARY, &vec![0; LIMIT as usize - 1]);
        for (length, fresh, behind) in TABLE {
            for (form, (fresh, behind)) in long_forms(length).into_iter().zip(fresh.into_iter().zip(behind)) {
                let Some(form) = form else {
                    assert!(matches!((fresh, behind), (Nothing, Nothing)));
                    continue;
                };
                let mut endpoint = Endpoint::new_limited(role);
                endpoint.feed(&header(role, FIN | BINARY, form));
                assert_comes_to(&endpoint, fresh, length);

                let mut endpoint = Endpoint::new_limited(role);
                let mut input = &mut used.clone()[..];
                while !input.is_empty() {
                    endpoint.protocol.receive(&mut input).unwrap();
                }
                endpoint.feed(&header(role, FIN | CONTINUATION, form));
                assert_comes_to(&endpoint, behind, length);
            }
        }
        used.clear();
    }
}

impl Endpoint {
    fn new_limited(role: Role) -> Self {
        Self::with(role, &Config::new().max_message_size(LIMIT))
    }
}

#[track_caller]
fn assert_comes_to(endpoint: &Endpoint, must: Must, length: u64) {
    let role = endpoint.protocol.role();
    let told = match must {
        Begin => vec![],
        NonMinimal => vec![Told::failed(NonMinimalLength)],
        Overflow => vec![Told::failed(LengthOverflow)],
        TooBig => vec![Told::Failed(Violation::TooBig { limit: LIMIT })],
        Nothing => unreachable!("the form cannot say it"),
    };
    assert_eq!(endpoint.told, told, "{role:?} {length}");
}

// Shows MEM-1.
#[test]
fn message_over_the_limit_is_refused_within_fourteen_bytes_and_without_its_payload() {
    for role in ROLES {
        for limit in [0, 125, 126, 65_535, LIMIT] {
            let mut endpoint = Endpoint::with(role, &Config::new().max_message_size(limit));
            let bytes = header(role, FIN | BINARY, Length::minimal(limit + 1));
            let mut taken = 0;
            for byte in &bytes {
                taken += 1;
                endpoint.feed(&[*byte]);
                if !endpoint.told.is_empty() {
                    break;
                }
            }
            assert!(taken <= 14 && taken == bytes.len(), "{role:?} {limit}: {taken} bytes");
            assert_eq!(endpoint.told, [Told::Failed(Violation::TooBig { limit })], "{role:?}");
            // Whatever follows is taken and forgotten.
            endpoint.feed(&vec![0; 100_000]);
            assert_eq!((endpoint.told.len(), &endpoint.partial), (1, &None), "{role:?}");
        }
    }
}

// Shows MEM-1.
#[test]
fn without_a_limit_the_largest_length_takes_data_as_it_comes() {
    for role in ROLES {
        let mut endpoint = Endpoint::with(role, &Config::new().max_message_size(None));
        endpoint.feed(&header(role, BINARY, Length::SixtyFour((1 << 63) - 1))).feed(&[0; 64 << 10]);
        assert_eq!(endpoint.told, [], "{role:?}");
        let partial = endpoint.partial.as_ref().map(|(_, data)| data.len());
        assert_eq!(partial, Some(64 << 10), "{role:?}: what has arrived and nothing more");
    }
}

/// What bytes cost: calls until all are taken, and events.
fn cost(role: Role, config: &Config, bytes: &[u8]) -> (usize, usize) {
    let mut endpoint = Endpoint::with(role, config);
    let mut bytes = bytes.to_vec();
    let mut input = &mut bytes[..];
    let (mut calls, mut events, mut failed) = (0, 0, 0);
    while !input.is_empty() {
        let before = input.len();
        let event = endpoint.protocol.receive(&mut input);
        // A violation is told once and may leave bytes; the next call takes them all.
        assert!(
            input.len() < before || (event.is_err() && failed == 0),
            "{role:?}: a call that takes nothing"
        );
        calls += 1;
        match event {
            Ok(Some(Event::Data { payload, .. })) => {
                assert!(payload.len() <= before, "{role:?}");
                events += 1;
            }
            Ok(Some(_)) => events += 1,
            Ok(None) => assert!(input.is_empty(), "{role:?}"),
            Err(_) => failed += 1,
        }
    }
    (calls, events)
}

// Shows LEN-3.
#[test]
fn every_call_takes_bytes_and_a_frame_costs_at_most_two_calls() {
    let config = Config::new().max_message_size(None).max_fragments(None).max_control_frames(None);
    for role in ROLES {
        for (one, what) in [
            (frame(role, FIN | TEXT, b"text"), "messages"),
            (frame(role, FIN | BINARY, b""), "empty messages"),
            (frame(role, FIN | PING, b"ping"), "pings"),
            ([frame(role, TEXT, b"a"), frame(role, FIN | CONTINUATION, b"b")].concat(), "fragments"),
            ([frame(role, BINARY, b""), frame(role, FIN | CONTINUATION, b"")].concat(), "empty fragments"),
            (vec![0xFF; 16], "what is no frame"),
        ] {
            for count in [1, 10, 1000] {
                let (calls, events) = cost(role, &config, &one.repeat(count));
                assert!(calls <= 2 * count + 1, "{role:?} {count} {what}: {calls} calls");
                assert!(events <= 2 * count, "{role:?} {count} {what}: {events} events");
            }
        }
    }
}

// Shows LEN-3.
#[test]
fn bytes_one_at_a_time_cost_one_call_each() {
    let config = Config::new();
    for role in ROLES {
        let key = (role == Role::Server).then_some(KEY);
        let stream = [
            frame(role, TEXT, "é".as_bytes()),
            frame(role, FIN | PING, b"ping"),
            header_masked(key, FIN | CONTINUATION, Length::Sixteen(126)),
            vec![b'a'; 126],
            vec![0xFF; 20],
        ]
        .concat();
        let mut endpoint = Endpoint::with(role, &config);
        for byte in stream {
            let mut byte = [byte];
            let mut input = &mut byte[..];
            let _ = endpoint.protocol.receive(&mut input);
            assert!(input.is_empty(), "{role:?}: a byte that is not taken");
        }
    }
}

// Shows MEM-4.
#[test]
fn work_for_fragments_of_one_byte_grows_with_their_number_and_not_faster() {
    let config = Config::new().max_message_size(None).max_fragments(None);
    for role in ROLES {
        let middle = frame(role, CONTINUATION, b"a");
        let mut last = 0;
        for power in [10, 12, 14, 16] {
            let bytes = [frame(role, TEXT, b"a"), middle.repeat(1 << power)].concat();
            let (calls, _) = cost(role, &config, &bytes);
            assert!(calls <= (1 << power) + 2, "{role:?}: {calls} calls for 2^{power} fragments");
            assert!(last == 0 || calls <= 4 * last + 4, "{role:?}: {last}, then {calls}");
            last = calls;
        }
    }
}
