//! Rooms, users and what can be said of whom.

use std::collections::BTreeSet;

use ws_core::{CloseFrame, Utf8Bytes};
use ws_hub::{Admission, Cause, Config, Handler, Hub, JoinError, Refusal, Session, Target};

use crate::support::{Client, closed, connect, connect_as, silent, text};

/// Who of the sessions is meant.
fn who<A: Handler>(target: &Target<'_, A>, sessions: &[Session<A>]) -> BTreeSet<usize> {
    let found = target.sessions();
    let numbers: BTreeSet<_> =
        found.iter().map(|found| sessions.iter().position(|session| session == found).unwrap()).collect();
    assert_eq!(numbers.len(), found.len(), "nobody is meant twice");
    assert_eq!(target.count(), found.len());
    numbers
}

async fn several(hub: &Hub<()>, count: usize) -> (Vec<Client>, Vec<Session<()>>) {
    let (mut clients, mut sessions) = (Vec::new(), Vec::new());
    for number in 0..count {
        // Two of each user.
        let admission = Admission::new().user(format!("user{}", number / 2));
        let (client, session, _) = connect_as(hub, admission, 4096).await;
        clients.push(client);
        sessions.push(session);
    }
    (clients, sessions)
}

#[tokio::test(start_paused = true)]
async fn targets_are_sets() {
    let hub = Hub::new(());
    let (_clients, sessions) = several(&hub, 6).await;
    for (room, members) in [("a", &[0, 1, 2][..]), ("b", &[2, 3]), ("c", &[1, 2, 5])] {
        for member in members {
            assert_eq!(hub.room(room).join(&sessions[*member]), Ok(true));
        }
    }
    let set = |members: &[usize]| members.iter().copied().collect::<BTreeSet<_>>();
    let who = |target: Target<'_, ()>| who(&target, &sessions);
    assert_eq!(who(hub.all()), set(&[0, 1, 2, 3, 4, 5]));
    assert_eq!(who(hub.all().except(&sessions[1]).except(&sessions[2])), set(&[0, 3, 4, 5]));
    assert_eq!(who(hub.room("a").target()), set(&[0, 1, 2]));
    assert_eq!(who(hub.rooms(["a", "b"])), set(&[0, 1, 2, 3]));
    assert_eq!(who(hub.rooms(["a", "b"]).except_room("c")), set(&[0, 3]));
    assert_eq!(who(hub.room("a").target().only("c")), set(&[1, 2]));
    assert_eq!(who(hub.room("a").target().only("c").only("b")), set(&[2]));
    assert_eq!(who(hub.user("user1")), set(&[2, 3]));
    assert_eq!(who(hub.users(["user0", "user2"]).and_rooms(["b"])), set(&[0, 1, 2, 3, 4, 5]));
    assert_eq!(who(hub.all().except_user("user0").except_room("c")), set(&[3, 4]));
    assert_eq!(who(hub.ids([sessions[4].id(), sessions[4].id()]).and_rooms(["b"])), set(&[2, 3, 4]));
    assert_eq!(who(hub.all().filter(|session| session.is_in("c"))), set(&[1, 2, 5]));
    assert_eq!(who(hub.rooms(["none"])), set(&[]));
    assert_eq!(hub.session(sessions[3].id()).as_ref(), Some(&sessions[3]));
    assert_eq!(sessions[3].id().to_string().parse(), Ok(sessions[3].id()));
}

#[tokio::test(start_paused = true)]
async fn rooms_vanish_with_the_last_who_leaves() {
    let hub = Hub::new(());
    let (_client, session, _served) = connect(&hub).await;
    let room = hub.room("a");
    assert_eq!((room.join(&session), room.join(&session)), (Ok(true), Ok(false)));
    assert_eq!((room.len(), hub.room_names(), session.rooms()), (1, vec!["a".into()], vec!["a".into()]));
    assert_eq!((room.leave(&session), room.leave(&session)), (true, false));
    assert!(room.is_empty() && hub.room_names().is_empty() && session.rooms().is_empty());
    room.join(&session).unwrap();
    session.close(None);
    hub.ids([session.id()]).close(None);
    drop(_client);
    hub.closed().await;
    assert!(hub.room_names().is_empty());
    assert_eq!(room.join(&session), Err(JoinError::Closed));
}

#[tokio::test(start_paused = true)]
async fn many_come_and_go_in_any_order() {
    let hub = Hub::new(());
    let (_clients, sessions) = several(&hub, 300).await;
    let room = hub.room("a");
    for session in &sessions {
        room.join(session).unwrap();
    }
    let mut inside: BTreeSet<usize> = (0..300).collect();
    // Numbers that visit all in an order of no use.
    for step in 0..300_usize {
        let at = step * 7919 % 300;
        room.leave(&sessions[at]);
        inside.remove(&at);
        if step % 5 == 0 {
            let back = step * 31 % 300;
            room.join(&sessions[back]).unwrap();
            inside.insert(back);
        }
        assert_eq!(room.len(), inside.len());
    }
    assert_eq!(who(&room.target(), &sessions), inside);
}

#[tokio::test(start_paused = true)]
async fn operations_reach_whom_they_are_for() {
    let hub = Hub::new(());
    let (mut clients, sessions) = several(&hub, 4).await;
    hub.user("user0").join("a");
    assert_eq!(who(&hub.room("a").target(), &sessions), [0, 1].into());
    hub.room("a").except(&sessions[0]).leave("a");
    assert_eq!(who(&hub.room("a").target(), &sessions), [0].into());
    hub.room("a").target().close(CloseFrame::new(4000, "out"));
    assert_eq!(closed(&mut clients[0]).await, Some(CloseFrame::new(4000, "out")));
    hub.user("user1").send("to you");
    assert_eq!(text(&mut clients[2]).await, "to you");
    assert_eq!(text(&mut clients[3]).await, "to you");
    silent(&mut clients[1]).await;
}

#[tokio::test(start_paused = true)]
async fn rooms_are_bounded() {
    let config = Config::new().max_rooms_per_session(3).max_name_len(5);
    let hub = Hub::with_config((), config);
    let (_client, session, _served) = connect(&hub).await;
    let join = |name: &str| hub.room(name).join(&session);
    assert_eq!((join(""), join("longer")), (Err(JoinError::InvalidName), Err(JoinError::InvalidName)));
    for name in ["a", "b", "c"] {
        assert_eq!(join(name), Ok(true));
    }
    assert_eq!((join("a"), join("d")), (Ok(false), Err(JoinError::TooManyRooms)));
    hub.room("a").leave(&session);
    assert_eq!(join("d"), Ok(true));
}

#[tokio::test(start_paused = true)]
async fn a_user_can_be_named_later() {
    let hub = Hub::with_config((), Config::new().max_sessions_per_user(1));
    let (_a, first, _served) = connect(&hub).await;
    let (_b, second, served) = connect(&hub).await;
    assert_eq!(hub.user("ada").count(), 0);
    first.authenticate("ada", None).unwrap();
    assert_eq!(hub.user("ada").sessions(), std::slice::from_ref(&first));
    assert_eq!(second.authenticate("ada", None), Err(Refusal::TooManyOfUser));
    assert_eq!(second.user(), None);
    // To be somebody else frees the place.
    first.authenticate("bob", None).unwrap();
    assert_eq!(second.authenticate("ada", None), Ok(()));
    assert_eq!((hub.user("ada").count(), hub.user("bob").count()), (1, 1));
    second.abort();
    assert_eq!(served.await.unwrap().cause, Cause::Closed);
    assert_eq!(hub.user("ada").count(), 0);
    assert!(hub.reserve(Admission::new().user("ada")).is_ok());
}

/// Uses the hub wherever it is called.
struct Busy;

impl Busy {
    fn use_all(session: &Session<Self>) {
        let hub = session.hub();
        let room = hub.room("busy");
        room.join(session).ok();
        room.send("x");
        room.leave(session);
        hub.all().filter(|other| other.is_in("busy") || hub.len() > 1000).send("x");
        hub.all().filter(|other| hub.room("busy").join(other).is_ok()).send("x");
        hub.all().for_each(|other| {
            other.send("x");
            hub.room("busy").leave(other);
        });
        drop(hub.room("busy").publish("x"));
        session.send("x");
    }
}

impl Handler for Busy {
    async fn connect(&self, session: &Session<Self>) -> Result<(), CloseFrame> {
        Self::use_all(session);
        Ok(())
    }

    async fn text(&self, session: &Session<Self>, _: Utf8Bytes) {
        Self::use_all(session);
        session.close(CloseFrame::new(4000, "done"));
    }

    fn sent(&self, session: &Session<Self>, _: &ws_core::Message) {
        // Not without an end.
        if session.remove::<()>().is_some() {
            Self::use_all(session);
        }
    }

    fn dropped(&self, session: &Session<Self>, _: u32) {
        if session.dropped() < 100 {
            Self::use_all(session);
        }
    }

    fn disconnect(&self, session: &Session<Self>, _: &ws_hub::Disconnect) {
        Self::use_all(session);
    }
}

#[tokio::test]
async fn hooks_and_filters_may_use_the_hub() {
    let hub = Hub::with_config(Busy, Config::new().max_queued_messages(4));
    let (mut client, session, served) = connect(&hub).await;
    session.insert(());
    let (mut other, ..) = connect(&hub).await;
    client.write_message("go").await.unwrap();
    let (frame, _) = tokio::join!(closed(&mut client), async {
        // Reads what there is.
        let _ = tokio::time::timeout(std::time::Duration::from_millis(50), other.read_message()).await;
    });
    assert!(frame.is_some());
    served.await.unwrap();
    assert!(!hub.sessions().contains(&session));
}
