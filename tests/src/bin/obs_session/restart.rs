//! OBS that ends without a word, and comes back.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use tokio::time::timeout;
use ws_obs::{
    Encoding, ErrorKind, Gap, State,
    events::SceneCreated,
    requests::{CreateScene, GetSceneList, GetVersion, RemoveScene},
};

use crate::{Fault, Place, ensure};

pub(crate) async fn come_back(place: &Place) -> Result<(), Fault> {
    let count = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&count);
    let client = place
        .obs(Encoding::Json)
        .on_connect(move |client| {
            counted.fetch_add(1, Ordering::Relaxed);
            async move {
                // Waits until OBS has loaded its scenes.
                client.call(GetSceneList::new()).await?;
                Ok(())
            }
        })
        .connect()
        .await?;
    let mut scenes = client.events_of::<SceneCreated>().await?;
    println!("end");
    tokio::task::spawn_blocking(|| io::stdin().read_line(&mut String::new())).await??;
    let mut states = client.states();
    let gone = async {
        while let Some(state) = states.next().await {
            if matches!(state, State::Waiting { .. }) {
                return Ok(());
            }
        }
        Err(Fault::from("the client is over"))
    };
    timeout(Duration::from_secs(10), gone).await??;
    let error = client.call(GetVersion::new()).await.err().map(|error| error.kind());
    ensure(error == Some(ErrorKind::NotConnected), format!("{error:?}"))?;
    println!("start");
    timeout(Duration::from_secs(60), client.connected()).await??;
    ensure(count.load(Ordering::Relaxed) == 2, "the connection was not set up again")?;
    let gap = timeout(Duration::from_secs(5), scenes.next()).await?;
    ensure(matches!(gap, Some(Err(Gap::Reconnected))), format!("{gap:?}"))?;
    client.call(CreateScene::new("After")).await?;
    let scene = timeout(Duration::from_secs(5), scenes.next()).await?;
    ensure(matches!(&scene, Some(Ok(scene)) if scene.scene_name == "After"), format!("{scene:?}"))?;
    client.call(RemoveScene::new("After")).await?;
    client.close().await;
    Ok(())
}
