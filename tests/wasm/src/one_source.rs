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

shared::all!(in_pages);
