//! The negotiation of permessage-deflate: RFC 7692, 5 and 7.1.

use http::{
    HeaderMap, HeaderValue, StatusCode,
    header::{CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_EXTENSIONS, UPGRADE},
};
use proptest::prelude::*;

use super::{ACCEPT, KEY, any_value, headers, lines};
use crate::{
    DeflateConfig, NegotiatedDeflate,
    handshake::{Offer, ResponseError, negotiate_deflate, offer_deflate},
};

/// What a server with the defaults answers to these lines.
fn answer(offers: &[&str]) -> Option<String> {
    answer_of(&DeflateConfig::new(), offers)
}

fn answer_of(config: &DeflateConfig, offers: &[&str]) -> Option<String> {
    let (negotiated, response) = negotiate_deflate(&lines(&SEC_WEBSOCKET_EXTENSIONS, offers), config)?;
    let response = response.to_str().unwrap().to_owned();
    assert_eq!(negotiated, meaning(&response), "{response}");
    Some(response)
}

/// What a response means, read by other means.
fn meaning(response: &str) -> NegotiatedDeflate {
    let bits = |name: &str| {
        let value = response.split(&format!("{name}=")).nth(1);
        value.map_or(15, |value| value.split(';').next().unwrap().parse().unwrap())
    };
    NegotiatedDeflate {
        server_no_context_takeover: response.contains("server_no_context_takeover"),
        client_no_context_takeover: response.contains("client_no_context_takeover"),
        server_max_window_bits: bits("server_max_window_bits"),
        client_max_window_bits: bits("client_max_window_bits"),
    }
}

/// What a client makes of these lines in a response.
fn verdict(config: &DeflateConfig, answers: &[&str]) -> Result<Option<NegotiatedDeflate>, ResponseError> {
    let mut response =
        headers([(CONNECTION, "Upgrade"), (UPGRADE, "websocket"), (SEC_WEBSOCKET_ACCEPT, ACCEPT)]);
    for line in answers {
        response.append(SEC_WEBSOCKET_EXTENSIONS, HeaderValue::from_str(line).unwrap());
    }
    let key = HeaderValue::from_static(KEY);
    let none: [&str; 0] = [];
    let offer = Offer::new(&none).with_deflate(config);
    let negotiated = offer.check(StatusCode::SWITCHING_PROTOCOLS, &response, &key)?;
    assert_eq!(negotiated.subprotocol, None);
    Ok(negotiated.deflate)
}

// Shows Z-4.
#[test]
fn server_answers_offers_of_every_kind() {
    let cases: [(&str, &str); 18] = [
        ("permessage-deflate", "permessage-deflate"),
        ("permessage-deflate;", ""),
        ("permessage-deflate; server_no_context_takeover", "permessage-deflate; server_no_context_takeover"),
        ("permessage-deflate; client_no_context_takeover", "permessage-deflate; client_no_context_takeover"),
        // What gorilla's client sends, and wants back.
        (
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
        ),
        // What browsers send.
        ("permessage-deflate; client_max_window_bits", "permessage-deflate; client_max_window_bits=12"),
        ("permessage-deflate; client_max_window_bits=15", "permessage-deflate; client_max_window_bits=12"),
        // Nothing is kept, so there is nothing to save.
        (
            "permessage-deflate; client_no_context_takeover; client_max_window_bits",
            "permessage-deflate; client_no_context_takeover",
        ),
        (
            "permessage-deflate; client_no_context_takeover; client_max_window_bits=14",
            "permessage-deflate; client_no_context_takeover; client_max_window_bits=14",
        ),
        ("permessage-deflate; client_max_window_bits=12", "permessage-deflate; client_max_window_bits=12"),
        ("permessage-deflate; client_max_window_bits=9", "permessage-deflate; client_max_window_bits=9"),
        ("permessage-deflate; client_max_window_bits=8", "permessage-deflate; client_max_window_bits=8"),
        ("permessage-deflate; server_max_window_bits=15", "permessage-deflate; server_max_window_bits=12"),
        (
            "permessage-deflate; server_max_window_bits=\"10\"",
            "permessage-deflate; server_max_window_bits=10",
        ),
        ("permessage-deflate; server_max_window_bits=9", "permessage-deflate; server_max_window_bits=9"),
        ("PERMESSAGE-DEFLATE", ""),
        ("x-webkit-deflate-frame", ""),
        (
            "foo, permessage-deflate; client_max_window_bits=\"1\\1\"",
            "permessage-deflate; client_max_window_bits=11",
        ),
    ];
    for (offer, expected) in cases {
        assert_eq!(answer(&[offer]).unwrap_or_default(), expected, "{offer}");
    }
}

// Shows Z-4.
#[test]
fn server_declines_what_the_rfc_forbids() {
    let numbers =
        ["", "7", "16", "-1", "+9", "08", "09", "010", "1e1", "10.0", "0x9", "a", "99999999999", "1 0"];
    let mut parameters: Vec<String> = ["server_max_window_bits", "client_max_window_bits"]
        .into_iter()
        .flat_map(|name| {
            numbers
                .into_iter()
                .flat_map(move |number| [format!("{name}={number}"), format!("{name}=\"{number}\"")])
        })
        .collect();
    parameters.extend(
        [
            "server_max_window_bits",
            "server_max_window_bits=8",
            "server_no_context_takeover=1",
            "server_no_context_takeover=true",
            "client_no_context_takeover=\"0\"",
            "client_no_context_takeover=server",
            "Server_No_Context_Takeover",
            "mem_level=8",
            "server_no_context_takeover; server_no_context_takeover",
            "client_no_context_takeover; client_no_context_takeover",
            "server_max_window_bits=10; server_max_window_bits=10",
            "client_max_window_bits; client_max_window_bits",
            "client_max_window_bits=10; client_max_window_bits",
        ]
        .map(str::to_owned),
    );
    for parameter in parameters {
        let offer = format!("permessage-deflate; {parameter}");
        assert_eq!(answer(&[&offer]), None, "{offer}");
    }
}

#[test]
fn first_offer_that_can_be_kept_to_wins() {
    let expected = Some("permessage-deflate; server_max_window_bits=11".to_owned());
    assert_eq!(
        answer(&[
            "permessage-deflate; x; server_max_window_bits=9, permessage-deflate; server_max_window_bits=11"
        ]),
        expected
    );
    assert_eq!(
        answer(&[
            "permessage-deflate; server_max_window_bits=8",
            "bar",
            "permessage-deflate; server_max_window_bits=11, permessage-deflate"
        ]),
        expected
    );
    assert_eq!(answer(&[]), None);
}

#[test]
fn server_says_what_it_was_told_to() {
    let config = DeflateConfig::new().server_max_window_bits(10).client_max_window_bits(11);
    assert_eq!(
        answer_of(&config, &["permessage-deflate"]).unwrap(),
        "permessage-deflate; server_max_window_bits=10"
    );
    let both = "permessage-deflate; client_max_window_bits; server_max_window_bits=15";
    assert_eq!(
        answer_of(&config, &[both]).unwrap(),
        "permessage-deflate; server_max_window_bits=10; client_max_window_bits=11"
    );
    let config =
        DeflateConfig::new().no_context_takeover().server_max_window_bits(15).client_max_window_bits(15);
    assert_eq!(
        answer_of(&config, &["permessage-deflate; client_max_window_bits"]).unwrap(),
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
    );
}

#[test]
fn client_offers_what_it_was_told_to() {
    let offers = [
        (DeflateConfig::new(), "permessage-deflate; client_max_window_bits"),
        (
            DeflateConfig::new().no_context_takeover(),
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover; client_max_window_bits",
        ),
        (
            DeflateConfig::new().server_max_window_bits(9).client_max_window_bits(14),
            "permessage-deflate; server_max_window_bits=9; client_max_window_bits=14",
        ),
    ];
    for (config, offer) in offers {
        assert_eq!(offer_deflate(&config), offer);
    }
}

#[test]
fn client_accepts_answers_to_its_offer() {
    for (config, answers) in [
        (
            DeflateConfig::new(),
            &[
                "permessage-deflate",
                "permessage-deflate; server_no_context_takeover",
                "permessage-deflate; client_no_context_takeover",
                "permessage-deflate; client_max_window_bits=8",
                "permessage-deflate; client_max_window_bits=\"15\"",
                // 7.1.2.1: without having been asked.
                "permessage-deflate; server_max_window_bits=8",
                "permessage-deflate; server_max_window_bits=15; server_no_context_takeover",
            ][..],
        ),
        (
            DeflateConfig::new().server_max_window_bits(12).client_max_window_bits(12),
            &[
                "permessage-deflate; server_max_window_bits=12",
                "permessage-deflate; server_max_window_bits=9; client_max_window_bits=12",
            ],
        ),
        (
            DeflateConfig::new().server_no_context_takeover(true),
            &["permessage-deflate; server_no_context_takeover"],
        ),
    ] {
        for answer in answers {
            let expected = meaning(&answer.replace('"', ""));
            assert_eq!(verdict(&config, &[answer]), Ok(Some(expected)), "{answer}");
        }
    }
    assert_eq!(verdict(&DeflateConfig::new(), &[]), Ok(None));
    // What was promised is kept, confirmed or not.
    let promised = verdict(&DeflateConfig::new().client_no_context_takeover(true), &["permessage-deflate"]);
    assert!(promised.unwrap().unwrap().client_no_context_takeover);
}

// Shows Z-4.
#[test]
fn client_fails_on_everything_else() {
    use ResponseError::{DeflateParameters, ExtensionMalformed, ExtensionNotOffered};
    let default = DeflateConfig::new();
    let small = DeflateConfig::new().server_max_window_bits(12).client_max_window_bits(12);
    let alone = DeflateConfig::new().server_no_context_takeover(true);
    for (config, answers, error) in [
        (&default, &["permessage-deflate; server_max_window_bits"][..], DeflateParameters),
        (&default, &["permessage-deflate; client_max_window_bits"], DeflateParameters),
        (&default, &["permessage-deflate; client_max_window_bits=16"], DeflateParameters),
        (&default, &["permessage-deflate; server_max_window_bits=1000"], DeflateParameters),
        (&default, &["permessage-deflate; server_max_window_bits=0"], DeflateParameters),
        (&default, &["permessage-deflate; server_max_window_bits=010"], DeflateParameters),
        (&default, &["permessage-deflate; foo"], DeflateParameters),
        (&default, &["permessage-deflate; server_no_context_takeover=1"], DeflateParameters),
        (
            &default,
            &["permessage-deflate; server_no_context_takeover; server_no_context_takeover"],
            DeflateParameters,
        ),
        (&default, &["permessage-deflate, permessage-deflate"], DeflateParameters),
        (&default, &["permessage-deflate", "permessage-deflate"], DeflateParameters),
        (&default, &["permessage-deflate, foo"], ExtensionNotOffered),
        (&default, &["foo"], ExtensionNotOffered),
        (&default, &["permessage-deflate; server_max_window_bits="], ExtensionMalformed),
        (&default, &[""], ExtensionMalformed),
        (&small, &["permessage-deflate"], DeflateParameters),
        (&small, &["permessage-deflate; server_max_window_bits=13"], DeflateParameters),
        (
            &small,
            &["permessage-deflate; server_max_window_bits=12; client_max_window_bits=13"],
            DeflateParameters,
        ),
        (&alone, &["permessage-deflate"], DeflateParameters),
        (&alone, &["permessage-deflate; client_no_context_takeover"], DeflateParameters),
    ] {
        assert_eq!(verdict(config, answers), Err(error), "{answers:?}");
    }
}

fn config() -> impl Strategy<Value = DeflateConfig> {
    let bits = || proptest::option::of(9u8..=15);
    (any::<bool>(), any::<bool>(), bits(), bits()).prop_map(|(server, client, server_bits, client_bits)| {
        let mut config =
            DeflateConfig::new().server_no_context_takeover(server).client_no_context_takeover(client);
        if let Some(bits) = server_bits {
            config = config.server_max_window_bits(bits);
        }
        if let Some(bits) = client_bits {
            config = config.client_max_window_bits(bits);
        }
        config
    })
}

proptest! {
    // Shows Z-4.
    #[test]
    fn both_ends_come_to_the_same(client in config(), server in config()) {
        let mut request = HeaderMap::new();
        request.append(SEC_WEBSOCKET_EXTENSIONS, offer_deflate(&client));
        let (negotiated, response) = negotiate_deflate(&request, &server).unwrap();
        prop_assert_eq!(verdict(&client, &[response.to_str().unwrap()]), Ok(Some(negotiated)));
    }

    // Shows Z-4, PAN-1.
    #[test]
    fn nothing_that_arrives_panics(value in any_value(200), config in config()) {
        let _ = negotiate_deflate(&lines(&SEC_WEBSOCKET_EXTENSIONS, [&value]), &config);
        if let Ok(answer) = HeaderValue::from_bytes(&value) {
            if let Ok(answer) = answer.to_str() {
                let _ = verdict(&config, &[answer]);
            }
        }
    }

    #[test]
    fn parameters_in_any_order_mean_the_same(
        order in Just(vec![
            "server_no_context_takeover", "client_no_context_takeover", "server_max_window_bits=10",
            "client_max_window_bits=9",
        ]).prop_shuffle(),
        count in 0usize..=4,
    ) {
        let offer = ["permessage-deflate"].iter().chain(&order[..count]).copied().collect::<Vec<_>>().join(";");
        let mut sorted = order[..count].to_vec();
        sorted.sort_unstable();
        let same = ["permessage-deflate"].iter().chain(&sorted).copied().collect::<Vec<_>>().join(" ; ");
        prop_assert_eq!(answer(&[&offer]), answer(&[&same]));
        prop_assert!(answer(&[&offer]).is_some());
    }
}
