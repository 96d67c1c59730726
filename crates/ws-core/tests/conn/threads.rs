//! Real threads: sending, reading, control frames, the close and the drop of one connection race with each other. Each message
//! is whole or absent, they are in order, and nothing follows the close frame.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream},
    runtime::Handle,
    sync::oneshot,
    time::timeout,
};
use ws_core::{
    CloseFrame, Config, Conn, Control, ErrorKind, Message, MessageKind, Negotiated, Role, UsageError,
    frame::Opcode,
};

use crate::wire::{ROLES, close, frame, frames};

/// Times that each race is run for each role.
const ROUNDS: usize = 60;
/// Messages at the most; they differ in length and content.
const MESSAGES: usize = 40;

/// Runs on this thread, which the runtime is not of, and does not wait for ever.
fn block_on<T>(runtime: &Handle, future: impl Future<Output = T>) -> T {
    runtime.block_on(async { timeout(Duration::from_secs(60), future).await.expect("nobody wakes it") })
}

/// Runs the timers for all threads meanwhile.
fn with_runtime(run: impl FnOnce(&Handle) + Send) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    let (done, wait) = oneshot::channel::<()>();
    thread::scope(|scope| {
        let handle = runtime.handle().clone();
        scope.spawn(move || {
            let _done = done;
            run(&handle);
        });
        let _ = runtime.block_on(wait);
    });
}

fn message(number: usize) -> Vec<u8> {
    vec![number as u8; 1 + number * 37]
}

/// What a peer reads that answers pings and the close frame, and checks what it gets.
async fn peer(to: Role, mut io: DuplexStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut piece = [0; 333];
    let (mut whole, mut closed) = (0, false);
    loop {
        match io.read(&mut piece).await {
            Ok(0) | Err(_) => return bytes,
            Ok(count) => bytes.extend_from_slice(&piece[..count]),
        }
        let end = whole_frames(&bytes);
        for (opcode, payload) in frames(&bytes[whole..end]) {
            assert!(!closed, "something follows the close frame: {opcode:?}");
            let answer = match opcode {
                Opcode::PING => frame(to, Opcode::PONG, &payload),
                Opcode::CLOSE => {
                    closed = true;
                    close(to, 1000)
                }
                _ => continue,
            };
            // This end may be gone already.
            let _ = io.write_all(&answer).await;
        }
        whole = end;
        if closed && to == Role::Client {
            // The server ends the transport first.
            let _ = io.shutdown().await;
        }
    }
}

/// Where the last whole frame ends.
fn whole_frames(bytes: &[u8]) -> usize {
    let mut end = 0;
    while let Ok(Some((header, len))) = ws_core::frame::FrameHeader::decode(&bytes[end..]) {
        let next = end + len + header.payload_len as usize;
        if next > bytes.len() {
            break;
        }
        end = next;
    }
    end
}

/// The messages in what the peer got: from the first one on, each whole, but for the last frame of a connection that was
/// dropped.
fn check(bytes: &[u8], dropped: bool) -> usize {
    let end = whole_frames(bytes);
    assert!(dropped || end == bytes.len(), "a frame was cut");
    let mut count = 0;
    let mut open = Vec::new();
    for (opcode, payload) in frames(&bytes[..end]) {
        if !matches!(opcode, Opcode::BINARY | Opcode::CONTINUATION) {
            continue;
        }
        assert!(opcode == Opcode::CONTINUATION || open.is_empty(), "a message inside a message");
        open.extend(payload);
        assert!(message(count).starts_with(&open), "message {count} is another");
        if open == message(count) {
            open.clear();
            count += 1;
        }
    }
    count
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Close,
    Control,
    Drop,
}

/// One connection, and everybody who uses it on a thread of their own.
fn race(runtime: &Handle, role: Role, end: End, round: usize) {
    let (near, far) = tokio::io::duplex([64, 1000, 1 << 16][round % 3]);
    let config = Config::new().high_water_mark(200).write_buffer_size(125);
    let (mut read, mut write) = Conn::new(near, role, config, Negotiated::new()).into_split();
    let controls: [Control; 2] = [read.control(), write.control()];
    let sent = AtomicUsize::new(0);
    let ends_at = round * MESSAGES / ROUNDS;
    thread::scope(|scope| {
        let peer = scope.spawn(|| block_on(runtime, peer(role, far)));
        scope.spawn(|| {
            block_on(runtime, async {
                if end == End::Drop {
                    // Goes when the first answer is there, or so.
                    let _ = timeout(Duration::from_micros(200 * round as u64), read.read_message()).await;
                    return;
                }
                let ended = read.read_message().await;
                assert!(matches!(ended, Ok(None)), "{role:?} {end:?} {round}: {ended:?}");
            });
            drop(read);
        });
        scope.spawn(|| {
            block_on(runtime, async {
                for number in 0..MESSAGES {
                    if number == ends_at && end == End::Drop {
                        return;
                    }
                    if number == ends_at && end == End::Close {
                        write.close(CloseFrame::new(1000, "")).await.unwrap();
                        return;
                    }
                    let data = message(number);
                    let result = if number % 2 == 0 {
                        write.write_message(Message::binary(data)).await
                    } else {
                        pieces(&mut write, &data).await
                    };
                    match result {
                        Ok(()) => sent.fetch_add(1, Ordering::Relaxed),
                        Err(error) => {
                            let closed = error.kind() == &ErrorKind::Usage(UsageError::CloseSent);
                            assert!(closed || error.kind() == &ErrorKind::ConnectionLost, "{error:?}");
                            return;
                        }
                    };
                }
                controls[0].close(None).unwrap();
                controls[0].closed().await;
            });
            drop(write);
        });
        for control in &controls {
            let sent = &sent;
            scope.spawn(move || {
                block_on(runtime, async {
                    for ping in 0.. {
                        if control.ping().await.is_err() {
                            break;
                        }
                        if ping % 4 == 0 && control.send_pong("unasked").is_err() {
                            break;
                        }
                        if end == End::Control && sent.load(Ordering::Relaxed) >= ends_at {
                            control.close(CloseFrame::new(1000, "")).unwrap();
                        }
                    }
                    control.closed().await;
                    assert!(control.is_closed());
                });
            });
        }
        let bytes = peer.join().expect("the peer is content");
        let count = check(&bytes, end == End::Drop);
        if end != End::Drop {
            assert!(count >= sent.load(Ordering::Relaxed).min(ends_at), "{role:?} {end:?} {round}: lost");
        }
    });
}

async fn pieces(write: &mut ws_core::WriteHalf<DuplexStream>, data: &[u8]) -> Result<(), ws_core::Error> {
    let mut writer = write.next_writer(MessageKind::Binary).await?;
    if writer.write_all(data).await.is_err() {
        drop(writer);
        // The flush tells what the writer has met, or that the connection is closing.
        write.flush().await?;
        return Err(UsageError::CloseSent.into());
    }
    writer.finish().await
}

fn races(end: End) {
    with_runtime(|runtime| {
        for round in 0..ROUNDS {
            for role in ROLES {
                race(runtime, role, end, round);
            }
        }
    });
}

// Shows LIF-4.
#[test]
fn close_of_the_write_half_races_with_everything() {
    races(End::Close);
}

// Shows LIF-4.
#[test]
fn close_through_controls_races_with_everything() {
    races(End::Control);
}

// Shows LIF-4.
#[test]
fn drop_races_with_everything() {
    races(End::Drop);
}
