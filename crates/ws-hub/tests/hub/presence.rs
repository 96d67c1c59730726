//! Who is in a room.

use std::time::Duration;

use ws_hub::{Admission, Config, Hub};

use crate::support::{Recorder, connect, connect_as};

async fn settle() {
    tokio::time::sleep(Duration::from_millis(1)).await;
}

#[tokio::test(start_paused = true)]
async fn a_user_is_present_while_any_of_its_sessions_is() {
    let hub = Hub::new(Recorder::default());
    let (_w, watcher, _) = connect(&hub).await;
    let room = hub.room("r");
    room.join(&watcher).unwrap();
    assert!(room.watch().await.unwrap().is_empty());
    let ada = || Admission::new().user("ada");
    let (_a, first, _) = connect_as(&hub, ada(), 1024).await;
    let (_b, second, served) = connect_as(&hub, ada(), 1024).await;
    assert!(!room.set_presence(&first, "not in the room"));
    for session in [&first, &second] {
        room.join(session).unwrap();
        assert!(room.set_presence(session, "here"));
    }
    settle().await;
    let present = room.present().await.unwrap();
    assert_eq!((present.len(), &*present[0].name, &present[0].data[..]), (1, "ada", &b"here"[..]));
    assert_eq!((present[0].nodes.as_slice(), room.present_count().await.unwrap()), (&[hub.node()][..], 1));
    room.set_presence(&first, "away");
    room.set_presence(&first, "away");
    room.leave(&first);
    settle().await;
    served.abort();
    settle().await;
    assert!(room.present().await.unwrap().is_empty());
    let lines: Vec<_> = hub.handler().lines().into_iter().filter(|line| line.starts_with("r ")).collect();
    assert_eq!(lines, ["r + ada", "r = ada b\"away\"", "r - ada"]);
}

#[tokio::test(start_paused = true)]
async fn a_reload_within_the_time_of_grace_is_no_leave() {
    let hub = Hub::with_config(Recorder::default(), Config::new().presence_grace(Duration::from_secs(5)));
    let (_w, watcher, _) = connect(&hub).await;
    let room = hub.room("r");
    room.join(&watcher).unwrap();
    room.watch().await.unwrap();
    let mut tasks = Vec::new();
    for pause in [0, 4, 4, 6] {
        tokio::time::sleep(Duration::from_secs(pause)).await;
        let (client, session, served) = connect_as(&hub, Admission::new().user("ada"), 1024).await;
        room.join(&session).unwrap();
        room.set_presence(&session, "here");
        settle().await;
        tasks.push(client);
        served.abort();
        settle().await;
    }
    assert_eq!(hub.handler().count("r + ada"), 2);
    assert_eq!(hub.handler().count("r - ada"), 1);
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert_eq!(hub.handler().count("r - ada"), 2);
    // To leave is to leave.
    let (_c, session, _) = connect_as(&hub, Admission::new().user("ada"), 1024).await;
    room.join(&session).unwrap();
    room.set_presence(&session, "here");
    room.leave(&session);
    settle().await;
    assert_eq!(hub.handler().count("r - ada"), 3);
}

#[tokio::test(start_paused = true)]
async fn who_has_no_name_is_present_as_a_session() {
    let hub = Hub::new(Recorder::default());
    let (_a, session, served) = connect(&hub).await;
    let room = hub.room("r");
    room.join(&session).unwrap();
    room.set_presence(&session, "");
    assert_eq!(*room.present().await.unwrap()[0].name, session.id().to_string());
    // Who tells its name later, is present by it from then on.
    session.authenticate("ada", None).unwrap();
    room.set_presence(&session, "");
    let present = room.present().await.unwrap();
    assert_eq!((present.len(), &*present[0].name), (1, "ada"));
    served.abort();
    settle().await;
    assert!(room.present().await.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_room_is_watched_until_nobody_is_in_it() {
    let hub = Hub::new(Recorder::default());
    let room = hub.room("r");
    let (_w, watcher, _) = connect(&hub).await;
    room.join(&watcher).unwrap();
    room.watch().await.unwrap();
    room.leave(&watcher);
    room.join(&watcher).unwrap();
    room.set_presence(&watcher, "");
    settle().await;
    assert_eq!(hub.handler().count("r "), 0);
    let present = room.watch().await.unwrap();
    assert_eq!(present.len(), 1);
    room.unwatch();
    room.leave(&watcher);
    settle().await;
    assert_eq!(hub.handler().count("r "), 0);
}
