//! Histories: what a session that comes back has missed, exactly or not at all.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    task::{Context, Wake},
    thread,
    time::Duration,
};

use tokio::runtime::Handle;
use ws_core::Message;
use ws_hub::{
    Admission, Config, Handler, Hub, Overflow, Payload, RoomMessage, Since,
    backplane::{HistoryLimits, Position},
};

use crate::support::{Client, Recorder, connect, connect_as, pair, silent, text};

/// Sends each message with its position before it.
struct Numbered;

impl Handler for Numbered {
    fn encode(&self, message: &RoomMessage<'_>) -> Payload {
        format!("{} {}", message.position, message.payload.as_text().unwrap_or_default()).into()
    }
}

async fn received(client: &mut Client) -> (Position, String) {
    let line = text(client).await;
    let (position, text) = line.split_once(' ').unwrap();
    (position.parse().unwrap(), text.to_owned())
}

#[tokio::test(start_paused = true)]
async fn what_is_published_goes_to_all_in_one_order_with_its_position() {
    let hub = Hub::new(Numbered);
    let (mut a, first, _a) = connect(&hub).await;
    let (mut b, second, _b) = connect(&hub).await;
    let room = hub.room("r");
    room.join(&first).unwrap();
    room.join(&second).unwrap();
    let mut positions = Vec::new();
    for number in 0..10 {
        positions.push(room.publish(number.to_string()).await.unwrap());
    }
    for client in [&mut a, &mut b] {
        for (number, position) in positions.iter().enumerate() {
            assert_eq!(received(client).await, (*position, number.to_string()));
        }
    }
    let history = room.history(Some(positions[6]), 100).await.unwrap();
    assert!(history.exact);
    let texts: Vec<_> = history.messages.iter().map(|(_, payload)| payload.as_text().unwrap()).collect();
    assert_eq!((texts, history.position), (vec!["7", "8", "9"], positions[9]));
    let newest = room.history(None, 2).await.unwrap();
    assert_eq!(newest.messages[0], (positions[8], Payload::from("8")));
}

#[tokio::test(start_paused = true)]
async fn who_comes_back_gets_what_it_missed_and_then_what_follows() {
    let hub = Hub::new(Numbered);
    let room = hub.room("r");
    let seen = room.publish("seen").await.unwrap();
    room.publish("missed 1").await.unwrap();
    room.publish(vec![0xFF]).await.unwrap();
    let (mut client, session, _served) = connect(&hub).await;
    let recovery = room.recover(&session, seen).await.unwrap();
    assert_eq!((recovery.recovered, recovery.messages), (true, 2));
    let last = room.publish("live").await.unwrap();
    assert_eq!(received(&mut client).await.1, "missed 1");
    assert_eq!(received(&mut client).await.1, "");
    assert_eq!(received(&mut client).await, (last, "live".into()));
    // Again from the newest: nothing was missed. It was in the room already.
    let recovery = room.recover(&session, last).await.unwrap();
    assert_eq!((recovery.recovered, recovery.messages, recovery.position), (true, 0, Some(last)));
    room.publish("once").await.unwrap();
    assert_eq!(received(&mut client).await.1, "once");
    silent(&mut client).await;
    assert_eq!(session.rooms().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_newest_can_be_asked_for() {
    let hub = Hub::new(Numbered);
    let room = hub.room("r");
    let (mut client, session, _served) = connect(&hub).await;
    let empty = room.recover(&session, Since::Newest(3)).await.unwrap();
    assert_eq!((empty.recovered, empty.messages, empty.position.unwrap().offset), (true, 0, 0));
    room.leave(&session);
    for number in 0..10 {
        room.publish(number.to_string()).await.unwrap();
    }
    assert_eq!(room.recover(&session, Since::Newest(3)).await.unwrap().messages, 3);
    for number in 7..10 {
        assert_eq!(received(&mut client).await.1, number.to_string());
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_not_there_any_more_is_refused_as_a_whole() {
    let limits = HistoryLimits::new().messages(3).bytes(1000).age(Duration::from_secs(60));
    let hub = Hub::with_config(Numbered, Config::new().history(limits).keep_alive(None));
    let room = hub.room("r");
    let (mut client, session, _served) = connect(&hub).await;
    let mut positions = Vec::new();
    for number in 0..5 {
        positions.push(room.publish(number.to_string()).await.unwrap());
    }
    let cases = [(positions[0], false), (positions[1], true), (positions[4], true)];
    for (since, recovered) in cases {
        let recovery = room.recover(&session, since).await.unwrap();
        assert_eq!((recovery.recovered, recovery.position), (recovered, Some(positions[4])), "{since}");
    }
    for expected in ["2", "3", "4"] {
        assert_eq!(received(&mut client).await.1, expected);
    }
    // By age.
    tokio::time::sleep(Duration::from_secs(61)).await;
    assert!(!room.recover(&session, positions[3]).await.unwrap().recovered);
    assert!(room.recover(&session, positions[4]).await.unwrap().recovered);
    // Of another life of the room, and of a future.
    let mut other = positions[4];
    other.epoch = ws_hub::backplane::Epoch::from_u64(other.epoch.as_u64() ^ 1);
    assert!(!room.recover(&session, other).await.unwrap().recovered);
    let mut future = positions[4];
    future.offset += 1;
    assert!(!room.recover(&session, future).await.unwrap().recovered);
    // It is in the room nevertheless.
    room.publish("live").await.unwrap();
    assert_eq!(received(&mut client).await.1, "live");
}

#[tokio::test(start_paused = true)]
async fn what_does_not_fit_into_the_queue_is_refused_as_a_whole() {
    let config = Config::new().max_queued_bytes(100);
    let hub = Hub::with_config(Recorder::default(), config);
    let room = hub.room("r");
    let first = room.publish("first").await.unwrap();
    for _ in 0..3 {
        room.publish("x".repeat(40)).await.unwrap();
    }
    let (mut client, session, _served) = connect(&hub).await;
    let recovery = room.recover(&session, first).await.unwrap();
    assert_eq!((recovery.recovered, recovery.messages), (false, 0));
    silent(&mut client).await;
}

#[tokio::test(start_paused = true)]
async fn who_has_no_room_for_what_is_published_is_closed_and_recovers() {
    for overflow in [Overflow::DropNewest, Overflow::DropOldest, Overflow::Wait(Duration::from_secs(1))] {
        let config = Config::new().max_queued_messages(4).overflow(overflow).keep_alive(None);
        let hub = Hub::with_config(Numbered, config);
        let room = hub.room("r");
        let (mut client, session, _) = connect_as(&hub, Admission::new(), 64).await;
        let start = room.recover(&session, Since::Newest(0)).await.unwrap().position.unwrap();
        for number in 0..10 {
            room.publish(number.to_string()).await.unwrap();
            session.send("between");
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
        // What it is sent until then has no hole.
        let mut last = start;
        let frame = loop {
            match client.recv().await.unwrap() {
                Some(Message::Close(frame)) => break frame,
                Some(message) => {
                    let Some((at, _)) = message.to_text().unwrap().split_once(' ') else { continue };
                    let at: Position = at.parse().unwrap();
                    assert_eq!(at.offset, last.offset + 1);
                    last = at;
                }
                None => panic!("no close frame"),
            }
        };
        assert_eq!(frame.unwrap().code.as_u16(), 1013);
        let (_again, session, _) = connect_as(&hub, Admission::new(), 64 << 10).await;
        // As much as its queue takes.
        let missed = usize::try_from(10 - last.offset).unwrap();
        let recovery = room.recover(&session, last).await.unwrap();
        assert_eq!(recovery.recovered, missed <= 4);
    }
}

/// A random walk of a client that comes and goes, against a list of all that was published.
#[tokio::test(start_paused = true)]
async fn recovery_is_exact_or_refused_whatever_happens() {
    let mut random = 0x2545_F491_4F6C_DD1D_u64;
    let mut next = move |below: u64| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random % below
    };
    let (mut recovered, mut refused) = (0, 0);
    for _ in 0..60 {
        let kept = 1 + next(12) as usize;
        let limits = HistoryLimits::new().messages(kept);
        let hub = Hub::with_config(Numbered, Config::new().history(limits));
        let room = hub.room("r");
        let (mut client, session, _served) = connect(&hub).await;
        let mut published: Vec<(Position, String)> = Vec::new();
        // What the client is to get, what it has got, and where it stands; nothing while it is away.
        let mut expected = VecDeque::new();
        let mut last = room.recover(&session, Since::Newest(0)).await.unwrap().position.unwrap();
        let mut is_in = true;
        for step in 0..200 {
            match next(10) {
                0 if is_in => {
                    while let Some(message) = expected.pop_front() {
                        let got = received(&mut client).await;
                        assert_eq!(got, message);
                        last = got.0;
                    }
                    room.leave(&session);
                    is_in = false;
                }
                1 | 2 if !is_in => {
                    let missed: Vec<_> =
                        published.iter().filter(|(at, _)| at.offset > last.offset).cloned().collect();
                    // Others publish while it comes in.
                    let during = next(4);
                    let others = async {
                        let mut during_published = Vec::new();
                        for number in 0..during {
                            let text = format!("{step} {number}");
                            let at = room.publish(text.clone()).await.unwrap();
                            during_published.push((at, text));
                            tokio::task::yield_now().await;
                        }
                        during_published
                    };
                    let (recovery, others) = tokio::join!(room.recover(&session, last), others);
                    let recovery = recovery.unwrap();
                    let at = recovery.position.unwrap();
                    let all: Vec<_> = missed.iter().chain(&others).cloned().collect();
                    if recovery.recovered {
                        recovered += 1;
                        expected.extend(all);
                    } else {
                        refused += 1;
                        assert!(all.len() > kept, "refused although {} of {kept} are missing", all.len());
                        expected.extend(all.into_iter().filter(|(other, _)| other.offset > at.offset));
                        last = at;
                    }
                    published.extend(others);
                    is_in = true;
                }
                _ => {
                    let text = step.to_string();
                    let at = room.publish(text.clone()).await.unwrap();
                    published.push((at, text.clone()));
                    if is_in {
                        expected.push_back((at, text));
                    }
                }
            }
        }
        if is_in {
            for message in expected {
                assert_eq!(received(&mut client).await, message);
            }
            silent(&mut client).await;
        }
    }
    assert!(recovered > 100 && refused > 20, "{recovered} {refused}");
}

/// A task that is woken by a message, and holds up the one who wakes it until the other end says so.
struct Holding {
    armed: AtomicBool,
    woken: mpsc::SyncSender<()>,
    go_on: Mutex<mpsc::Receiver<()>>,
}

impl Wake for Holding {
    fn wake(self: Arc<Self>) {
        if self.armed.swap(false, Ordering::SeqCst) {
            self.woken.send(()).unwrap();
            self.go_on.lock().unwrap().recv().unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_joins_again_while_a_message_is_given_out_gets_it_once() {
    let hub = Hub::with_config(Numbered, Config::new().keep_alive(None));
    let room = hub.room("r");
    let seen = room.publish("seen").await.unwrap();
    let (woken, wait) = mpsc::sync_channel(1);
    let (release, go_on) = mpsc::sync_channel(1);
    let holding = Arc::new(Holding { armed: AtomicBool::new(false), woken, go_on: go_on.into() });
    // The first in the room holds up those behind it. Its task is this one.
    let (_held, server) = pair(4096);
    let mut serving = Box::pin(hub.serve(server));
    let waker = holding.clone().into();
    assert!(serving.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    room.join(&hub.sessions()[0]).unwrap();
    assert!(serving.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    let (mut client, session, _served) = connect(&hub).await;
    room.join(&session).unwrap();

    holding.armed.store(true, Ordering::SeqCst);
    room.publish("once").forget();
    wait.recv().unwrap();
    let (runtime, hub, other) = (Handle::current(), hub.clone(), session.clone());
    let joining = thread::spawn(move || {
        let recovery = runtime.block_on(hub.room("r").recover(&other, seen)).unwrap();
        other.send("- joined");
        recovery
    });
    // It is done at once, or waits for what is given out.
    tokio::time::sleep(Duration::from_millis(50)).await;
    release.send(()).unwrap();
    assert_eq!(joining.join().unwrap().messages, 1);
    room.publish("last").forget();
    let mut received = Vec::new();
    while received.last().is_none_or(|last: &String| !last.ends_with("last")) {
        received.push(text(&mut client).await);
    }
    let joined = received.iter().position(|line| line.ends_with("joined")).unwrap();
    assert_eq!(received.len(), joined + 2, "{received:?}");
    assert!(received[joined - 1].ends_with("once"), "{received:?}");
    drop(serving);
}
