//! What a tracker takes for each connection, with an allocator that counts.

#[allow(dead_code, reason = "other tests of memory use the rest")]
#[path = "../../ws-core/tests/support/heap.rs"]
mod heap;
mod support;

use heap::measured;
use tokio::runtime::Builder;
use ws_core::Conn;
use ws_tower::{Tracker, Upgraded, Upgrader};

/// Connections of a power of two fill the table of the tracker least.
const MANY: usize = 1024;

/// What so many connections hold that wait for a message, clients and all.
fn held(upgrader: &Upgrader) -> isize {
    let service = upgrader.clone().service(|mut conn: Conn<Upgraded>| async move {
        let _ = conn.read_message().await;
    });
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    let (clients, usage) = measured(|| {
        runtime.block_on(async {
            let mut clients = Vec::with_capacity(MANY);
            for _ in 0..MANY {
                clients.push(support::open_in_memory(service.clone()).await.1);
            }
            clients
        })
    });
    drop(clients);
    usage.live
}

#[test]
fn tracked_connection_takes_what_the_page_says() {
    let untracked = held(&Upgrader::new());
    let tracked = held(&Upgrader::new().tracker(Tracker::new()));
    let each = (tracked - untracked) / MANY as isize;
    assert!((200..=700).contains(&each), "{each} bytes");
}
