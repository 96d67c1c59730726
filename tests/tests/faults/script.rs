//! The conversation, and what is known of it from the bytes that passed.

use ws_client::{DialErrorKind, Dialer};
use ws_core::{CloseCode, DeflateConfig, Error, ErrorKind, Message, frame::FrameHeader};
use ws_tests::{
    fault::{Fault, Report},
    serve::pattern,
};
use ws_tower::Upgrader;

use crate::host::Handled;

/// How a client's side of it ended.
#[derive(Debug)]
pub(crate) enum End {
    /// The dial failed.
    Dial(DialErrorKind),
    /// The connection failed.
    Lost(Error),
    /// Both close frames were there.
    Clean,
}

/// A client's side: how many echoes came, and the end.
pub(crate) async fn talk(dialer: &Dialer, url: &str) -> (usize, End) {
    let mut conn = match dialer.dial(url).await {
        Ok((conn, _)) => conn,
        Err(error) => return (0, End::Dial(error.kind().clone())),
    };
    let mut echoes = 0;
    let talk = async {
        for message in messages() {
            conn.write_message(message.clone()).await?;
            let echo = conn.read_message().await?;
            assert_eq!(echo, Some(message), "an echo is whole or does not come");
            echoes += 1;
        }
        conn.close(CloseCode::NORMAL_CLOSURE).await
    };
    match talk.await {
        Ok(()) => (echoes, End::Clean),
        Err(error) => (echoes, End::Lost(error)),
    }
}

/// One with each form of a length that is short, and what compresses well.
pub(crate) fn messages() -> [Message; 3] {
    [Message::text("hello"), Message::binary(pattern(20)), Message::text("again and ".repeat(30))]
}

pub(crate) fn upgrader(deflate: bool) -> Upgrader {
    Upgrader::new().compression(deflate.then(DeflateConfig::new))
}

pub(crate) fn dialer(deflate: bool) -> Dialer {
    Dialer::new().compression(deflate.then(DeflateConfig::new))
}

/// Where heads and frames end in the bytes of one direction, in a conversation that nobody disturbed.
#[derive(Debug)]
pub(crate) struct Shape {
    /// Where the head ends.
    pub(crate) head: u64,
    /// Where each data frame ends.
    frames: Vec<u64>,
    /// Where everything ends, with the close frame.
    pub(crate) total: u64,
}

impl Shape {
    /// Of a head, and frames up to the close frame.
    pub(crate) fn of(bytes: &[u8]) -> Self {
        let head = bytes.windows(4).position(|four| four == b"\r\n\r\n").expect("there is a head") + 4;
        let mut frames = Vec::new();
        let mut at = head;
        while at < bytes.len() {
            let (header, len) = FrameHeader::decode(&bytes[at..]).expect("frames").expect("whole frames");
            at += len + header.payload_len as usize;
            if !header.opcode.is_control() {
                frames.push(at as u64);
            }
        }
        assert_eq!(at, bytes.len(), "the last frame is whole");
        Self { head: head as u64, frames, total: at as u64 }
    }

    /// Messages that are whole in so many bytes.
    fn messages(&self, passed: u64) -> usize {
        self.frames.iter().filter(|end| **end <= passed).count()
    }
}

/// Checks the ends that both had against the bytes that passed. What a reset overtakes may be missing.
pub(crate) fn check(shapes: &[Shape; 2], report: &Report, talked: &(usize, End), handled: &[Handled]) {
    let [up, down] = shapes;
    let [to_server, to_client] = report.passed;
    let reset = report.fault == Some(Fault::Reset);
    let case = || format!("{report:?} {talked:?} {handled:?}");

    let (echoes, end) = talked;
    match end {
        End::Dial(kind) => {
            // errors.md: the connection ended before the answer.
            assert_eq!(kind, &DialErrorKind::Http, "{}", case());
            assert!(reset || to_client < down.head, "{}", case());
        }
        End::Lost(error) => {
            assert_eq!(error.kind(), &ErrorKind::ConnectionLost, "{}", case());
            assert_eq!(error.close_code(), Some(CloseCode::ABNORMAL_CLOSURE), "{}", case());
            assert!(to_client >= down.head && (reset || to_client < down.total), "{}", case());
        }
        End::Clean => assert_eq!(to_client, down.total, "{}", case()),
    }
    let whole = down.messages(to_client);
    assert!(if reset { *echoes <= whole } else { *echoes == whole }, "{}", case());

    match handled {
        [] => assert!(reset || to_server < up.head || to_client < down.head, "{}", case()),
        [Handled { messages, end }] => {
            let whole = up.messages(to_server);
            match end {
                Ok(()) => assert_eq!(to_server, up.total, "{}", case()),
                Err(error) => {
                    assert_eq!(error.kind(), &ErrorKind::ConnectionLost, "{}", case());
                    assert!(reset || to_server < up.total, "{}", case());
                }
            }
            assert!(if reset { *messages <= whole } else { *messages == whole }, "{}", case());
        }
        _ => panic!("one connection, two handlers: {}", case()),
    }
}
