//! One budget for the unfinished messages of many connections.

use std::{
    future::Future,
    pin::pin,
    sync::Arc,
    task::{Context, Waker},
};

use tokio::io::AsyncReadExt as _;
use ws_core::{CloseCode, Config, Conn, Error, ErrorKind, InboundBudget, Message, Role, frame::Opcode};

use crate::{
    executor::{Flag, now, with_timers},
    pipe::{Pace, Pipe, Remote, conn_with},
    wire::{ROLES, binary, broken, close, code, fragment, frames, pattern, text},
};

fn charged(role: Role, budget: &InboundBudget) -> (Conn<Pipe>, Remote) {
    conn_with(role, Config::new().inbound_budget(budget.clone()), Pace::default())
}

#[track_caller]
fn assert_out_of_budget<T>(result: Option<Result<T, Error>>) {
    let Err(error) = result.expect("it ends at once") else { panic!("there was room") };
    assert_eq!(error.kind(), &ErrorKind::OutOfBudget);
    assert_eq!(error.close_code(), Some(CloseCode::TRY_AGAIN_LATER));
}

// Shows MEM-8.
#[test]
fn fragments_and_frames_that_are_read_in_place_are_charged_and_freed_on_delivery() {
    for role in ROLES {
        let budget = InboundBudget::new(1 << 20);
        let (mut conn, remote) = charged(role, &budget);
        let message = pattern(100_000);
        let in_fragments: Vec<_> = message
            .chunks(10_000)
            .enumerate()
            .map(|(number, chunk)| {
                let opcode = if number == 0 { Opcode::BINARY } else { Opcode::CONTINUATION };
                fragment(role, opcode, chunk, number == 9)
            })
            .collect();
        let one_frame: Vec<_> = binary(role, &message).chunks(10_000).map(<[u8]>::to_vec).collect();
        for pieces in [in_fragments, one_frame] {
            let (last, first) = pieces.split_last().unwrap();
            let mut arrived = 0;
            for piece in first {
                remote.send(piece);
                assert!(now(conn.read_message()).is_none());
                arrived += piece.len() - 14;
                let charged = budget.in_use();
                assert!(charged >= arrived, "{role:?}: {charged} for {arrived} bytes");
                assert!(charged <= 4 * arrived + 4096, "{role:?}: {charged} for {arrived} bytes");
            }
            remote.send(last);
            let read = now(conn.read_message()).unwrap().unwrap();
            assert!(read == Some(Message::binary(message.clone())), "{role:?}");
            assert_eq!(budget.in_use(), 0, "{role:?}: a message that is given out is the application's");
        }
    }
}

#[test]
fn messages_that_arrive_whole_take_nothing_of_the_budget() {
    for role in ROLES {
        let budget = InboundBudget::new(0);
        let (mut conn, remote) = charged(role, &budget);
        for size in [0, 1, 125, 1000, 30_000] {
            remote.send(binary(role, &pattern(size)));
            let read = now(conn.read_message()).unwrap().unwrap();
            assert!(read == Some(Message::binary(pattern(size))), "{role:?} {size}");
        }
    }
}

#[test]
fn streamed_messages_take_nothing_of_the_budget() {
    with_timers(|| {
        for role in ROLES {
            let budget = InboundBudget::new(0);
            let (mut conn, remote) = charged(role, &budget);
            let message = pattern(200_000);
            remote.send(fragment(role, Opcode::BINARY, &message[..150_000], false));
            remote.send(fragment(role, Opcode::CONTINUATION, &message[150_000..], true));
            let mut read = Vec::new();
            let mut reader = now(conn.next_reader()).unwrap().unwrap().unwrap();
            now(reader.read_to_end(&mut read)).unwrap().unwrap();
            assert!(read == message, "{role:?}");
            assert_eq!(budget.in_use(), 0, "{role:?}");
        }
    });
}

// Shows MEM-8.
#[test]
fn room_is_given_back_whatever_ends_the_message() {
    with_timers(|| {
        for role in ROLES {
            for what in ["violation", "close", "end", "drop", "abort", "into_parts", "halves", "own close"] {
                let budget = InboundBudget::new(1 << 20);
                let (mut conn, remote) = charged(role, &budget);
                remote.send(fragment(role, Opcode::BINARY, &pattern(100_000), false));
                assert!(now(conn.read_message()).is_none());
                assert!(budget.in_use() >= 100_000, "{role:?} {what}");
                match what {
                    "violation" => remote.send(broken(role)),
                    "close" => remote.send(close(role, 1000)),
                    _ => {}
                }
                remote.end();
                match what {
                    "drop" => drop(conn),
                    "abort" => conn.abort(),
                    "into_parts" => drop(conn.into_parts()),
                    "halves" => drop(conn.into_split()),
                    "own close" => drop(now(conn.close(None)).expect("the transport has ended")),
                    _ => {
                        let ended = now(conn.read_message()).expect("the transport has ended");
                        assert!(!matches!(ended, Ok(Some(_))), "{role:?} {what}");
                    }
                }
                assert_eq!(budget.in_use(), 0, "{role:?}: {what}");
            }
        }
    });
}

#[test]
fn connection_that_asks_for_more_than_there_is_fails_with_1013() {
    with_timers(|| {
        for role in ROLES {
            // Put together from fragments, and read in place.
            for bytes in [
                [fragment(role, Opcode::BINARY, &pattern(30_000), false).repeat(1), Vec::new()].concat(),
                binary(role, &pattern(100_000))[..60_000].to_vec(),
            ] {
                let budget = InboundBudget::new(20_000);
                let (mut conn, remote) = charged(role, &budget);
                remote.send(bytes);
                remote.end();
                assert_out_of_budget(now(conn.read_message()));
                assert_out_of_budget(now(conn.recv()));
                assert_eq!(frames(&remote.take()), [code(1013)], "{role:?}");
                assert_eq!(budget.in_use(), 0, "{role:?}");
            }
        }
    });
}

// Shows MEM-8.
#[test]
fn largest_holder_is_woken_and_fails_with_1013_and_the_others_go_on() {
    with_timers(|| {
        for role in ROLES {
            let budget = InboundBudget::new(200_000);
            let (mut large, large_remote) = charged(role, &budget);
            large_remote.send(fragment(role, Opcode::BINARY, &pattern(100_000), false));
            let flag = Flag::new();
            let waker = Waker::from(Arc::clone(&flag));
            let mut waits = Box::pin(large.read_message());
            assert!(waits.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
            flag.take();
            // Small ones come, and there is no room for the last of them.
            let mut small: Vec<_> = (0..10).map(|_| charged(role, &budget)).collect();
            for (conn, remote) in &mut small {
                remote.send(fragment(role, Opcode::BINARY, &pattern(12_000), false));
                assert!(now(conn.read_message()).is_none());
            }
            assert!(flag.take(), "{role:?}: the one that waits is woken");
            assert!(budget.in_use() <= budget.limit());
            // It sends the close frame, and lingers until the peer has seen it.
            assert!(waits.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
            large_remote.end();
            let ended = match waits.as_mut().poll(&mut Context::from_waker(&waker)) {
                std::task::Poll::Ready(result) => Some(result),
                std::task::Poll::Pending => None,
            };
            assert_out_of_budget(ended);
            assert_eq!(frames(&large_remote.take()), [code(1013)], "{role:?}");
            for (conn, remote) in &mut small {
                remote.send(fragment(role, Opcode::CONTINUATION, b"", true));
                let message = now(conn.read_message()).expect("it is whole").expect("it is well");
                assert!(message == Some(Message::binary(pattern(12_000))), "{role:?}");
            }
            assert_eq!(budget.in_use(), 0, "{role:?}");
        }
    });
}

#[test]
fn holder_that_was_given_up_while_nobody_polled_it_fails_at_its_next_read_or_close() {
    with_timers(|| {
        for role in ROLES {
            for end in ["read", "more arrives", "close"] {
                let budget = InboundBudget::new(150_000);
                let (mut large, large_remote) = charged(role, &budget);
                large_remote.send(fragment(role, Opcode::BINARY, &pattern(100_000), false));
                assert!(now(large.read_message()).is_none());
                let (mut other, remote) = charged(role, &budget);
                remote.send(fragment(role, Opcode::BINARY, &pattern(60_000), false));
                assert!(now(other.read_message()).is_none(), "{role:?}: there is room for this one");
                let held = budget.in_use();
                assert!((60_000..100_000).contains(&held), "{role:?}: {held} free at once");
                match end {
                    "read" => {
                        // It learns of it when it waits, and waits for the peer's end then.
                        assert!(now(large.read_message()).is_none());
                        large_remote.end();
                        assert_out_of_budget(now(large.read_message()));
                    }
                    "more arrives" => {
                        large_remote.send(fragment(role, Opcode::CONTINUATION, &pattern(200_000), false));
                        large_remote.end();
                        assert_out_of_budget(now(large.read_message()));
                    }
                    _ => {
                        large_remote.send(close(role, 1000));
                        large_remote.end();
                        now(large.close(None)).expect("it does not wait").unwrap();
                        assert_eq!(frames(&large_remote.take()), [(Opcode::CLOSE, Vec::new())], "{role:?}");
                        continue;
                    }
                }
                assert_eq!(frames(&large_remote.take()), [code(1013)], "{role:?} {end}");
                assert_eq!(budget.in_use(), held, "{role:?} {end}: nothing is given back twice");
            }
        }
    });
}

// Shows MEM-8.
#[test]
fn hoarders_never_hold_more_than_the_budget_and_honest_small_messages_get_through() {
    with_timers(|| {
        for role in ROLES {
            let limit = 64 << 10;
            let budget = InboundBudget::new(8 << 20);
            let config = Config::new().max_message_size(limit).inbound_budget(budget.clone());
            let connect = || conn_with(role, config.clone(), Pace::default());
            let mut hoarders: Vec<_> = (0..500).map(|_| (connect(), false)).collect();
            let mut honest: Vec<_> = (0..20).map(|_| connect()).collect();
            // Every hoarder sends its message but the last byte, a part at a time.
            let message = fragment(role, Opcode::BINARY, &pattern(limit as usize), true);
            let (all_but_one, _) = message.split_at(message.len() - 1);
            let (mut failed, mut echoed) = (0, 0);
            for piece in all_but_one.chunks(6000) {
                for ((conn, remote), over) in &mut hoarders {
                    if *over {
                        continue;
                    }
                    remote.send(piece);
                    let mut result = now(conn.read_message());
                    if frames_so_far(remote) {
                        remote.end();
                        result = result.or_else(|| now(conn.read_message()));
                        assert_out_of_budget(result);
                        (*over, failed) = (true, failed + 1);
                    } else {
                        assert!(result.is_none(), "{role:?}");
                    }
                    assert!(budget.in_use() <= budget.limit(), "{role:?}: {budget:?}");
                }
                for (conn, remote) in &mut honest {
                    remote.send(fragment(role, Opcode::TEXT, b"honest ", false));
                    assert!(now(conn.read_message()).is_none());
                    remote.send(fragment(role, Opcode::CONTINUATION, b"message", true));
                    let message =
                        now(conn.read_message()).expect("whole").expect("an honest one is not given up");
                    assert_eq!(message, Some(Message::text("honest message")), "{role:?}");
                    echoed += 1;
                }
            }
            // 128 of them have room for 64 KiB.
            let mut alive = 0;
            for ((conn, remote), over) in &mut hoarders {
                if *over {
                    continue;
                }
                let result = now(conn.read_message());
                if frames_so_far(remote) {
                    remote.end();
                    assert_out_of_budget(result.or_else(|| now(conn.read_message())));
                    failed += 1;
                } else {
                    alive += 1;
                }
            }
            assert_eq!(alive + failed, 500);
            assert!((64..=128).contains(&alive), "{role:?}: {alive} of 500 are left");
            assert_eq!(echoed, 11 * 20, "{role:?}");
            drop(hoarders);
            assert_eq!(budget.in_use(), 0, "{role:?}");
        }
    });
}

/// Whether the connection has written its close frame: 1013, and nothing else.
fn frames_so_far(remote: &Remote) -> bool {
    let written = frames(&remote.take());
    assert!(written.is_empty() || written == [code(1013)], "{written:?}");
    !written.is_empty()
}

#[test]
fn message_is_whole_after_others_had_to_go_for_it() {
    with_timers(|| {
        for role in ROLES {
            let budget = InboundBudget::new(100_000);
            let (mut first, first_remote) = charged(role, &budget);
            first_remote.send(fragment(role, Opcode::BINARY, &pattern(45_000), false));
            assert!(now(first.read_message()).is_none());
            let (mut second, second_remote) = charged(role, &budget);
            let message = binary(role, &pattern(40_000));
            for piece in message.chunks(3000) {
                second_remote.send(piece);
                let result = now(second.read_message());
                if let Some(message) = result {
                    assert!(message.unwrap() == Some(Message::binary(pattern(40_000))), "{role:?}");
                }
            }
            second_remote.send(text(role, "next"));
            assert_eq!(now(second.read_message()).unwrap().unwrap(), Some(Message::text("next")), "{role:?}");
        }
    });
}

#[test]
fn waker_of_a_call_that_was_dropped_is_replaced_by_that_of_the_next() {
    with_timers(|| {
        for role in ROLES {
            let budget = InboundBudget::new(150_000);
            let (mut large, remote) = charged(role, &budget);
            remote.send(fragment(role, Opcode::BINARY, &pattern(100_000), false));
            let (old, new) = (Flag::new(), Flag::new());
            for flag in [&old, &new] {
                let waker = Waker::from(Arc::clone(flag));
                let read = pin!(large.read_message());
                assert!(read.poll(&mut Context::from_waker(&waker)).is_pending());
                flag.take();
            }
            let (mut other, other_remote) = charged(role, &budget);
            other_remote.send(fragment(role, Opcode::BINARY, &pattern(60_000), false));
            assert!(now(other.read_message()).is_none());
            assert_eq!((old.take(), new.take()), (false, true), "{role:?}");
        }
    });
}
