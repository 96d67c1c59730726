//! What is written for native programs as well.

use crate::{Outcome, Peer, list, shared};

macro_rules! in_pages {
    ($($name:ident)+) => {
        list! { $($name)+ }

        $(
            async fn $name(peer: Peer) -> Outcome {
                shared::$name(peer.dialer(), peer.url("/echo")).await
            }
        )+
    };
}

in_pages! {
    messages_are_read_and_written_as_byte_streams
    prepared_messages_are_sent_many_times
    halves_have_the_same_methods
    program_that_only_writes_is_sent_nothing
    byte_streams_have_the_traits_of_futures_io
    byte_streams_have_the_traits_of_tokio
}
