//! Streams of events, and what the server is asked for.

use std::{
    future::Future as _,
    pin::pin,
    sync::{Arc, Mutex},
    task::{Context, Wake, Waker},
    time::Duration,
};

use futures_util::StreamExt as _;
use tokio::time::timeout;
use ws_obs::{
    Client, Events, Gap, State,
    events::{
        CurrentProgramSceneChanged, CustomEvent, Event, InputVolumeMeters, RecordStateChanged, SceneCreated,
        VendorEvent,
    },
    serde_json::{Value, json},
    testing::Server,
    types::{EventSubscription, OutputState},
};

use crate::{connect, obs, reconnected};

fn scene(name: &str) -> Value {
    json!({"sceneName": name, "sceneUuid": "u"})
}

async fn is_quiet<E>(events: &mut Events<E>) -> bool {
    timeout(Duration::from_secs(1), events.next()).await.is_err()
}

async fn settled(server: &Server, subscription: EventSubscription) {
    for _ in 0..100 {
        if server.subscription() == Some(subscription) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the server was asked for {:?}, not for {subscription:?}", server.subscription());
}

#[tokio::test(start_paused = true)]
async fn nothing_is_subscribed_to_without_a_stream() {
    let server = Server::new();
    let _client = connect(&server).await;
    assert_eq!(server.subscription(), Some(EventSubscription::empty()));
}

#[tokio::test(start_paused = true)]
async fn subscription_is_what_the_streams_need_together() {
    let server = Server::new();
    let client = connect(&server).await;
    let scenes = client.events_of::<SceneCreated>().await.unwrap();
    assert_eq!(server.subscription(), Some(EventSubscription::SCENES));
    let meters = client.events_of::<InputVolumeMeters>().await.unwrap();
    assert_eq!(
        server.subscription(),
        Some(EventSubscription::SCENES | EventSubscription::INPUT_VOLUME_METERS)
    );
    let all = client.events(EventSubscription::ALL).await.unwrap();
    assert_eq!(server.subscription(), Some(EventSubscription::ALL | EventSubscription::INPUT_VOLUME_METERS));
    drop(meters);
    settled(&server, EventSubscription::ALL).await;
    drop(all);
    settled(&server, EventSubscription::SCENES).await;
    drop(scenes);
    settled(&server, EventSubscription::empty()).await;
}

#[tokio::test(start_paused = true)]
async fn streams_that_come_and_go_at_once_end_up_right() {
    let server = Server::new();
    let client = connect(&server).await;
    let streams = (0..16).map(|bit| client.events(EventSubscription::from_bits_retain(1 << bit)));
    let mut streams: Vec<_> =
        futures_util::future::join_all(streams).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(server.subscription(), Some(EventSubscription::from_bits_retain(0xFFFF)));
    streams.truncate(3);
    settled(&server, EventSubscription::from_bits_retain(0b111)).await;
}

/// Answers to it have no id: two on their way would be taken for each other.
#[tokio::test(start_paused = true)]
async fn subscription_is_confirmed_for_what_was_asked() {
    let server = Server::new().resubscribe_after(Duration::from_secs(2));
    let client = connect(&server).await;
    let later = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let stream = client.events(EventSubscription::INPUTS).await.unwrap();
        assert_eq!(server.subscription(), Some(EventSubscription::SCENES | EventSubscription::INPUTS));
        stream
    };
    let (scenes, inputs) = tokio::join!(client.events(EventSubscription::SCENES), later);
    drop((scenes.unwrap(), inputs));
}

/// The server was asked to send less, and has not done so yet.
#[tokio::test(start_paused = true)]
async fn subscription_that_is_being_given_up_is_confirmed_anew() {
    let server = Server::new().resubscribe_after(Duration::from_secs(2));
    let client = connect(&server).await;
    drop(client.events(EventSubscription::SCENES).await.unwrap());
    tokio::time::sleep(Duration::from_secs(1)).await;
    let _scenes = client.events(EventSubscription::SCENES).await.unwrap();
    for _ in 0..5 {
        assert_eq!(server.subscription(), Some(EventSubscription::SCENES));
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_a_subscription_is_woken_when_the_state_says_why() {
    struct Look(Client, Mutex<Option<State>>);
    impl Wake for Look {
        fn wake(self: Arc<Self>) {
            *self.1.lock().unwrap() = Some(self.0.state());
        }
    }
    let server = Server::new().resubscribe_after(Duration::from_secs(60));
    let client = connect(&server).await;
    let look = Arc::new(Look(client.clone(), Mutex::default()));
    let waker = Waker::from(Arc::clone(&look));
    let mut events = pin!(client.events(EventSubscription::SCENES));
    // The second time it is asked for.
    for _ in 0..2 {
        assert!(events.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    server.reset();
    reconnected(&client).await;
    let seen = look.1.lock().unwrap().take();
    assert!(matches!(seen, Some(State::Waiting { .. })), "{seen:?}");
}

#[tokio::test(start_paused = true)]
async fn reader_that_drops_its_stream_when_it_is_woken_harms_nobody() {
    struct Gone(Mutex<Option<Events<SceneCreated>>>);
    impl Wake for Gone {
        fn wake(self: Arc<Self>) {
            drop(self.0.lock().unwrap().take());
        }
    }
    let server = Server::new();
    let client = connect(&server).await;
    let mut events = client.events_of::<SceneCreated>().await.unwrap();
    let gone = Arc::new(Gone(Mutex::default()));
    let waker = Waker::from(Arc::clone(&gone));
    assert!(pin!(events.next()).poll(&mut Context::from_waker(&waker)).is_pending());
    *gone.0.lock().unwrap() = Some(events);
    server.emit::<SceneCreated>(json!({"sceneName": "A", "isGroup": false}));
    settled(&server, EventSubscription::empty()).await;
}

#[tokio::test(start_paused = true)]
async fn stream_gives_what_it_is_for() {
    let server = Server::new();
    let client = connect(&server).await;
    let mut program = client.events_of::<CurrentProgramSceneChanged>().await.unwrap();
    let mut outputs = client.events(EventSubscription::OUTPUTS).await.unwrap();
    let mut raw = client.raw_events(EventSubscription::SCENES).await.unwrap();
    server.emit::<SceneCreated>(json!({"sceneName": "A", "isGroup": false}));
    server.emit::<CurrentProgramSceneChanged>(scene("B"));
    server.emit::<RecordStateChanged>(
        json!({"outputActive": true, "outputState": "OBS_WEBSOCKET_OUTPUT_STARTED"}),
    );
    assert_eq!(program.next().await.unwrap().unwrap().scene_name, "B");
    match outputs.next().await.unwrap().unwrap() {
        Event::RecordStateChanged(state) => assert_eq!(state.output_state, OutputState::Started),
        other => panic!("{other:?}"),
    }
    assert_eq!(&*raw.next().await.unwrap().unwrap().event_type, "SceneCreated");
    assert_eq!(raw.next().await.unwrap().unwrap().data["sceneName"], "B");
    assert!(is_quiet(&mut program).await && is_quiet(&mut outputs).await && is_quiet(&mut raw).await);
}

#[tokio::test(start_paused = true)]
async fn events_that_are_not_known_or_not_as_known_are_given_as_they_came() {
    let server = Server::new();
    let client = connect(&server).await;
    let mut all = client.events(EventSubscription::ALL).await.unwrap();
    let mut one = client.events_of::<SceneCreated>().await.unwrap();
    server.emit_raw("MoonRisen", EventSubscription::GENERAL, json!({"phase": 0.5}));
    server.emit_raw("SceneCreated", EventSubscription::SCENES, json!({"sceneName": 7}));
    server.emit_raw("ExitStarted", EventSubscription::GENERAL, Value::Null);
    match all.next().await.unwrap().unwrap() {
        Event::Unknown(event) => {
            assert_eq!((&*event.event_type, &event.data["phase"]), ("MoonRisen", &json!(0.5)))
        }
        other => panic!("{other:?}"),
    }
    assert!(
        matches!(all.next().await.unwrap().unwrap(), Event::Unknown(event) if &*event.event_type == "SceneCreated")
    );
    assert!(matches!(all.next().await.unwrap().unwrap(), Event::ExitStarted(_)));
    assert_eq!(one.next().await.unwrap().unwrap_err(), Gap::Unreadable("SceneCreated".into()));
}

#[tokio::test(start_paused = true)]
async fn custom_and_vendor_events_carry_anything() {
    let server = Server::new();
    let client = connect(&server).await;
    let mut custom = client.events_of::<CustomEvent>().await.unwrap();
    let mut vendor = client.events_of::<VendorEvent>().await.unwrap();
    server.emit::<CustomEvent>(json!({"a": [1, null]}));
    server.emit::<VendorEvent>(json!({"vendorName": "plugin", "eventType": "x", "eventData": {}}));
    assert_eq!(custom.next().await.unwrap().unwrap().event_data, json!({"a": [1, null]}));
    assert_eq!(vendor.next().await.unwrap().unwrap().vendor_name, "plugin");
}

#[tokio::test(start_paused = true)]
async fn slow_reader_is_told_what_was_dropped_and_holds_up_nobody() {
    let server =
        Server::new().answer::<ws_obs::requests::GetStudioModeEnabled>(json!({"studioModeEnabled": false}));
    let client = obs(&server).event_buffer(10).connect().await.unwrap();
    let mut slow = client.events_of::<CurrentProgramSceneChanged>().await.unwrap();
    let mut quick = client.events_of::<CurrentProgramSceneChanged>().await.unwrap();
    for number in 0..1000 {
        server.emit::<CurrentProgramSceneChanged>(scene(&number.to_string()));
        assert_eq!(quick.next().await.unwrap().unwrap().scene_name, number.to_string());
    }
    client.call(ws_obs::requests::GetStudioModeEnabled::new()).await.unwrap();
    assert_eq!(slow.queued(), 10);
    assert_eq!(slow.next().await.unwrap().unwrap_err(), Gap::Dropped(990));
    for number in 990..1000 {
        assert_eq!(slow.next().await.unwrap().unwrap().scene_name, number.to_string());
    }
    assert!(is_quiet(&mut slow).await);
}

#[tokio::test(start_paused = true)]
async fn buffer_is_bounded_in_bytes_too() {
    let server = Server::new();
    let client = connect(&server).await;
    let mut events = client.events_of::<CustomEvent>().await.unwrap();
    for number in 0..10 {
        server.emit::<CustomEvent>(json!({"number": number, "data": "x".repeat(1_000_000)}));
    }
    server.emit::<CustomEvent>(json!({"number": 10, "data": "x".repeat(5_000_000)}));
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(events.queued(), 1);
    assert_eq!(events.next().await.unwrap().unwrap_err(), Gap::Dropped(10));
    assert_eq!(events.next().await.unwrap().unwrap().event_data["number"], 10);
    for number in 0..10 {
        server.emit::<CustomEvent>(json!({"number": number, "data": "x".repeat(1_000_000)}));
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(events.queued(), 4);
    assert_eq!(events.next().await.unwrap().unwrap_err(), Gap::Dropped(6));
}

/// What is short on the wire may be a hundred times as large in memory.
#[tokio::test(start_paused = true)]
async fn buffer_is_bounded_in_the_memory_that_events_take() {
    let server = Server::new();
    let client = connect(&server).await;
    let mut events = client.events_of::<CustomEvent>().await.unwrap();
    // 14 KB of text, and over 600 bytes for each object.
    let data = json!({"data": vec![json!({"a": 0}); 2000]});
    for _ in 0..10 {
        server.emit::<CustomEvent>(data.clone());
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    // One, where serde_json keeps the order of fields: that takes more.
    let queued = events.queued();
    assert!((1..=3).contains(&queued), "{queued}");
    assert_eq!(events.next().await.unwrap().unwrap_err(), Gap::Dropped(10 - queued as u64));
}

#[tokio::test(start_paused = true)]
async fn flood_does_not_hold_up_requests() {
    let server =
        Server::new().answer::<ws_obs::requests::GetStudioModeEnabled>(json!({"studioModeEnabled": false}));
    let client = connect(&server).await;
    let mut meters = client.events_of::<InputVolumeMeters>().await.unwrap();
    for _ in 0..20_000 {
        server.emit::<InputVolumeMeters>(
            json!({"inputs": [{"inputName": "Mic", "inputLevelsMul": [[0.1, 0.2, 0.3]]}]}),
        );
    }
    client.call(ws_obs::requests::GetStudioModeEnabled::new()).await.unwrap();
    assert_eq!(meters.queued(), 256);
    assert_eq!(meters.next().await.unwrap().unwrap_err(), Gap::Dropped(20_000 - 256));
    assert_eq!(meters.next().await.unwrap().unwrap().inputs[0].input_levels_mul, [[0.1, 0.2, 0.3]]);
}

#[tokio::test(start_paused = true)]
async fn flood_does_not_hold_up_subscriptions() {
    let server = Server::new();
    let client = connect(&server).await;
    let _meters = client.events_of::<InputVolumeMeters>().await.unwrap();
    let flood = async {
        loop {
            server.emit::<InputVolumeMeters>(json!({"inputs": []}));
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        stream = client.events_of::<SceneCreated>() => drop(stream.unwrap()),
        () = flood => {}
    }
}

#[tokio::test(start_paused = true)]
async fn streams_go_on_after_a_reconnection_and_tell_of_it() {
    let server = Server::new();
    let client = connect(&server).await;
    let mut scenes = client.events_of::<CurrentProgramSceneChanged>().await.unwrap();
    server.emit::<CurrentProgramSceneChanged>(scene("before"));
    server.reset();
    reconnected(&client).await;
    server.emit::<CurrentProgramSceneChanged>(scene("after"));
    assert_eq!(scenes.next().await.unwrap().unwrap().scene_name, "before");
    assert_eq!(scenes.next().await.unwrap().unwrap_err(), Gap::Reconnected);
    assert_eq!(scenes.next().await.unwrap().unwrap().scene_name, "after");
}

#[tokio::test(start_paused = true)]
async fn stream_before_the_first_connection_has_no_gap() {
    let server = Server::new();
    server.set_reachable(false);
    let client = obs(&server).start().unwrap();
    let mut scenes = client.events_of::<CurrentProgramSceneChanged>().await.unwrap();
    server.set_reachable(true);
    client.connected().await.unwrap();
    server.emit::<CurrentProgramSceneChanged>(scene("first"));
    assert_eq!(scenes.next().await.unwrap().unwrap().scene_name, "first");
}

#[tokio::test(start_paused = true)]
async fn stream_ends_with_the_client() {
    let client = connect(&Server::new()).await;
    let mut events = client.events(EventSubscription::ALL).await.unwrap();
    client.close().await;
    assert!(events.next().await.is_none());
    assert!(events.next().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn stream_is_a_stream() {
    let server = Server::new();
    let events = connect(&server).await.events_of::<CurrentProgramSceneChanged>().await.unwrap();
    server.emit::<CurrentProgramSceneChanged>(scene("A"));
    server.emit::<CurrentProgramSceneChanged>(scene("B"));
    let names: Vec<_> = events.take(2).map(|event| event.unwrap().scene_name).collect().await;
    assert_eq!(names, ["A", "B"]);
}

#[tokio::test(start_paused = true)]
async fn stream_of_a_client_that_is_over_is_refused() {
    let client: Client = connect(&Server::new()).await;
    client.close().await;
    let error = client.events(EventSubscription::ALL).await.unwrap_err();
    assert_eq!(error.kind(), ws_obs::ErrorKind::ClientClosed);
}
