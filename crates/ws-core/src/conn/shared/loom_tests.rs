use std::{future::poll_fn, ops::ControlFlow};

use loom::{future::block_on, sync::Arc, thread};

use super::*;

/// Time stands still in the models.
#[expect(clippy::disallowed_methods, reason = "a test is the caller")]
fn now() -> Instant {
    Instant::now()
}

fn shared() -> Arc<Shared> {
    Arc::new(Shared::new([None, None], 0))
}

/// Drives a connection that does nothing but what is asked for, until that comes to something: takes all there is, parks,
/// and looks again when it is woken and not before.
fn drive<T>(shared: &Shared, by: Waiter, mut sends: impl FnMut(Message) -> ControlFlow<T>) -> T {
    block_on(poll_fn(|cx| {
        loop {
            while shared.is_pending() {
                let Some(message) = shared.take(now(), true) else { break };
                if let ControlFlow::Break(result) = sends(message) {
                    return Poll::Ready(result);
                }
            }
            if shared.park(by, cx.waker(), true) {
                return Poll::Pending;
            }
        }
    }))
}

fn measured(shared: &Shared, ticket: u64) -> Result<Duration, Refused> {
    block_on(poll_fn(|cx| shared.poll_measure(ticket, cx.waker())))
}

fn taken(shared: &Shared) -> Vec<Message> {
    std::iter::from_fn(|| shared.take(now(), true)).collect()
}

/// Nothing is left behind that would keep a connection from waiting.
fn is_idle(shared: &Shared) -> bool {
    !shared.is_pending() && shared.park(Waiter::Reader, Waker::noop(), true)
}

#[test]
fn request_that_races_with_parking_is_taken() {
    loom::model(|| {
        let shared = shared();
        let asks = thread::spawn({
            let shared = shared.clone();
            move || shared.request_ping(Bytes::new()).unwrap()
        });
        let sent = drive(&shared, Waiter::Reader, ControlFlow::Break);
        asks.join().unwrap();
        assert_eq!(sent, Message::Ping(Bytes::new()));
        assert!(is_idle(&shared));
    });
}

// Shows LIF-4.
#[test]
fn close_that_races_with_parking_is_taken_last() {
    loom::model(|| {
        let shared = shared();
        let asks = thread::spawn({
            let shared = shared.clone();
            move || {
                shared.request_pong(Bytes::new()).unwrap();
                shared.request_close(None);
            }
        });
        let mut sent = Vec::new();
        drive(&shared, Waiter::Writer, |message| {
            let closes = matches!(message, Message::Close(_));
            sent.push(message);
            if closes { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        asks.join().unwrap();
        assert_eq!(sent, [Message::Pong(Bytes::new()), Message::Close(None)]);
        assert!(is_idle(&shared));
    });
}

/// Each takes one and leaves; the other one must hear of the second, whichever it is.
#[test]
fn reader_and_writer_that_both_park_are_both_woken() {
    loom::model(|| {
        let shared = shared();
        let drives = |by| {
            let shared = shared.clone();
            thread::spawn(move || drive(&shared, by, ControlFlow::Break))
        };
        let (reader, writer) = (drives(Waiter::Reader), drives(Waiter::Writer));
        shared.request_ping(Bytes::new()).unwrap();
        shared.request_pong(Bytes::new()).unwrap();
        let sent = [reader.join().unwrap(), writer.join().unwrap()];
        assert!(sent.contains(&Message::Ping(Bytes::new())) && sent.contains(&Message::Pong(Bytes::new())));
    });
}

#[test]
fn ping_is_sent_and_woken_by_its_pong() {
    loom::model(|| {
        let shared = shared();
        let drives = thread::spawn({
            let shared = shared.clone();
            move || {
                let sent = drive(&shared, Waiter::Reader, ControlFlow::Break);
                let Message::Ping(payload) = sent else { panic!("{sent:?}") };
                shared.pong(&payload, now());
            }
        });
        let ticket = shared.request_measure().unwrap();
        assert!(measured(&shared, ticket).is_ok());
        drives.join().unwrap();
        shared.forget(ticket);
        assert!(shared.lock().pings.is_empty() && is_idle(&shared));
    });
}

#[test]
fn ping_that_is_given_up_races_with_its_sending_and_its_pong() {
    loom::model(|| {
        let shared = shared();
        let ticket = shared.request_measure().unwrap();
        let drives = thread::spawn({
            let shared = shared.clone();
            move || {
                let sent = taken(&shared);
                if let [Message::Ping(payload)] = &sent[..] {
                    shared.pong(payload, now());
                }
                sent.len()
            }
        });
        let _ = shared.poll_measure(ticket, Waker::noop());
        shared.forget(ticket);
        assert!(drives.join().unwrap() <= 1);
        assert_eq!(taken(&shared), []);
        assert!(shared.lock().pings.is_empty() && is_idle(&shared));
    });
}

#[test]
fn pong_answers_two_who_wait_and_one_who_gives_up() {
    loom::model(|| {
        let shared = shared();
        let [first, second] = [(); 2].map(|()| shared.request_measure().unwrap());
        let sent = taken(&shared);
        let Some(Message::Ping(last)) = sent.last().cloned() else { panic!("{sent:?}") };
        let waits = thread::spawn({
            let shared = shared.clone();
            move || measured(&shared, first)
        });
        let gives_up = thread::spawn({
            let shared = shared.clone();
            move || {
                let _ = shared.poll_measure(second, Waker::noop());
                shared.forget(second);
            }
        });
        shared.pong(&last, now());
        assert!(waits.join().unwrap().is_ok());
        gives_up.join().unwrap();
        assert_eq!(shared.lock().pings.len(), 1);
    });
}

#[test]
fn end_races_with_a_request_and_nothing_is_left() {
    loom::model(|| {
        let shared = shared();
        let asks = thread::spawn({
            let shared = shared.clone();
            move || {
                let asked = shared.request_ping(Bytes::new());
                shared.request_close(None);
                asked
            }
        });
        shared.end();
        assert!(matches!(asks.join().unwrap(), Ok(()) | Err(Refused::Over)));
        assert_eq!(taken(&shared), []);
        assert!(is_idle(&shared));
    });
}

#[test]
fn end_wakes_whoever_waits_for_a_pong() {
    loom::model(|| {
        let shared = shared();
        let waits = thread::spawn({
            let shared = shared.clone();
            move || {
                let ticket = shared.request_measure()?;
                let answer = measured(&shared, ticket);
                shared.forget(ticket);
                answer
            }
        });
        shared.end();
        assert_eq!(waits.join().unwrap(), Err(Refused::Over));
        assert!(shared.lock().pings.is_empty() && is_idle(&shared));
    });
}

#[test]
fn end_wakes_whoever_waits_for_it() {
    loom::model(|| {
        let shared = shared();
        let waits = |gives_up: bool| {
            let shared = shared.clone();
            thread::spawn(move || {
                let ticket = shared.watch();
                if gives_up {
                    let _ = shared.poll_over(ticket, Waker::noop());
                } else {
                    block_on(poll_fn(|cx| shared.poll_over(ticket, cx.waker())));
                }
                shared.forget(ticket);
            })
        };
        let (one, other) = (waits(false), waits(true));
        shared.end();
        one.join().unwrap();
        other.join().unwrap();
        assert!(shared.is_over() && shared.lock().watchers.is_empty());
    });
}

// Shows LIF-4.
#[test]
fn two_who_close_send_one_close_frame() {
    loom::model(|| {
        let shared = shared();
        let closes = |code: u16| {
            let shared = shared.clone();
            thread::spawn(move || shared.request_close(Some(CloseFrame::new(code, ""))))
        };
        let (one, other) = (closes(4000), closes(4001));
        let sent = drive(&shared, Waiter::Reader, ControlFlow::Break);
        one.join().unwrap();
        other.join().unwrap();
        assert!(matches!(sent, Message::Close(Some(_))));
        assert_eq!(taken(&shared), []);
        assert!(is_idle(&shared));
    });
}

#[test]
fn last_room_goes_to_one_of_two_who_ask() {
    loom::model(|| {
        let shared = shared();
        for _ in 1..MAX_REQUESTS {
            shared.request_ping(Bytes::new()).unwrap();
        }
        let asks = thread::spawn({
            let shared = shared.clone();
            move || shared.request_measure()
        });
        let mine = shared.request_pong(Bytes::new());
        let theirs = asks.join().unwrap();
        assert!(mine.is_ok() != theirs.is_ok());
        assert_eq!(shared.lock().pings.len(), usize::from(theirs.is_ok()), "refused, and not waited for");
        assert_eq!(taken(&shared).len(), MAX_REQUESTS);
        assert!(is_idle(&shared));
    });
}
