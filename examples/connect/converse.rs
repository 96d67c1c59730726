//! The conversation, from the opening handshake to the closing one.

use std::{pin::pin, time::Duration};

use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::sleep,
};
use ws_client::{CloseCode, CloseFrame, Conn, Message};

use crate::{args::Args, input, print, report, status};

/// Talks until either side ends it; gives the exit status.
pub(crate) async fn converse<S>(args: &Args, mut conn: Conn<S>, files: Vec<Message>) -> u8
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    match exchange(args, &mut conn, files).await {
        Ok(code) => status::closed(code, args.close.as_ref()),
        Err(error) => {
            eprintln!("{}", print::with_causes(&error));
            status::LOST
        }
    }
}

/// Sends files and lines and prints messages; gives the close code of the peer.
async fn exchange<S>(
    args: &Args,
    conn: &mut Conn<S>,
    files: Vec<Message>,
) -> Result<CloseCode, ws_core::Error>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    for file in files {
        // Not written: who writes and does not read can wait for a peer that does the same.
        conn.queue_message(file).await?;
    }
    let mut lines = input::lines(args.binary);
    let mut input_open = true;
    // Runs from the end of the input.
    let mut last_call = pin!(sleep(Duration::MAX));
    loop {
        // Both futures may be dropped when the other one is ready: neither loses anything.
        tokio::select! {
            message = conn.recv() => match message? {
                Some(message @ (Message::Text(_) | Message::Binary(_))) => print::message(&message, args.binary),
                // Pings are answered already.
                Some(Message::Ping(_)) => {}
                Some(Message::Pong(payload)) if !input_open && payload == LAST => break,
                Some(Message::Pong(_)) => {
                    if let (Some(_), Some(time)) = (args.ping, conn.round_trip_time()) {
                        eprintln!("round trip {time:.1?}");
                    }
                }
                Some(Message::Close(_)) | None => return Ok(report::goodbye(conn)),
            },
            line = lines.recv(), if input_open => match line {
                // If it cannot be sent, the connection is ending, and the reads say why.
                Some(line) => input_open = conn.write_message(line).await.is_ok(),
                None => {
                    // The input has ended, but answers may be on their way, and what arrives behind our close frame is
                    // not looked at any more. Most servers answer in order: once the pong is here, so is the rest.
                    input_open = false;
                    last_call.set(sleep(PATIENCE));
                    let _ = conn.write_message(Message::Ping(LAST.into())).await;
                }
            },
            // The server has had its time, whatever it still sends.
            () = &mut last_call, if !input_open => break,
        }
    }
    let frame = args.close.clone().unwrap_or_else(|| CloseFrame::from(CloseCode::NORMAL_CLOSURE));
    conn.close(frame).await?;
    Ok(report::goodbye(conn))
}

/// The payload of the ping that follows the last line.
const LAST: &str = "last";
/// How long answers to the last lines are waited for.
const PATIENCE: Duration = Duration::from_secs(2);
