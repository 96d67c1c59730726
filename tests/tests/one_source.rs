//! What is written for pages, run natively: `tests/run wasm` runs the same in browsers.

use std::{future::Future, time::Duration};

use tokio::time::timeout;
use ws_tests::serve::{Server, echo};
use ws_wasm::Dialer;

#[path = "../wasm/src/shared.rs"]
mod shared;

async fn run<F: Future<Output = shared::Outcome>>(test: impl FnOnce(Dialer, String) -> F) -> shared::Outcome {
    let server = Server::with_handler(|conn| async move {
        let _ = echo(conn).await;
    })
    .await;
    timeout(Duration::from_secs(20), test(Dialer::new(), server.url("/ws"))).await?
}

macro_rules! natively {
    ($($name:ident)+) => {
        $(
            #[tokio::test]
            async fn $name() -> shared::Outcome {
                run(shared::$name).await
            }
        )+
    };
}

shared::all!(natively);
