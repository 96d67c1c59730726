use super::*;

#[expect(clippy::disallowed_methods, reason = "a test is the caller")]
fn now() -> Instant {
    Instant::now()
}

fn shared() -> Shared {
    Shared::new([None, None], 7)
}

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// Takes one ping, and gives its payload.
fn sent(shared: &Shared, at: Instant) -> Bytes {
    match shared.take(at, true) {
        Some(Message::Ping(payload)) => payload,
        other => panic!("{other:?}"),
    }
}

#[test]
fn pings_are_numbered_behind_the_number_it_began_with() {
    let shared = shared();
    let start = now();
    shared.request_measure().unwrap();
    assert_eq!(sent(&shared, start)[..], 8u64.to_be_bytes());
    assert_eq!(shared.probe(start), Message::Ping(Bytes::copy_from_slice(&9u64.to_be_bytes())));
}

#[test]
fn round_trip_is_that_of_the_ping_that_was_sent_last() {
    let shared = shared();
    let start = now();
    let tickets = [(); 3].map(|()| shared.request_measure().unwrap());
    let payloads = [0, 1, 2].map(|second| sent(&shared, start + seconds(second)));
    // Puts the others out of order.
    shared.forget(tickets[0]);
    shared.pong(&payloads[2], start + seconds(10));
    assert_eq!(shared.round_trip(), Some(seconds(8)));
    assert_eq!(shared.poll_measure(tickets[1], Waker::noop()), Poll::Ready(Ok(seconds(9))));
    assert_eq!(shared.poll_measure(tickets[2], Waker::noop()), Poll::Ready(Ok(seconds(8))));
}

#[test]
fn pong_of_a_later_ping_answers_that_of_keep_alive_and_the_other_way_round() {
    let shared = shared();
    let start = now();
    shared.probe(start);
    let ticket = shared.request_measure().unwrap();
    let payload = sent(&shared, start + seconds(1));
    shared.pong(&payload, start + seconds(3));
    assert_eq!(shared.round_trip(), Some(seconds(2)));
    assert_eq!(shared.poll_measure(ticket, Waker::noop()), Poll::Ready(Ok(seconds(2))));
    assert!(shared.lock().probe.is_none());

    let ticket = shared.request_measure().unwrap();
    sent(&shared, start + seconds(4));
    let Message::Ping(probe) = shared.probe(start + seconds(5)) else { panic!("a ping") };
    shared.pong(&probe, start + seconds(6));
    assert_eq!(shared.poll_measure(ticket, Waker::noop()), Poll::Ready(Ok(seconds(2))));
}

#[test]
fn without_room_only_the_close_frame_is_taken_and_only_that_keeps_from_parking() {
    let shared = shared();
    shared.request_ping(Bytes::new()).unwrap();
    assert_eq!(shared.take(now(), false), None);
    assert!(shared.park(Waiter::Reader, Waker::noop(), false));
    assert!(!shared.park(Waiter::Reader, Waker::noop(), true));
    shared.request_close(None);
    assert!(!shared.park(Waiter::Reader, Waker::noop(), false));
    assert_eq!(shared.take(now(), false), Some(Message::Close(None)));
    assert!(shared.park(Waiter::Reader, Waker::noop(), false));
    assert!(shared.is_pending());
    assert_eq!(shared.take(now(), true), Some(Message::Ping(Bytes::new())));
    assert!(!shared.is_pending());
}

#[test]
fn close_frame_waits_behind_the_last_request() {
    let shared = shared();
    shared.request_ping(Bytes::new()).unwrap();
    shared.request_close(None);
    assert_eq!(shared.take(now(), true), Some(Message::Ping(Bytes::new())));
    assert!(shared.is_pending(), "there is the close frame");
    assert_eq!(shared.take(now(), true), Some(Message::Close(None)));
    assert!(!shared.is_pending());
}

#[test]
fn nothing_is_kept_of_what_is_asked_for_after_the_end() {
    let shared = shared();
    shared.end();
    shared.request_close(None);
    assert!(!shared.is_pending());
    assert_eq!(shared.request_measure(), Err(Refused::Over));
    assert!(shared.lock().pings.is_empty());
}
