//! `Sec-WebSocket-Extensions`: RFC 6455, 9.1.

use http::header::SEC_WEBSOCKET_EXTENSIONS;
use proptest::prelude::*;

use super::{is_value_byte, lines};
use crate::handshake::{is_token, parse_extensions};

type Parsed = Vec<(String, Vec<(String, Option<String>)>)>;

/// All extensions, or nothing if one is malformed.
fn parse<V: AsRef<[u8]>>(values: &[V]) -> Option<Parsed> {
    let headers = lines(&SEC_WEBSOCKET_EXTENSIONS, values);
    parse_extensions(&headers)
        .map(|extension| {
            let extension = extension.ok()?;
            let parameters = extension
                .parameters()
                .map(|parameter| (parameter.name().to_owned(), parameter.value().map(str::to_owned)))
                .collect();
            Some((extension.name().to_owned(), parameters))
        })
        .collect()
}

/// Written shortly: names, `;name` and `=value`, parted by spaces.
fn shortly(parsed: &Parsed) -> String {
    let mut text = Vec::new();
    for (name, parameters) in parsed {
        text.push(name.clone());
        for (name, value) in parameters {
            text.push(format!(";{name}"));
            text.extend(value.as_ref().map(|value| format!("={value}")));
        }
    }
    text.join(" ")
}

#[test]
fn well_formed_headers_are_read() {
    for (values, expected) in [
        (&[][..], ""),
        (&[""], ""),
        (&[" ,\t, "], ""),
        (&["deflate-stream"], "deflate-stream"),
        (
            &["mux; max-channels=4; flow-control, deflate-stream"],
            "mux ;max-channels =4 ;flow-control deflate-stream",
        ),
        // 9.1: the same in two lines and in one.
        (&["foo", "bar; baz=2"], "foo bar ;baz =2"),
        (&["foo, bar; baz=2"], "foo bar ;baz =2"),
        (&["permessage-deflate; client_max_window_bits"], "permessage-deflate ;client_max_window_bits"),
        (&["a;b=\"10\""], "a ;b =10"),
        (&["a;b=\"1\\0\""], "a ;b =10"),
        (&["a;b=\"\\1\\0\""], "a ;b =10"),
        (&[" a\t; b = c ;d= \"e\" , f "], "a ;b =c ;d =e f"),
        (&["a;b;b;b=1"], "a ;b ;b ;b =1"),
        (&["__proto__;constructor=toString"], "__proto__ ;constructor =toString"),
        (&["a,,b"], "a b"),
    ] {
        assert_eq!(parse(values).as_ref().map(shortly).as_deref(), Some(expected), "{values:?}");
    }
}

#[test]
fn malformed_headers_are_refused() {
    for value in [
        ";",
        "=",
        "\"a\"",
        "a b",
        "a;",
        "a;;b",
        "a; ,b",
        "a;=1",
        "a;b=",
        "a;b= ,c",
        "a;b=;c",
        "a;b c",
        "a;b==1",
        "a;b=1=2",
        "a=1",
        "a/b",
        "a;b/c",
        "a;b=c/d",
        "a;\"b\"",
        "a;b=\"",
        "a;b=\"1",
        "a;b=\"1\\\"",
        "a;b=\"1\\",
        "a;b=\"1\"2",
        "a;b=1\"2\"",
        "a;b=\"1\" \"2\"",
        // 9.1: the value of a quoted string is a token.
        "a;b=\"\"",
        "a;b=\"1 2\"",
        "a;b=\"1,2\"",
        "a;b=\"1;c=2\"",
        "a;b=\"\\\"\"",
        "a;b=\"\\\\\"",
        "a;b=\"\\ \"",
        "a;b=\"\u{e4}\"",
        "a;b=\"\\\u{e4}\"",
        "a;b=\u{e4}",
        "\u{e4}",
        "b, a;",
    ] {
        assert_eq!(parse(&[value]), None, "{value:?}");
        assert_eq!(parse(&["x", value, "y"]), None, "{value:?}");
    }
}

#[test]
fn nothing_comes_behind_an_error() {
    let headers = lines(&SEC_WEBSOCKET_EXTENSIONS, ["good, bad;, unread", "unread"]);
    let mut extensions = parse_extensions(&headers);
    assert_eq!(extensions.next().unwrap().unwrap().name(), "good");
    assert!(extensions.next().unwrap().is_err());
    assert!(extensions.next().is_none());
    assert!(extensions.next().is_none());
}

#[test]
fn parameters_end_with_their_extension() {
    let headers = lines(&SEC_WEBSOCKET_EXTENSIONS, ["a;b, c;d"]);
    let extension = parse_extensions(&headers).next().unwrap().unwrap();
    let mut parameters = extension.parameters();
    assert_eq!(parameters.next().unwrap().name(), "b");
    assert_eq!(parameters.next(), None);
    assert_eq!(parameters.next(), None);
}

#[test]
fn every_byte_in_a_quoted_value_is_a_token_byte_or_refused() {
    for byte in (0..=u8::MAX).filter(|&byte| is_value_byte(byte)) {
        let valid = is_token(&char::from(byte).to_string());
        assert_eq!(parse(&[[b"a;b=\"1", &[byte][..], b"\""].concat()]).is_some(), valid, "{byte:#04x}");
        assert_eq!(parse(&[[b"a;b=\"1\\", &[byte][..], b"\""].concat()]).is_some(), valid, "{byte:#04x}");
    }
}

/// What a line consists of.
#[derive(Clone, Debug, PartialEq)]
enum Lexeme {
    Token(String),
    Quoted(String),
    Mark(char),
}

/// Cuts a line into lexemes, whitespace dropped; nothing if that cannot be done.
fn lex(line: &str) -> Option<Vec<Lexeme>> {
    let mut lexemes = Vec::new();
    let mut rest: Vec<char> = line.chars().rev().collect();
    while let Some(next) = rest.pop() {
        match next {
            ' ' | '\t' => {}
            ',' | ';' | '=' => lexemes.push(Lexeme::Mark(next)),
            '"' => {
                let mut text = String::new();
                loop {
                    match rest.pop()? {
                        '"' => break,
                        '\\' => text.push(rest.pop()?),
                        other => text.push(other),
                    }
                }
                lexemes.push(Lexeme::Quoted(text));
            }
            _ => {
                let mut text = next.to_string();
                while rest.last().is_some_and(|&next| is_token(&next.to_string())) {
                    text.extend(rest.pop());
                }
                lexemes.push(Lexeme::Token(text).clone());
            }
        }
    }
    Some(lexemes)
}

/// The same, the slow way: lexemes first, then one pattern for each part.
fn naive(values: &[String]) -> Option<Parsed> {
    let mut parsed = Vec::new();
    let token = |text: &String| is_token(text).then(|| text.clone());
    for value in values {
        let lexemes = lex(value)?;
        for element in lexemes.split(|lexeme| *lexeme == Lexeme::Mark(',')) {
            if element.is_empty() {
                continue;
            }
            let mut parts = element.split(|lexeme| *lexeme == Lexeme::Mark(';'));
            let Some([Lexeme::Token(name)]) = parts.next() else { return None };
            let name = token(name)?;
            let mut parameters = Vec::new();
            for part in parts {
                parameters.push(match part {
                    [Lexeme::Token(name)] => (token(name)?, None),
                    [
                        Lexeme::Token(name),
                        Lexeme::Mark('='),
                        Lexeme::Token(value) | Lexeme::Quoted(value),
                    ] => (token(name)?, Some(token(value)?)),
                    _ => return None,
                });
            }
            parsed.push((name, parameters));
        }
    }
    Some(parsed)
}

/// An extension and a way to write it.
fn written() -> impl Strategy<Value = (Parsed, String)> {
    let space = "[ \t]{0,2}";
    let value = prop_oneof![
        Just((None, String::new())),
        ("[a-z0-9!#%+.-]{1,6}", space)
            .prop_map(|(value, space)| (Some(value.clone()), format!("={space}{value}"))),
        (prop::collection::vec(("[a-z0-9!~]", any::<bool>()), 1..6), space).prop_map(
            |(characters, space)| {
                let value = characters.iter().map(|(character, _)| character.as_str()).collect();
                let quoted: String = characters
                    .iter()
                    .map(|(character, escaped)| format!("{}{character}", if *escaped { "\\" } else { "" }))
                    .collect();
                (Some(value), format!("{space}=\"{quoted}\"{space}"))
            }
        ),
    ];
    let parameter = ("[a-z_]{1,6}", value, space);
    ("[a-z-]{1,8}", prop::collection::vec(parameter, 0..4), space).prop_map(|(name, parameters, space)| {
        let mut text = format!("{space}{name}{space}");
        let mut read = Vec::new();
        for (name, (value, value_text), space) in parameters {
            text.push_str(&format!(";{space}{name}{space}{value_text}"));
            read.push((name, value));
        }
        (vec![(name, read)], text)
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(extensions in prop::collection::vec((written(), any::<bool>()), 0..5)) {
        let mut expected = Parsed::new();
        let mut values = vec![String::new()];
        for ((extension, text), new_line) in extensions {
            expected.extend(extension);
            if new_line {
                values.push(text);
            } else if let Some(line) = values.last_mut() {
                line.push(',');
                line.push_str(&text);
            }
        }
        prop_assert_eq!(parse(&values), Some(expected));
    }

    #[test]
    fn lines_are_read_as_the_naive_reader_does(values in prop::collection::vec("[ab01,; =\"\\\\/\t\u{e4}]{0,16}", 0..3)) {
        prop_assert_eq!(parse(&values), naive(&values));
    }

    #[test]
    fn lines_that_are_nearly_right_are_read_as_the_naive_reader_does(
        (_, text) in written(),
        place in any::<prop::sample::Index>(),
        inserted in "[a,; =\"\\\\/]{0,2}",
    ) {
        let place = place.index(text.len() + 1);
        let values = [format!("{}{inserted}{}", &text[..place], &text[place..])];
        prop_assert_eq!(parse(&values), naive(&values));
    }
}
