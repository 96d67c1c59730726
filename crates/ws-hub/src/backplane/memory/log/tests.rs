use std::time::Duration;

use super::*;

const KIB: usize = 1024;

/// Room for so many messages of a KiB, each in a room of its own.
fn room_for(messages: usize) -> HistoryLimits {
    HistoryLimits::new()
        .age(Duration::from_secs(24 * 60 * 60))
        .total_bytes(messages * (KIB + MESSAGE + ROOM + 10))
}

fn say(logs: &mut Logs, room: &str, limits: &HistoryLimits) -> Position {
    logs.append(&room.into(), NodeId::random(), vec![b'x'; KIB].into(), limits).position
}

/// How many messages there are, and whether nothing is missing behind `since`.
fn look(logs: &mut Logs, room: &str, since: Option<Position>, limits: &HistoryLimits) -> (usize, bool) {
    let history = logs.read(&room.into(), since, 1000, limits);
    (history.messages.len(), history.exact)
}

#[tokio::test(start_paused = true)]
async fn the_oldest_message_of_all_rooms_goes_first() {
    let (mut logs, limits) = (Logs::default(), room_for(4));
    let first = say(&mut logs, "a", &limits);
    let other = say(&mut logs, "b", &limits);
    for _ in 0..3 {
        say(&mut logs, "a", &limits);
    }
    assert_eq!(look(&mut logs, "a", Some(first), &limits), (3, true));
    assert_eq!(look(&mut logs, "b", None, &limits), (1, true));
    say(&mut logs, "c", &limits);
    // Its only message was the oldest, and the room is forgotten with it.
    assert_eq!(look(&mut logs, "b", None, &limits), (0, true));
    assert_eq!(look(&mut logs, "b", Some(other), &limits), (0, false));
    assert_eq!(look(&mut logs, "a", Some(first), &limits), (3, true));
}

#[tokio::test(start_paused = true)]
async fn a_room_of_which_only_the_position_is_known_goes_before_messages() {
    let mut logs = Logs::default();
    let limits = room_for(3).age(Duration::from_secs(60));
    let old = say(&mut logs, "old", &limits);
    tokio::time::advance(Duration::from_secs(61)).await;
    let first = say(&mut logs, "a", &limits);
    assert_eq!(look(&mut logs, "old", Some(old), &limits), (0, true));
    for _ in 0..3 {
        say(&mut logs, "a", &limits);
    }
    assert_eq!(look(&mut logs, "old", Some(old), &limits), (0, false));
    assert_eq!(look(&mut logs, "a", Some(first), &limits), (3, true));
}

#[tokio::test(start_paused = true)]
async fn a_room_that_was_forgotten_begins_anew() {
    let (mut logs, limits) = (Logs::default(), room_for(1));
    let before = say(&mut logs, "a", &limits);
    say(&mut logs, "b", &limits);
    let after = say(&mut logs, "a", &limits);
    assert_ne!(before.epoch, after.epoch);
    assert_eq!(after.offset, 1);
    assert_eq!(look(&mut logs, "a", Some(before), &limits), (0, false));
}

/// What does not fit at all is not kept, but known to have been said.
#[tokio::test(start_paused = true)]
async fn a_room_larger_than_all_room_there_is_keeps_its_position() {
    let (mut logs, limits) = (Logs::default(), HistoryLimits::new().total_bytes(100));
    say(&mut logs, "a", &limits);
    let second = say(&mut logs, "a", &limits);
    assert_eq!(second.offset, 2);
    assert_eq!(look(&mut logs, "a", Some(second), &limits), (0, true));
}

#[tokio::test(start_paused = true)]
async fn what_is_counted_is_what_there_is() {
    let (mut logs, limits) = (Logs::default(), room_for(20).messages(3));
    for step in 0_u64..5000 {
        say(&mut logs, &format!("{}", step * step % 97), &limits);
        if step % 50 == 0 {
            tokio::time::advance(Duration::from_secs(60 * 60)).await;
        }
        let messages: usize = logs.rooms.values().map(|log| log.messages.len()).sum();
        let rooms: usize = logs.rooms.keys().map(|room| ROOM + room.len()).sum();
        assert_eq!(logs.total.messages, messages);
        assert_eq!(logs.total.bytes, rooms + messages * (KIB + MESSAGE));
        assert!(logs.total.bytes <= limits.total_bytes);
        // Each that is there has its places, and few are left of those that are not.
        for (room, log) in &logs.rooms {
            assert_eq!(
                logs.due.iter().filter(|(_, due)| due.room == *room && due.epoch == log.epoch).count(),
                1
            );
        }
        assert!(logs.order.len() <= 2 * messages + SLACK + 1);
        assert!(logs.due.len() <= 2 * logs.rooms.len() + SLACK + 1);
        assert!(logs.bare.len() <= 2 * logs.rooms.len() + SLACK + 1);
    }
}

/// Rooms that end by their age, with room for all of them.
#[tokio::test(start_paused = true)]
async fn nothing_is_left_of_rooms_that_nobody_uses() {
    let mut logs = Logs::default();
    let limits = HistoryLimits::new().age(Duration::from_secs(1)).position_age(Duration::from_secs(2));
    for number in 0..1000 {
        say(&mut logs, &format!("{number}"), &limits);
        tokio::time::advance(Duration::from_secs(1)).await;
    }
    assert!(logs.rooms.len() < 10, "{}", logs.rooms.len());
    assert!(logs.bare.len() < 100, "{}", logs.bare.len());
    assert!(logs.order.len() < 100, "{}", logs.order.len());
    assert!(logs.due.len() < 100, "{}", logs.due.len());
}
