use std::time::Duration;

use futures_util::FutureExt as _;
use ws_wasm::{Api, DialErrorKind, Instant, Message};

use crate::{Outcome, Peer, holds, list, same};

list! {
    subprotocol_is_the_servers_choice
    either_interface_can_be_asked_for
    subprotocols_that_are_none_are_refused
    urls_that_cannot_be_dialed_are_refused
    schemes_of_http_and_fragments_are_taken
    refused_handshake_is_a_failed_dial
    server_that_is_not_there_is_a_failed_dial
    dial_is_bounded_in_time
    dropped_dial_is_given_up
    timers_and_clock_go_on
}

async fn subprotocol_is_the_servers_choice(peer: Peer) -> Outcome {
    let dialer = peer.dialer().subprotocols(["chat.v9", "chat.v2"]);
    let mut socket = dialer.dial(peer.url("/chosen")).await?;
    same!(socket.subprotocol(), Some("chat.v2"));
    holds!(socket.url().starts_with("ws://127.0.0.1:"));
    socket.write_message("hello").await?;
    same!(socket.read_message().await?, Some(Message::text("hello")));
    same!(peer.dial("/echo").await?.subprotocol(), None);
    Ok(())
}

/// Where there is no `WebSocketStream`, too.
async fn either_interface_can_be_asked_for(peer: Peer) -> Outcome {
    for api in [Api::Socket, Api::Stream] {
        let mut socket = peer.dialer().api(api).dial(peer.url("/echo")).await?;
        socket.write_message("hello").await?;
        same!(socket.read_message().await?, Some(Message::text("hello")));
        let web_socket = socket.web_socket();
        holds!(web_socket.is_none_or(|inside| inside.url() == socket.url() && inside.ready_state() == 1));
        holds!(socket.web_socket().is_some() || api == Api::Stream);
        socket.close(None).await?;
    }
    Ok(())
}

async fn subprotocols_that_are_none_are_refused(peer: Peer) -> Outcome {
    for names in [vec!["two words"], vec![""], vec!["twice", "twice"]] {
        let error = peer.dialer().subprotocols(names).dial(peer.url("/echo")).await.err().ok_or("dialed")?;
        same!(error.kind(), &DialErrorKind::InvalidSubprotocol);
    }
    Ok(())
}

async fn urls_that_cannot_be_dialed_are_refused(peer: Peer) -> Outcome {
    for url in ["ftp://127.0.0.1/", "ws://", "ws://127.0.0.1:65536/"] {
        let error = peer.dialer().dial(url).await.err().ok_or("dialed")?;
        same!((url, error.kind()), (url, &DialErrorKind::InvalidUri));
    }
    // A port that is kept from pages.
    let error = peer.dialer().dial("ws://127.0.0.1:25/").await.err().ok_or("dialed")?;
    holds!(matches!(error.kind(), DialErrorKind::Blocked | DialErrorKind::Failed { .. }));
    Ok(())
}

async fn schemes_of_http_and_fragments_are_taken(peer: Peer) -> Outcome {
    let url = peer.url("/echo#part").replacen("ws://", "http://", 1);
    let mut socket = peer.dialer().dial(&url).await?;
    socket.write_message("hello").await?;
    same!(socket.read_message().await?, Some(Message::text("hello")));
    Ok(())
}

async fn refused_handshake_is_a_failed_dial(peer: Peer) -> Outcome {
    for path in ["/refused", "/nowhere"] {
        let error = peer.dial(path).await.err().ok_or("dialed")?;
        holds!(matches!(error.kind(), DialErrorKind::Failed { .. }));
    }
    // None of those that are offered is spoken there.
    holds!(peer.dialer().subprotocols(["other"]).dial(peer.url("/echo")).await.is_err());
    Ok(())
}

async fn server_that_is_not_there_is_a_failed_dial(peer: Peer) -> Outcome {
    let error = peer.dialer().dial("ws://127.0.0.1:9/").await.err();
    holds!(error.is_some());
    let error = peer.dialer().dial("ws://nowhere.invalid/").await.err().ok_or("dialed")?;
    holds!(matches!(error.kind(), DialErrorKind::Failed { .. }));
    Ok(())
}

async fn dial_is_bounded_in_time(peer: Peer) -> Outcome {
    let began = Instant::now();
    let dialer = peer.dialer().handshake_timeout(Duration::from_millis(200));
    let error = dialer.dial(peer.url("/late")).await.err().ok_or("dialed")?;
    holds!(error.is_timeout());
    holds!(began.elapsed() >= Duration::from_millis(200));
    Ok(())
}

async fn dropped_dial_is_given_up(peer: Peer) -> Outcome {
    for _ in 0..20 {
        holds!(peer.dial("/echo").now_or_never().is_none());
    }
    // Whatever comes of them finds nobody.
    ws_wasm::sleep(Duration::from_millis(100)).await;
    let mut socket = peer.dial("/echo").await?;
    socket.write_message("hello").await?;
    same!(socket.read_message().await?, Some(Message::text("hello")));
    Ok(())
}

async fn timers_and_clock_go_on(_: Peer) -> Outcome {
    let began = Instant::now();
    ws_wasm::sleep(Duration::from_millis(50)).await;
    let elapsed = began.elapsed();
    // The clock of a page may be coarse.
    holds!(elapsed >= Duration::from_millis(48));
    holds!(Instant::now() + Duration::from_secs(1) > Instant::now());
    Ok(())
}
