//! Inputs to begin with: something of each kind that a target knows, small, and made here.

use ws_core::{NegotiatedDeflate, Role};

use crate::{
    grammar::deflater,
    mutate::Random,
    target::handshake_response::PLACEHOLDER,
    wire::{BINARY, CLOSE, CONTINUATION, FIN, LengthForm, PING, PONG, RSV1, TEXT, WireFrame, close_payload},
};

/// The seeds of a target, each with its name.
#[must_use]
pub fn seeds(target: &str) -> Vec<(String, Vec<u8>)> {
    match target {
        "frame_header" => frame_headers(),
        "mask" => named([
            ("short", b"\x37\xFA\x21\x3D\x01\x00Hello".to_vec()),
            ("words", [&b"\x01\x02\x03\x04\x21\x03"[..], &[7; 100]].concat()),
        ]),
        "utf8" => named([
            ("letters", "\x12a~é€😀\u{feff}\u{10ffff}".into()),
            ("surrogate", b"\x21a\xED\xA0\x80".to_vec()),
            ("overlong", b"\x11\xC0\x80".to_vec()),
            ("cut", b"\x33abc\xF0\x9F\x98".to_vec()),
            ("long", [&b"\xF3"[..], "ä".repeat(70).as_bytes()].concat()),
        ]),
        "receiver" | "raw" => [streams(false), sequences(12, 40)].concat(),
        "receiver_deflate" => [streams(true), sequences(12, 60)].concat(),
        "round_trip" | "operations" => sequences(24, 80),
        "extensions" => extensions(),
        "origin" => named([
            ("same", b"https://server.example\nserver.example:443".to_vec()),
            ("port", b"http://server.example:8080\nserver.example:8080".to_vec()),
            ("ipv6", b"http://[2001:db8::1]:80\n[2001:DB8:0::1]".to_vec()),
            ("ipv4", b"http://127.0.0.1\n127.0.0.1".to_vec()),
            ("null", b"null\nnull".to_vec()),
            ("extension", b"chrome-extension://abc\nabc".to_vec()),
            ("two", b"https://a.example\na.example\nhttps://b.example".to_vec()),
            ("path", b"https://a.example/\na.example".to_vec()),
        ]),
        "handshake_request" => requests(),
        "handshake_response" => responses(),
        "http2" => [
            behind(10, streams(false).into_iter().map(|(name, bytes)| (name, bytes[2..].to_vec()))),
            behind(5, sequences(6, 40)),
        ]
        .concat(),
        _ => Vec::new(),
    }
}

fn named<const N: usize>(seeds: [(&str, Vec<u8>); N]) -> Vec<(String, Vec<u8>)> {
    seeds.into_iter().map(|(name, bytes)| (name.to_owned(), bytes)).collect()
}

/// The same with this byte in front.
fn behind(first: u8, seeds: impl IntoIterator<Item = (String, Vec<u8>)>) -> Vec<(String, Vec<u8>)> {
    seeds.into_iter().map(|(name, bytes)| (name, [&[first], &bytes[..]].concat())).collect()
}

/// What the grammar makes steps of: with no more than chance in it.
fn sequences(count: usize, len: usize) -> Vec<(String, Vec<u8>)> {
    let mut random = Random::new(count as u64);
    (0..count)
        .map(|at| {
            let mut bytes = random.bytes(len);
            // By the grammar; the target decides what else the first bytes mean.
            bytes[0] |= 2;
            (format!("chance-{at:02}"), bytes)
        })
        .collect()
}

fn frame_headers() -> Vec<(String, Vec<u8>)> {
    let lengths = [0, 125, 126, 65_535, 65_536, u64::MAX >> 1, 1 << 63];
    let forms = [LengthForm::Seven, LengthForm::Sixteen, LengthForm::SixtyFour];
    let mut seeds = Vec::new();
    for (at, (length, form)) in
        lengths.into_iter().flat_map(|length| forms.map(|form| (length, form))).enumerate()
    {
        for (name, key) in [("plain", None), ("masked", Some([1, 2, 3, 4]))] {
            let frame =
                WireFrame { first: FIN | TEXT, key, length: Some((length, form)), payload: Vec::new() };
            seeds.push((format!("{name}-{at:02}"), frame.bytes()));
        }
    }
    seeds
}

/// Streams as they are, behind two bytes of setup; and two of parameters where messages are compressed.
fn streams(compressed: bool) -> Vec<(String, Vec<u8>)> {
    let mut seeds = Vec::new();
    for (role, bits, name) in [(Role::Server, 0, "server"), (Role::Client, 1, "client")] {
        let frame = |first: u8, payload: &[u8]| WireFrame::new(role, first, payload).bytes();
        let mut kinds = vec![
            ("text", frame(FIN | TEXT, "grüße".as_bytes())),
            ("binary", frame(FIN | BINARY, &[0xFF; 130])),
            (
                "fragments",
                [
                    frame(TEXT, b"\xE2\x82"),
                    frame(FIN | PING, b"p"),
                    frame(CONTINUATION, b""),
                    frame(FIN | CONTINUATION, b"\xAC"),
                ]
                .concat(),
            ),
            ("pong", frame(FIN | PONG, b"")),
            ("close", frame(FIN | CLOSE, &close_payload(1000, b"bye"))),
            ("close-empty", frame(FIN | CLOSE, b"")),
            ("close-wrong", frame(FIN | CLOSE, &close_payload(1005, b""))),
            ("not-text", frame(FIN | TEXT, b"a\xFFb")),
            ("continuation", frame(FIN | CONTINUATION, b"a")),
            ("reserved", frame(FIN | 0x3, b"")),
            ("long-ping", frame(FIN | PING, &[b'p'; 126])),
        ];
        if compressed {
            let peer = if role == Role::Server { Role::Client } else { Role::Server };
            let mut deflater = deflater(peer, &NegotiatedDeflate::new());
            let mut message = |text: &[u8]| deflater.compress(text).expect("a message can be compressed");
            let (one, two) = (message(b"once more and once more"), message(b"once more"));
            kinds
                .push(("deflate", [frame(FIN | RSV1 | TEXT, &one), frame(FIN | RSV1 | TEXT, &two)].concat()));
            let (head, tail) = one.split_at(3);
            kinds.push(("deflate-cut", [frame(RSV1 | TEXT, head), frame(FIN | CONTINUATION, tail)].concat()));
            kinds.push(("deflate-wrong", frame(FIN | RSV1 | BINARY, b"\x06")));
        }
        // Both windows of 15 bits.
        let head: &[u8] = if compressed { &[bits, 0, 0xD8, 0] } else { &[bits, 0] };
        seeds.extend(
            kinds.into_iter().map(|(kind, bytes)| (format!("{name}-{kind}"), [head, &bytes].concat())),
        );
    }
    seeds
}

fn extensions() -> Vec<(String, Vec<u8>)> {
    let lines = [
        ("plain", "permessage-deflate"),
        (
            "all",
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=10; client_max_window_bits=9",
        ),
        ("any", "permessage-deflate; client_max_window_bits"),
        ("quoted", "permessage-deflate; server_max_window_bits=\"1\\5\""),
        (
            "several",
            "x-webkit-deflate-frame, permessage-deflate; client_max_window_bits=15, permessage-deflate",
        ),
        ("wrong", "permessage-deflate; server_max_window_bits=1000"),
        ("eight", "permessage-deflate; client_max_window_bits=8"),
        ("twice", "permessage-deflate; server_no_context_takeover; server_no_context_takeover"),
        ("lines", "foo\npermessage-deflate\n, ,"),
    ];
    lines.map(|(name, line)| (name.to_owned(), [b"\0\0\xFF\x03", line.as_bytes()].concat())).to_vec()
}

fn requests() -> Vec<(String, Vec<u8>)> {
    let head = "GET /chat HTTP/1.1\r\nHost: server.example\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\
                Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    let with = |more: &str| format!("{head}{more}\r\n").into_bytes();
    named([
        ("plain", with("")),
        ("subprotocols", with("Sec-WebSocket-Protocol: superchat, chat\r\n")),
        ("extensions", with("Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n")),
        ("origin", with("Origin: http://server.example\r\n")),
        ("frames", [with(""), WireFrame::new(Role::Server, FIN | TEXT, *b"early").bytes()].concat()),
        ("body", with("Content-Length: 5\r\n")),
        ("chunked", with("Transfer-Encoding: chunked\r\n")),
        (
            "absolute",
            String::from_utf8_lossy(&with("")).replace("/chat", "http://server.example/chat").into(),
        ),
        ("cut", with("")[..60].to_vec()),
        ("post", String::from_utf8_lossy(&with("")).replace("GET", "POST").into()),
        ("http10", String::from_utf8_lossy(&with("")).replace("HTTP/1.1", "HTTP/1.0").into()),
    ])
}

fn responses() -> Vec<(String, Vec<u8>)> {
    let accept = String::from_utf8_lossy(PLACEHOLDER);
    let head = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n"
    );
    let with = |more: &str| format!("{head}{more}\r\n").into_bytes();
    named([
        ("plain", with("")),
        ("subprotocol", with("Sec-WebSocket-Protocol: chat\r\n")),
        ("not-offered", with("Sec-WebSocket-Protocol: other\r\n")),
        ("extension", with("Sec-WebSocket-Extensions: permessage-deflate\r\n")),
        ("frames", [with(""), WireFrame::new(Role::Client, FIN | TEXT, *b"early").bytes()].concat()),
        ("interim", [&b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"[..], &with("")].concat()),
        ("refused", b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno".to_vec()),
        (
            "chunked",
            b"HTTP/1.1 401 Unauthorized\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n".to_vec(),
        ),
        ("redirect", b"HTTP/1.1 302 Found\r\nLocation: /there\r\n\r\n".to_vec()),
        (
            "wrong",
            String::from_utf8_lossy(&with("")).replace(&*accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=").into(),
        ),
    ])
}
