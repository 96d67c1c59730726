use std::{io, time::Duration};

use futures_util::{AsyncReadExt as _, AsyncWriteExt as _, FutureExt as _};
use ws_core::{Error, Message, MessageKind, UsageError};

use super::{Fake, done, open};
use crate::browser::BrowserSocket as _;

#[tokio::test(start_paused = true)]
async fn boundaries_of_messages_are_invisible() {
    let (socket, browser) = open();
    let mut stream = socket.into_byte_stream(MessageKind::Binary);
    for part in ["ab", "", "cde", "f"] {
        browser.sends(part.as_bytes());
    }
    let mut bytes = [0; 4];
    done(stream.read_exact(&mut bytes)).unwrap();
    assert_eq!(&bytes, b"abcd");
    assert_eq!(done(stream.read(&mut bytes)).unwrap(), 1, "what is left of a message comes first");
    assert_eq!(done(stream.read(&mut bytes)).unwrap(), 1);
    assert!(stream.read(&mut bytes).now_or_never().is_none());
    assert_eq!(done(stream.read(&mut [])).unwrap(), 0, "nothing can be read at once");
}

#[tokio::test(start_paused = true)]
async fn normal_close_is_the_end_for_every_further_read() {
    for code in [1000, 1001, 1005] {
        let (socket, browser) = open();
        let mut stream = socket.into_byte_stream(MessageKind::Binary);
        browser.sends(&b"x"[..]);
        browser.closes(code, "");
        let mut bytes = Vec::new();
        done(stream.read_to_end(&mut bytes)).unwrap();
        assert_eq!(bytes, b"x");
        assert_eq!(done(stream.read(&mut [0])).unwrap(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn other_ends_are_errors_with_the_cause_inside() {
    for (code, kind) in [(1006, io::ErrorKind::UnexpectedEof), (1011, io::ErrorKind::ConnectionAborted)] {
        let (socket, browser) = open();
        let mut stream = socket.into_byte_stream(MessageKind::Binary);
        browser.closes(code, "");
        let error = done(stream.read(&mut [0])).unwrap_err();
        assert_eq!(error.kind(), kind);
        assert_eq!(Error::from_io(error).unwrap().close_code(), Some(code.into()));
    }
}

#[tokio::test(start_paused = true)]
async fn message_of_the_other_kind_fails_the_connection() {
    let (socket, browser) = open();
    let mut stream = socket.into_byte_stream(MessageKind::Binary);
    browser.sends("text");
    for _ in 0..2 {
        assert_eq!(done(stream.read(&mut [0])).unwrap_err().kind(), io::ErrorKind::InvalidData);
    }
    assert_eq!(browser.codes(), [Some(4903)]);
}

#[tokio::test(start_paused = true)]
async fn writes_are_messages_of_32_kib_at_the_most() {
    let (socket, browser) = open();
    let mut stream = socket.into_byte_stream(MessageKind::Binary);
    done(stream.write_all(&vec![7; 40 << 10])).unwrap();
    let sizes: Vec<_> = browser.sent().into_iter().map(|message| message.into_data().len()).collect();
    assert_eq!(sizes, [32 << 10, 8 << 10]);
}

#[tokio::test(start_paused = true)]
async fn text_is_cut_between_characters() {
    let (socket, browser) = open();
    let mut stream = socket.into_byte_stream(MessageKind::Text);
    for byte in "aä🦀".as_bytes() {
        done(stream.write_all(&[*byte])).unwrap();
    }
    assert_eq!(browser.sent(), [Message::text("a"), Message::text("ä"), Message::text("🦀")]);
    let error = done(stream.write_all(&[0xFF])).unwrap_err();
    assert_eq!(Error::from_io(error).unwrap().usage(), Some(UsageError::NotText));
}

#[tokio::test(start_paused = true)]
async fn passed_deadline_leaves_the_stream_usable() {
    let (socket, browser) = open();
    let mut stream = socket.into_byte_stream(MessageKind::Binary);
    stream.get_mut().set_read_deadline(Fake::now() + Duration::from_secs(1));
    let mut bytes = [0; 2];
    assert_eq!(stream.read(&mut bytes).await.unwrap_err().kind(), io::ErrorKind::TimedOut);
    stream.get_mut().set_read_deadline(None);
    browser.sends(&b"ok"[..]);
    stream.read_exact(&mut bytes).await.unwrap();
    assert_eq!(&bytes, b"ok");
    assert!(stream.get_ref().is_open());
}

#[tokio::test(start_paused = true)]
async fn closing_closes_with_1000_and_waits() {
    let (socket, browser) = open();
    let mut stream = socket.into_byte_stream(MessageKind::Binary);
    assert!(stream.close().now_or_never().is_none());
    browser.sends(&b"dropped"[..]);
    browser.closes(1000, "");
    done(stream.close()).unwrap();
    assert_eq!(browser.codes(), [Some(1000)]);
    assert_eq!(done(stream.write(b"x")).unwrap_err().kind(), io::ErrorKind::BrokenPipe);
}

#[cfg(feature = "tokio")]
#[tokio::test(start_paused = true)]
async fn tokio_reads_and_writes_the_same() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    let (socket, browser) = open();
    let mut stream = socket.into_byte_stream(MessageKind::Binary);
    browser.sends(&b"abc"[..]);
    browser.sends(&b"de"[..]);
    let mut bytes = [0; 4];
    AsyncReadExt::read_exact(&mut stream, &mut bytes).await.unwrap();
    assert_eq!(&bytes, b"abcd");
    AsyncWriteExt::write_all(&mut stream, b"out").await.unwrap();
    assert_eq!(browser.sent(), [Message::binary("out")]);
    browser.closes(1000, "");
    let mut rest = Vec::new();
    AsyncReadExt::read_to_end(&mut stream, &mut rest).await.unwrap();
    assert_eq!(rest, b"e");
    AsyncWriteExt::shutdown(&mut stream).await.unwrap();
}
