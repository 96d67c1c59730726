//! What proxies are chosen for what URLs.

use std::io;

use super::{server::Protocol, *};
use crate::{DialError, DialErrorKind, Phase};

/// The proxy for a URL, as its `Debug` shows it; empty for none.
fn chosen(proxy: &Proxy, url: &str) -> Result<String, ProxyError> {
    let route = proxy.select(&url.parse().unwrap()).map_err(|failure| failure.kind)?;
    Ok(route.map(|route| format!("{:?}", route.server)).unwrap_or_default())
}

fn environment(variables: &[(&str, &str)]) -> Proxy {
    Proxy::from_variables(|name| {
        variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
    })
}

fn authorization(url: &str) -> Option<String> {
    match Server::parse(url).unwrap().protocol {
        Protocol::Connect { authorization } => authorization.map(|value| value.to_str().unwrap().to_owned()),
        #[cfg(feature = "socks")]
        Protocol::Socks { .. } => panic!("{url}"),
    }
}

#[test]
fn urls_of_proxies_have_default_ports() {
    for (url, proxy) in [
        ("http://proxy.example", "http://proxy.example:80"),
        ("http://proxy.example/", "http://proxy.example:80"),
        ("http://proxy.example:3128", "http://proxy.example:3128"),
        ("http://[::1]:3128", "http://[::1]:3128"),
        ("proxy.example:3128", "http://proxy.example:3128"),
        ("user:secret@proxy.example", "http://proxy.example:80"),
        #[cfg(any(feature = "native-tls", feature = "rustls"))]
        ("https://user@proxy.example", "https://proxy.example:443"),
        #[cfg(feature = "socks")]
        ("socks5://proxy.example", "socks5://proxy.example:1080"),
        #[cfg(feature = "socks")]
        ("socks5h://user:secret@[2001:db8::1]", "socks5h://[2001:db8::1]:1080"),
        // Schemes have no case (RFC 3986, 3.1).
        ("HTTP://proxy.example", "http://proxy.example:80"),
        #[cfg(feature = "socks")]
        ("Socks5h://user:secret@proxy.example", "socks5h://proxy.example:1080"),
    ] {
        assert_eq!(format!("{:?}", Server::parse(url).unwrap()), proxy, "{url}");
    }
}

#[test]
fn urls_that_name_no_proxy_are_refused_with_the_reason() {
    for (url, error) in [
        ("", ProxyUriError::Malformed),
        ("http://", ProxyUriError::Malformed),
        ("http://pass word@proxy.example", ProxyUriError::Malformed),
        // The port is right: the password has to be escaped.
        ("http://user:secret@home@proxy.example:3128", ProxyUriError::Malformed),
        ("user@home@proxy.example", ProxyUriError::Malformed),
        ("http://:3128", ProxyUriError::Host),
        ("http://user:secret@:3128", ProxyUriError::Host),
        ("/proxy", ProxyUriError::Path),
        ("http://proxy.example/path", ProxyUriError::Path),
        ("http://proxy.example/?query", ProxyUriError::Path),
        ("http://proxy.example:65536", ProxyUriError::Port),
        ("http://proxy.example:+80", ProxyUriError::Port),
        ("ftp://proxy.example", ProxyUriError::Scheme),
        ("ws://proxy.example", ProxyUriError::Scheme),
        ("socks4://proxy.example", ProxyUriError::Scheme),
        #[cfg(not(any(feature = "native-tls", feature = "rustls")))]
        ("https://proxy.example", ProxyUriError::Feature("rustls")),
        #[cfg(not(feature = "socks"))]
        ("socks5://proxy.example", ProxyUriError::Feature("socks")),
    ] {
        let refused = Proxy::new(url).map(|proxy| format!("{proxy:?}")).unwrap_err();
        assert_eq!(refused, error, "{url}");
        assert!(!refused.to_string().contains("secret"));
    }
}

#[test]
fn error_names_the_feature_that_is_missing() {
    assert!(ProxyUriError::Feature("socks").to_string().contains("feature `socks`"));
}

#[cfg(feature = "socks")]
#[test]
fn credentials_that_socks_has_no_room_for_are_refused() {
    let url = |user: usize, password: usize| {
        format!("socks5h://{}:{}@proxy.example", "u".repeat(user), "p".repeat(password))
    };
    Server::parse(&url(255, 255)).unwrap();
    for (user, password) in [(256, 1), (1, 256)] {
        assert_eq!(Server::parse(&url(user, password)).unwrap_err(), ProxyUriError::Credentials);
    }
}

#[test]
fn credentials_are_decoded_and_a_password_is_optional() {
    assert_eq!(authorization("http://proxy.example"), None);
    // "Aladdin:open sesame", "Aladdin:" and "a@b:c:d".
    assert_eq!(
        authorization("http://Aladdin:open%20sesame@h").unwrap(),
        "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="
    );
    assert_eq!(authorization("http://Aladdin@h").unwrap(), "Basic QWxhZGRpbjo=");
    assert_eq!(authorization("http://a%40b:c%3Ad@h").unwrap(), "Basic YUBiOmM6ZA==");
}

#[test]
fn debug_shows_no_credentials_and_no_header_values() {
    let proxy = Proxy::new("http://user:secret@proxy.example")
        .unwrap()
        .header(header::PROXY_AUTHORIZATION, HeaderValue::from_static("secret"));
    let shown = format!("{proxy:?} {:?}", environment(&[("ALL_PROXY", "http://user:secret@proxy.example")]));
    assert!(shown.contains("proxy.example:80") && shown.contains("proxy-authorization"), "{shown}");
    assert!(!shown.contains("secret") && !shown.contains("user"), "{shown}");
}

#[test]
fn environment_has_a_proxy_for_each_kind_of_url() {
    let proxy = environment(&[("HTTP_PROXY", "http://plain"), ("HTTPS_PROXY", "http://secure:1")]);
    assert_eq!(chosen(&proxy, "http://example.com:80/").unwrap(), "http://plain:80");
    assert_eq!(chosen(&proxy, "https://example.com:443/").unwrap(), "http://secure:1");
    let proxy = environment(&[("https_proxy", "secure")]);
    assert_eq!(chosen(&proxy, "http://example.com:80/").unwrap(), "");
    assert_eq!(chosen(&proxy, "https://example.com:443/").unwrap(), "http://secure:80");
    assert_eq!(chosen(&environment(&[]), "https://example.com:443/").unwrap(), "");
}

#[test]
fn upper_case_and_the_more_specific_variable_come_first() {
    let variables = [
        ("all_proxy", "http://all"),
        ("ALL_PROXY", ""),
        ("HTTP_PROXY", "http://upper"),
        ("http_proxy", "http://lower"),
    ];
    let proxy = environment(&variables);
    assert_eq!(chosen(&proxy, "http://example.com:80/").unwrap(), "http://upper:80");
    assert_eq!(chosen(&proxy, "https://example.com:443/").unwrap(), "http://all:80");
}

#[test]
fn http_proxy_is_not_read_in_cgi() {
    let variables =
        [("REQUEST_METHOD", ""), ("HTTP_PROXY", "evil"), ("http_proxy", "evil"), ("HTTPS_PROXY", "good")];
    let proxy = environment(&variables);
    assert_eq!(chosen(&proxy, "http://example.com:80/").unwrap(), "");
    assert_eq!(chosen(&proxy, "https://example.com:443/").unwrap(), "http://good:80");
}

#[test]
fn environment_that_cannot_be_used_is_an_error_and_not_a_direct_connection() {
    let proxy = environment(&[("HTTP_PROXY", "ftp://proxy"), ("NO_PROXY", "localhost")]);
    let error = chosen(&proxy, "http://example.com:80/").unwrap_err();
    assert_eq!(error, ProxyError::Uri(ProxyUriError::Scheme));
    assert_eq!(chosen(&proxy, "http://localhost:80/").unwrap(), "");
    assert_eq!(chosen(&proxy, "https://example.com:443/").unwrap(), "");
}

#[test]
fn excluded_hosts_go_without_a_proxy() {
    for (list, excluded, included) in [
        (
            "example.com",
            &["example.com", "EXAMPLE.com", "www.example.com"][..],
            &["notexample.com", "com"][..],
        ),
        (".example.com", &["example.com", "www.example.com"], &["notexample.com"]),
        ("*.example.com", &["example.com", "www.example.com"], &["notexample.com"]),
        ("a.example, b.example\tc.example", &["a.example", "b.example", "c.example"], &["d.example"]),
        (" ,, ", &[], &["example.com"]),
        ("", &[], &["example.com", "localhost", "127.0.0.1"]),
        ("*", &["example.com", "localhost"], &[]),
        ("localhost", &["localhost"], &["127.0.0.1", "[::1]"]),
        ("10.0.0.0/8", &["10.1.2.3"], &["11.1.2.3", "10.example"]),
        ("10.1.2.3", &["10.1.2.3"], &["10.1.2.4"]),
        ("::1", &["[::1]"], &["[::2]"]),
        ("[::1]", &["[::1]"], &["[::2]"]),
        ("2001:db8::/32", &["[2001:db8::8000]"], &["[2001:db9::1]"]),
        ("2001:db8::8000", &["[2001:db8::8000]"], &["[2001:db8::]"]),
    ] {
        let explicit = Proxy::new("http://proxy").unwrap().exclude(list);
        let environment = environment(&[("ALL_PROXY", "http://proxy"), ("NO_PROXY", list)]);
        for host in excluded {
            assert_eq!(chosen(&explicit, &format!("https://{host}:443/")).unwrap(), "", "{list}: {host}");
            assert_eq!(chosen(&environment, &format!("http://{host}:80/")).unwrap(), "", "{list}: {host}");
        }
        for host in included {
            assert_ne!(chosen(&explicit, &format!("https://{host}:443/")).unwrap(), "", "{list}: {host}");
            assert_ne!(chosen(&environment, &format!("http://{host}:80/")).unwrap(), "", "{list}: {host}");
        }
    }
}

#[test]
fn exclusions_may_be_of_one_port() {
    let proxy =
        Proxy::new("http://proxy").unwrap().exclude("example.com:8443, [::1]:443").exclude("localhost");
    for url in [
        "https://example.com:8443/",
        "https://www.example.com:8443/",
        "https://[::1]/",
        "http://localhost:1/",
    ] {
        assert_eq!(chosen(&proxy, url).unwrap(), "", "{url}");
    }
    for url in ["https://example.com:443/", "https://example.com/", "http://[::1]:80/"] {
        assert_ne!(chosen(&proxy, url).unwrap(), "", "{url}");
    }
}

#[test]
fn function_chooses_by_the_url() {
    let fixed = Proxy::new("http://fixed").unwrap();
    let proxy = Proxy::with(move |url| match url.host() {
        Some("through.example") => Ok(Some(fixed.clone().exclude("through.example:81"))),
        Some("direct.example") => Ok(None),
        _ => Err("not allowed".into()),
    });
    assert_eq!(chosen(&proxy, "http://through.example:80/").unwrap(), "http://fixed:80");
    assert_eq!(chosen(&proxy, "http://through.example:81/").unwrap(), "");
    assert_eq!(chosen(&proxy, "http://direct.example:80/").unwrap(), "");
    assert_eq!(chosen(&proxy, "http://other.example:80/").unwrap_err(), ProxyError::Choice);
}

#[test]
fn headers_of_the_proxy_that_was_chosen_replace_those_of_the_function() {
    let value = HeaderValue::from_static;
    let fixed = Proxy::new("http://fixed").unwrap().header(header::USER_AGENT, value("inner"));
    let proxy = Proxy::with(move |_| Ok(Some(fixed.clone())))
        .header(header::USER_AGENT, value("outer"))
        .header(header::FORWARDED, value("outer"));
    let route = proxy.select(&Uri::from_static("http://example.com:80/")).unwrap().unwrap();
    assert_eq!(route.headers[header::USER_AGENT], "inner");
    assert_eq!(route.headers[header::FORWARDED], "outer");
}

#[test]
fn proxy_that_the_system_gave_up_connecting_to_is_a_timeout() {
    let failure = Failure::from(ProxyError::Connect).with_source(io::Error::from(io::ErrorKind::TimedOut));
    let error = DialError::connector(Phase::Connect, failure.into_io(Some("proxy:80"), "example.com:80"));
    assert_eq!(error.kind(), &DialErrorKind::TimedOut(Phase::Connect));
    assert_eq!(
        error.to_string(),
        "timed out while connecting (example.com:80 through proxy proxy:80); check host and port, and firewalls on the way"
    );
}

#[test]
fn headers_that_announce_a_body_are_refused() {
    for name in [header::CONTENT_LENGTH, header::EXPECT, header::TRANSFER_ENCODING, header::UPGRADE] {
        let proxy = Proxy::new("http://proxy").unwrap().header(name.clone(), HeaderValue::from_static("1"));
        assert_eq!(chosen(&proxy, "http://example.com:80/").unwrap_err(), ProxyError::Header(name));
    }
}
