use std::time::Duration;

use ws_wasm::{
    CloseFrame, Message,
    reconnect::{Backoff, Cause, Event, Reconnecting, SendErrorKind, from_fn},
};

use crate::{Outcome, Peer, holds, list, same};

list! {
    cut_connection_is_dialed_again
    server_that_is_not_there_is_given_up_after_some_attempts
    client_is_set_up_and_closed_well
    code_of_the_server_ends_the_client
    client_that_is_dropped_leaves_nothing
}

fn quick() -> Backoff {
    Backoff::new().initial(Duration::from_millis(10)).max(Duration::from_millis(20))
}

async fn message(client: &mut Reconnecting) -> Result<Message, Box<dyn std::error::Error>> {
    loop {
        match client.next().await {
            Some(Event::Message(message)) => return Ok(message),
            Some(Event::Up { .. }) => {}
            other => return Err(format!("no message: {other:?}").into()),
        }
    }
}

async fn cut_connection_is_dialed_again(peer: Peer) -> Outcome {
    let mut client = peer.dialer().reconnecting(peer.url("/cut"))?.backoff(quick());
    let outbox = client.outbox();
    for number in 0..5 {
        holds!(matches!(client.next().await, Some(Event::Up { .. })));
        same!(client.conn().map(|socket| socket.is_open()), Some(true));
        outbox.try_send(number.to_string())?;
        let Some(Event::Down { cause, retry_in, .. }) = client.next().await else {
            return Err("it is up".into());
        };
        same!(cause.close_code(), Some(1006.into()));
        holds!(retry_in.is_some());
    }
    Ok(())
}

async fn server_that_is_not_there_is_given_up_after_some_attempts(peer: Peer) -> Outcome {
    let url = peer.url("/refused");
    let dialer = peer.dialer();
    let dial = move |_| {
        let (dialer, url) = (dialer.clone(), url.clone());
        async move { Ok(dialer.dial(url).await?) }
    };
    let mut client = from_fn(dial).backoff(quick().max_attempts(3));
    for number in 1..=3 {
        let Some(Event::Failed { attempt, cause: Cause::Dial(_), .. }) = client.next().await else {
            return Err("it is up".into());
        };
        same!(attempt, number);
    }
    holds!(client.next().await.is_none());
    Ok(())
}

async fn client_is_set_up_and_closed_well(peer: Peer) -> Outcome {
    let name = peer.name();
    let url = peer.url(&format!("/closed/{name}"));
    let mut client = peer.dialer().reconnecting(url)?.setup(|mut socket| async move {
        socket.write_message("sign in").await?;
        match socket.read_message().await? {
            Some(Message::Text(text)) if text == "sign in" => Ok(socket),
            _ => Err("not signed in".into()),
        }
    });
    let outbox = client.outbox();
    outbox.try_send("queued")?;
    same!(message(&mut client).await?, Message::text("queued"));
    outbox.try_send("last")?;
    outbox.close(CloseFrame::new(4000, "bye"))?;
    same!(outbox.try_send("late").err().map(|error| error.kind()), Some(SendErrorKind::Closed));
    let last = loop {
        match client.next().await {
            Some(Event::Message(_)) => {}
            other => break other,
        }
    };
    holds!(matches!(last, Some(Event::Down { cause: Cause::CloseRequested, retry_in: None, .. })));
    holds!(client.next().await.is_none());
    same!(peer.report(&name).await?, "4000 bye");
    Ok(())
}

async fn code_of_the_server_ends_the_client(peer: Peer) -> Outcome {
    let mut client = peer.dialer().reconnecting(peer.url("/close/1008/policy"))?;
    client.outbox().try_send("go")?;
    holds!(matches!(client.next().await, Some(Event::Up { .. })));
    let Some(Event::Down { cause, retry_in: None, .. }) = client.next().await else {
        return Err("goes on".into());
    };
    same!(cause.close_code(), Some(1008.into()));
    holds!(client.next().await.is_none());
    Ok(())
}

async fn client_that_is_dropped_leaves_nothing(peer: Peer) -> Outcome {
    let name = peer.name();
    let mut client = peer.dialer().reconnecting(peer.url(&format!("/closed/{name}")))?;
    let outbox = client.outbox();
    holds!(matches!(client.next().await, Some(Event::Up { .. })));
    drop(client);
    holds!(outbox.is_closed());
    same!(peer.report(&name).await?, "no code");
    Ok(())
}
