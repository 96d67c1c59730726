//! Pings from a ticker beside the messages. Asked for its pongs, the server answers once five of them have arrived, and
//! pings no more: coder's client cannot answer a ping once it has sent its close frame.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::sync::oneshot;
use ws_client::{Conn, Transport};
use ws_core::{Control, Message};
use ws_tower::Upgraded;

use crate::{Result, expect, goodbye, say};

const ECHOES: usize = 100;
const PINGS: usize = 50;

pub(crate) async fn serve(mut conn: Conn<Upgraded>) -> Result {
    let (five, mut enough) = oneshot::channel();
    let mut ticker = tokio::spawn(tick(conn.control(), five));
    let mut asked = None;
    loop {
        let message = tokio::select! {
            message = conn.read_message() => message?,
            _ = &mut enough, if asked.is_some() => {
                ticker.abort();
                let _ = (&mut ticker).await;
                conn.write_message(asked.take().unwrap_or_default()).await?;
                continue;
            }
        };
        match message {
            Some(Message::Text(text)) if text == "pongs?" => asked = Some(text),
            Some(message) => conn.write_message(message).await?,
            None => return Ok(()),
        }
    }
}

/// Pings until the connection has ended; says when the fifth was answered.
async fn tick(control: Control, five: oneshot::Sender<()>) {
    let mut ticker = tokio::time::interval(Duration::from_millis(2));
    let mut five = Some(five);
    for pongs in 1.. {
        ticker.tick().await;
        if control.ping().await.is_err() {
            return;
        }
        if pongs == 5 {
            let _ = five.take().map(|five| five.send(()));
        }
    }
}

pub(crate) async fn dial(mut conn: Conn<Transport>) -> Result {
    let pongs = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&pongs);
    conn.set_pong_handler(move |payload| {
        // One that comes out of order is not counted, nor any behind it.
        let next = counter.load(Ordering::Relaxed);
        if *payload == next.to_string() {
            counter.store(next + 1, Ordering::Relaxed);
        }
    });
    let control = conn.control();
    let (mut read, mut write) = conn.into_split();
    let ping = async {
        for number in 0..PINGS {
            control.send_ping(number.to_string())?;
            tokio::task::yield_now().await;
        }
        Ok(())
    };
    let send = async {
        for number in 0..ECHOES {
            write.write_message(format!("message {number}")).await?;
        }
        Ok(())
    };
    let receive = async {
        for number in 0..ECHOES {
            expect(read.read_message().await?, &format!("message {number}"))?;
        }
        Result::Ok(())
    };
    tokio::try_join!(ping, send, receive)?;
    say("echoes", ECHOES);
    let mut conn = read.reunite(write)?;
    conn.write_message("pongs?").await?;
    expect(conn.read_message().await?, "pongs?")?;
    // Pongs travel in order, and this answer was asked for behind the last ping.
    say("pongs", pongs.load(Ordering::Relaxed));
    goodbye(conn).await
}
