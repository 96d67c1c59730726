//! Origins: RFC 6454, and RFC 6455, 10.2.

use http::{
    HeaderMap, Uri,
    header::{HOST, ORIGIN},
    uri::Scheme,
};
use proptest::prelude::*;

use super::{any_value, lines};
use crate::handshake::{Origin, is_same_origin, request_authority};

/// Whether a page of this origin may talk to this authority, over TLS, plain, and when nobody knows.
fn allowed(origin: &str, authority: &str) -> [bool; 3] {
    let headers = lines(&ORIGIN, [origin]);
    [Some(&Scheme::HTTPS), Some(&Scheme::HTTP), None]
        .map(|scheme| is_same_origin(&headers, authority, scheme))
}

const TLS: [bool; 3] = [true, false, true];
const PLAIN: [bool; 3] = [false, true, true];
const NEVER: [bool; 3] = [false; 3];

#[test]
fn request_without_an_origin_is_allowed() {
    assert!(is_same_origin(&HeaderMap::new(), "a.example", Some(&Scheme::HTTPS)));
    assert_eq!(Origin::from_headers(&HeaderMap::new()), Ok(None));
}

// Shows ORG-2.
#[test]
fn same_host_and_port_are_allowed_however_they_are_spelled() {
    for authority in
        ["a.example", "a.example:443", "A.EXAMPLE", "A.example:443", "a.example:", "a.example:0443"]
    {
        assert_eq!(allowed("https://a.example", authority), TLS, "{authority}");
        assert_eq!(allowed("HTTPS://A.Example", authority), TLS, "{authority}");
        assert_eq!(allowed("https://a.example:443", authority), TLS, "{authority}");
    }
    assert_eq!(allowed("http://a.example", "a.example"), PLAIN);
    assert_eq!(allowed("http://a.example", "a.example:80"), PLAIN);
    assert_eq!(allowed("http://a.example:3000", "a.example:3000"), PLAIN);
    assert_eq!(allowed("https://a.example:3000", "a.example:3000"), TLS);
    assert_eq!(allowed("http://127.0.0.1:3000", "127.0.0.1:3000"), PLAIN);
    assert_eq!(allowed("http://localhost:3000", "localhost:3000"), PLAIN);
    assert_eq!(allowed("http://my_host", "my_host"), PLAIN);
    assert_eq!(allowed("https://xn--bcher-kva.example", "XN--bcher-kva.example"), TLS);
    assert_eq!(allowed("https://a.example.", "a.example."), TLS);
}

#[test]
fn other_host_or_port_is_refused() {
    for (origin, authority) in [
        ("https://a.example:444", "a.example"),
        ("https://a.example", "a.example:444"),
        ("https://a.example", "a.example:80"),
        ("http://a.example", "a.example:443"),
        ("https://b.example", "a.example"),
        ("https://x.a.example", "a.example"),
        ("https://a.example", "x.a.example"),
        ("https://evila.example", "a.example"),
        ("https://a.example.evil.io", "a.example"),
        ("https://a.example.", "a.example"),
        ("https://a.example", "a.example."),
        ("https://10.0.0.1", "a.example"),
        ("https://xn--example-.org", "example.org"),
    ] {
        assert_eq!(allowed(origin, authority), NEVER, "{origin} {authority}");
    }
}

// Shows ORG-2.
#[test]
fn scheme_is_compared_when_it_is_known() {
    assert_eq!(allowed("http://a.example", "a.example"), PLAIN);
    assert_eq!(allowed("https://a.example", "a.example"), TLS);
    for origin in ["ws://a.example", "wss://a.example", "ftp://a.example", "chrome-extension://a.example"] {
        assert_eq!(allowed(origin, "a.example"), NEVER, "{origin}");
    }
}

// Shows ORG-4.
#[test]
fn what_no_browser_sends_for_a_page_is_refused() {
    for origin in [
        "null",
        "",
        "a.example",
        "//a.example",
        "://a.example",
        "https:a.example",
        "https:/a.example",
        "https://",
        "https:///",
        "file://",
        "file:///a.example",
        "https://a.example/",
        "https://a.example/path",
        "https://a.example?",
        "https://a.example#",
        "https://a.example\\",
        "https://user@a.example",
        "https://user:secret@a.example",
        "https://@a.example",
        "https://evil.example@a.example",
        "https://a.example https://b.example",
        "https://a.example,https://b.example",
        "https://a.example, https://a.example",
        "https://b.example https://a.example",
        "https:// a.example",
        "https ://a.example",
        "https://a.example:",
        "https://a.example:0443",
        "https://a.example:+443",
        "https://a.example:-1",
        "https://a.example:65979",
        "https://a.example:443:443",
        "https://a.example:x",
        "https://.a.example",
        "https://a..example",
        "https://a.example..",
        "https://.",
        "https://*",
        "https://*.example",
        "https://a%2Eexample",
        "https://a.ex\u{e4}mple",
        "https://b\u{fc}cher.example",
        "https://a\u{3002}example",
        "4https://a.example",
        "ht tps://a.example",
        "h\u{e4}tps://a.example",
    ] {
        assert!(Origin::parse(origin.as_bytes()).is_err(), "{origin:?}");
        assert_eq!(allowed(origin, "a.example"), NEVER, "{origin:?}");
        // Not even when the request has the very same text for its authority.
        let authority = origin.split_once("://").map_or(origin, |(_, authority)| authority);
        if authority != "a.example" {
            assert_eq!(allowed(origin, authority), NEVER, "{origin:?}");
        }
    }
}

// Shows ORG-4.
#[test]
fn two_origin_headers_are_refused() {
    for values in
        [["https://a.example", "https://a.example"], ["https://a.example", "null"], ["", "https://a.example"]]
    {
        let headers = lines(&ORIGIN, values);
        assert!(!is_same_origin(&headers, "a.example", None), "{values:?}");
        assert!(Origin::from_headers(&headers).is_err(), "{values:?}");
    }
}

// Shows ORG-4.
#[test]
fn ipv6_addresses_are_compared_by_value() {
    for authority in ["[::1]", "[0:0:0:0:0:0:0:1]:443", "[::0001]:443", "[0::1]"] {
        assert_eq!(allowed("https://[::1]", authority), TLS, "{authority}");
    }
    assert_eq!(allowed("https://[2001:DB8::A]", "[2001:db8:0::a]"), TLS);
    for authority in
        ["[::2]", "[::ffff:127.0.0.1]", "127.0.0.1", "::1", "[::1", "::1]", "[::1]x", "[[::1]]", "1"]
    {
        assert_eq!(allowed("https://[::1]", authority), NEVER, "{authority}");
    }
    // A mapped address is another one than the address that it maps.
    assert_eq!(allowed("https://[::ffff:127.0.0.1]", "[::ffff:7f00:1]"), TLS);
    assert_eq!(allowed("https://[::ffff:127.0.0.1]", "127.0.0.1"), NEVER);
    for host in ["[fe80::1%eth0]", "[fe80::1%25eth0]", "[v1.a]", "[]", "[1.2.3.4]", "[::g]", "[::1]]"] {
        assert_eq!(allowed(&format!("https://{host}"), host), NEVER, "{host}");
    }
}

// Shows ORG-4.
#[test]
fn addresses_in_spellings_that_browsers_rewrite_are_refused() {
    for host in [
        "127.1",
        "127.0.0.01",
        "0x7f.0.0.1",
        "0x7f000001",
        "2130706433",
        "1.2.3.4.5",
        "256.0.0.1",
        "a.1",
        "a.0x",
        "1.2.3.4.",
    ] {
        assert_eq!(allowed(&format!("https://{host}"), host), NEVER, "{host}");
        assert_eq!(allowed(&format!("https://{host}"), "127.0.0.1"), NEVER, "{host}");
    }
    // A number that is not the last label is a name like any other.
    assert_eq!(allowed("https://1.a.example", "1.a.example"), TLS);
    assert_eq!(allowed("https://a.0xg", "a.0xg"), TLS);
}

// Shows ORG-4.
#[test]
fn punycode_that_stands_for_ascii_is_refused() {
    for host in ["xn--.example", "xn--example-.org", "XN--EXAMPLE-.org", "a.xn--"] {
        assert_eq!(allowed(&format!("https://{host}"), host), NEVER, "{host}");
    }
}

#[test]
fn origin_gives_its_parts_and_writes_itself_as_a_browser_does() {
    for (text, scheme, host, port, written) in [
        ("https://a.example", "https", "a.example", Some(443), "https://a.example"),
        ("HTTP://A.example:80", "http", "a.example", Some(80), "http://a.example"),
        ("http://a.example:8080", "http", "a.example", Some(8080), "http://a.example:8080"),
        ("http://a.example:0", "http", "a.example", Some(0), "http://a.example:0"),
        ("wss://a.example", "wss", "a.example", Some(443), "wss://a.example"),
        ("https://[0:0::1]:444", "https", "[::1]", Some(444), "https://[::1]:444"),
        ("tauri://localhost", "tauri", "localhost", None, "tauri://localhost"),
        ("app+x.y-z://h:1", "app+x.y-z", "h", Some(1), "app+x.y-z://h:1"),
    ] {
        let origin: Origin = text.parse().unwrap();
        assert_eq!((origin.scheme(), origin.host(), origin.port()), (scheme, host, port), "{text}");
        assert_eq!(origin.to_string(), written);
        assert_eq!(written.parse(), Ok(origin));
    }
}

#[test]
fn authority_is_that_of_an_absolute_target_or_of_the_one_host_header() {
    let path = Uri::from_static("/chat");
    let absolute = Uri::from_static("http://a.example:81/chat");
    let host = lines(&HOST, [" b.example:82 "]);
    assert_eq!(request_authority(&path, &host), Some("b.example:82"));
    assert_eq!(request_authority(&absolute, &host), Some("a.example:81"));
    for values in [&[][..], &[""], &["a.example", "a.example"]] {
        assert_eq!(request_authority(&path, &lines(&HOST, values)), None, "{values:?}");
    }
    assert_eq!(request_authority(&path, &lines(&HOST, [b"\xFF"])), None);
}

/// A page's host, a port or none, and whether its scheme is https.
fn page() -> impl Strategy<Value = (String, Option<u16>, bool)> {
    let host = prop_oneof![
        "[a-z]([a-z0-9-]{0,8}[a-z])?(\\.[a-z]{1,8}){0,3}",
        any::<[u8; 4]>().prop_map(|octets| std::net::Ipv4Addr::from(octets).to_string()),
        any::<[u16; 8]>().prop_map(|parts| format!("[{}]", std::net::Ipv6Addr::from(parts))),
    ];
    (host.prop_filter("punycode", |host| !host.contains("xn--")), any::<Option<u16>>(), any::<bool>())
}

fn scheme(https: bool) -> Scheme {
    if https { Scheme::HTTPS } else { Scheme::HTTP }
}

fn with_port(host: &str, port: Option<u16>) -> String {
    port.map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

proptest! {
    #[test]
    fn own_pages_are_allowed_in_any_case_with_or_without_the_default_port(
        (host, port, https) in page(),
        upper_origin: bool,
        upper_host: bool,
    ) {
        let default = if https { 443 } else { 80 };
        let spelled = |upper: bool| if upper { host.to_ascii_uppercase() } else { host.clone() };
        let ports = if port.is_none_or(|port| port == default) { vec![None, Some(default)] } else { vec![port] };
        for origin_port in &ports {
            for host_port in &ports {
                let origin = format!("{}://{}", scheme(https), with_port(&spelled(upper_origin), *origin_port));
                let authority = with_port(&spelled(upper_host), *host_port);
                let headers = lines(&ORIGIN, [&origin]);
                prop_assert!(is_same_origin(&headers, &authority, Some(&scheme(https))), "{} {}", origin, authority);
                prop_assert!(is_same_origin(&headers, &authority, None), "{} {}", origin, authority);
                prop_assert!(!is_same_origin(&headers, &authority, Some(&scheme(!https))), "{} {}", origin, authority);
            }
        }
    }

    #[test]
    fn ipv6_spellings_do_not_matter(parts: [u16; 8], https: bool) {
        let short = format!("[{}]", std::net::Ipv6Addr::from(parts));
        let long = format!("[{}]", parts.map(|part| format!("{part:04X}")).join(":"));
        for (origin, authority) in [(&short, &long), (&long, &short), (&long, &long)] {
            let headers = lines(&ORIGIN, [format!("{}://{origin}", scheme(https))]);
            prop_assert!(is_same_origin(&headers, authority, Some(&scheme(https))));
        }
    }

    /// One character more, less or other in the scheme or the host makes another origin.
    #[test]
    fn no_edit_of_one_character_keeps_a_page_allowed(
        host in "[a-z]{1,6}(\\.[a-z]{1,6}){0,2}",
        https: bool,
        place in any::<prop::sample::Index>(),
        edit in 0u8..3,
        character in "[ -~]",
    ) {
        let origin = format!("{}://{host}", scheme(https));
        let place = place.index(origin.len());
        let (before, after) = origin.split_at(place);
        let edited = match edit {
            0 => format!("{before}{character}{after}"),
            1 => format!("{before}{}", &after[1..]),
            _ => format!("{before}{character}{}", &after[1..]),
        };
        // Letters are folded, and whitespace around the value of a header is not part of it.
        prop_assume!(!edited.trim().eq_ignore_ascii_case(&origin));
        prop_assert!(!is_same_origin(&lines(&ORIGIN, [&edited]), &host, Some(&scheme(https))), "{:?}", edited);
        let edited_host = edited.split_once("://").map_or("", |(_, host)| host);
        // A colon without a port behind it is the default port.
        if [&host, &format!("{host}:")].iter().all(|same| !same.eq_ignore_ascii_case(edited_host)) {
            prop_assert!(!is_same_origin(&lines(&ORIGIN, [&origin]), edited_host, Some(&scheme(https))), "{:?}", edited);
        }
    }

    // Shows PAN-1.
    #[test]
    fn any_bytes_are_judged_without_harm(
        bytes in prop::collection::vec(any::<u8>(), 0..4096),
        text in any_value(4096),
        authority in "\\PC{0,64}",
    ) {
        if let Ok(origin) = Origin::parse(&bytes) {
            prop_assert!(bytes.is_ascii());
            prop_assert_eq!(Origin::parse(origin.to_string().as_bytes()), Ok(origin));
        }
        // Chance does not hit upon a scheme, and a host that is the authority.
        prop_assert!(!is_same_origin(&lines(&ORIGIN, [&text]), &authority, None));
    }

    #[test]
    fn what_parses_is_written_so_that_it_parses_to_the_same(text in "[a-z+]{1,3}://[a-z0-9.:_\\[\\]-]{0,12}") {
        if let Ok(origin) = text.parse::<Origin>() {
            prop_assert_eq!(origin.to_string().parse(), Ok(origin));
        }
    }
}
