//! What a page's origin is compared with: schemes, hosts and proxies. Each row is a request, and whether it is accepted.

mod support;

use std::net::IpAddr;

use http::{HeaderValue, Request, Response, header, uri::Scheme};
use proptest::prelude::*;
use ws_tower::{
    AllowedHosts, CheckOrigin, ResponseBody, TrustedProxy, Upgrader, rejection::WebSocketUpgradeRejection,
};

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Accepted,
    Forbidden,
    Misdirected,
}
use Answer::{Accepted, Forbidden, Misdirected};

/// The address that a test gives a request.
#[derive(Clone)]
struct Peer(IpAddr);

fn request(host: &str, headers: &[(&str, &str)]) -> Request<()> {
    let mut request = Request::get("/")
        .header("host", host)
        .header("connection", "upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", support::KEY)
        .extension(hyper::upgrade::on(Request::new(())));
    for (name, value) in headers {
        request = request.header(*name, HeaderValue::from_bytes(value.as_bytes()).expect("a header value"));
    }
    request.body(()).expect("a request")
}

fn answer_to(upgrader: &Upgrader, mut request: Request<()>) -> Answer {
    match upgrader.upgrade(&mut request) {
        Ok(_) => Accepted,
        Err(WebSocketUpgradeRejection::OriginNotAllowed(_)) => Forbidden,
        Err(WebSocketUpgradeRejection::HostNotAllowed(_)) => Misdirected,
        Err(other) => panic!("refused for another reason: {other}"),
    }
}

fn answer(upgrader: &Upgrader, host: &str, headers: &[(&str, &str)]) -> Answer {
    answer_to(upgrader, request(host, headers))
}

fn over(scheme: Scheme) -> Upgrader {
    Upgrader::new().external_scheme(scheme)
}

// Shows ORG-2.
#[test]
fn scheme_is_compared_where_it_is_known() {
    for host in ["a.example", "a.example:443", "A.EXAMPLE"] {
        assert_eq!(
            answer(&over(Scheme::HTTPS), host, &[("origin", "https://a.example")]),
            Accepted,
            "{host}"
        );
    }
    for (scheme, host, origin, expected) in [
        (Scheme::HTTPS, "a.example", "http://a.example", Forbidden),
        (Scheme::HTTPS, "a.example", "https://a.example:444", Forbidden),
        (Scheme::HTTPS, "a.example:8443", "https://a.example:8443", Accepted),
        (Scheme::HTTPS, "a.example:8443", "http://a.example:8443", Forbidden),
        (Scheme::HTTP, "a.example", "http://a.example", Accepted),
        (Scheme::HTTP, "a.example:80", "http://a.example", Accepted),
        (Scheme::HTTP, "a.example", "https://a.example", Forbidden),
    ] {
        assert_eq!(
            answer(&over(scheme.clone()), host, &[("origin", origin)]),
            expected,
            "{scheme} {origin} {host}"
        );
    }
    // Not known: both.
    for origin in ["http://a.example", "https://a.example"] {
        assert_eq!(answer(&Upgrader::new(), "a.example", &[("origin", origin)]), Accepted, "{origin}");
    }
    // The scheme of the WebSocket's own URL serves no pages.
    assert_eq!(answer(&over(Scheme::HTTPS), "a.example", &[("origin", "wss://a.example")]), Forbidden);
}

#[test]
fn server_itself_is_allowed_beside_a_list_on_request() {
    let list = || CheckOrigin::list(["https://*.example.com", "app.example"]).expect("origins");
    let both = Upgrader::new().check_origin(list().or_same_origin());
    for (origin, alone, beside) in [
        ("https://x.example.com", Accepted, Accepted),
        ("http://app.example", Accepted, Accepted),
        ("https://app.example", Accepted, Accepted),
        ("https://server.example", Forbidden, Accepted),
        ("https://example.com", Forbidden, Forbidden),
        ("https://app.example:444", Forbidden, Forbidden),
        ("null", Forbidden, Forbidden),
    ] {
        let listed = Upgrader::new().check_origin(list());
        assert_eq!(answer(&listed, "server.example", &[("origin", origin)]), alone, "{origin}");
        assert_eq!(answer(&both, "server.example", &[("origin", origin)]), beside, "{origin}");
    }
    let or = Upgrader::new().check_origin(list().or(CheckOrigin::with(|request| request.uri.path() == "/")));
    assert_eq!(answer(&or, "server.example", &[("origin", "https://evil.example")]), Accepted);
}

#[test]
fn origin_is_required_on_request() {
    for check in [
        CheckOrigin::SameOrigin,
        CheckOrigin::Any,
        CheckOrigin::list(["https://a.example"]).expect("an origin"),
        CheckOrigin::list(["https://b.example"]).expect("an origin").or_same_origin(),
    ] {
        let required = Upgrader::new().check_origin(check.clone().require_origin());
        let page = [("origin", "https://a.example")];
        assert_eq!(answer(&required, "a.example", &page), Accepted, "{check:?}");
        assert_eq!(answer(&required, "a.example", &[]), Forbidden, "{check:?}");
        let optional = Upgrader::new().check_origin(check);
        assert_eq!(answer(&optional, "a.example", &[]), Accepted, "{optional:?}");
    }
}

// Shows ORG-6.
#[test]
fn request_for_a_host_that_is_not_ours_is_misdirected() {
    let ours = Upgrader::new()
        .allowed_hosts(AllowedHosts::list(["a.example", "*.b.example", "[::1]:3000"]).expect("hosts"));
    for (host, expected) in [
        ("a.example", Accepted),
        ("A.example:8080", Accepted),
        ("x.b.example", Accepted),
        ("[0::1]:3000", Accepted),
        ("b.example", Misdirected),
        ("evilb.example", Misdirected),
        ("rebound.example", Misdirected),
        ("127.0.0.1", Misdirected),
        ("[::1]", Misdirected),
        ("localhost", Misdirected),
    ] {
        // The page is of the very host that the request is for: only its name gives it away.
        let origin = format!("http://{host}");
        assert_eq!(answer(&ours, host, &[("origin", &origin)]), expected, "{host}");
        assert_eq!(answer(&ours, host, &[]), expected, "{host}");
    }
}

// Shows ORG-6.
#[test]
fn host_is_checked_before_the_origin_whatever_that_check_is() {
    let hosts = || AllowedHosts::list(["a.example"]).expect("a host");
    let strict = Upgrader::new().allowed_hosts(hosts());
    assert_eq!(answer(&strict, "b.example", &[("origin", "https://evil.example")]), Misdirected);
    let any = Upgrader::new().allowed_hosts(hosts()).check_origin(CheckOrigin::Any);
    assert_eq!(answer(&any, "b.example", &[]), Misdirected);
    assert_eq!(answer(&any.allowed_hosts(None), "b.example", &[]), Accepted);
}

#[test]
fn misdirected_request_is_a_421_that_ends_the_connection_and_tells_no_more() {
    let upgrader = Upgrader::new().allowed_hosts(AllowedHosts::list(["a.example"]).expect("a host"));
    let rejection = upgrader.upgrade(&mut request("b.example", &[])).expect_err("refused");
    assert_eq!(rejection.to_string(), "the host is not one of this server");
    let response = Response::<ResponseBody>::from(rejection);
    assert_eq!(response.status(), 421);
    assert_eq!(response.headers()[header::CONNECTION], "close");
    assert_eq!(response.into_body().into_bytes(), "Misdirected Request");
}

#[test]
fn authority_of_an_absolute_target_is_the_host_that_counts() {
    let upgrader = Upgrader::new().allowed_hosts(AllowedHosts::list(["a.example"]).expect("a host"));
    let to = |target: &'static str, host| {
        let mut request = request(host, &[]);
        *request.uri_mut() = http::Uri::from_static(target);
        answer_to(&upgrader, request)
    };
    assert_eq!(to("http://a.example/", "b.example"), Accepted);
    assert_eq!(to("http://b.example/", "a.example"), Misdirected);
    // The scheme of the target is the client's word, as everything in its request.
    let mut page = request("a.example", &[("origin", "http://a.example")]);
    *page.uri_mut() = http::Uri::from_static("http://a.example/");
    assert_eq!(answer_to(&over(Scheme::HTTPS), page), Forbidden);
}

const PROTO: &str = "x-forwarded-proto";
const HOST: &str = "x-forwarded-host";
const HTTPS_PAGE: (&str, &str) = ("origin", "https://a.example");
const HTTP_PAGE: (&str, &str) = ("origin", "http://a.example");

#[test]
fn scheme_and_host_are_those_that_a_trusted_proxy_names() {
    let trusting = Upgrader::new().trust_proxy(TrustedProxy::when(|_| true));
    for (host, headers, expected) in [
        ("backend:8080", &[HTTPS_PAGE, (PROTO, "https"), (HOST, "a.example")][..], Accepted),
        ("backend:8080", &[HTTPS_PAGE, (PROTO, "wss"), (HOST, "A.example:443")], Accepted),
        ("backend:8080", &[HTTP_PAGE, (PROTO, "https"), (HOST, "a.example")], Forbidden),
        ("backend:8080", &[HTTPS_PAGE, (PROTO, "http"), (HOST, "a.example")], Forbidden),
        ("backend:8080", &[HTTPS_PAGE, (PROTO, "https"), (HOST, "b.example")], Forbidden),
        ("backend:8080", &[HTTPS_PAGE, (PROTO, "https")], Forbidden),
        ("a.example", &[HTTPS_PAGE, (PROTO, "https")], Accepted),
        ("a.example", &[HTTP_PAGE, (PROTO, "https")], Forbidden),
        ("a.example", &[HTTP_PAGE], Accepted),
        // Of a list the nearest proxy's element counts; the others may be the client's.
        ("backend", &[HTTPS_PAGE, (PROTO, "http, https"), (HOST, "evil.example, a.example")], Accepted),
        ("backend", &[HTTPS_PAGE, (PROTO, "https"), (HOST, "a.example, evil.example")], Forbidden),
        ("backend", &[HTTPS_PAGE, (PROTO, "https"), (HOST, "a.example"), (HOST, "evil.example")], Forbidden),
        // What is malformed is no reason to believe anything else.
        ("a.example", &[HTTPS_PAGE, (PROTO, "ftp")], Forbidden),
        ("a.example", &[HTTPS_PAGE, (PROTO, "")], Forbidden),
        ("a.example", &[HTTPS_PAGE, (PROTO, "https"), (HOST, "")], Forbidden),
        ("a.example", &[HTTPS_PAGE, (PROTO, "https"), (HOST, "a.example/")], Forbidden),
        // The other header is not read.
        ("backend", &[HTTPS_PAGE, ("forwarded", "proto=https;host=a.example")], Forbidden),
    ] {
        assert_eq!(answer(&trusting, host, headers), expected, "{host} {headers:?}");
    }
}

#[test]
fn forwarded_of_rfc_7239_is_read_in_place_of_the_others_on_request() {
    let trusting = Upgrader::new().trust_proxy(TrustedProxy::when(|_| true).rfc_7239());
    for (headers, expected) in [
        (&[HTTPS_PAGE, ("forwarded", "for=192.0.2.1;proto=https;host=a.example")][..], Accepted),
        (
            &[HTTPS_PAGE, ("forwarded", "host=evil.example, for=_x;Host=\"a.example:443\";PROTO=https")],
            Accepted,
        ),
        (&[HTTPS_PAGE, ("forwarded", "host=a.example;proto=https, host=b.example;proto=https")], Forbidden),
        (&[HTTP_PAGE, ("forwarded", "host=a.example;proto=https")], Forbidden),
        (&[HTTPS_PAGE, ("forwarded", "host=a.example;host=a.example")], Forbidden),
        (&[HTTPS_PAGE, (PROTO, "https"), (HOST, "a.example")], Forbidden),
    ] {
        assert_eq!(answer(&trusting, "backend", headers), expected, "{headers:?}");
    }
}

/// A client can send whatever a proxy can.
// Shows ORG-5.
#[test]
fn headers_of_what_is_no_trusted_proxy_count_for_nothing() {
    let forged =
        [HTTPS_PAGE, (PROTO, "https"), (HOST, "a.example"), ("forwarded", "proto=https;host=a.example")];
    let by_address = |proxy: fn(TrustedProxy) -> TrustedProxy| {
        let proxy_addresses = TrustedProxy::addresses(["10.0.0.0/8", "::1"], |request| {
            request.extensions.get().map(|Peer(address)| *address)
        });
        Upgrader::new().trust_proxy(proxy(proxy_addresses.expect("addresses")))
    };
    let from = |upgrader: &Upgrader, address: Option<&str>| {
        let mut request = request("backend", &forged);
        if let Some(address) = address {
            request.extensions_mut().insert(Peer(address.parse().expect("an address")));
        }
        answer_to(upgrader, request)
    };
    assert_eq!(from(&Upgrader::new(), Some("10.0.0.1")), Forbidden);
    for upgrader in [by_address(|proxy| proxy), by_address(TrustedProxy::rfc_7239)] {
        for address in ["10.0.0.1", "10.255.0.1", "::ffff:10.0.0.1", "::1"] {
            assert_eq!(from(&upgrader, Some(address)), Accepted, "{address}");
        }
        for address in [Some("11.0.0.1"), Some("192.168.0.1"), Some("::2"), None] {
            assert_eq!(from(&upgrader, address), Forbidden, "{address:?}");
        }
    }
}

// Shows ORG-5.
#[test]
fn configured_scheme_counts_where_no_proxy_names_one() {
    let upgrader = over(Scheme::HTTPS).trust_proxy(TrustedProxy::when(|_| true));
    assert_eq!(answer(&upgrader, "a.example", &[HTTP_PAGE]), Forbidden);
    assert_eq!(answer(&upgrader, "a.example", &[HTTPS_PAGE]), Accepted);
    assert_eq!(answer(&upgrader, "a.example", &[HTTP_PAGE, (PROTO, "http")]), Accepted);
}

#[test]
fn allowed_hosts_are_compared_with_what_a_trusted_proxy_names() {
    let hosts = || AllowedHosts::list(["a.example"]).expect("a host");
    let trusting = Upgrader::new().allowed_hosts(hosts()).trust_proxy(TrustedProxy::when(|_| true));
    assert_eq!(answer(&trusting, "backend", &[(HOST, "a.example")]), Accepted);
    assert_eq!(answer(&trusting, "a.example", &[(HOST, "evil.example")]), Misdirected);
    assert_eq!(answer(&trusting, "a.example", &[(PROTO, "ftp")]), Misdirected);
    let alone = Upgrader::new().allowed_hosts(hosts());
    assert_eq!(answer(&alone, "backend", &[(HOST, "a.example")]), Misdirected);
}

#[test]
fn function_that_panics_is_a_500_wherever_it_was_asked() {
    for upgrader in [
        Upgrader::new().check_origin(CheckOrigin::with(|_| panic!("as asked for"))),
        Upgrader::new().trust_proxy(TrustedProxy::when(|_| panic!("as asked for"))),
        Upgrader::new().choose_subprotocol(|_, _| panic!("as asked for")),
    ] {
        let rejection = upgrader.upgrade(&mut request("a.example", &[])).expect_err("refused");
        assert!(matches!(rejection, WebSocketUpgradeRejection::InvalidHandshake(_)), "{rejection}");
        let response = Response::<ResponseBody>::from(rejection);
        assert_eq!(response.status(), 500);
        assert_eq!(response.headers()[header::CONNECTION], "close");
    }
}

/// A host that means the same in several spellings, and those.
fn host() -> impl Strategy<Value = (String, String)> {
    let name = "[a-z][a-z0-9-]{0,6}[a-z0-9](\\.[a-z][a-z0-9]{1,5}){0,3}";
    let mixed = (name, any::<u64>()).prop_map(|(name, bits)| {
        let upper = |(index, letter): (usize, char)| {
            if bits >> (index % 64) & 1 == 1 { letter.to_ascii_uppercase() } else { letter }
        };
        let other = name.chars().enumerate().map(upper).collect();
        (name, other)
    });
    let ipv6 = any::<[u16; 8]>().prop_map(|groups| {
        let long: Vec<_> = groups.iter().map(|group| format!("{group:04X}")).collect();
        (format!("[{}]", std::net::Ipv6Addr::from(groups)), format!("[{}]", long.join(":")))
    });
    let ipv4 = any::<[u8; 4]>().prop_map(|bytes| {
        let address = std::net::Ipv4Addr::from(bytes).to_string();
        (address.clone(), address)
    });
    prop_oneof![4 => mixed, 2 => ipv6, 1 => ipv4]
}

/// The scheme and the port of a server, and all ways to write that port.
fn endpoint() -> impl Strategy<Value = (Scheme, Vec<String>)> {
    (any::<bool>(), prop_oneof![Just(80_u16), Just(443), 1_u16..]).prop_map(|(secure, port)| {
        let (scheme, default) = if secure { (Scheme::HTTPS, 443) } else { (Scheme::HTTP, 80) };
        let mut spellings = vec![format!(":{port}")];
        if port == default {
            spellings.push(String::new());
        }
        (scheme, spellings)
    })
}

proptest! {
    /// Letters of either case, a default port or none, IPv6 in short or in full: on either side, it is the same origin.
    // Shows ORG-2.
    #[test]
    fn page_of_the_server_is_allowed_in_every_spelling(
        (one, other) in host(),
        (scheme, ports) in endpoint(),
        upper in any::<bool>(),
    ) {
        let name = if upper { scheme.as_str().to_uppercase() } else { scheme.as_str().to_owned() };
        for (page, server) in [(&one, &other), (&other, &one), (&one, &one), (&other, &other)] {
            for page_port in &ports {
                for server_port in &ports {
                    let origin = format!("{name}://{page}{page_port}");
                    let host = format!("{server}{server_port}");
                    for upgrader in [
                        over(scheme.clone()),
                        Upgrader::new(),
                        Upgrader::new().check_origin(CheckOrigin::list([&origin]).expect("an origin")),
                        Upgrader::new()
                            .check_origin(CheckOrigin::list([format!("{name}://{server}{server_port}")]).expect("one"))
                            .allowed_hosts(AllowedHosts::list([format!("{page}{page_port}")]).expect("a host")),
                    ] {
                        prop_assert_eq!(answer(&upgrader, &host, &[("origin", &origin)]), Accepted, "{} {}", host, origin);
                    }
                }
            }
        }
    }

    /// Another character in place of one, one more, or one less: what is left is another page.
    // Shows ORG-2.
    #[test]
    fn no_edit_of_one_character_is_allowed(
        (host, _) in host(),
        (scheme, ports) in endpoint(),
        place in any::<prop::sample::Index>(),
        character in "[!-~]",
        edit in 0..3,
    ) {
        let authority = format!("{host}{}", ports[0]);
        let good = format!("{scheme}://{authority}");
        let at = place.index(good.len());
        let mut origin = good.clone();
        match edit {
            0 => origin.replace_range(at..=at, &character),
            1 => origin.insert_str(at, &character),
            _ => drop(origin.remove(at)),
        }
        // What only looks different. `0` before a group of IPv6 is the same address; without its port an origin has the
        // default one.
        let same = |origin: &str| {
            let parsed = |origin: &str| origin.parse::<ws_core::handshake::Origin>();
            parsed(origin).is_ok() && parsed(origin) == parsed(&good)
        };
        prop_assume!(!same(&origin));
        for upgrader in [
            over(scheme),
            Upgrader::new().check_origin(CheckOrigin::list([&good]).expect("an origin")),
        ] {
            prop_assert_eq!(answer(&upgrader, &authority, &[("origin", &origin)]), Forbidden, "{} {}", authority, origin);
        }
    }

    /// Whatever bytes a header can hold: nothing panics, and nothing but the origin itself is allowed.
    // Shows ORG-4.
    #[test]
    fn no_other_bytes_are_an_origin_of_ours(bytes in prop::collection::vec(any::<u8>(), 0..4096)) {
        let Ok(origin) = HeaderValue::from_bytes(&bytes) else { return Ok(()) };
        let mut page = request("a.example", &[]);
        page.headers_mut().insert(header::ORIGIN, origin);
        prop_assert_eq!(answer_to(&over(Scheme::HTTPS), page), Forbidden);
    }

    /// Nothing that a client can put into these headers breaks the server, or gets a foreign page in.
    // Shows ORG-5.
    #[test]
    fn no_header_of_a_client_allows_a_foreign_page(
        proto in "[ -~]{0,40}",
        host in "[ -~]{0,40}",
        forwarded in "(proto|host|for|[ -~])(=|;|,|\"|[ -~]){0,40}",
    ) {
        let headers = [("origin", "https://evil.example"), (PROTO, &*proto), (HOST, &*host), ("forwarded", &*forwarded)];
        prop_assert_eq!(answer(&over(Scheme::HTTPS), "a.example", &headers), Forbidden);
        // A trusted proxy is believed, and even then the page has to be that of the host.
        if !host.to_ascii_lowercase().contains("evil.example") {
            let trusting = Upgrader::new().trust_proxy(TrustedProxy::when(|_| true));
            prop_assert_eq!(answer(&trusting, "a.example", &headers), Forbidden);
        }
        if !forwarded.to_ascii_lowercase().contains("evil.example") {
            let trusting = Upgrader::new().trust_proxy(TrustedProxy::when(|_| true).rfc_7239());
            prop_assert_eq!(answer(&trusting, "a.example", &headers), Forbidden);
        }
    }
}
