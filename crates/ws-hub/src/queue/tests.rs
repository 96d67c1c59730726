use std::{
    sync::atomic::{AtomicUsize, Ordering},
    task::Wake,
    time::Duration,
};

use super::*;
use crate::{Payload, envelope::Content};

const BOUNDS: Bounds = Bounds { messages: 3, bytes: 10 };

fn message(text: &str) -> Arc<Outgoing> {
    keyed(text, None)
}

fn keyed(text: &str, key: Option<&str>) -> Arc<Outgoing> {
    Outgoing::one(Content::Payload(Payload::from(text)), key.map(Into::into), false)
}

#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

fn waker() -> (Arc<Wakes>, Waker) {
    let wakes = Arc::new(Wakes::default());
    (wakes.clone(), wakes.into())
}

fn texts(outbox: &Outbox) -> Vec<String> {
    let mut texts = Vec::new();
    while let Next::Message(message) = outbox.next(Waker::noop()) {
        texts.push(message.message().to_text().unwrap().to_owned());
        outbox.sent(1, message.size);
    }
    texts
}

fn filled() -> Outbox {
    let outbox = Outbox::new();
    for text in ["a", "b", "c"] {
        assert_eq!(outbox.push(&message(text), BOUNDS, &Overflow::DropNewest), Pushed::Queued);
    }
    outbox
}

// Shows OUT-3.
#[test]
fn drop_newest_keeps_what_waits() {
    let outbox = filled();
    assert_eq!(outbox.push(&message("d"), BOUNDS, &Overflow::DropNewest), Pushed::Dropped);
    assert_eq!((outbox.dropped(), outbox.queued()), (1, (3, 3)));
    assert_eq!(texts(&outbox), ["a", "b", "c"]);
    assert_eq!(outbox.queued(), (0, 0));
}

// Shows OUT-3.
#[test]
fn drop_oldest_makes_as_much_room_as_is_needed() {
    let outbox = filled();
    assert_eq!(outbox.push(&message("d"), BOUNDS, &Overflow::DropOldest), Pushed::Displaced(1));
    // By bytes: two of one byte have to go for nine.
    assert_eq!(outbox.push(&message("eeeeeeeee"), BOUNDS, &Overflow::DropOldest), Pushed::Displaced(2));
    assert_eq!(outbox.dropped(), 3);
    assert_eq!(texts(&outbox), ["d", "eeeeeeeee"]);
}

#[test]
fn what_is_in_flight_counts_and_cannot_be_dropped() {
    let outbox = filled();
    for _ in 0..3 {
        assert!(matches!(outbox.next(Waker::noop()), Next::Message(_)));
    }
    assert_eq!(outbox.queued(), (3, 3));
    assert_eq!(outbox.push(&message("d"), BOUNDS, &Overflow::DropOldest), Pushed::Dropped);
    outbox.sent(3, 3);
    assert_eq!(outbox.push(&message("d"), BOUNDS, &Overflow::DropOldest), Pushed::Queued);
}

// Shows OUT-3.
#[test]
fn nothing_is_dropped_for_a_message_that_has_no_room_even_then() {
    let outbox = filled();
    assert!(matches!(outbox.next(Waker::noop()), Next::Message(_)));
    // `a` is on its way, so what is larger than the bound cannot wait alone.
    let large = message("a message of many bytes");
    assert_eq!(outbox.push(&large, BOUNDS, &Overflow::DropOldest), Pushed::Dropped);
    assert_eq!((outbox.dropped(), outbox.queued()), (1, (3, 3)));
    outbox.sent(1, 1);
    assert_eq!(texts(&outbox), ["b", "c"]);
}

// Shows OUT-3.
#[test]
fn a_message_over_the_bound_waits_alone() {
    let outbox = Outbox::new();
    let large = message("a message of many bytes");
    assert_eq!(outbox.push(&large, BOUNDS, &Overflow::DropNewest), Pushed::Queued);
    assert_eq!(outbox.push(&message("b"), BOUNDS, &Overflow::DropNewest), Pushed::Dropped);
}

#[test]
fn the_latest_of_a_key_takes_the_place_of_the_one_before() {
    let outbox = Outbox::new();
    for (text, key) in [("1", Some("x")), ("2", None), ("3", Some("y"))] {
        outbox.push(&keyed(text, key), BOUNDS, &Overflow::DropNewest);
    }
    assert_eq!(outbox.push(&keyed("44", Some("x")), BOUNDS, &Overflow::DropNewest), Pushed::Replaced);
    assert_eq!(outbox.queued(), (3, 4));
    assert_eq!(texts(&outbox), ["44", "2", "3"]);
    // What has left is not replaced.
    assert_eq!(outbox.push(&keyed("5", Some("x")), BOUNDS, &Overflow::DropNewest), Pushed::Queued);
}

// Shows OUT-3.
#[test]
fn the_latest_of_a_key_keeps_to_the_bound_of_bytes() {
    let outbox = Outbox::new();
    for (text, key) in [("1", Some("x")), ("2", Some("y")), ("3", None)] {
        outbox.push(&keyed(text, key), BOUNDS, &Overflow::DropNewest);
    }
    let large = keyed("123456789", Some("y"));
    assert_eq!(outbox.push(&large, BOUNDS, &Overflow::DropNewest), Pushed::Dropped);
    assert_eq!(outbox.queued(), (3, 3));
    // Of two that wait with a key, the one before is outdated.
    assert_eq!(outbox.push(&large, BOUNDS, &Overflow::DropOldest), Pushed::Displaced(2));
    assert_eq!(outbox.queued(), (2, 10));
    assert_eq!(outbox.push(&keyed("23456789", Some("y")), BOUNDS, &Overflow::DropNewest), Pushed::Replaced);
    assert_eq!(texts(&outbox), ["3", "23456789"]);
}

#[test]
fn disconnect_drops_what_waits_and_asks_for_the_close_frame() {
    let outbox = filled();
    let (wakes, waker) = waker();
    assert!(outbox.park(&waker).is_none());
    let overflow = Overflow::default();
    assert_eq!(outbox.push(&message("d"), BOUNDS, &overflow), Pushed::Disconnected);
    assert_eq!(wakes.0.load(Ordering::SeqCst), 1);
    assert_eq!(outbox.push(&message("e"), BOUNDS, &overflow), Pushed::Closed);
    assert_eq!((outbox.dropped(), outbox.queued()), (4, (0, 0)));
    let Next::Close(close) = outbox.next(&waker) else { panic!("no close frame") };
    assert_eq!((close.frame.unwrap().code.as_u16(), close.cause), (1013, Cause::Slow));
}

#[test]
fn volatile_is_dropped_once_the_transport_takes_no_more() {
    let outbox = Outbox::new();
    let volatile = Outgoing::one(Content::Payload("v".into()), None, true);
    assert_eq!(outbox.push(&volatile, BOUNDS, &Overflow::DropNewest), Pushed::Queued);
    outbox.park(Waker::noop());
    assert_eq!(outbox.push(&volatile, BOUNDS, &Overflow::DropNewest), Pushed::Dropped);
    assert_eq!(texts(&outbox), ["v"]);
    assert_eq!(outbox.push(&volatile, BOUNDS, &Overflow::DropNewest), Pushed::Queued);
}

#[test]
fn a_task_is_woken_once_for_many_messages_and_not_while_it_cannot_write() {
    let outbox = Outbox::new();
    let (wakes, waker) = waker();
    assert!(matches!(outbox.next(&waker), Next::Nothing));
    outbox.push(&message("a"), BOUNDS, &Overflow::DropNewest);
    outbox.push(&message("b"), BOUNDS, &Overflow::DropNewest);
    assert_eq!(wakes.0.load(Ordering::SeqCst), 1);
    outbox.park(&waker);
    outbox.push(&message("c"), BOUNDS, &Overflow::DropNewest);
    assert_eq!(wakes.0.load(Ordering::SeqCst), 1);
    outbox.close(Close { frame: None, cause: Cause::Closed, flush: true, abort: false });
    assert_eq!(wakes.0.load(Ordering::SeqCst), 2);
}

#[test]
fn who_waits_for_room_is_woken_by_it_and_by_the_end() {
    let outbox = filled();
    let (wakes, waker) = waker();
    assert_eq!(outbox.push_or_wait(&message("d"), BOUNDS, &waker), Pushed::Full);
    assert_eq!(outbox.dropped(), 0);
    let Next::Message(first) = outbox.next(Waker::noop()) else { panic!("it was filled") };
    outbox.sent(1, first.size);
    assert_eq!(wakes.0.load(Ordering::SeqCst), 1);
    assert_eq!(outbox.push_or_wait(&message("d"), BOUNDS, &waker), Pushed::Queued);
    assert_eq!(outbox.push_or_wait(&message("e"), BOUNDS, &waker), Pushed::Full);
    outbox.end();
    assert_eq!(wakes.0.load(Ordering::SeqCst), 2);
    assert_eq!(outbox.push_or_wait(&message("e"), BOUNDS, &waker), Pushed::Closed);
}

#[test]
fn who_has_given_up_is_forgotten() {
    let outbox = filled();
    let (wakes, waker) = waker();
    assert_eq!(outbox.push_or_wait(&message("d"), BOUNDS, &waker), Pushed::Full);
    assert_eq!(Arc::strong_count(&wakes), 3);
    outbox.forget_waiter(&waker);
    assert_eq!((Arc::strong_count(&wakes), wakes.0.load(Ordering::SeqCst)), (2, 1));
    outbox.forget_waiter(&waker);
    assert_eq!(wakes.0.load(Ordering::SeqCst), 1);
}

#[test]
fn several_are_taken_as_a_whole_or_not_at_all() {
    let outbox = Outbox::new();
    outbox.push(&message("a"), BOUNDS, &Overflow::DropNewest);
    let three = [message("b"), message("c"), message("d")];
    assert_eq!(outbox.push_all(&three, BOUNDS), Pushed::Full);
    assert_eq!(outbox.queued(), (1, 1));
    assert_eq!(outbox.push_all(&three[..2], BOUNDS), Pushed::Queued);
    assert_eq!(texts(&outbox), ["a", "b", "c"]);
}

#[test]
fn the_first_close_frame_stays_and_later_ones_make_haste() {
    let outbox = filled();
    let close = |code: u16, flush| Close {
        frame: Some(CloseFrame::new(code, "")),
        cause: Cause::Closed,
        flush,
        abort: false,
    };
    assert!(outbox.close(close(4000, true)));
    assert!(matches!(outbox.next(Waker::noop()), Next::Message(_)));
    assert!(!outbox.close(close(4001, false)));
    let Next::Close(close) = outbox.next(Waker::noop()) else { panic!("it has haste") };
    assert_eq!(close.frame.unwrap().code.as_u16(), 4000);
}

#[test]
fn wait_gives_its_time_to_the_sender() {
    let outbox = filled();
    let overflow = Overflow::Wait(Duration::from_secs(1));
    assert_eq!(outbox.push(&message("d"), BOUNDS, &overflow), Pushed::Full);
    assert_eq!(outbox.dropped(), 0);
}

#[test]
fn messages_of_a_history_are_not_displaced() {
    let outbox = Outbox::new();
    for message in [Outgoing::kept("a".into()), message("b"), Outgoing::kept("c".into())] {
        assert_eq!(outbox.push(&message, BOUNDS, &Overflow::DropOldest), Pushed::Queued);
    }
    assert_eq!(outbox.push(&message("d"), BOUNDS, &Overflow::DropOldest), Pushed::Displaced(1));
    assert_eq!(outbox.push(&message("e"), BOUNDS, &Overflow::DropOldest), Pushed::Displaced(1));
    assert_eq!(texts(&outbox), ["a", "c", "e"]);
}
