//! What sessions and messages cost, counted by an allocator.

#[path = "../../../ws-core/tests/support/heap.rs"]
#[allow(dead_code, reason = "the other tests use the rest")]
mod heap;
#[path = "../support/mod.rs"]
mod support;

use std::time::Duration;

use tokio::task::yield_now;
use ws_hub::{Config, Hub, Overflow, Since, backplane::HistoryLimits};

use crate::{
    heap::{Mark, held},
    support::{Client, pair, text},
};

/// Clients and the tasks of their sessions.
async fn many(hub: &Hub<()>, count: usize, capacity: usize) -> Vec<Client> {
    let mut clients = Vec::with_capacity(count);
    for _ in 0..count {
        let (client, server) = pair(capacity);
        let hub = hub.clone();
        tokio::spawn(async move { hub.serve(server).await });
        clients.push(client);
    }
    while hub.len() < count {
        yield_now().await;
    }
    tokio::time::sleep(Duration::from_millis(1)).await;
    clients
}

/// How often memory is taken to queue a message for all, and to write it.
async fn calls(count: usize) -> (usize, usize) {
    let hub = Hub::with_config((), Config::new().keep_alive(None));
    let mut clients = many(&hub, count, 4096).await;
    hub.all().send("warm up");
    for client in &mut clients {
        text(client).await;
    }
    let mark = Mark::new();
    assert_eq!(hub.all().send("hello").delivery().queued, count);
    let queued = mark.usage().calls;
    let mark = Mark::new();
    tokio::time::sleep(Duration::from_millis(1)).await;
    let written = mark.usage().calls;
    for client in &mut clients {
        assert_eq!(text(client).await, "hello");
    }
    (queued, written)
}

#[tokio::test(start_paused = true)]
async fn a_broadcast_takes_no_memory_for_each_receiver() {
    let (few, many) = (calls(64).await, calls(1024).await);
    println!("queued and written for 64: {few:?}, for 1,024: {many:?}");
    // The chunks of the snapshot, of each of the shards.
    assert!(many.0 < 40, "{many:?}");
    assert!(many.1 < few.1 + 20, "{few:?} {many:?}");
}

#[tokio::test(start_paused = true)]
async fn an_idle_session_holds_little() {
    const COUNT: usize = 1000;
    let hub = Hub::new(());
    let (mut clients, mut servers) = (Vec::with_capacity(COUNT), Vec::with_capacity(COUNT));
    for _ in 0..COUNT {
        let (client, server) = pair(16);
        clients.push(client);
        servers.push(server);
    }
    let before = held();
    for server in servers.drain(..) {
        let hub = hub.clone();
        tokio::spawn(async move { hub.serve(server).await });
    }
    while hub.len() < COUNT {
        yield_now().await;
    }
    tokio::time::sleep(Duration::from_millis(1)).await;
    let each = (held() - before) / COUNT as isize;
    println!("an idle session holds {each} bytes beside its connection, its task among them");
    assert!(each < 1900, "{each}");
}

// Shows OUT-3.
#[tokio::test(start_paused = true)]
async fn what_waits_for_slow_sessions_is_shared() {
    const COUNT: usize = 1000;
    let config = Config::new().keep_alive(None).write_timeout(None).overflow(Overflow::DropOldest);
    let hub = Hub::with_config((), config);
    let _clients = many(&hub, COUNT, 16).await;
    let before = held();
    let message = "x".repeat(10_000);
    for _ in 0..300 {
        hub.all().send(message.as_str());
        yield_now().await;
    }
    // A MiB of messages, once, and pointers to them for each.
    let shared = held() - before;
    println!("1,000 sessions hold {shared} bytes of 3 MB that were sent to each");
    assert!(shared < 8 << 20, "{shared}");
}

#[tokio::test(start_paused = true)]
async fn all_is_freed_when_sessions_end() {
    let hub = Hub::new(());
    let mut settled = 0;
    for round in 0..4 {
        let mut clients = many(&hub, 100, 4096).await;
        for (at, session) in hub.sessions().iter().enumerate() {
            let name = format!("room{}", at % 10);
            hub.room(&name).join(session).unwrap();
            assert!(
                hub.room(&name).set_presence(session, "here") && !hub.room("x").set_presence(session, "?")
            );
            session.authenticate(format!("user{at}"), None).unwrap();
            session.insert(at);
            session.send("hello");
        }
        for client in &mut clients {
            text(client).await;
        }
        let _ = hub.all().request(|_| "?", Duration::from_secs(1)).await;
        drop(clients);
        while !hub.is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert!(hub.room_names().is_empty());
        // The first round fills pools and tables.
        if round == 1 {
            settled = held();
        }
    }
    let left = held() - settled;
    assert!(left < 1000, "{left} bytes are left of 200 sessions");
}

#[tokio::test(start_paused = true)]
async fn rooms_that_were_looked_into_hold_nothing() {
    let hub = Hub::new(());
    let (client, server) = pair(4096);
    let served = hub.clone();
    tokio::spawn(async move { served.serve(server).await });
    while hub.is_empty() {
        yield_now().await;
    }
    let session = hub.sessions().remove(0);
    let mut before = 0;
    for number in 0..10_000 {
        if number == 100 {
            before = held();
        }
        let name = format!("{number:0>200}");
        let room = hub.room(&name);
        room.recover(&session, Since::Newest(10)).await.unwrap();
        room.leave(&session);
        let _ = room.history(None, 10).await;
        yield_now().await;
    }
    let left = held() - before;
    assert!(left < 100_000, "{left} bytes are left of 10,000 rooms");
    drop(client);
}

#[tokio::test(start_paused = true)]
async fn histories_of_all_rooms_are_bounded_together() {
    let limits = HistoryLimits::new().age(Duration::from_secs(24 * 60 * 60)).total_bytes(1 << 20);
    let hub = Hub::with_config((), Config::new().history(limits));
    let before = held();
    for number in 0..20_000 {
        hub.room(&format!("room {number}")).publish("x".repeat(500)).await.unwrap();
    }
    let kept = held() - before;
    println!("20,000 rooms with a message each hold {kept} bytes");
    assert!(kept < 3 << 19, "{kept}");
    assert_eq!(hub.room("room 19999").history(None, 10).await.unwrap().messages.len(), 1);
    assert!(hub.room("room 0").history(None, 10).await.unwrap().messages.is_empty());
}
