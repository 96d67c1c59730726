//! Requests, one or many.

use std::time::Duration;

use futures_util::future::join_all;
use ws_obs::{
    ErrorKind, Id,
    requests::{
        BroadcastCustomEvent, DuplicateSceneItem, GetInputVolume, GetMediaInputStatus, GetSceneItemList,
        GetSceneList, GetVersion, SetCurrentProgramScene, SetSceneItemTransform,
        SetSceneSceneTransitionOverride, StartRecord, StopRecord,
    },
    serde_json::{Value, json},
    testing::{Answer, Server},
    types::{Alignment, BlendMode, MediaState, RequestStatus, SceneItemTransformUpdate, SourceType},
};

use crate::connect;

/// Answers with the number in the request.
fn echo() -> Server {
    Server::new().on_raw("Echo", |received| Answer::data(json!({"number": received.data["number"]})))
}

#[tokio::test(start_paused = true)]
async fn typed_answer_is_read() {
    let server = Server::new().answer::<GetVersion>(json!({
        "obsVersion": "32.0.0", "obsWebSocketVersion": "5.7.3", "rpcVersion": 1,
        "availableRequests": ["GetVersion"], "supportedImageFormats": ["png"],
        "platform": "linux", "platformDescription": "Linux", "fieldOfTomorrow": {},
    }));
    let version = connect(&server).await.call(GetVersion::new()).await.unwrap();
    assert_eq!(version.available_requests, ["GetVersion"]);
    assert_eq!(version.platform, "linux");
}

#[tokio::test(start_paused = true)]
async fn name_and_uuid_are_told_apart_on_the_wire() {
    let server = Server::new().on::<SetCurrentProgramScene>(|_request| Answer::ok());
    let client = connect(&server).await;
    client.call(SetCurrentProgramScene::new("Live")).await.unwrap();
    client.call(SetCurrentProgramScene::new(Id::uuid("7c2a"))).await.unwrap();
    let data: Vec<_> = server.received().into_iter().map(|received| received.data).collect();
    assert_eq!(data, [json!({"sceneName": "Live"}), json!({"sceneUuid": "7c2a"})]);
}

#[tokio::test(start_paused = true)]
async fn what_is_not_set_is_not_sent() {
    let server = Server::new()
        .on::<DuplicateSceneItem>(|_request| Answer::data(json!({"sceneItemId": 9})))
        .on::<SetSceneSceneTransitionOverride>(|_request| Answer::ok());
    let client = connect(&server).await;
    let item = client.call(DuplicateSceneItem::new("A", 3)).await.unwrap();
    assert_eq!(item.scene_item_id, 9);
    client.call(DuplicateSceneItem::new("A", 3).destination_scene("B")).await.unwrap();
    client.call(SetSceneSceneTransitionOverride::new("A").transition_name(Some("Cut"))).await.unwrap();
    client.call(SetSceneSceneTransitionOverride::new("A").transition_name(None)).await.unwrap();
    let data: Vec<_> = server.received().into_iter().map(|received| received.data).collect();
    assert_eq!(
        data,
        [
            json!({"sceneName": "A", "sceneItemId": 3}),
            json!({"sceneName": "A", "sceneItemId": 3, "destinationSceneName": "B"}),
            json!({"sceneName": "A", "transitionName": "Cut"}),
            json!({"sceneName": "A", "transitionName": null}),
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn request_without_an_answer_takes_what_comes_with_it() {
    let server = Server::new().answer::<StartRecord>(json!({"newInAVersionToCome": 1}));
    connect(&server).await.call(StartRecord::new()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn answer_of_an_older_server_is_read() {
    let server = Server::new()
        .answer::<GetSceneList>(
            json!({"currentProgramSceneName": "A", "currentPreviewSceneName": null, "scenes": []}),
        )
        .answer::<StopRecord>(json!({}));
    let client = connect(&server).await;
    let scenes = client.call(GetSceneList::new()).await.unwrap();
    assert_eq!(scenes.current_program_scene_name.as_deref(), Some("A"));
    assert_eq!(scenes.current_program_scene_uuid, None);
    assert_eq!(client.call(StopRecord::new()).await.unwrap().output_path, None);
}

#[tokio::test(start_paused = true)]
async fn values_that_are_not_known_are_kept() {
    let server = Server::new().answer::<GetSceneItemList>(json!({"sceneItems": [{
        "sceneItemId": 1, "sceneItemIndex": 0, "sceneItemEnabled": true, "sceneItemLocked": false,
        "sceneItemBlendMode": "OBS_BLEND_BURN", "sourceName": "Camera", "sourceUuid": "u",
        "sourceType": "OBS_SOURCE_TYPE_INPUT", "inputKind": "v4l2_input", "isGroup": null,
        "sceneItemTransform": {
            "sourceWidth": 1920.0, "sourceHeight": 1080.0, "positionX": 0.0, "positionY": -1.5, "rotation": 0.0,
            "scaleX": 1.0, "scaleY": 1.0, "width": 1920.0, "height": 1080.0, "alignment": 5,
            "boundsType": "OBS_BOUNDS_NONE", "boundsAlignment": 0, "boundsWidth": 0.0, "boundsHeight": 0.0,
            "cropLeft": 0, "cropRight": 0, "cropTop": 0, "cropBottom": 0
        }
    }]}));
    let items = connect(&server).await.call(GetSceneItemList::new("A")).await.unwrap().scene_items;
    assert_eq!(items[0].scene_item_blend_mode, BlendMode::Other("OBS_BLEND_BURN".into()));
    assert_eq!(items[0].source_type, SourceType::Input);
    assert_eq!(serde_json::to_value(&items[0].scene_item_blend_mode).unwrap(), "OBS_BLEND_BURN");
}

#[tokio::test(start_paused = true)]
async fn media_without_a_length_has_a_status() {
    let server = Server::new().answer::<GetMediaInputStatus>(json!({
        "mediaState": "OBS_MEDIA_STATE_PLAYING", "mediaDuration": -9_223_372_036_854_775_i64, "mediaCursor": -1,
    }));
    let status = connect(&server).await.call(GetMediaInputStatus::new("Camera")).await.unwrap();
    assert_eq!((status.media_state, status.media_cursor), (MediaState::Playing, Some(-1)));
    assert!(status.media_duration.unwrap() < 0);
}

#[tokio::test(start_paused = true)]
async fn alignment_is_bits() {
    let server = Server::new().on::<SetSceneItemTransform>(|_request| Answer::ok());
    let update = SceneItemTransformUpdate::new().alignment(Alignment::LEFT | Alignment::TOP);
    connect(&server).await.call(SetSceneItemTransform::new("A", 1, update)).await.unwrap();
    assert_eq!(server.received()[0].data["sceneItemTransform"], json!({"alignment": 5}));
    // libobs may get more of them.
    let bits: Alignment = serde_json::from_value(json!(0b10_1010)).unwrap();
    assert_eq!(serde_json::to_value(bits).unwrap(), 0b10_1010);
}

#[tokio::test(start_paused = true)]
async fn failure_has_its_status_and_the_comment() {
    let server = Server::new().on::<GetInputVolume>(|_request| {
        Answer::fail(RequestStatus::RESOURCE_NOT_FOUND, "no input of that name")
    });
    let error = connect(&server).await.call(GetInputVolume::new("Mic")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Request(RequestStatus::RESOURCE_NOT_FOUND));
    assert_eq!(error.status(), Some(RequestStatus::RESOURCE_NOT_FOUND));
    assert_eq!(error.comment(), Some("no input of that name"));
    assert_eq!(error.request_type(), Some("GetInputVolume"));
    assert!(!error.is_connection());
}

#[tokio::test(start_paused = true)]
async fn status_that_is_not_known_is_kept() {
    let server = Server::new().on_raw("Moon", |_received| Answer::fail(RequestStatus::new(799), ""));
    let error = connect(&server).await.call_raw("Moon", Value::Null).await.unwrap_err();
    assert_eq!(error.status().map(RequestStatus::code), Some(799));
    assert_eq!(error.comment(), None);
}

#[tokio::test(start_paused = true)]
async fn answer_that_is_not_as_its_type_says_is_told() {
    let server =
        Server::new().on_raw("GetInputVolume", |_received| Answer::data(json!({"inputVolumeMul": "loud"})));
    let error = connect(&server).await.call(GetInputVolume::new("Mic")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidResponse);
    assert!(std::error::Error::source(&error).is_some());
}

#[tokio::test(start_paused = true)]
async fn raw_request_takes_an_object_or_nothing() {
    let client = connect(&echo()).await;
    assert_eq!(client.call_raw("Echo", json!({"number": 7})).await.unwrap(), json!({"number": 7}));
    for data in [json!(7), json!([7]), json!("7")] {
        let error = client.call_raw("Echo", data).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidRequest);
    }
    let error = client.call_raw("Nothing", Value::Null).await.unwrap_err();
    assert_eq!(error.status(), Some(RequestStatus::UNKNOWN_REQUEST_TYPE));
}

#[tokio::test(start_paused = true)]
async fn vendors_are_spoken_with() {
    let server = Server::new().on_raw("CallVendorRequest", |received| {
        let data = received.data["requestData"].clone();
        let (vendor, name) = (received.data["vendorName"].clone(), received.data["requestType"].clone());
        Answer::data(json!({"vendorName": vendor, "requestType": name, "responseData": {"got": data}}))
    });
    let client = connect(&server).await;
    let answer: Value = client.call_vendor("plugin", "do", json!({"x": 1})).await.unwrap();
    assert_eq!(answer, json!({"got": {"x": 1}}));
    let answer: Value = client.call_vendor("plugin", "do", ()).await.unwrap();
    assert_eq!(answer, json!({"got": null}));
    assert_eq!(server.received()[1].data, json!({"vendorName": "plugin", "requestType": "do"}));
}

#[tokio::test(start_paused = true)]
async fn custom_event_is_broadcast() {
    let server = Server::new().on::<BroadcastCustomEvent>(|request| {
        assert_eq!(request.event_data, json!({"hello": "all"}));
        Answer::ok()
    });
    connect(&server).await.call(BroadcastCustomEvent::new(json!({"hello": "all"}))).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn answers_in_another_order_find_their_requests() {
    let server = echo().reorder(50);
    let client = connect(&server).await;
    let calls = (0..100).map(|number| {
        let client = &client;
        async move { client.call_raw("Echo", json!({"number": number})).await.unwrap()["number"] == number }
    });
    assert!(join_all(calls).await.into_iter().all(|is_its_own| is_its_own));
}

#[tokio::test(start_paused = true)]
async fn slow_request_does_not_hold_up_others() {
    let server = echo().on_raw("Slow", |_received| Answer::ok().after(Duration::from_secs(5)));
    let client = connect(&server).await;
    let slow = client.call_raw("Slow", Value::Null);
    let quick = async {
        let began = tokio::time::Instant::now();
        client.call_raw("Echo", json!({"number": 1})).await.unwrap();
        assert!(began.elapsed() < Duration::from_secs(1));
    };
    let (slow, ()) = tokio::join!(slow, quick);
    slow.unwrap();
}

#[tokio::test(start_paused = true)]
async fn requests_over_the_limit_wait_for_their_turn() {
    let server = echo().on_raw("Slow", |_received| Answer::ok().after(Duration::from_secs(1)));
    let client = crate::obs(&server).max_in_flight(2).connect().await.unwrap();
    let began = tokio::time::Instant::now();
    let calls = (0..6).map(|_| client.call_raw("Slow", Value::Null));
    assert!(join_all(calls).await.iter().all(Result::is_ok));
    assert_eq!(began.elapsed().as_secs(), 3);
}

#[tokio::test(start_paused = true)]
async fn answers_that_nobody_waits_for_do_no_harm() {
    let client = connect(&echo()).await;
    let server = echo();
    let other = connect(&server).await;
    for id in ["\"99\"", "\"none\"", "7", "null", "{}"] {
        server.send_text(format!(
            r#"{{"op":7,"d":{{"requestType":"Echo","requestId":{id},"requestStatus":{{"result":true,"code":100}}}}}}"#
        ));
    }
    server.send_text(r#"{"op":77,"d":{}}"#);
    server.send_text(r#"{"op":7000,"d":null}"#);
    other.call_raw("Echo", json!({"number": 1})).await.unwrap();
    client.call_raw("Echo", json!({"number": 1})).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn dropped_calls_are_forgotten() {
    let server = echo().on_raw("Silent", |_received| Answer::nothing());
    let client = connect(&server).await;
    for _ in 0..10 {
        let call = client.call_raw("Silent", Value::Null);
        tokio::time::timeout(Duration::from_secs(1), call).await.unwrap_err();
    }
    assert!(format!("{client:?}").contains("pending: 0"), "{client:?}");
}
