//! What a client may do, and what becomes of one that does more.

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;
use ws_core::{CloseCode, CloseFrame};
use ws_hub::{Admission, Cause, Config, Drain, Hub, Payload, Rate, Refusal, RequestError};

use crate::support::{Recorder, closed, connect, connect_as, pair, text};

#[tokio::test(start_paused = true)]
async fn sessions_are_counted_in_all_by_user_and_by_key() {
    let config = Config::new().max_sessions(3).max_sessions_per_user(2).max_sessions_per_key(1);
    let hub = Hub::with_config((), config);
    let reserve = |user: &str, key: &str| hub.reserve(Admission::new().user(user).key(key));
    let first = reserve("ada", "1").unwrap();
    assert_eq!(reserve("ada", "1").err(), Some(Refusal::TooManyWithKey));
    let second = reserve("ada", "2").unwrap();
    assert_eq!(reserve("ada", "3").err(), Some(Refusal::TooManyOfUser));
    let third = reserve("bob", "3").unwrap();
    assert_eq!(reserve("eve", "4").err(), Some(Refusal::TooManySessions));
    // What was refused has left nothing, and a seat that is not taken is given back.
    drop((first, second, third));
    let (_client, _, served) = connect_as(&hub, Admission::new().user("ada").key("3"), 1024).await;
    served.abort();
    hub.closed().await;
    assert!(reserve("ada", "3").is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_connection_too_many_is_closed_with_its_reason() {
    let hub = Hub::with_config((), Config::new().max_sessions(0));
    let (mut client, server) = pair(1024);
    let (end, frame) = tokio::join!(hub.serve(server), closed(&mut client));
    assert_eq!(frame, Some(CloseFrame::new(CloseCode::TRY_AGAIN_LATER, "too many sessions")));
    assert_eq!(end.cause, Cause::Refused);
}

#[tokio::test(start_paused = true)]
async fn floods_are_closed_with_1008() {
    for config in [
        Config::new().messages_per_second(Rate::per_second(10).burst(5)),
        Config::new().bytes_per_second(Rate::per_second(10).burst(5)),
    ] {
        let hub = Hub::with_config(Recorder::default(), config);
        let (mut client, _, served) = connect(&hub).await;
        for _ in 0..6 {
            client.write_message("x").await.unwrap();
        }
        assert_eq!(closed(&mut client).await, Some(CloseFrame::new(1008, "too many messages")));
        let end = served.await.unwrap();
        assert_eq!(end.cause, Cause::Flooded);
        assert_eq!(hub.handler().count("text"), 5);
    }
}

#[tokio::test(start_paused = true)]
async fn sessions_begin_no_faster_than_they_may() {
    let config = Config::new().sessions_per_second(Rate::per_second(10).burst(2)).max_sessions_per_key(2);
    let hub = Hub::with_config(Recorder::default(), config);
    let reserve = |key: &str| hub.reserve(Admission::new().key(key));
    let _seats = (reserve("a").unwrap(), reserve("a").unwrap());
    assert_eq!(reserve("b").unwrap_err(), Refusal::TooManyAtOnce);
    tokio::time::sleep(Duration::from_millis(100)).await;
    // Who is refused for itself takes nothing from the others.
    assert_eq!(reserve("a").unwrap_err(), Refusal::TooManyWithKey);
    assert!(reserve("b").is_ok());
    assert_eq!(Refusal::TooManyAtOnce.close_frame().code.as_u16(), 1013);
}

#[tokio::test(start_paused = true)]
async fn who_does_not_say_who_it_is_is_closed() {
    let config = Config::new().authentication_grace(Duration::from_secs(10)).keep_alive(None);
    let hub = Hub::with_config(Recorder::default(), config);
    let (mut silent, _, served) = connect(&hub).await;
    let (_known, known, _) = connect(&hub).await;
    known.authenticate("ada", None).unwrap();
    let since = Instant::now();
    assert_eq!(closed(&mut silent).await, Some(CloseFrame::new(1008, "not authenticated")));
    assert_eq!((since.elapsed().as_secs(), served.await.unwrap().cause), (10, Cause::Expired));
    tokio::time::sleep(Duration::from_secs(100)).await;
    assert!(!known.is_closed());
}

#[tokio::test(start_paused = true)]
async fn authentication_expires_unless_it_is_renewed() {
    let hub = Hub::with_config(Recorder::default(), Config::new().keep_alive(None));
    let admission = Admission::new().user("ada").expires_in(Duration::from_secs(10));
    let (mut client, session, _served) = connect_as(&hub, admission, 1024).await;
    let since = Instant::now();
    tokio::time::sleep(Duration::from_secs(8)).await;
    session.authenticate("ada", Duration::from_secs(10)).unwrap();
    assert_eq!(closed(&mut client).await, Some(CloseFrame::new(1008, "authentication expired")));
    assert_eq!(since.elapsed().as_secs(), 18);
}

#[tokio::test(start_paused = true)]
async fn requests_wait_for_their_acknowledgement() {
    let hub = Hub::with_config((), Config::new().max_requests(2));
    let (mut client, session, _served) = connect(&hub).await;
    let ask = |session: &ws_hub::Session<()>| {
        let session = session.clone();
        tokio::spawn(
            async move { session.request(|number| number.to_string(), Duration::from_secs(5)).await },
        )
    };
    let (first, second) = (ask(&session), ask(&session));
    let numbers: (u64, u64) =
        (text(&mut client).await.parse().unwrap(), text(&mut client).await.parse().unwrap());
    let refused = session.request(|_| "x", Duration::from_secs(5)).await;
    assert_eq!(refused, Err(RequestError::TooMany));
    // In any order; a forged one and one that comes again find nobody.
    assert!(session.acknowledge(u64::MAX, "?").is_err());
    session.acknowledge(numbers.1, "two").unwrap();
    assert!(session.acknowledge(numbers.1, "two").is_err());
    assert_eq!(second.await.unwrap(), Ok(Payload::from("two")));
    assert_eq!(first.await.unwrap(), Err(RequestError::TimedOut));
    assert!(session.acknowledge(numbers.0, "late").is_err());
    // The end of a session ends the wait.
    let third = ask(&session);
    text(&mut client).await;
    session.abort();
    assert_eq!(third.await.unwrap(), Err(RequestError::Closed));
}

#[tokio::test(start_paused = true)]
async fn many_are_asked_at_once() {
    let hub = Hub::new(());
    let (mut a, first, _a) = connect(&hub).await;
    let (mut b, second, _b) = connect(&hub).await;
    let answers = async {
        let number: u64 = text(&mut a).await.parse().unwrap();
        assert_eq!(text(&mut b).await, number.to_string());
        // Each for itself.
        first.acknowledge(number, "yes").unwrap();
    };
    let room = hub.all();
    let asked = room.request(|number| number.to_string(), Duration::from_secs(5));
    let (asked, ()) = tokio::join!(asked, answers);
    let of = |session| asked.iter().find(|(asked, _)| asked == session).unwrap().1.clone();
    assert_eq!((of(&first), of(&second)), (Ok("yes".into()), Err(RequestError::TimedOut)));
}

#[tokio::test(start_paused = true)]
async fn a_drain_spreads_its_close_frames_and_its_hints() {
    let hub = Hub::new(Recorder::default());
    let mut clients = Vec::new();
    for _ in 0..10 {
        clients.push(connect(&hub).await.0);
    }
    let since = Instant::now();
    let read = clients.into_iter().map(|mut client| {
        tokio::spawn(async move {
            let frame = closed(&mut client).await.unwrap();
            (Instant::now(), frame)
        })
    });
    let read: Vec<_> = read.collect();
    let drain = Drain::new()
        .over(Duration::from_secs(10))
        .reconnect_after(Duration::from_secs(1), Duration::from_secs(2));
    let drained = hub.drain(drain).await;
    assert_eq!((drained.closed, drained.aborted), (10, 0));
    assert_eq!(hub.reserve(Admission::new()).err(), Some(Refusal::Closed));
    let (mut times, mut hints) = (Vec::new(), Vec::new());
    for read in read {
        let (at, frame) = read.await.unwrap();
        assert_eq!(frame.code, CloseCode::SERVICE_RESTART);
        times.push((at - since).as_secs());
        hints.push(frame.reason.strip_prefix("reconnect-after=").unwrap().parse::<u64>().unwrap());
    }
    times.sort_unstable();
    assert_eq!(times, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    assert!(hints.iter().all(|hint| (1000..=2000).contains(hint)), "{hints:?}");
    hints.sort_unstable();
    hints.dedup();
    assert_eq!(hints.len(), 10);
}

#[tokio::test(start_paused = true)]
async fn a_drain_ends_in_time_whatever_the_clients_do() {
    let hub = Arc::new(Hub::with_config(Recorder::default(), Config::new().keep_alive(None)));
    let (_deaf, session, _) = connect_as(&hub, Admission::new(), 16).await;
    session.send("x".repeat(1000));
    let since = Instant::now();
    let drain = Drain::new().over(Duration::ZERO).within(Duration::from_secs(3));
    let drained = hub.drain(drain).await;
    assert_eq!((drained.aborted, since.elapsed().as_secs()), (1, 3));
    assert!(hub.is_empty());
    // One that comes in too late is told to come back.
    let (mut late, server) = pair(1024);
    let (_, frame) = tokio::join!(hub.serve(server), closed(&mut late));
    assert_eq!(frame.unwrap().code, CloseCode::SERVICE_RESTART);
}

#[tokio::test(start_paused = true)]
async fn a_hub_that_is_closed_closes_all_and_takes_none() {
    let hub = Hub::new(());
    let (mut client, _, _served) = connect(&hub).await;
    let seat = hub.reserve(Admission::new()).unwrap();
    hub.close(CloseFrame::new(1001, "bye"));
    assert!(hub.is_closed());
    assert_eq!(closed(&mut client).await, Some(CloseFrame::new(1001, "bye")));
    // A seat that was given before is not good any more.
    let (mut late, server) = pair(1024);
    let (end, frame) = tokio::join!(seat.serve(server), closed(&mut late));
    assert_eq!((end.cause, frame.unwrap().code), (Cause::Drained, CloseCode::SERVICE_RESTART));
    hub.closed().await;
}
