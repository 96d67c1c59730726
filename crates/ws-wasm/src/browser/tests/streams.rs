use std::io;

use futures_util::{AsyncReadExt as _, AsyncWriteExt as _, FutureExt as _};
use ws_core::{Error, Message, MessageKind, UsageError};

use super::{Settings, done, open, open_with};

#[tokio::test(start_paused = true)]
async fn message_is_read_in_pieces_to_its_end() {
    let (mut socket, browser) = open();
    browser.sends("one");
    browser.sends(&b"two"[..]);
    let mut message = done(socket.next_reader()).unwrap().unwrap();
    assert_eq!(message.kind(), MessageKind::Text);
    let mut bytes = [0; 2];
    assert_eq!(done(message.read(&mut bytes)).unwrap(), 2);
    assert_eq!(&bytes, b"on");
    assert_eq!(done(message.read(&mut bytes)).unwrap(), 1);
    for _ in 0..2 {
        assert_eq!(done(message.read(&mut bytes)).unwrap(), 0);
    }
    assert_eq!(done(socket.next_reader()).unwrap().unwrap().kind(), MessageKind::Binary);
    assert!(socket.next_reader().now_or_never().is_none());
    browser.closes(1000, "");
    assert!(done(socket.next_reader()).unwrap().is_none());
}

#[tokio::test(start_paused = true)]
async fn rest_of_a_message_goes_with_its_reader() {
    let (mut socket, browser) = open();
    browser.sends("long");
    browser.sends("next");
    let mut message = done(socket.next_reader()).unwrap().unwrap();
    done(message.read(&mut [0])).unwrap();
    drop(message);
    assert_eq!(done(socket.read_message()).unwrap(), Some(Message::text("next")));
}

#[tokio::test(start_paused = true)]
async fn message_is_sent_as_a_whole_when_it_is_finished() {
    let (mut socket, browser) = open();
    for kind in [MessageKind::Text, MessageKind::Binary] {
        let mut message = done(socket.next_writer(kind)).unwrap();
        for byte in "ä🦀".as_bytes() {
            done(message.write_all(&[*byte])).unwrap();
            done(message.flush()).unwrap();
        }
        assert!(browser.page.sent.take().is_empty());
        done(message.finish()).unwrap();
        assert_eq!(
            browser.page.sent.take(),
            [if kind == MessageKind::Text { Message::text("ä🦀") } else { Message::binary("ä🦀") }]
        );
    }
}

#[tokio::test(start_paused = true)]
async fn unfinished_message_is_not_sent_and_leaves_the_socket_as_it_was() {
    let (mut socket, browser) = open();
    let mut message = done(socket.next_writer(MessageKind::Text)).unwrap();
    done(message.write_all(b"half")).unwrap();
    drop(message);
    done(socket.write_message("whole")).unwrap();
    assert_eq!(browser.sent(), [Message::text("whole")]);
}

#[tokio::test(start_paused = true)]
async fn bytes_that_are_no_text_are_refused_and_cannot_be_finished() {
    fn is_refused(error: io::Error) -> bool {
        Error::from_io(error).unwrap().usage() == Some(UsageError::NotText)
    }
    let (mut socket, browser) = open();
    let mut message = done(socket.next_writer(MessageKind::Text)).unwrap();
    done(message.write_all(b"fine")).unwrap();
    for piece in [&b"\xFF"[..], b"fine again"] {
        assert!(is_refused(done(message.write(piece)).unwrap_err()));
    }
    assert_eq!(done(message.finish()).unwrap_err().usage(), Some(UsageError::NotText));
    let mut message = done(socket.next_writer(MessageKind::Text)).unwrap();
    done(message.write_all(&"ü".as_bytes()[..1])).unwrap();
    assert!(is_refused(done(message.close()).unwrap_err()), "it ends inside of a character");
    assert_eq!(browser.sent(), []);
}

#[tokio::test(start_paused = true)]
async fn closed_writer_is_finished() {
    let (mut socket, browser) = open();
    let mut message = done(socket.next_writer(MessageKind::Binary)).unwrap();
    done(message.close()).unwrap();
    let error = Error::from_io(done(message.write(b"more")).unwrap_err()).unwrap();
    assert_eq!(error.usage(), Some(UsageError::MessageFinished));
    done(message.finish()).unwrap();
    assert_eq!(browser.sent(), [Message::binary("")]);
}

#[tokio::test(start_paused = true)]
async fn message_is_begun_and_finished_below_the_mark() {
    let (mut socket, browser) = open_with(Settings { high_water_mark: 10, ..Settings::default() });
    let message = done(socket.next_writer(MessageKind::Binary)).unwrap();
    browser.page.buffered.set(11);
    assert!(message.finish().now_or_never().is_none());
    assert!(socket.next_writer(MessageKind::Binary).now_or_never().is_none());
    assert_eq!(browser.sent(), []);
}

#[cfg(feature = "tokio")]
#[tokio::test(start_paused = true)]
async fn tokio_copies_a_message_from_one_half_to_the_other() {
    use tokio::io::AsyncWriteExt;

    let (socket, browser) = open();
    let (mut read, mut write) = socket.into_split();
    browser.sends("x".repeat(100_000));
    let mut message = read.next_reader().await.unwrap().unwrap();
    let mut copy = write.next_writer(message.kind()).await.unwrap();
    assert_eq!(tokio::io::copy(&mut message, &mut copy).await.unwrap(), 100_000);
    AsyncWriteExt::shutdown(&mut copy).await.unwrap();
    assert_eq!(browser.sent(), [Message::text("x".repeat(100_000))]);
}
