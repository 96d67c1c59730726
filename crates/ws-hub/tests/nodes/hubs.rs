//! Hubs with clients over each backplane, from a client's message to the other node's client.

use std::time::Duration;

use ws_core::CloseFrame;
use ws_hub::backplane::{Config as PlaneConfig, HistoryLimits};
use ws_hub::{Admission, Config, Hub, Session, Since};

use crate::chaos::Fragile;
use crate::server::Keeps;
use crate::suite::{patient, short_lived};
use crate::support::{Client, Recorder, closed, connect_as, text};

/// A hub that has found its server.
async fn hub(fixture: &impl Fragile, config: PlaneConfig) -> Hub<Recorder> {
    let plane = fixture.node(config);
    let hub = Hub::builder(Recorder::default())
        .config(Config::new().keep_alive(None))
        .backplane(plane.clone())
        .build();
    until(|| plane.is_up()).await;
    hub
}

async fn two(fixture: &impl Fragile, config: PlaneConfig) -> (Hub<Recorder>, Hub<Recorder>) {
    (hub(fixture, config.clone()).await, hub(fixture, config).await)
}

async fn until(mut done: impl FnMut() -> bool) {
    patient(async {
        while !done() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

/// A client whose session is in the room `r`, and that the other nodes know of.
async fn member(hub: &Hub<Recorder>, user: &str) -> (Client, Session<Recorder>) {
    let (client, session, _served) = connect_as(hub, Admission::new().user(user), 1 << 20).await;
    hub.room("r").recover(&session, Since::Newest(0)).await.unwrap();
    (client, session)
}

pub(crate) async fn rooms_users_and_closes_reach_other_nodes<F: Fragile>() {
    let fixture = F::start(Keeps::Nothing);
    let (here, there) = two(&fixture, short_lived()).await;
    let (mut a, _first) = member(&here, "ada").await;
    let (mut b, second) = member(&there, "bob").await;
    here.room("r").send("room");
    assert_eq!((patient(text(&mut a)).await, patient(text(&mut b)).await), ("room".into(), "room".into()));
    there.room("r").publish("kept").await.unwrap();
    assert_eq!((patient(text(&mut a)).await, patient(text(&mut b)).await), ("kept".into(), "kept".into()));
    // A user's topic is asked for in the background.
    let mut tries = 0;
    while !matches!(tokio::time::timeout(Duration::from_millis(50), text(&mut b)).await, Ok(text) if text == "user")
    {
        here.user("bob").send("user");
        tries += 1;
        assert!(tries < 100);
    }
    here.ids([second.id()]).close(CloseFrame::new(4001, "elsewhere"));
    assert_eq!(patient(closed(&mut b)).await, Some(CloseFrame::new(4001, "elsewhere")));
}

pub(crate) async fn a_client_recovers_on_another_node_when_its_own_dies<F: Fragile>() {
    let fixture = std::sync::Arc::new(F::start(Keeps::Nothing));
    let there = hub(&*fixture, short_lived()).await;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let (other, home) = (std::sync::Arc::clone(&fixture), there.clone());
    let position = runtime
        .spawn(async move {
            let here = hub(&*other, short_lived()).await;
            let (mut client, session) = member(&here, "ada").await;
            here.room("r").set_presence(&session, "");
            home.room("r").publish("heard").await.unwrap();
            assert_eq!(patient(text(&mut client)).await, "heard");
            here.room("r").history(None, 0).await.unwrap().position
        })
        .await
        .unwrap();
    let (_watcher, session) = member(&there, "bob").await;
    let _ = there.room("r").watch().await.unwrap();
    runtime.shutdown_background();
    for number in 0..20 {
        there.room("r").publish(number.to_string()).await.unwrap();
    }
    let (mut client, back, _served) = connect_as(&there, Admission::new().user("ada"), 1 << 20).await;
    let recovery = there.room("r").recover(&back, position).await.unwrap();
    assert_eq!((recovery.recovered, recovery.messages), (true, 20));
    there.room("r").publish("after").await.unwrap();
    for number in 0..20 {
        assert_eq!(patient(text(&mut client)).await, number.to_string());
    }
    assert_eq!(patient(text(&mut client)).await, "after");
    patient(async {
        while there.room("r").present_count().await.unwrap() > 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    drop(session);
}

/// Clients on two nodes, both of which publish, while the server is killed and comes back.
pub(crate) async fn clients_hear_all_that_was_confirmed_in_one_order<F: Fragile>() {
    const COUNT: usize = 300;
    let mut fixture = F::start(Keeps::Everything);
    let limits = HistoryLimits::new().messages(4 * COUNT).bytes(1 << 24);
    let (here, there) = two(&fixture, short_lived().history(limits)).await;
    let (a, _first) = member(&here, "ada").await;
    let (b, _second) = member(&there, "bob").await;
    let publish = |hub: Hub<Recorder>, name: &'static str| async move {
        let mut confirmed = Vec::new();
        let mut waiting = Vec::new();
        for number in 0..COUNT {
            let message = format!("{name}{number}");
            waiting.push((message.clone(), hub.room("r").publish(message)));
            tokio::time::sleep(Duration::from_millis(3)).await;
        }
        for (message, publishing) in waiting {
            if patient(publishing.into_future()).await.is_ok() {
                confirmed.push(message);
            }
        }
        confirmed
    };
    let publishers = (tokio::spawn(publish(here.clone(), "a")), tokio::spawn(publish(there.clone(), "b")));
    let hear = |mut client: Client| async move {
        let mut heard = Vec::new();
        loop {
            match patient(text(&mut client)).await {
                end if end == "end" => break heard,
                message => heard.push(message),
            }
        }
    };
    let listeners = (tokio::spawn(hear(a)), tokio::spawn(hear(b)));
    for _ in 0..2 {
        tokio::time::sleep(Duration::from_millis(250)).await;
        fixture.server().kill();
        tokio::time::sleep(Duration::from_millis(50)).await;
        fixture.server().restart();
    }
    let mut confirmed = publishers.0.await.unwrap();
    confirmed.extend(publishers.1.await.unwrap());
    // Both nodes are back, and have filled their gaps or said that they cannot.
    tokio::time::sleep(Duration::from_millis(700)).await;
    patient(here.room("r").publish("end").into_future()).await.unwrap();
    let (x, y) = (listeners.0.await.unwrap(), listeners.1.await.unwrap());
    let gaps = here.handler().count("gap") + there.handler().count("gap");
    println!("{} confirmed, {} and {} heard, {gaps} gaps told", confirmed.len(), x.len(), y.len());
    for heard in [&x, &y] {
        let mut once = heard.clone();
        once.sort();
        once.dedup();
        assert_eq!(once.len(), heard.len(), "once");
    }
    // A gap is told too when the server went away again before it could be asked.
    if gaps == 0 {
        assert_eq!(x, y);
        assert!(confirmed.iter().all(|message| x.contains(message)));
    }
    assert!(x.len() > COUNT && y.len() > COUNT);
}

macro_rules! hubs {
    ($fixture:ty) => {
        mod hubs {
            use super::*;

            crate::hubs::hubs! { $fixture;
                rooms_users_and_closes_reach_other_nodes
                a_client_recovers_on_another_node_when_its_own_dies
                clients_hear_all_that_was_confirmed_in_one_order
            }
        }
    };
    ($fixture:ty; $($name:ident)*) => {
        $(
            #[tokio::test]
            async fn $name() {
                crate::hubs::$name::<$fixture>().await;
            }
        )*
    };
}

pub(crate) use hubs;
