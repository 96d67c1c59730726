//! The client against a scripted server: in memory, in paused time.

mod batches;
mod closing;
mod deadlines;
mod encodings;
mod events;
mod identify;
mod limits;
mod reconnect;
mod requests;
mod server;
mod wire;

use std::time::Duration;

use ws_obs::{
    Client, Obs, State,
    testing::{MemoryConnector, Server},
    ws_client::reconnect::Backoff,
};

/// A client that connects again soon.
fn obs(server: &Server) -> Obs<MemoryConnector> {
    server.obs().reconnect(Backoff::new().initial(Duration::from_millis(100)).max(Duration::from_secs(1)))
}

async fn connect(server: &Server) -> Client {
    obs(server).connect().await.expect("the server is there")
}

/// Waits until the client stands like that.
async fn wait_for(client: &Client, mut stands: impl FnMut(&State) -> bool) -> State {
    let mut states = client.states();
    while let Some(state) = states.next().await {
        if stands(&state) {
            return state;
        }
    }
    panic!("the client is over: {:?}", client.state());
}

/// Waits until the client has lost its connection and has another one.
async fn reconnected(client: &Client) {
    wait_for(client, |state| !state.is_connected()).await;
    client.connected().await.expect("there is another connection");
}
