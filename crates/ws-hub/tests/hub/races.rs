//! Everything at once, on several threads.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use ws_core::CloseFrame;
use ws_hub::{Admission, Config, Disconnect, Handler, Hub, Overflow, Session, Since};

use crate::support::{connect, pair};

/// Counts those who come and go.
#[derive(Default)]
struct Counter {
    came: AtomicUsize,
    went: AtomicUsize,
}

impl Handler for Counter {
    async fn connect(&self, session: &Session<Self>) -> Result<(), CloseFrame> {
        self.came.fetch_add(1, Ordering::SeqCst);
        let _ = session.hub().room("all").join(session);
        Ok(())
    }

    fn disconnect(&self, _: &Session<Self>, _: &Disconnect) {
        self.went.fetch_add(1, Ordering::SeqCst);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sessions_come_and_go_while_all_is_used() {
    const CLIENTS: usize = 400;
    let config = Config::new().overflow(Overflow::DropOldest).presence_grace(Duration::from_millis(1));
    let hub = Hub::with_config(Counter::default(), config);
    let mut clients = Vec::new();
    for number in 0..CLIENTS {
        let hub = hub.clone();
        clients.push(tokio::spawn(async move {
            let (mut client, server) = pair(4096);
            let admission = Admission::new().user(format!("user{}", number % 7));
            let served = tokio::spawn({
                let hub = hub.clone();
                async move { hub.serve_admitted(admission, server).await }
            });
            for _ in 0..number % 5 {
                let _ = tokio::time::timeout(Duration::from_millis(2), client.read_message()).await;
            }
            match number % 4 {
                0 => drop(client),
                1 => drop(client.close(None).await),
                2 => served.abort(),
                // Somebody else closes it.
                _ => while let Ok(Some(_)) = client.read_message().await {},
            }
            let _ = served.await;
        }));
    }
    let mut workers = Vec::new();
    for worker in 0..4 {
        let hub = hub.clone();
        workers.push(tokio::spawn(async move {
            for step in 0..300 {
                let room = format!("room{}", step % 3);
                hub.room("all").send("x");
                hub.room(&room).publish("y").forget();
                if let Some(session) = hub.sessions().get(step % 11).cloned() {
                    let _ = hub.room(&room).recover(&session, Since::Newest(2)).await;
                    hub.room(&room).set_presence(&session, "here");
                    if step % 2 == worker % 2 {
                        hub.room(&room).leave(&session);
                    }
                    if step % 20 == 19 {
                        session.close(None);
                    }
                }
                hub.all().filter(|session| session.is_in(&room)).send("z");
                tokio::task::yield_now().await;
            }
        }));
    }
    for worker in workers {
        worker.await.unwrap();
    }
    for (number, client) in clients.iter_mut().enumerate() {
        if number % 4 != 3 {
            client.await.unwrap();
        }
    }
    hub.close(None);
    for client in clients.into_iter().skip(3).step_by(4) {
        client.await.unwrap();
    }
    hub.closed().await;
    // Those that were aborted before they had begun never came.
    let came = hub.handler().came.load(Ordering::SeqCst);
    assert!((CLIENTS / 2..=CLIENTS).contains(&came), "{came}");
    assert_eq!(hub.handler().went.load(Ordering::SeqCst), came);
    assert!(hub.is_empty() && hub.room_names().is_empty());
    tokio::time::sleep(Duration::from_millis(20)).await;
    for room in 0..3 {
        assert_eq!(hub.room(&format!("room{room}")).present_count().await.unwrap(), 0);
    }
}

#[tokio::test]
async fn a_session_that_is_named_twice_at_a_time_has_one_user() {
    let hub = Hub::new(());
    let (client, session, served) = connect(&hub).await;
    std::thread::scope(|scope| {
        for user in ["ada", "bob"] {
            let session = &session;
            scope.spawn(move || (0..5000).for_each(|_| session.authenticate(user, None).unwrap()));
        }
    });
    assert_eq!(hub.user("ada").count() + hub.user("bob").count(), 1);
    drop(client);
    served.await.unwrap();
    // One that has ended is nobody's any more.
    session.authenticate("eve", None).unwrap();
    assert_eq!(hub.users(["ada", "bob", "eve"]).count(), 0);
}
