//! Lists of tokens in headers: `Connection`, `Upgrade`, `Sec-WebSocket-Protocol` (RFC 9110, 5.6).

use std::iter::FusedIterator;

use http::{HeaderMap, HeaderName};

use super::{
    fields::{Fields, Values},
    scan::{Lines, is_token_byte},
};

/// Whether a header names this token: on any of its lines, anywhere in the list, whatever its case.
///
/// Only whole tokens count. `websocket2`, `websocket/13`, `"websocket"` and `web socket` do not name `websocket`.
#[must_use]
pub fn has_token(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    Fields::from(headers).lines(name).has_token(token)
}

/// The tokens of a header, from all of its lines, in order.
///
/// An element that is not a token ends its line, since nobody can say what was meant behind it; the tokens in front of
/// it and the other lines count. Empty elements are skipped (RFC 9110, 5.6.1.2).
#[must_use]
pub fn tokens<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Tokens<'a> {
    Fields::from(headers).tokens(name)
}

/// Whether all elements of all lines of a header are tokens; a header that is not there has none.
#[must_use]
pub fn is_token_list(headers: &HeaderMap, name: &HeaderName) -> bool {
    Fields::from(headers).lines(name).are_tokens()
}

/// Whether a text is a token: not empty, and without separators and control characters (RFC 9110, 5.6.2).
#[must_use]
pub const fn is_token(text: &str) -> bool {
    let bytes = text.as_bytes();
    let mut index = 0;
    while index < bytes.len() {
        if !is_token_byte(bytes[index]) {
            return false;
        }
        index += 1;
    }
    !bytes.is_empty()
}

impl<'a> Fields<'a> {
    pub(crate) fn tokens(self, name: &HeaderName) -> Tokens<'a> {
        Tokens { elements: Elements::new(self.lines(name)) }
    }
}

impl Values<'_> {
    /// [`has_token`] for these lines.
    pub(super) fn has_token(mut self, token: &str) -> bool {
        // ASCII only: letters beyond it have no case here. Most lines are this token and nothing else, in this case.
        self.any(|line| {
            line == token.as_bytes()
                || line.eq_ignore_ascii_case(token.as_bytes())
                || Elements::new(Values::One(Some(line)))
                    .flatten()
                    .any(|found| found.eq_ignore_ascii_case(token))
        })
    }

    /// [`is_token_list`] for these lines.
    pub(super) fn are_tokens(self) -> bool {
        Elements::new(self).all(|element| element.is_some())
    }
}

/// The tokens of a header; [`tokens`] makes it.
#[derive(Debug)]
pub struct Tokens<'a> {
    elements: Elements<'a>,
}

impl<'a> Iterator for Tokens<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        self.elements.find_map(|element| element)
    }
}

impl FusedIterator for Tokens<'_> {}

/// The elements of a list of tokens; an element that is not a token is `None` and ends its line.
#[derive(Debug)]
struct Elements<'a> {
    lines: Lines<'a>,
}

impl<'a> Elements<'a> {
    fn new(lines: Values<'a>) -> Self {
        Self { lines: Lines::new(lines) }
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = Option<&'a str>;

    fn next(&mut self) -> Option<Self::Item> {
        let line = self.lines.next_element()?;
        let token = line.token().filter(|_| line.at_end_of_element());
        if token.is_none() {
            line.skip_all();
        }
        Some(token)
    }
}
