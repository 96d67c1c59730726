//! Sends each event `m` to all in a room, over WebSocket alone. Prints its address, and ends with its standard input.

use std::{io::Read as _, time::Duration};

use axum::{Router, serve::ListenerExt as _};
use socketioxide::{
    SocketIo, TransportType,
    extract::{Data, SocketRef},
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    std::thread::spawn(|| {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
    // Those that load it answer no pings.
    let settings = SocketIo::builder().transports([TransportType::Websocket]).ping_interval(Duration::from_secs(3600));
    let (layer, io) = settings.build_layer();
    io.ns("/", async |socket: SocketRef| {
        socket.join("all");
        socket.on("m", async |socket: SocketRef, Data::<String>(data)| {
            let _ = socket.within("all").emit("m", &data).await;
        });
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!("listening on {}", listener.local_addr()?);
    let listener = listener.tap_io(|stream| {
        let _ = stream.set_nodelay(true);
    });
    axum::serve(listener, Router::new().layer(layer)).await
}
