use std::time::Duration;

use ws_wasm::{Api, ErrorKind, Instant, Message, Overflow};

use crate::{Outcome, Peer, holds, list, same};

list! {
    writes_wait_for_a_server_that_does_not_read
    write_deadline_leaves_the_connection
    flood_fails_the_connection_or_slows_the_server_down
    what_is_dropped_of_a_flood_is_counted
    slow_page_is_sent_everything
}

async fn writes_wait_for_a_server_that_does_not_read(peer: Peer) -> Outcome {
    let dialer = peer.dialer().high_water_mark(1 << 20);
    let mut socket = dialer.dial(peer.url("/slow/700")).await?;
    let began = Instant::now();
    let mut most = 0;
    // More than all buffers of the system between the two.
    for _ in 0..48 {
        socket.write_message(vec![1; 1 << 20]).await?;
        most = most.max(socket.buffered_amount());
    }
    holds!(most <= 2 << 20);
    holds!(began.elapsed() >= Duration::from_millis(400));
    socket.write_message("end").await?;
    same!(socket.read_message().await?, Some(Message::text((48 << 20).to_string())));
    Ok(())
}

async fn write_deadline_leaves_the_connection(peer: Peer) -> Outcome {
    let dialer = peer.dialer().high_water_mark(0);
    let mut socket = dialer.dial(peer.url("/slow/700")).await?;
    socket.set_write_deadline(Instant::now() + Duration::from_millis(200));
    let mut sent = 0_u32;
    let error = loop {
        match socket.write_message(vec![1; 1 << 20]).await {
            Ok(()) => sent += 1,
            Err(error) => break error,
        }
        holds!(sent < 500);
    };
    holds!(error.is_timeout());
    socket.set_write_deadline(None);
    socket.write_message("end").await?;
    same!(socket.read_message().await?, Some(Message::text((sent << 20).to_string())));
    Ok(())
}

async fn flood_fails_the_connection_or_slows_the_server_down(peer: Peer) -> Outcome {
    let name = peer.name();
    let dialer = peer.dialer().max_queued(1 << 20);
    let mut socket = dialer.dial(peer.url(&format!("/flood/{name}/65536/1000"))).await?;
    ws_wasm::sleep(Duration::from_millis(500)).await;
    holds!(socket.queued() <= 1 << 20);
    let mut read = 0;
    let ended = loop {
        match socket.read_message().await {
            Ok(Some(_)) => read += 1,
            ended => break ended,
        }
    };
    match peer.api {
        Api::Stream => {
            same!(ended?, None);
            same!(read, 1000);
        }
        _ => {
            same!(ended.err().ok_or("all was read")?.kind(), &ErrorKind::OutOfBudget);
            same!(read, 16);
        }
    }
    Ok(())
}

async fn what_is_dropped_of_a_flood_is_counted(peer: Peer) -> Outcome {
    for overflow in [Overflow::DropNewest, Overflow::DropOldest] {
        let name = peer.name();
        let dialer = peer.dialer().max_queued(1 << 20).overflow(overflow);
        let mut socket = dialer.dial(peer.url(&format!("/flood/{name}/65536/200"))).await?;
        // Until the server has closed behind the last one.
        while socket.is_open() && peer.api != Api::Stream {
            ws_wasm::sleep(Duration::from_millis(20)).await;
        }
        let mut read = 0;
        while socket.read_message().await?.is_some() {
            read += 1;
        }
        same!(read + socket.dropped(), 200);
        holds!(peer.api == Api::Stream || socket.dropped() >= 184);
    }
    Ok(())
}

async fn slow_page_is_sent_everything(peer: Peer) -> Outcome {
    let name = peer.name();
    let mut socket = peer.dial(&format!("/flood/{name}/65536/200")).await?;
    let mut read = 0;
    while let Some(message) = socket.read_message().await? {
        same!(message.into_data().len(), 65536);
        read += 1;
        if read % 20 == 0 {
            ws_wasm::sleep(Duration::from_millis(10)).await;
        }
    }
    same!(read, 200);
    Ok(())
}

/// Opens so many sockets, exchanges a message on each, closes every other one, and drops them all.
pub(crate) async fn churn(peer: &Peer, count: usize) -> Outcome {
    let mut sockets = Vec::new();
    while sockets.len() < count {
        // Chromium makes those wait for seconds that dial too many at once.
        let dials = (0..8).map(|_| peer.dial("/echo"));
        sockets.extend(futures_util::future::try_join_all(dials).await?);
    }
    for (number, socket) in sockets.iter_mut().enumerate() {
        socket.write_message(number.to_string()).await?;
        same!(socket.read_message().await?, Some(Message::text(number.to_string())));
        if number % 2 == 0 {
            socket.close(None).await?;
        }
    }
    Ok(())
}

/// Does not read while a server floods; gives what waits after a while.
pub(crate) async fn flooded(peer: &Peer, count: u32) -> Result<f64, Box<dyn std::error::Error>> {
    let name = peer.name();
    let socket =
        peer.dialer().max_queued(4 << 20).dial(peer.url(&format!("/flood/{name}/65536/{count}"))).await?;
    ws_wasm::sleep(Duration::from_secs(1)).await;
    Ok(socket.queued() as f64)
}
