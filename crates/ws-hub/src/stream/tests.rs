use super::*;
use crate::backplane::Epoch;

fn position(offset: u64) -> Position {
    Position::new(Epoch::from_u64(1), offset)
}

/// Numbers need not follow each other: `previous` says what does.
fn placement(previous: u64, offset: u64) -> Placement {
    Placement { position: position(offset), previous }
}

fn message(text: &str) -> Arc<Outgoing> {
    Outgoing::kept(text.into())
}

fn arrive(stream: &mut Stream, previous: u64, offset: u64) -> Arrival {
    stream.arrive(placement(previous, offset), &Bytes::new())
}

fn texts(replay: Option<Vec<Arc<Outgoing>>>) -> Option<Vec<String>> {
    let text = |message: Arc<Outgoing>| message.message().to_text().unwrap().to_owned();
    replay.map(|replay| replay.into_iter().map(text).collect())
}

#[test]
fn what_follows_is_next_what_was_is_old_and_the_rest_is_a_gap() {
    let mut stream = Stream::default();
    // The first that is seen is where this node came in.
    assert_eq!(arrive(&mut stream, 3, 7), Arrival::Next);
    assert_eq!(arrive(&mut stream, 7, 9), Arrival::Next);
    assert_eq!(arrive(&mut stream, 7, 9), Arrival::Old);
    assert_eq!(arrive(&mut stream, 11, 12), Arrival::Gap(position(9)));
    assert_eq!(arrive(&mut stream, 12, 13), Arrival::Held);
    assert!(stream.fill(position(11)) && !stream.fill(position(9)));
    let held = stream.take_held().unwrap();
    assert_eq!(held.iter().map(|held| held.placement.position.offset).collect::<Vec<_>>(), [12, 13]);
    assert!(stream.is_filling());
    assert!(stream.take_held().is_none() && !stream.is_filling());
}

#[test]
fn another_epoch_is_a_gap() {
    let mut stream = Stream::default();
    arrive(&mut stream, 0, 5);
    let other = Placement { position: Position::new(Epoch::from_u64(2), 1), previous: 0 };
    assert_eq!(stream.arrive(other, &Bytes::new()), Arrival::Gap(position(5)));
    // What is missing cannot be had: it goes on with what there is.
    stream.give_up(Some(other.position));
    assert_eq!(stream.last(), Some(Position::new(Epoch::from_u64(2), 0)));
    let held = stream.take_held().unwrap();
    assert!(stream.fill(held[0].placement.position));
}

#[test]
fn too_much_that_is_held_is_given_up() {
    let mut stream = Stream::default();
    arrive(&mut stream, 0, 1);
    assert_eq!(arrive(&mut stream, 5, 6), Arrival::Gap(position(1)));
    let last = MAX_HELD as u64 + 5;
    for offset in 7..=last {
        assert_eq!(arrive(&mut stream, offset - 1, offset), Arrival::Held);
    }
    assert_eq!(arrive(&mut stream, last, last + 1), Arrival::Overrun);
    assert!(!stream.has_held());
}

#[test]
fn what_is_held_is_bounded_by_bytes_too() {
    let mut stream = Stream::default();
    arrive(&mut stream, 0, 1);
    let large = Bytes::from(vec![0; MAX_HELD_BYTES / 2]);
    assert_eq!(stream.arrive(placement(5, 6), &large), Arrival::Gap(position(1)));
    assert_eq!(stream.arrive(placement(6, 7), &large), Arrival::Held);
    assert_eq!(stream.arrive(placement(7, 8), &Bytes::from_static(b"x")), Arrival::Overrun);
    assert!(!stream.has_held());
    assert_eq!(stream.arrive(placement(8, 9), &large), Arrival::Held);
    assert_eq!(stream.take_held().map(|held| held.len()), Some(1));
}

#[test]
fn what_was_handed_on_while_the_history_was_read_is_bounded_by_bytes() {
    let mut stream = Stream::default();
    arrive(&mut stream, 0, 1);
    stream.begin_read();
    let large = Outgoing::kept(vec![0; MAX_HELD_BYTES / 2].into());
    for offset in 2..=4 {
        arrive(&mut stream, offset - 1, offset);
        stream.record(offset, &large);
    }
    // 2 is forgotten.
    assert!(stream.replay(position(1), Vec::new()).is_none());
    assert_eq!(stream.replay(position(2), Vec::new()).map(|replay| replay.len()), Some(2));
}

#[test]
fn the_first_message_of_a_room_without_a_history_is_no_gap() {
    let mut stream = Stream::default();
    let epoch = |number, offset| Position::new(Epoch::from_u64(number), offset);
    assert_eq!(stream.replay(epoch(1, 0), Vec::new()).map(|replay| replay.len()), Some(0));
    assert_eq!(stream.replay(epoch(2, 0), Vec::new()).map(|replay| replay.len()), Some(0));
    let first = Placement { position: epoch(3, 1), previous: 0 };
    assert_eq!(stream.arrive(first, &Bytes::new()), Arrival::Next);
    let other = Placement { position: epoch(4, 1), previous: 0 };
    assert_eq!(stream.arrive(other, &Bytes::new()), Arrival::Gap(epoch(3, 1)));
}

#[test]
fn a_replay_ends_where_what_is_handed_on_goes_on() {
    let mut stream = Stream::default();
    arrive(&mut stream, 0, 1);
    stream.begin_read();
    // The history was read up to 3, of which this node has handed on up to 2.
    arrive(&mut stream, 1, 2);
    stream.record(2, &message("2"));
    let read = vec![(1, message("1")), (2, message("2")), (3, message("3"))];
    assert_eq!(texts(stream.replay(position(3), read)), Some(vec!["1".into(), "2".into()]));
    // Or this node was faster: what the history did not have yet was kept.
    arrive(&mut stream, 2, 3);
    stream.record(3, &message("3"));
    let read = vec![(1, message("1"))];
    assert_eq!(texts(stream.replay(position(1), read)), Some(vec!["1".into(), "2".into(), "3".into()]));
    stream.end_read();
    assert!(stream.replay(position(1), vec![(1, message("1"))]).is_none());
}

#[test]
fn nothing_is_replayed_while_messages_are_missing() {
    let mut stream = Stream::default();
    assert_eq!(stream.suspect(), None);
    arrive(&mut stream, 0, 1);
    assert_eq!(stream.suspect(), Some(position(1)));
    assert_eq!(stream.suspect(), None);
    assert!(stream.replay(position(1), Vec::new()).is_none());
}
