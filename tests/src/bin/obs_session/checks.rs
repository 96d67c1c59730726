//! What is asked of an OBS that runs.

use std::{env, time::Duration};

use serde_json::{Value, json};
use tokio::time::timeout;
use ws_obs::{
    Batch, Client, Encoding, ErrorKind, EventData, Events, Request, State,
    events::{
        self, CurrentProgramSceneChanged, CustomEvent, Event, InputVolumeMeters, RecordStateChanged,
        SceneCreated,
    },
    requests::*,
    types::{EventSubscription, OutputState, RequestStatus, SceneItemTransformUpdate},
};

use crate::{Fault, Place, Tally, ensure};

/// An input that is there on every system.
const COLOUR: &str = "color_source_v3";

pub(crate) async fn run(place: &Place, encoding: Encoding, tally: &mut Tally) {
    let client = match place.obs(encoding).connect().await {
        Ok(client) => client,
        Err(error) => return tally.note(&format!("connecting with {encoding:?}"), Err(error.into())),
    };
    macro_rules! check {
        ($($name:literal $function:ident,)+) => {
            $(
                let result = timeout(Duration::from_secs(40), $function(&client, encoding)).await;
                let result = result.unwrap_or_else(|_| Err("it takes too long".into()));
                tally.note(&format!("{}, {encoding:?}", $name), result);
            )+
        };
    }
    check! {
        "what was agreed on" agreed,
        "versions, and requests that the server has" versions,
        "every request that only reads" reads,
        "scenes, inputs and items" scenes,
        "failures have their statuses" failures,
        "many requests at once" many,
        "serial batch with variables" variables,
        "batches of the other kinds" other_batches,
        "subscriptions follow the streams" subscriptions,
        "custom events" custom_events,
        "volume meters" meters,
        "a screenshot" screenshot,
        "a recording" recording,
    }
    client.close().await;
}

async fn agreed(client: &Client, encoding: Encoding) -> Result<(), Fault> {
    client.connected().await?;
    match client.state() {
        State::Connected(server) => {
            ensure(server.encoding == encoding && server.rpc_version == 1, format!("{server:?}"))
        }
        other => Err(format!("{other:?}").into()),
    }
}

async fn versions(client: &Client, _: Encoding) -> Result<(), Fault> {
    let version = client.call(GetVersion::new()).await?;
    ensure(version.obs_web_socket_version.starts_with("5."), &version.obs_web_socket_version)?;
    // Those for private settings are in no version of the protocol's list.
    // Those for private settings are in no version of the protocol's list.
    let is_known = |name: &&String| TYPES.contains(&name.as_str()) || name.contains("PrivateSettings");
    let unknown: Vec<_> = version.available_requests.iter().filter(|name| !is_known(name)).collect();
    ensure(
        unknown.is_empty() && version.available_requests.len() > 130,
        format!("without types: {unknown:?}"),
    )
}

/// The answer is read as its type says, or the server says why there is none.
async fn read<R: Request>(client: &Client, request: R, faults: &mut Vec<String>, read: &mut u32) {
    match client.call(request).await {
        Ok(_) => *read += 1,
        Err(error) if error.status().is_some_and(|status| status != RequestStatus::MISSING_REQUEST_FIELD) => {
        }
        Err(error) => faults.push(format!("{error}: {:?}", std::error::Error::source(&error))),
    }
}

async fn reads(client: &Client, _: Encoding) -> Result<(), Fault> {
    let (mut faults, mut count) = (Vec::new(), 0);
    macro_rules! read {
        ($($request:expr,)+) => { $(read(client, $request, &mut faults, &mut count).await;)+ };
    }
    let scene = client.call(GetCurrentProgramScene::new()).await?.current_program_scene_name;
    let input = "Colour of reading";
    let made = client
        .call(CreateInput::new(&scene, input, COLOUR).input_settings(json!({"width": 64, "height": 64})));
    let item = made.await?.scene_item_id;
    client.call(CreateSourceFilter::new(input, "Crop", "crop_filter")).await?;
    read! {
        GetCanvasList::new(),
        GetPersistentData::new(ws_obs::types::Realm::Global, "none"),
        GetSceneCollectionList::new(),
        GetProfileList::new(),
        GetProfileParameter::new("Output", "Mode"),
        GetVideoSettings::new(),
        GetStreamServiceSettings::new(),
        GetRecordDirectory::new(),
        GetSourceFilterKindList::new(),
        GetSourceFilterList::new(input),
        GetSourceFilterDefaultSettings::new("crop_filter"),
        GetSourceFilter::new(input, "Crop"),
        GetStats::new(),
        GetHotkeyList::new(),
        GetInputList::new(),
        GetInputKindList::new(),
        GetSpecialInputs::new(),
        GetInputDefaultSettings::new(COLOUR),
        GetInputSettings::new(input),
        GetInputMute::new("Mic/Aux"),
        GetInputVolume::new("Mic/Aux"),
        GetInputAudioBalance::new("Mic/Aux"),
        GetInputAudioSyncOffset::new("Mic/Aux"),
        GetInputAudioMonitorType::new("Mic/Aux"),
        GetInputAudioTracks::new("Mic/Aux"),
        GetInputDeinterlaceMode::new(input),
        GetInputDeinterlaceFieldOrder::new(input),
        GetInputPropertiesListPropertyItems::new("Mic/Aux", "device_id"),
        GetMediaInputStatus::new(input),
        GetVirtualCamStatus::new(),
        GetReplayBufferStatus::new(),
        GetLastReplayBufferReplay::new(),
        GetOutputList::new(),
        GetOutputStatus::new("adv_file_output"),
        GetOutputSettings::new("adv_file_output"),
        GetRecordStatus::new(),
        GetSceneItemList::new(&scene),
        GetGroupSceneItemList::new("none"),
        GetSceneItemId::new(&scene, input),
        GetSceneItemSource::new(&scene, item),
        GetSceneItemTransform::new(&scene, item),
        GetSceneItemEnabled::new(&scene, item),
        GetSceneItemLocked::new(&scene, item),
        GetSceneItemIndex::new(&scene, item),
        GetSceneItemBlendMode::new(&scene, item),
        GetSceneList::new(),
        GetGroupList::new(),
        GetCurrentProgramScene::new(),
        GetCurrentPreviewScene::new(),
        GetSceneSceneTransitionOverride::new(&scene),
        GetSourceActive::new(input),
        GetStreamStatus::new(),
        GetTransitionKindList::new(),
        GetSceneTransitionList::new(),
        GetCurrentSceneTransition::new(),
        GetCurrentSceneTransitionCursor::new(),
        GetStudioModeEnabled::new(),
        GetMonitorList::new(),
    }
    client.call(RemoveInput::new(input)).await?;
    // Old servers do not know some, and there is no preview, no group and no replay here.
    ensure(faults.is_empty() && count > 35, format!("{count} were read; {}", faults.join("; ")))
}

async fn scenes(client: &Client, _: Encoding) -> Result<(), Fault> {
    let mut made = client.events_of::<SceneCreated>().await?;
    let mut program = client.events_of::<CurrentProgramSceneChanged>().await?;
    let before = client.call(GetCurrentProgramScene::new()).await?.current_program_scene_name;
    client.call(CreateScene::new("Grüße 🦀")).await?;
    ensure(next(&mut made).await?.scene_name == "Grüße 🦀", "another scene was made")?;
    let input = CreateInput::new("Grüße 🦀", "Colour", COLOUR).scene_item_enabled(false);
    let item = client.call(input).await?.scene_item_id;
    client.call(SetSceneItemEnabled::new("Grüße 🦀", item, true)).await?;
    let place = SceneItemTransformUpdate::new().position_x(12.5).rotation(90.0).crop_left(3);
    client.call(SetSceneItemTransform::new("Grüße 🦀", item, place)).await?;
    let list = client.call(GetSceneItemList::new("Grüße 🦀")).await?.scene_items;
    let found = &list[0];
    let is_there = found.scene_item_enabled
        && (found.scene_item_transform.position_x, found.scene_item_transform.rotation) == (12.5, 90.0)
        && found.scene_item_transform.crop_left == 3;
    ensure(list.len() == 1 && is_there, format!("{list:?}"))?;
    client.call(SetCurrentProgramScene::new("Grüße 🦀")).await?;
    ensure(next(&mut program).await?.scene_name == "Grüße 🦀", "another scene is on air")?;
    client.call(SetCurrentProgramScene::new(&before)).await?;
    client.call(RemoveInput::new("Colour")).await?;
    client.call(RemoveScene::new("Grüße 🦀")).await?;
    // OBS takes its time after the answer.
    for _ in 0..50 {
        let list = client.call(GetSceneList::new()).await?.scenes;
        if list.iter().all(|scene| scene.scene_name != "Grüße 🦀") {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Err("the scene is still there".into())
}

async fn failures(client: &Client, _: Encoding) -> Result<(), Fault> {
    let mut expected = Vec::new();
    let mut expect = |result: Result<Value, ws_obs::Error>, status: RequestStatus| {
        let found = result.as_ref().err().and_then(ws_obs::Error::status);
        if found != Some(status) {
            expected.push(format!("{status} and not {result:?}"));
        }
    };
    let none = || Value::Null;
    expect(client.call_raw("GetMoon", none()).await, RequestStatus::UNKNOWN_REQUEST_TYPE);
    expect(client.call_raw("GetInputMute", none()).await, RequestStatus::MISSING_REQUEST_DATA);
    expect(
        client.call_raw("SetCurrentProgramScene", json!({"sceneName": 7})).await,
        RequestStatus::INVALID_REQUEST_FIELD_TYPE,
    );
    expect(
        client.call_raw("SetCurrentProgramScene", json!({"sceneName": "none"})).await,
        RequestStatus::RESOURCE_NOT_FOUND,
    );
    expect(client.call_raw("StopRecord", none()).await, RequestStatus::OUTPUT_NOT_RUNNING);
    expect(client.call_raw("GetCurrentPreviewScene", none()).await, RequestStatus::STUDIO_MODE_NOT_ACTIVE);
    ensure(expected.is_empty(), expected.join("; "))
}

async fn many(client: &Client, _: Encoding) -> Result<(), Fault> {
    let realm = ws_obs::types::Realm::Global;
    for number in 0..20 {
        client.call(SetPersistentData::new(realm.clone(), format!("slot {number}"), number)).await?;
    }
    // An answer that went astray would hold another number.
    let calls = (0..300).map(|number| {
        let (client, number) = (client.clone(), number % 20);
        let request = GetPersistentData::new(realm.clone(), format!("slot {number}"));
        tokio::spawn(async move { client.call(request).await.map(|answer| answer.slot_value == number) })
    });
    for call in calls.collect::<Vec<_>>() {
        ensure(call.await??, "an answer went astray")?;
    }
    Ok(())
}

async fn variables(client: &Client, _: Encoding) -> Result<(), Fault> {
    client.call(CreateScene::new("Batch")).await?;
    let mut batch = Batch::serial().halt_on_failure().variable("kind", COLOUR);
    let made = batch
        .entry(CreateInput::new("Batch", "Of the batch", "other"))
        .input("inputKind", "kind")
        .output("sceneItemId", "item")
        .push();
    batch.push(Sleep::new().sleep_millis(50));
    batch.entry(SetSceneItemEnabled::new("Batch", 0, false)).input("sceneItemId", "item").push();
    let shown = batch.entry(GetSceneItemEnabled::new("Batch", 0)).input("sceneItemId", "item").push();
    let fails = batch.push(RemoveScene::new("none"));
    let left_out = batch.push(GetVersion::new());
    let results = client.batch(&batch).await?;
    let removed = async {
        client.call(RemoveInput::new("Of the batch")).await?;
        client.call(RemoveScene::new("Batch")).await
    };
    ensure(results.get(&made)?.scene_item_id > 0, "there is no item")?;
    ensure(!results.get(&shown)?.scene_item_enabled, "the item is shown")?;
    let status = results.get(&fails).err().and_then(|error| error.status());
    ensure(status == Some(RequestStatus::RESOURCE_NOT_FOUND), format!("{status:?}"))?;
    let kind = results.get(&left_out).err().map(|error| error.kind());
    ensure(kind == Some(ErrorKind::NotExecuted), format!("{kind:?}"))?;
    Ok(removed.await?)
}

async fn other_batches(client: &Client, _: Encoding) -> Result<(), Fault> {
    for mut batch in [Batch::serial_frame(), Batch::parallel()] {
        let frames = !format!("{batch:?}").contains("PARALLEL");
        let version = batch.push(GetVersion::new());
        if frames {
            batch.push(Sleep::new().sleep_frames(3));
        }
        let studio = batch.push(GetStudioModeEnabled::new());
        let none = batch.push(GetSourceActive::new("none"));
        let results = client.batch(&batch).await?;
        ensure(results.get(&version)?.rpc_version == 1, "another version")?;
        ensure(!results.get(&studio)?.studio_mode_enabled, "studio mode is on")?;
        let status = results.get(&none).err().and_then(|error| error.status());
        ensure(status == Some(RequestStatus::RESOURCE_NOT_FOUND), format!("{status:?}"))?;
    }
    let mut batch = Batch::parallel();
    for _ in 0..5 {
        batch.push(GetStats::new());
    }
    let results = client.batch_unordered(&batch).await?;
    ensure(
        results.len() == 5 && results.iter().all(|each| each.status == RequestStatus::SUCCESS),
        format!("{results:?}"),
    )
}

async fn subscriptions(client: &Client, _: Encoding) -> Result<(), Fault> {
    let mut inputs = client.events(EventSubscription::INPUTS).await?;
    let mut all = client.events(EventSubscription::ALL).await?;
    let input = CreateInput::new(
        client.call(GetCurrentProgramScene::new()).await?.current_program_scene_name,
        "Subscribed",
        COLOUR,
    );
    client.call(input).await?;
    find(
        &mut inputs,
        |event| matches!(event, Event::InputCreated(input) if input.input_name == "Subscribed"),
    )
    .await?;
    find(
        &mut all,
        |event| matches!(event, Event::SceneItemCreated(item) if item.source_name == "Subscribed"),
    )
    .await?;
    drop(all);
    client.call(SetInputName::new("Subscribed", "Renamed")).await?;
    find(
        &mut inputs,
        |event| matches!(event, Event::InputNameChanged(input) if input.input_name == "Renamed"),
    )
    .await?;
    client.call(RemoveInput::new("Renamed")).await?;
    find(&mut inputs, |event| matches!(event, Event::InputRemoved(_))).await
}

/// Waits for such an event. None before it may be one without a type.
async fn find(events: &mut Events<Event>, mut is_it: impl FnMut(&Event) -> bool) -> Result<(), Fault> {
    loop {
        let event = next(events).await?;
        if let Event::Unknown(event) = &event {
            // Old servers tell of things that were renamed since; whatever is in the list has to be read.
            ensure(!events::TYPES.contains(&&*event.event_type), format!("{event:?}"))?;
        }
        if is_it(&event) {
            return Ok(());
        }
    }
}

async fn next<E>(events: &mut Events<E>) -> Result<E, Fault> {
    match timeout(Duration::from_secs(10), events.next()).await? {
        Some(event) => Ok(event?),
        None => Err("the stream has ended".into()),
    }
}

async fn custom_events(client: &Client, _: Encoding) -> Result<(), Fault> {
    let mut events = client.events_of::<CustomEvent>().await?;
    client.call(BroadcastCustomEvent::new(json!({"a": [1, 2.5, null, "ü"]}))).await?;
    let event = next(&mut events).await?;
    ensure(event.event_data == json!({"a": [1, 2.5, null, "ü"]}), format!("{event:?}"))?;
    ensure(CustomEvent::SUBSCRIPTION == EventSubscription::GENERAL, "another subscription")
}

async fn meters(client: &Client, _: Encoding) -> Result<(), Fault> {
    let mut events = client.events_of::<InputVolumeMeters>().await?;
    for _ in 0..5 {
        next(&mut events).await?;
    }
    Ok(())
}

async fn screenshot(client: &Client, _: Encoding) -> Result<(), Fault> {
    let scene = client.call(GetCurrentProgramScene::new()).await?.current_program_scene_name;
    let picture = GetSourceScreenshot::new(scene, "png").image_width(640).image_height(360);
    let data = client.call(picture).await?.image_data;
    ensure(data.starts_with("data:image/png;base64,iVBOR"), &data[..data.len().min(60)])
}

async fn recording(client: &Client, _: Encoding) -> Result<(), Fault> {
    let mut states = client.events_of::<RecordStateChanged>().await?;
    let directory = env::var("OBS_DIRECTORY")?;
    client.call(SetProfileParameter::new("SimpleOutput", "FilePath", directory)).await?;
    if let Err(error) = client.call(StartRecord::new()).await {
        return Err(error.into());
    }
    let mut seen = Vec::new();
    while seen.last() != Some(&OutputState::Started) {
        seen.push(next(&mut states).await?.output_state);
        ensure(seen.len() < 5, format!("{seen:?}"))?;
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    ensure(client.call(GetRecordStatus::new()).await?.output_active, "it does not record")?;
    client.call(StopRecord::new()).await?;
    while seen.last() != Some(&OutputState::Stopped) {
        seen.push(next(&mut states).await?.output_state);
        ensure(seen.len() < 8, format!("{seen:?}"))?;
    }
    Ok(())
}

pub(crate) async fn wrong_password(place: &Place) -> Result<(), Fault> {
    let error = place.obs(Encoding::Json).password("wrong").connect().await.err().map(|error| error.kind());
    ensure(error == Some(ErrorKind::AuthenticationFailed), format!("{error:?}"))
}

pub(crate) async fn no_password(place: &Place) -> Result<(), Fault> {
    let error = ws_obs::Obs::new(&place.url).connect().await.err().map(|error| error.kind());
    ensure(error == Some(ErrorKind::PasswordRequired), format!("{error:?}"))
}
