use std::{pin::pin, time::Duration};

use futures_util::{
    FutureExt as _,
    future::{Either, select},
};
use ws_wasm::{Api, ErrorKind, Instant, Message, Overflow};

use crate::{Outcome, Peer, holds, list, same};

list! {
    writes_wait_for_a_server_that_does_not_read
    write_deadline_leaves_the_connection
    flood_fails_the_connection_or_slows_the_server_down
    what_is_dropped_of_a_flood_is_counted
    half_that_cannot_read_is_not_in_the_way
    slow_page_is_sent_everything
}

async fn writes_wait_for_a_server_that_does_not_read(peer: Peer) -> Outcome {
    let name = peer.name();
    let dialer = peer.dialer().high_water_mark(1 << 20);
    let mut socket = dialer.dial(peer.url(&format!("/held/{name}"))).await?;
    let mut sent = 0_u32;
    // Until all buffers of the system between the two are full.
    loop {
        let write = Box::pin(socket.write_message(vec![1; 1 << 20]));
        match select(write, pin!(ws_wasm::sleep(Duration::from_millis(300)))).await {
            Either::Left((written, _)) => written?,
            Either::Right(_) => break,
        }
        sent += 1;
        holds!(sent < 500 && socket.buffered_amount() <= 2 << 20);
    }
    let mut write = Box::pin(socket.write_message(vec![1; 1 << 20]));
    holds!((&mut write).now_or_never().is_none());
    peer.let_go(&name).await?;
    write.await?;
    socket.write_message("end").await?;
    same!(socket.read_message().await?, Some(Message::text(((sent + 1) << 20).to_string())));
    Ok(())
}

async fn write_deadline_leaves_the_connection(peer: Peer) -> Outcome {
    let name = peer.name();
    let dialer = peer.dialer().high_water_mark(0);
    let mut socket = dialer.dial(peer.url(&format!("/held/{name}"))).await?;
    let mut sent = 0_u32;
    let error = loop {
        socket.set_write_deadline(Instant::now() + Duration::from_millis(300));
        match socket.write_message(vec![1; 1 << 20]).await {
            Ok(()) => sent += 1,
            Err(error) => break error,
        }
        holds!(sent < 500);
    };
    holds!(error.is_timeout());
    peer.let_go(&name).await?;
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

async fn half_that_cannot_read_is_not_in_the_way(peer: Peer) -> Outcome {
    let name = peer.name();
    let dialer = peer.dialer().max_queued(1 << 20);
    let socket = dialer.dial(peer.url(&format!("/flood/{name}/65536/1000"))).await?;
    let (read, mut write) = socket.into_split();
    drop(read);
    write.write_message("goes on").await?;
    // The server closes behind its last message.
    while write.closing().received().is_none() {
        ws_wasm::sleep(Duration::from_millis(20)).await;
    }
    same!(write.closing().received().flatten().map(|frame| frame.code.as_u16()), Some(1000));
    same!(peer.report(&name).await?, "1000");
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

/// Loses connections in the middle of writes, since their server reads nothing, and gives others up.
pub(crate) async fn stalled(peer: &Peer, count: usize) -> Outcome {
    let dialer = peer.dialer().high_water_mark(usize::MAX).close_timeout(Duration::from_millis(200));
    let stall = async |number: usize| {
        let mut socket = dialer.dial(peer.url("/stall/500")).await?;
        // More than all buffers of the system between the two.
        for _ in 0..24 {
            socket.write_message(vec![7; 1 << 20]).await?;
        }
        let ended =
            if number % 2 == 0 { socket.read_message().await.map(|_| ()) } else { socket.close(None).await };
        same!(ended.err().ok_or("a normal end")?.kind(), &ErrorKind::ConnectionLost);
        Outcome::Ok(())
    };
    futures_util::future::try_join_all((0..count).map(stall)).await?;
    Ok(())
}

/// Does not read while a server floods, which is dealt with in one of several ways; gives the bytes that waited at the most.
pub(crate) async fn flooded(peer: &Peer, count: u32, way: &str) -> Result<f64, Box<dyn std::error::Error>> {
    let overflow = match way {
        "close" => Overflow::Close,
        "newest" => Overflow::DropNewest,
        _ => return Err("there is no such way".into()),
    };
    let dialer = peer.dialer().max_queued(4 << 20).overflow(overflow);
    let name = peer.name();
    let socket = dialer.dial(peer.url(&format!("/flood/{name}/65536/{count}"))).await?;
    let began = Instant::now();
    let mut most = 0;
    // A server that is slowed down never comes to its end.
    while socket.closing().was_clean().is_none()
        && !(peer.api == Api::Stream && began.elapsed() > Duration::from_secs(1))
    {
        ws_wasm::sleep(Duration::from_millis(20)).await;
        most = most.max(socket.queued());
    }
    Ok(most as f64)
}
