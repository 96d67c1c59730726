//! F8: each future is dropped at every poll there is.

use tokio::runtime::Runtime;
use ws_core::{ErrorKind, Role};

use crate::{
    faulty::Fuse,
    scripts::{End, MESSAGES, Scissors, Script, Send, message, play, play_all},
};

/// Plays with each poll being a future's last in turn; how many runs that were.
fn cancel(runtime: &Runtime, script: Script, role: Role, deflate: bool, step: usize) -> usize {
    for polls in (0..=200).step_by(step) {
        let scissors = Scissors::after(polls);
        let played = play(runtime, script, role, deflate, Fuse::none(), &scissors);
        let case = || format!("{script:?} {role:?} {deflate} dropped at poll {polls}: {played:?}");
        assert!(played.end.is_ok(), "{}", case());
        // A message whose writer was dropped before it was finished has failed the connection, unless nothing had left.
        let (arrived, end) = &played.peer;
        let open = matches!(script.send, Send::Writer) && arrived.last() != Some(&message(MESSAGES));
        if !open {
            let mut next = arrived.iter().take_while(|arrived| **arrived != message(MESSAGES));
            let mut echoes = played.echoes.iter();
            for number in 0..MESSAGES {
                // A dropped one has arrived, or has not; a whole one has.
                if played.dropped.contains(&number) && next.clone().next() != Some(&message(number)) {
                    continue;
                }
                assert_eq!(next.next(), Some(&message(number)), "{}", case());
                assert_eq!(echoes.next(), Some(&message(number)), "{}", case());
            }
            assert_eq!((next.next(), echoes.next()), (None, None), "{}", case());
        }
        match end {
            Ok(()) => assert!(script.end != End::Drop || open, "{}", case()),
            Err(error) => {
                assert_eq!(error.kind(), &ErrorKind::ConnectionLost, "{}", case());
                assert_eq!(script.end, End::Drop, "{}", case());
            }
        }
        if !scissors.has_cut() {
            return polls;
        }
    }
    panic!("{script:?}: there is no end to it");
}

// Shows LIF-4, Z-6.
#[test]
fn f8_every_future_may_be_dropped_at_every_poll_by_a_client() {
    play_all(Role::Client, cancel);
}

// Shows LIF-4, Z-6.
#[test]
fn f8_every_future_may_be_dropped_at_every_poll_by_a_server() {
    play_all(Role::Server, cancel);
}
