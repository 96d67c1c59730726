//! F9: the n-th read, write, flush or shutdown fails, for every n there is.

use std::io;

use tokio::runtime::Runtime;
use ws_core::{ErrorKind, Role};

use crate::{
    faulty::{Fuse, OPS, Op},
    scripts::{MESSAGES, Scissors, Script, message, play, play_all},
};

/// Plays with each call failing in turn; how many runs that were.
fn torture(runtime: &Runtime, script: Script, role: Role, deflate: bool, step: usize) -> usize {
    let mut runs = 0;
    for op in OPS {
        for number in (0..=500).step_by(step) {
            // A loss, or something else; no call is special to either.
            let (error, kind) = match number % 2 {
                0 => (io::ErrorKind::ConnectionReset, ErrorKind::ConnectionLost),
                _ => (io::ErrorKind::Other, ErrorKind::Io(io::ErrorKind::Other)),
            };
            let fuse = Fuse::new(op, number, error);
            let played = play(runtime, script, role, deflate, fuse.clone(), &Scissors::never());
            runs += 1;
            let case = || format!("{script:?} {role:?} {deflate} {op:?} {number} {error:?}: {played:?}");
            // The messages that arrived are whole and in order, and so are their echoes; the peer knows that it is not all.
            let (arrived, peer_end) = &played.peer;
            assert!(arrived.len() <= MESSAGES + 1, "{}", case());
            assert!(
                (0..=MESSAGES).map(message).zip(arrived).all(|(sent, arrived)| sent == *arrived),
                "{}",
                case()
            );
            assert!(
                (0..MESSAGES).map(message).zip(&played.echoes).all(|(sent, echo)| sent == *echo),
                "{}",
                case()
            );
            if let Err(end) = peer_end {
                assert_eq!(end.kind(), &ErrorKind::ConnectionLost, "{}", case());
            }
            match &played.end {
                Ok(()) => assert_eq!(played.echoes.len(), MESSAGES, "{}", case()),
                Err(end) => assert!(fuse.is_blown() && end.kind() == &kind, "{}", case()),
            }
            if !fuse.is_blown() {
                assert!(played.end.is_ok(), "{}", case());
                assert!(
                    number > 0 || matches!(op, Op::Flush | Op::Shutdown),
                    "{}: nothing was tried",
                    case()
                );
                break;
            }
            assert!(number < 490, "{}: there is no end to it", case());
        }
    }
    runs
}

// Shows LIF-1, PAN-1.
#[test]
fn f9_every_call_of_the_transport_may_fail_and_is_told_by_a_client() {
    play_all(Role::Client, torture);
}

// Shows LIF-1, PAN-1.
#[test]
fn f9_every_call_of_the_transport_may_fail_and_is_told_by_a_server() {
    play_all(Role::Server, torture);
}
