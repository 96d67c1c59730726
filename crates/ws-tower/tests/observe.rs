//! What `tracing` and `metrics` are told of handshakes and connections.

#![cfg(all(feature = "metrics", feature = "testing", feature = "tracing"))]

#[path = "observe/metrics.rs"]
mod metrics;
#[path = "observe/recorder.rs"]
mod recorder;
#[path = "observe/subscriber.rs"]
mod subscriber;
#[path = "observe/tracing.rs"]
mod tracing;

use ws_core::Conn;
use ws_tower::Upgraded;

async fn echo(mut conn: Conn<Upgraded>) {
    while let Ok(Some(message)) = conn.read_message().await {
        if conn.write_message(message).await.is_err() {
            return;
        }
    }
}

/// Runs a future on a runtime of this thread with paused time, which is where recorders and subscribers of a test are.
fn run<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("a runtime").block_on(future)
}

/// Lets the tasks of the server go on until all of them wait.
async fn settle() {
    tokio::time::sleep(std::time::Duration::from_millis(1)).await;
}
