//! RFC 7692, 7.1: every spelling of every parameter with every other, offered to a server and answered to a client.

use http::{
    HeaderMap, HeaderValue, StatusCode,
    header::{CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_EXTENSIONS, UPGRADE},
};

use super::Cases;
use crate::{
    DeflateConfig, NegotiatedDeflate,
    handshake::{Offer, negotiate_deflate},
};

/// A parameter as it is spelled, and what that means: nothing that is allowed if there is no meaning.
#[derive(Clone, Copy, Debug)]
struct Spelling<T> {
    text: &'static str,
    means: Option<T>,
}

const fn is<T: Copy>(text: &'static str, means: T) -> Spelling<T> {
    Spelling { text, means: Some(means) }
}

const fn bad<T: Copy>(text: &'static str) -> Spelling<T> {
    Spelling { text, means: None }
}

/// 7.1.1: without a value, and at most once.
const SERVER_NO_TAKEOVER: [Spelling<bool>; 6] = [
    is("", false),
    is("server_no_context_takeover", true),
    bad("server_no_context_takeover=1"),
    bad("server_no_context_takeover=\"\""),
    bad("server_no_context_takeover; server_no_context_takeover"),
    bad("Server_No_Context_Takeover"),
];

const CLIENT_NO_TAKEOVER: [Spelling<bool>; 5] = [
    is("", false),
    is("client_no_context_takeover", true),
    bad("client_no_context_takeover=true"),
    bad("client_no_context_takeover="),
    bad("client_no_context_takeover; client_no_context_takeover"),
];

/// What is said of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Window {
    Unsaid,
    /// Without a value.
    Any,
    Bits(u8),
}
use Window::{Any, Bits, Unsaid};

/// 7.1.2.1: "a decimal integer value without leading zeroes between 8 to 15, inclusive".
const SERVER_WINDOW: [Spelling<Window>; 14] = [
    is("", Unsaid),
    is("server_max_window_bits", Any),
    is("server_max_window_bits=8", Bits(8)),
    is("server_max_window_bits=9", Bits(9)),
    is("server_max_window_bits=\"10\"", Bits(10)),
    is("server_max_window_bits=12", Bits(12)),
    is("server_max_window_bits=15", Bits(15)),
    bad("server_max_window_bits=7"),
    bad("server_max_window_bits=16"),
    bad("server_max_window_bits=1000"),
    bad("server_max_window_bits=08"),
    bad("server_max_window_bits=010"),
    bad("server_max_window_bits=+9"),
    bad("server_max_window_bits=9; server_max_window_bits=9"),
];

const CLIENT_WINDOW: [Spelling<Window>; 13] = [
    is("", Unsaid),
    is("client_max_window_bits", Any),
    is("client_max_window_bits=8", Bits(8)),
    is("client_max_window_bits=9", Bits(9)),
    is("client_max_window_bits=\"1\\1\"", Bits(11)),
    is("client_max_window_bits=14", Bits(14)),
    is("client_max_window_bits=15", Bits(15)),
    bad("client_max_window_bits=0"),
    bad("client_max_window_bits=16"),
    bad("client_max_window_bits=09"),
    bad("client_max_window_bits=\"\""),
    bad("client_max_window_bits=1x"),
    bad("client_max_window_bits; client_max_window_bits=10"),
];

/// 7.1: a parameter that is not defined.
const OTHER: [Spelling<()>; 2] = [is("", ()), bad("mem_level=8")];

#[derive(Clone, Copy, Debug)]
struct Meaning {
    server_no_takeover: bool,
    client_no_takeover: bool,
    server_window: Window,
    client_window: Window,
}

/// Every spelling: what stands in the header, and what it means.
fn every_spelling(mut each: impl FnMut(&str, Option<Meaning>)) {
    for server_no_takeover in SERVER_NO_TAKEOVER {
        for client_no_takeover in CLIENT_NO_TAKEOVER {
            for server_window in SERVER_WINDOW {
                for client_window in CLIENT_WINDOW {
                    for other in OTHER {
                        let mut parameters = [
                            server_no_takeover.text,
                            client_no_takeover.text,
                            server_window.text,
                            client_window.text,
                            other.text,
                        ];
                        let meaning = || {
                            other.means?;
                            Some(Meaning {
                                server_no_takeover: server_no_takeover.means?,
                                client_no_takeover: client_no_takeover.means?,
                                server_window: server_window.means?,
                                client_window: client_window.means?,
                            })
                        };
                        each(&header("; ", &parameters), meaning());
                        // The order says nothing, nor does space around the semicolon.
                        parameters.reverse();
                        each(&header("\t;", &parameters), meaning());
                    }
                }
            }
        }
    }
}

fn header(separator: &str, parameters: &[&str]) -> String {
    let parameters = parameters.iter().filter(|parameter| !parameter.is_empty());
    let all: Vec<_> = ["permessage-deflate"].iter().chain(parameters).copied().collect();
    all.join(separator)
}

/// An endpoint's own wishes.
#[derive(Clone, Copy, Debug)]
struct Wishes {
    server_no_takeover: bool,
    client_no_takeover: bool,
    server_bits: Option<u8>,
    client_bits: Option<u8>,
}

const WISHES: [Wishes; 4] = [
    Wishes { server_no_takeover: false, client_no_takeover: false, server_bits: None, client_bits: None },
    Wishes {
        server_no_takeover: true,
        client_no_takeover: false,
        server_bits: Some(15),
        client_bits: Some(9),
    },
    Wishes {
        server_no_takeover: false,
        client_no_takeover: true,
        server_bits: Some(10),
        client_bits: Some(15),
    },
    Wishes {
        server_no_takeover: true,
        client_no_takeover: true,
        server_bits: Some(9),
        client_bits: Some(14),
    },
];

impl Wishes {
    fn config(self) -> DeflateConfig {
        let mut config = DeflateConfig::new()
            .server_no_context_takeover(self.server_no_takeover)
            .client_no_context_takeover(self.client_no_takeover);
        if let Some(bits) = self.server_bits {
            config = config.server_max_window_bits(bits);
        }
        if let Some(bits) = self.client_bits {
            config = config.client_max_window_bits(bits);
        }
        config
    }

    /// What a server makes of an offer.
    fn agreed_by_server(self, offer: Meaning) -> Option<NegotiatedDeflate> {
        // Ours: 12 bits unless told otherwise, if the client lets us say so; of what nothing is kept all that there are.
        let keeps = !self.client_no_takeover && !offer.client_no_takeover;
        let client_wish = self.client_bits.unwrap_or(if keeps { 12 } else { 15 });
        let server_wish = self.server_bits.unwrap_or(12);
        let server_bits = match offer.server_window {
            // 7.1.2.1: the value is not left out in an offer. Ours: a window of 8 bits is declined, zlib has none.
            Any | Bits(8) => return None,
            Bits(bits) => bits.min(server_wish),
            // 7.1.2.1: a server may say it without being asked.
            Unsaid => self.server_bits.unwrap_or(15),
        };
        let client_bits = match offer.client_window {
            // 7.1.2.2: a client that did not say it cannot be told.
            Unsaid => 15,
            Any => client_wish,
            Bits(bits) => bits.min(client_wish),
        };
        Some(NegotiatedDeflate {
            server_no_context_takeover: self.server_no_takeover || offer.server_no_takeover,
            client_no_context_takeover: self.client_no_takeover || offer.client_no_takeover,
            server_max_window_bits: server_bits,
            client_max_window_bits: client_bits,
        })
    }

    /// What a client makes of the answer to its offer.
    fn agreed_by_client(self, answer: Meaning) -> Option<NegotiatedDeflate> {
        let server_bits = match answer.server_window {
            Any => return None,
            Bits(bits) => bits,
            // 7.1.2.1: what was asked for is accepted by saying it.
            Unsaid if self.server_bits.is_some() => return None,
            Unsaid => 15,
        };
        let client_bits = match answer.client_window {
            // 7.1.2.2: in a response it has a value.
            Any => return None,
            Bits(bits) => bits,
            Unsaid => 15,
        };
        // 7.1.1.1 and 7.1.2.1: what was asked for is confirmed, or the connection fails.
        if (self.server_no_takeover && !answer.server_no_takeover)
            || self.server_bits.is_some_and(|asked| server_bits > asked)
            // 7.1.2.2: a value that is not over that of the offer.
            || self.client_bits.is_some_and(|said| matches!(answer.client_window, Bits(bits) if bits > said))
        {
            return None;
        }
        Some(NegotiatedDeflate {
            server_no_context_takeover: answer.server_no_takeover,
            // 7.1.1.2: what it said that it will do, it does.
            client_no_context_takeover: self.client_no_takeover || answer.client_no_takeover,
            server_max_window_bits: server_bits,
            client_max_window_bits: client_bits,
        })
    }
}

#[test]
fn every_offer_is_answered_or_declined_as_the_rfc_says() {
    let mut cases = Cases::new("offers of permessage-deflate", 41);
    for wishes in WISHES {
        let config = wishes.config();
        every_spelling(|offer, meaning| {
            if !cases.next() {
                return;
            }
            let mut headers = HeaderMap::new();
            headers.append(SEC_WEBSOCKET_EXTENSIONS, HeaderValue::from_str(offer).expect("a header value"));
            let agreed = negotiate_deflate(&headers, &config);
            let must = meaning.and_then(|meaning| wishes.agreed_by_server(meaning));
            assert_eq!(agreed.as_ref().map(|(agreed, _)| *agreed), must, "{wishes:?} {offer}");
            if let (Some((_, answer)), Some(Meaning { client_window: Unsaid, .. })) = (&agreed, meaning) {
                let answer = answer.to_str().expect("text");
                assert!(!answer.contains("client_max_window_bits"), "{offer}: {answer}");
            }
            cases.count();
        });
    }
}

#[test]
fn every_answer_is_accepted_or_fails_as_the_rfc_says() {
    let mut cases = Cases::new("answers of permessage-deflate", 41);
    let (key, accept) = ("dGhlIHNhbXBsZSBub25jZQ==", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    for wishes in WISHES {
        let config = wishes.config();
        every_spelling(|answer, meaning| {
            if !cases.next() {
                return;
            }
            let mut response = HeaderMap::new();
            response.append(CONNECTION, HeaderValue::from_static("Upgrade"));
            response.append(UPGRADE, HeaderValue::from_static("websocket"));
            response.append(SEC_WEBSOCKET_ACCEPT, HeaderValue::from_static(accept));
            response.append(SEC_WEBSOCKET_EXTENSIONS, HeaderValue::from_str(answer).expect("a header value"));
            let none: [&str; 0] = [];
            let offer = Offer::new(&none).with_deflate(&config);
            let checked =
                offer.check(StatusCode::SWITCHING_PROTOCOLS, &response, &HeaderValue::from_static(key));
            let must = meaning.and_then(|meaning| wishes.agreed_by_client(meaning));
            let agreed = checked.ok().and_then(|negotiated| negotiated.deflate);
            assert_eq!(agreed, must, "{wishes:?} {answer}");
            cases.count();
        });
    }
}
