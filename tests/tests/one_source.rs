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

natively! {
    messages_are_read_and_written_as_byte_streams
    prepared_messages_are_sent_many_times
    halves_have_the_same_methods
    program_that_only_writes_is_sent_nothing
    byte_streams_have_the_traits_of_futures_io
    byte_streams_have_the_traits_of_tokio
}
