//! Text of the peer where it is printed: escaped, so that it cannot write into a terminal or begin a line of a log, and cut
//! short.

#![cfg(feature = "raw")]

use std::fmt::{Debug, Display};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use ws_core::{
    CloseFrame, Config, Conn, Message, Negotiated, Role, Utf8Bytes,
    raw::handshake::{Dialer, Upgrader},
};

/// An escape sequence, line ends, NUL, the 8-bit form of the sequence, and a turn of the direction of writing.
const HOSTILE: &str = "\x1b[31m\r\nFORGED\0\x7f\u{9b}31m\u{202e}";

fn assert_harmless(printed: &str) {
    let wild = printed.chars().find(|char| char.is_control() || *char == '\u{202e}');
    assert_eq!(wild, None, "{printed:?}");
    assert!(printed.len() <= 1024, "{} bytes", printed.len());
}

fn debugged(value: &impl Debug) {
    assert_harmless(&format!("{value:?}"));
}

fn shown(value: &(impl Debug + Display)) {
    debugged(value);
    assert_harmless(&value.to_string());
}

// Shows LOG-1.
#[tokio::test]
async fn text_of_the_peer_writes_no_control_characters_into_a_log() {
    let long = HOSTILE.repeat(1000);
    for text in [HOSTILE, &long] {
        debugged(&Utf8Bytes::from(text));
        debugged(&Message::from(text));
        debugged(&Message::binary(text.as_bytes().to_vec()));
    }
    debugged(&Message::Ping(HOSTILE.into()));
    debugged(&Message::Close(Some(CloseFrame::new(4000, HOSTILE))));

    let (near, mut far) = tokio::io::duplex(1 << 10);
    let mut conn = Conn::new(near, Role::Client, Config::new(), Negotiated::new());
    let length = u8::try_from(2 + HOSTILE.len()).expect("a short frame");
    far.write_all(&[&[0x88, length, 0x0F, 0xA0], HOSTILE.as_bytes()].concat()).await.expect("room");
    far.shutdown().await.expect("an end");
    let error = conn.read_message().await.expect_err("4000 is no normal end");
    assert!(error.to_string().contains("FORGED"), "{error}");
    shown(&error);
    debugged(&error.kind());
    debugged(&conn);
}

// Shows LOG-1.
#[tokio::test]
async fn heads_of_the_peer_write_no_control_characters_into_a_log() {
    let heads = ["GET /\x1b[31m HTTP/1.1\r\n", "GET / HTTP/1.1\r\nHost: \x1b[31m\r\n", "\x1b[31m\r\n"];
    for head in heads {
        let (mut near, mut far) = tokio::io::duplex(1 << 10);
        far.write_all(format!("{head}\r\n").as_bytes()).await.expect("room");
        far.shutdown().await.expect("an end");
        shown(&Upgrader::new().upgrade(&mut near).await.expect_err("no handshake"));
    }
    let answers =
        ["HTTP/1.1 403 \x1b[31m\r\n", "HTTP/1.1 403 \u{9b}31m\r\nServer: \u{9b}31m\r\n", "\x1b[31m\r\n"];
    for answer in answers {
        let (mut near, mut far) = tokio::io::duplex(1 << 10);
        far.write_all(format!("{answer}Content-Length: 0\r\n\r\n").as_bytes()).await.expect("room");
        far.shutdown().await.expect("an end");
        let dialed =
            Dialer::new().handshake(&mut near, &"ws://server.example/".parse().expect("a URL")).await;
        drop(near);
        let error = dialed.expect_err("no handshake");
        shown(&error);
        if let Some(response) = error.response() {
            debugged(response);
        }
        far.read_to_end(&mut Vec::new()).await.expect("the end");
    }
}
