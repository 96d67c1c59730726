//! permessage-deflate in the opening handshake without an HTTP server (RFC 7692, 5 and 7.1).

use http::{HeaderMap, HeaderValue, header::SEC_WEBSOCKET_EXTENSIONS};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};
use ws_core::{
    Config, Conn, DeflateConfig, Message, Negotiated,
    handshake::{ResponseError, parse_extensions},
    raw::{
        deflate,
        handshake::{Dialer, Handshake, OwnedExtension, Upgrader},
    },
};

use super::{agreed, document};

/// What a server of this configuration answers to an offer.
fn answer(offer: &str, config: &DeflateConfig) -> Option<String> {
    let mut headers = HeaderMap::new();
    headers.append(SEC_WEBSOCKET_EXTENSIONS, HeaderValue::from_str(offer).unwrap());
    let offer = parse_extensions(&headers).next().expect("an offer").expect("it keeps to the syntax");
    deflate::answer(&offer, config).map(|answer| answer.to_string())
}

/// An opening handshake over a stream.
async fn handshake(upgrader: &Upgrader, dialer: &Dialer) -> (Handshake, Handshake) {
    let (mut near, mut far) = duplex(4096);
    let uri = "ws://example.org/".parse().unwrap();
    let (server, client) = tokio::join!(upgrader.upgrade(&mut near), dialer.handshake(&mut far, &uri));
    (server.unwrap(), client.unwrap())
}

fn upgrader(config: &DeflateConfig) -> Upgrader {
    let config = config.clone();
    Upgrader::new().negotiate(move |offer| Ok(deflate::answer(offer, &config)))
}

fn extension(name: &str, parameters: &[(&str, Option<&str>)]) -> OwnedExtension {
    let extension = OwnedExtension::new(name).unwrap();
    parameters.iter().fold(extension, |made, (name, value)| made.with_parameter(name, *value).unwrap())
}

#[test]
fn offer_says_what_is_asked_for() {
    for (config, expected) in [
        (DeflateConfig::new(), "permessage-deflate; client_max_window_bits"),
        (
            DeflateConfig::new().no_context_takeover(),
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover; client_max_window_bits",
        ),
        (
            DeflateConfig::new().server_max_window_bits(9).client_max_window_bits(11),
            "permessage-deflate; server_max_window_bits=9; client_max_window_bits=11",
        ),
    ] {
        let offer = deflate::offer(&config);
        assert_eq!((offer.name(), &*offer.to_string()), ("permessage-deflate", expected));
    }
}

#[test]
fn answer_keeps_to_the_offer_and_to_the_configuration() {
    let wide = DeflateConfig::new().server_max_window_bits(15).client_max_window_bits(15);
    let small =
        DeflateConfig::new().no_context_takeover().server_max_window_bits(10).client_max_window_bits(9);
    for (offer, config, expected) in [
        ("permessage-deflate", &wide, "permessage-deflate"),
        ("permessage-deflate; client_max_window_bits", &wide, "permessage-deflate"),
        (
            "permessage-deflate; client_max_window_bits=10; server_max_window_bits=\"11\"",
            &wide,
            "permessage-deflate; server_max_window_bits=11; client_max_window_bits=10",
        ),
        (
            "permessage-deflate; server_no_context_takeover",
            &wide,
            "permessage-deflate; server_no_context_takeover",
        ),
        (
            "permessage-deflate; client_max_window_bits",
            &small,
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=10; client_max_window_bits=9",
        ),
    ] {
        assert_eq!(answer(offer, config).as_deref(), Some(expected), "{offer}");
    }
}

#[test]
fn nonsense_and_other_extensions_are_declined() {
    for offer in [
        "x-webkit-deflate-frame",
        "permessage-bzip2; client_max_window_bits",
        "permessage-deflate; unknown",
        "permessage-deflate; server_no_context_takeover=1",
        "permessage-deflate; client_no_context_takeover; client_no_context_takeover",
        "permessage-deflate; server_max_window_bits",
        "permessage-deflate; server_max_window_bits=8",
        "permessage-deflate; server_max_window_bits=7",
        "permessage-deflate; server_max_window_bits=16",
        "permessage-deflate; server_max_window_bits=010",
        "permessage-deflate; client_max_window_bits=x",
        "permessage-deflate; client_max_window_bits=10; client_max_window_bits=10",
    ] {
        assert_eq!(answer(offer, &DeflateConfig::new()), None, "{offer}");
    }
}

#[tokio::test(start_paused = true)]
async fn both_ends_come_to_the_same() {
    for (server_side, no_takeover) in
        [(DeflateConfig::new(), false), (DeflateConfig::new().no_context_takeover(), true)]
    {
        let client_side = DeflateConfig::new();
        let mut expected = agreed(15, no_takeover);
        expected.client_max_window_bits = if no_takeover { 15 } else { 12 };
        let dialer = Dialer::new().extensions([deflate::offer(&client_side)]);
        let (server, client) = handshake(&upgrader(&server_side), &dialer).await;
        assert_eq!(deflate::negotiated(&server, &server_side), Ok(Some(expected)));
        assert_eq!(deflate::negotiated(&client, &client_side), Ok(Some(expected)));
    }
}

#[tokio::test(start_paused = true)]
async fn without_an_offer_or_an_answer_there_is_no_compression() {
    let config = DeflateConfig::new();
    for (upgrader, offers) in [
        (upgrader(&config), vec![]),
        (Upgrader::new(), vec![deflate::offer(&config)]),
        (upgrader(&config), vec![extension("permessage-deflate", &[("unknown", None)])]),
    ] {
        let (server, client) = handshake(&upgrader, &Dialer::new().extensions(offers)).await;
        assert_eq!(deflate::negotiated(&server, &config), Ok(None));
        assert_eq!(deflate::negotiated(&client, &config), Ok(None));
    }
    // Other extensions beside it are no matter.
    let upgrader = Upgrader::new()
        .negotiate(|offer| Ok((offer.name() == "x").then(|| extension("x", &[("y", Some("1"))]))));
    let dialer = Dialer::new().extensions([extension("x", &[]), deflate::offer(&config)]);
    let (server, client) = handshake(&upgrader, &dialer).await;
    assert_eq!(client.extensions.len(), 1);
    assert_eq!(
        (deflate::negotiated(&server, &config), deflate::negotiated(&client, &config)),
        (Ok(None), Ok(None))
    );
}

#[tokio::test(start_paused = true)]
async fn of_several_offers_the_first_that_can_be_kept_to_is_accepted_alone() {
    let config = DeflateConfig::new();
    let offers = ["8", "10", "9"]
        .map(|bits| extension("permessage-deflate", &[("server_max_window_bits", Some(bits))]));
    let (server, client) = handshake(&upgrader(&config), &Dialer::new().extensions(offers)).await;
    let accepted: Vec<_> = client.extensions.iter().map(OwnedExtension::to_string).collect();
    assert_eq!(accepted, ["permessage-deflate; server_max_window_bits=10"]);
    let mut expected = agreed(15, false);
    expected.server_max_window_bits = 10;
    assert_eq!(deflate::negotiated(&server, &config), Ok(Some(expected)));
    assert_eq!(deflate::negotiated(&client, &config), Ok(Some(expected)));
}

#[tokio::test(start_paused = true)]
async fn client_refuses_what_does_not_answer_its_offer() {
    let default = DeflateConfig::new();
    let wants = DeflateConfig::new()
        .server_no_context_takeover(true)
        .server_max_window_bits(10)
        .client_max_window_bits(10);
    const NO: (&str, Option<&str>) = ("server_no_context_takeover", None);
    const TEN: (&str, Option<&str>) = ("server_max_window_bits", Some("10"));
    for (config, answer) in [
        (&default, &[("unknown", None)][..]),
        (&default, &[("server_max_window_bits", None)]),
        (&default, &[("client_max_window_bits", None)]),
        (&default, &[("client_max_window_bits", Some("16"))]),
        (&default, &[NO, NO]),
        (&wants, &[]),
        (&wants, &[NO]),
        (&wants, &[TEN]),
        (&wants, &[NO, ("server_max_window_bits", Some("11"))]),
        (&wants, &[NO, TEN, ("client_max_window_bits", Some("11"))]),
    ] {
        let answer = extension("permessage-deflate", answer);
        let upgrader = Upgrader::new().negotiate(move |_| Ok(Some(answer.clone())));
        let (_, client) = handshake(&upgrader, &Dialer::new().extensions([deflate::offer(config)])).await;
        let wrong = Err(ResponseError::DeflateParameters);
        assert_eq!(deflate::negotiated(&client, config), wrong, "{:?}", client.extensions);
    }
    let (name, parameters) = ("permessage-deflate", [NO, TEN]);
    let upgrader = Upgrader::new().negotiate(move |_| Ok(Some(extension(name, &parameters))));
    let (server, client) = handshake(&upgrader, &Dialer::new().extensions([deflate::offer(&wants)])).await;
    assert!(deflate::negotiated(&client, &wants).is_ok_and(|agreed| agreed.is_some()));
    assert_eq!(deflate::negotiated(&server, &wants), deflate::negotiated(&client, &wants));
}

#[tokio::test(start_paused = true)]
async fn client_refuses_an_extension_that_was_accepted_twice() {
    let (mut near, mut far) = duplex(4096);
    let config = DeflateConfig::new();
    let dialer = Dialer::new().extensions([deflate::offer(&config)]);
    let uri = "ws://example.org/".parse().unwrap();
    let server = async {
        let mut request = String::new();
        while !request.ends_with("\r\n\r\n") {
            request.push(char::from(near.read_u8().await.unwrap()));
        }
        let key = request
            .lines()
            .find_map(|line| {
                line.to_ascii_lowercase().starts_with("sec-websocket-key").then(|| line.split(": ").nth(1))
            })
            .flatten();
        let accept = ws_core::handshake::accept_key(key.unwrap().as_bytes());
        let accept = accept.to_str().unwrap();
        let response = format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\nSec-WebSocket-Extensions: permessage-deflate, permessage-deflate\r\n\r\n"
        );
        near.write_all(response.as_bytes()).await.unwrap();
    };
    let ((), client) = tokio::join!(server, dialer.handshake(&mut far, &uri));
    let client = client.unwrap();
    assert_eq!(deflate::negotiated(&client, &config), Err(ResponseError::DeflateParameters));
}

#[tokio::test(start_paused = true)]
async fn connections_that_follow_compress() {
    let config = DeflateConfig::new();
    let (mut near, mut far) = duplex(4096);
    let uri = "ws://example.org/".parse().unwrap();
    let (upgrader, dialer) = (upgrader(&config), Dialer::new().extensions([deflate::offer(&config)]));
    let (server, client) = tokio::join!(upgrader.upgrade(&mut near), dialer.handshake(&mut far, &uri));
    let (server, client) = (server.unwrap(), client.unwrap());
    let conn = |io, handshake: Handshake| {
        let negotiated = Negotiated::new().with_deflate(deflate::negotiated(&handshake, &config).unwrap());
        let settings = Config::new().compression(config.clone());
        Conn::with_read_buf(io, handshake.role(), settings, negotiated, handshake.read_buf)
    };
    // 20 KB in a stream that holds 4: it is compressed, or this waits for ever.
    let (mut server, mut client) = (conn(near, server), conn(far, client));
    let message = Message::binary(document(20_000));
    server.write_message(message.clone()).await.unwrap();
    assert_eq!(client.read_message().await.unwrap(), Some(message.clone()));
    client.write_message(message.clone()).await.unwrap();
    assert_eq!(server.read_message().await.unwrap(), Some(message));
}
