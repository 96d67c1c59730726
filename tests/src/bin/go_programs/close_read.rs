//! A server that only sends and expects nothing: a message to it ends the connection with 1008.

use ws_client::{Conn, Transport};
use ws_tower::Upgraded;

use crate::{Result, expect, farewell, say};

const TICKS: usize = 20;

pub(crate) async fn serve(conn: Conn<Upgraded>) -> Result {
    let (read, mut write) = conn.into_split();
    let send = async {
        for number in 0..TICKS {
            write.write_message(format!("tick {number}")).await?;
        }
        Ok(())
    };
    tokio::try_join!(read.close_read(), send).map(drop)?;
    Ok(())
}

pub(crate) async fn dial(mut conn: Conn<Transport>) -> Result {
    for number in 0..TICKS {
        expect(conn.read_message().await?, &format!("tick {number}"))?;
    }
    say("ticks", TICKS);
    let control = conn.control();
    tokio::select! {
        round_trip = control.ping() => round_trip?,
        early = conn.read_message() => return Err(format!("{early:?} before the pong").into()),
    };
    say("pong", true);
    conn.write_message("are you listening?").await?;
    let last = conn.read_message().await;
    farewell(&conn, last)
}
