//! JSON and MessagePack.

use ws_obs::{Encoding, State, testing::Server};

use crate::{connect, obs};

fn encoding(state: State) -> Encoding {
    match state {
        State::Connected(server) => server.encoding,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn json_is_spoken_unless_asked_otherwise() {
    assert_eq!(encoding(connect(&Server::new()).await.state()), Encoding::Json);
}

#[cfg(feature = "msgpack")]
mod msgpack {
    use ws_obs::{
        Batch,
        events::InputVolumeMeters,
        requests::{GetInputVolume, GetStudioModeEnabled},
        serde_json::json,
    };

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn message_pack_is_spoken_when_asked_for() {
        let server = Server::new()
            .password("secret")
            .answer::<GetInputVolume>(json!({"inputVolumeMul": 0.5, "inputVolumeDb": -6.0}))
            .answer::<GetStudioModeEnabled>(json!({"studioModeEnabled": true}));
        let obs = obs(&server).password("secret").encoding(Encoding::MsgPack);
        let client = obs.connect().await.unwrap();
        assert_eq!(encoding(client.state()), Encoding::MsgPack);
        let mut meters = client.events_of::<InputVolumeMeters>().await.unwrap();
        let volume = client.call(GetInputVolume::new("Mic")).await.unwrap();
        assert_eq!((volume.input_volume_mul, volume.input_volume_db), (0.5, -6.0));
        let mut batch = Batch::serial().variable("x", 1);
        let mode = batch.push(GetStudioModeEnabled::new());
        assert!(client.batch(&batch).await.unwrap().get(&mode).unwrap().studio_mode_enabled);
        server.emit::<InputVolumeMeters>(
            json!({"inputs": [{"inputName": "ü", "inputLevelsMul": [[0, 1, 0.25]]}]}),
        );
        let inputs = meters.next().await.unwrap().unwrap().inputs;
        assert_eq!(
            (inputs[0].input_name.as_str(), &*inputs[0].input_levels_mul),
            ("ü", &[[0.0, 1.0, 0.25]][..])
        );
    }

    #[tokio::test(start_paused = true)]
    async fn server_without_message_pack_is_spoken_to_in_json() {
        let client = obs(&Server::new().json_only()).encoding(Encoding::MsgPack).connect().await.unwrap();
        assert_eq!(encoding(client.state()), Encoding::Json);
    }

    #[tokio::test(start_paused = true)]
    async fn text_where_message_pack_is_spoken_ends_the_connection() {
        let server = Server::new();
        let client = obs(&server).encoding(Encoding::MsgPack).connect().await.unwrap();
        server.send_text("{}");
        let state = crate::wait_for(&client, |state| matches!(state, State::Waiting { .. })).await;
        assert!(matches!(state, State::Waiting { error, .. } if error.kind() == ws_obs::ErrorKind::Protocol));
    }
}
