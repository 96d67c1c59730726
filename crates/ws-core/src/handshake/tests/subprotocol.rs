//! The choice of a subprotocol: RFC 6455, 4.2.2.

use http::header::SEC_WEBSOCKET_PROTOCOL;
use proptest::prelude::*;

use super::{any_value, lines};
use crate::handshake::{is_token, requested_subprotocols, select_subprotocol};

fn selected(values: &[&str], supported: &[&str]) -> Option<String> {
    let headers = lines(&SEC_WEBSOCKET_PROTOCOL, values);
    select_subprotocol(&headers, supported).map(|name| name.to_str().unwrap().to_owned())
}

#[test]
fn first_of_the_client_that_the_server_supports_is_chosen() {
    for (requested, supported, expected) in [
        (&["b, a"][..], &["a", "b"][..], Some("b")),
        (&["c, a"], &["a", "b"], Some("a")),
        (&["c", "d, b", "a"], &["a", "b"], Some("b")),
        (&["a"], &[], None),
        (&["c"], &["a", "b"], None),
        (&[], &["a"], None),
        (&[""], &["a", ""], None),
        (&["chat.v1, chat"], &["chat"], Some("chat")),
    ] {
        assert_eq!(selected(requested, supported).as_deref(), expected, "{requested:?} {supported:?}");
    }
}

#[test]
fn names_are_compared_with_their_case() {
    assert_eq!(selected(&["Chat"], &["chat"]), None);
    assert_eq!(selected(&["Chat, chat"], &["chat"]).as_deref(), Some("chat"));
}

#[test]
fn only_tokens_are_chosen_even_if_the_server_supports_something_else() {
    for name in ["a b", "\"a\"", "a/b", "a;b", "a,b"] {
        assert_eq!(selected(&[name], &[name]), None, "{name:?}");
    }
}

// Shows HS-4.
#[test]
fn long_and_odd_names_are_read_like_others() {
    let long = "x".repeat(4096);
    let headers = lines(&SEC_WEBSOCKET_PROTOCOL, ["__proto__, constructor", &long]);
    assert_eq!(requested_subprotocols(&headers).collect::<Vec<_>>(), ["__proto__", "constructor", &long]);
    assert_eq!(select_subprotocol(&headers, &[&long]).unwrap(), long);
}

proptest! {
    #[test]
    fn the_choice_is_offered_supported_and_a_token(
        value in any_value(64),
        supported in prop::collection::vec(any::<String>(), 0..4),
    ) {
        let headers = lines(&SEC_WEBSOCKET_PROTOCOL, [&value]);
        let mut supported = supported;
        supported.extend(requested_subprotocols(&headers).map(str::to_owned).last());
        let chosen = select_subprotocol(&headers, &supported);
        prop_assert_eq!(chosen.is_some(), requested_subprotocols(&headers).next().is_some());
        if let Some(chosen) = chosen {
            let chosen = chosen.to_str().unwrap();
            prop_assert!(is_token(chosen));
            prop_assert!(supported.iter().any(|name| name == chosen));
            prop_assert!(value.split(|&byte| byte == b',').any(|element| element.trim_ascii() == chosen.as_bytes()));
        }
    }
}
