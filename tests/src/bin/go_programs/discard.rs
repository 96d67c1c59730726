//! A server that only sends: what arrives is read, because pings and the close frame are among it, and thrown away.

use ws_client::{Conn, Transport};
use ws_core::{CloseFrame, Message};
use ws_tower::Upgraded;

use crate::{Result, expect, farewell, pattern, say};

const TICKS: usize = 100;

pub(crate) async fn serve(conn: Conn<Upgraded>) -> Result {
    let (mut read, mut write) = conn.into_split();
    let discard = async {
        // Dropping the reader skips its message.
        while read.next_reader().await?.is_some() {}
        Ok(())
    };
    let send = async {
        for number in 0..TICKS {
            write.write_message(format!("tick {number}")).await?;
        }
        Ok(())
    };
    tokio::try_join!(discard, send).map(drop)
}

pub(crate) async fn dial(conn: Conn<Transport>) -> Result {
    let (mut read, mut write) = conn.into_split();
    let receive = async {
        for number in 0..TICKS {
            expect(read.read_message().await?, &format!("tick {number}"))?;
        }
        say("ticks", TICKS);
        Ok(())
    };
    let send = async {
        for number in 0..200 {
            write.write_message(Message::binary(pattern(5000, number))).await?;
        }
        Result::Ok(())
    };
    tokio::try_join!(receive, send)?;
    // The pong proves that the other end has read all of it.
    let mut conn = read.reunite(write)?;
    let control = conn.control();
    conn.set_pong_handler(move |payload| {
        say("pong", String::from_utf8_lossy(payload));
        let _ = control.close(CloseFrame::new(1000, "done"));
    });
    conn.control().send_ping("still there?")?;
    let last = conn.read_message().await;
    farewell(&conn, last)
}
