//! Lists of tokens: RFC 9110, 5.6.1 and 5.6.2.

use http::header::CONNECTION;
use proptest::prelude::*;

use super::{any_value, is_value_byte, lines};
use crate::handshake::{has_token, is_token, is_token_list, tokens};

fn names_upgrade(values: &[&str]) -> bool {
    has_token(&lines(&CONNECTION, values), &CONNECTION, "upgrade")
}

// Shows HS-7.
#[test]
fn token_is_found_in_any_case_at_any_place_of_any_line() {
    for values in [
        &["upgrade"][..],
        &["Upgrade"],
        &["UPGRADE"],
        &["close, upgrade"],
        &["upgrade, close"],
        &["keep-alive", "Upgrade"],
        &["a,b,c", "d , e\t,upgrade ,f"],
        &["  upgrade\t"],
        &["upgrade,"],
        &["upgrade, , ,"],
        &[",upgrade"],
        &[" , ,\t,upgrade"],
        &["", "upgrade"],
        &["what is this", "upgrade"],
        &["upgrade, what is this"],
    ] {
        assert!(names_upgrade(values), "{values:?}");
    }
}

// Shows HS-7.
#[test]
fn what_only_looks_like_the_token_is_not_found() {
    for values in [
        &[][..],
        &[""],
        &[","],
        &["notupgrade"],
        &["upgraded"],
        &["upgrade2"],
        &["upgrade/1"],
        &["up grade"],
        &["\"upgrade\""],
        &["\"a, upgrade, b\""],
        &["\"a, upgrade"],
        &["close upgrade"],
        &["upgrade close"],
        &["upgrade; q=1"],
        &["upgrade=1"],
        &["(upgrade)"],
        &["up", "grade"],
        // Behind an element that is no token nobody knows what is meant.
        &["what is this, upgrade"],
        // Beyond ASCII there is no case: U+0130 is a capital i with a dot.
        &["upgra\u{130}e"],
    ] {
        assert!(!names_upgrade(values), "{values:?}");
    }
}

#[test]
fn other_headers_are_not_searched() {
    let headers = lines(&http::header::UPGRADE, ["upgrade"]);
    assert!(!has_token(&headers, &CONNECTION, "upgrade"));
}

#[test]
fn tokens_come_in_order_from_all_lines_as_written() {
    let headers = lines(&CONNECTION, ["A,b ,, c", "", "d e, f", "\tG"]);
    assert_eq!(tokens(&headers, &CONNECTION).collect::<Vec<_>>(), ["A", "b", "c", "G"]);
    let mut tokens = tokens(&headers, &CONNECTION);
    assert_eq!(tokens.by_ref().count(), 4);
    assert_eq!(tokens.next(), None);
}

#[test]
fn list_with_anything_but_tokens_is_no_token_list() {
    for (values, expected) in [
        (&[][..], true),
        (&[""], true),
        (&[" , "], true),
        (&["a, b", "c,"], true),
        (&["a b"], false),
        (&["a", "b/c"], false),
        (&["a, \"b\""], false),
        (&["a;b"], false),
    ] {
        assert_eq!(is_token_list(&lines(&CONNECTION, values), &CONNECTION), expected, "{values:?}");
    }
}

/// RFC 2616, 2.2: any character but control characters and separators.
fn is_token_byte(byte: u8) -> bool {
    let separators = b"()<>@,;:\\\"/[]?={} \t";
    (0x21..0x7F).contains(&byte) && !separators.contains(&byte)
}

#[test]
fn every_byte_is_part_of_a_token_or_not_as_the_rfc_says() {
    assert!(!is_token(""));
    for byte in 0..=u8::MAX {
        let text = char::from(byte).to_string();
        assert_eq!(is_token(&text), is_token_byte(byte), "{byte:#04x}");
        assert_eq!(is_token(&format!("a{text}b")), is_token_byte(byte), "{byte:#04x}");
        if is_value_byte(byte) {
            let headers = lines(&CONNECTION, [[b'a', byte, b'b']]);
            let whole = tokens(&headers, &CONNECTION).any(|token| token.len() == 3);
            assert_eq!(whole, is_token_byte(byte), "{byte:#04x}");
        }
    }
}

/// The same, the slow way: commas part elements, and none can hide in a token.
fn naive(values: &[Vec<u8>]) -> Vec<String> {
    let mut tokens = Vec::new();
    for value in values {
        for element in value.split(|&byte| byte == b',') {
            let element = String::from_utf8_lossy(element);
            let element = element.trim_matches([' ', '\t']);
            if element.is_empty() {
                continue;
            }
            if !element.bytes().all(is_token_byte) {
                break;
            }
            tokens.push(element.to_owned());
        }
    }
    tokens
}

proptest! {
    #[test]
    fn tokens_are_those_of_the_naive_reader(
        values in prop::collection::vec(prop::collection::vec(prop::sample::select(&b"aB-, ,\t\";=\\/\xFF"[..]), 0..24), 0..4),
    ) {
        let headers = lines(&CONNECTION, &values);
        prop_assert_eq!(tokens(&headers, &CONNECTION).collect::<Vec<_>>(), naive(&values));
    }

    // Shows PAN-1.
    #[test]
    fn any_bytes_are_read_without_harm(value in any_value(4096)) {
        let headers = lines(&CONNECTION, [&value]);
        let naive = naive(&[value]);
        prop_assert_eq!(tokens(&headers, &CONNECTION).collect::<Vec<_>>(), naive);
    }

    #[test]
    fn a_token_is_found_in_every_list_that_holds_it(
        before in prop::collection::vec("[a-z]{1,8}", 0..5),
        after in prop::collection::vec("[a-z]{1,8}", 0..5),
        upper in prop::collection::vec(any::<bool>(), 7),
        space in "[ \t]{0,3}",
    ) {
        let spelled: String = "upgrade"
            .chars()
            .zip(upper)
            .map(|(letter, upper)| if upper { letter.to_ascii_uppercase() } else { letter })
            .collect();
        let list = [before, vec![spelled], after].concat().join(&format!("{space},{space}"));
        prop_assert!(names_upgrade(&[&list]), "{list:?}");
    }
}
