//! What a dial takes of the heap until it is answered.

#[path = "../../ws-core/tests/support/heap.rs"]
#[allow(dead_code, reason = "the other tests use the rest")]
mod heap;
mod support;

use tokio::io::{AsyncWriteExt, DuplexStream};
use ws_client::Dialer;

use heap::Mark;
use support::{handshake, read_head, switching};

// A proxy has as many dials as clients: they must not have the buffers of an HTTP client each.
#[tokio::test]
async fn dial_takes_no_more_than_its_heads_need() {
    let script = async |mut io: DuplexStream| {
        let head = read_head(&mut io).await;
        io.write_all(switching(&head, "").as_bytes()).await.unwrap();
        io
    };
    // What is made once, by whoever is the first.
    drop(handshake(&Dialer::new(), script).await);
    let dialer = Dialer::new();
    let mark = Mark::new();
    let (conn, _io) = handshake(&dialer, script).await;
    let peak = mark.usage().peak;
    conn.unwrap();
    // With the pipe, and what the script reads.
    assert!(peak < 8 << 10, "{peak} bytes");
}
