//! Header lines as bytes: the scanner below the lists.

use std::fmt;

use super::fields::Values;

/// The lines of a header, one scanner at a time.
pub(super) struct Lines<'a> {
    rest: Values<'a>,
    line: Scanner<'a>,
}

impl<'a> Lines<'a> {
    pub(super) fn new(lines: Values<'a>) -> Self {
        Self { rest: lines, line: Scanner::new(b"") }
    }

    /// Moves to the next element that is not empty, on this line or a later one.
    pub(super) fn next_element(&mut self) -> Option<&mut Scanner<'a>> {
        loop {
            self.line.skip(|byte| is_space(byte) || byte == b',');
            if !self.line.rest.is_empty() {
                return Some(&mut self.line);
            }
            self.line = Scanner::new(self.rest.next()?);
        }
    }
}

impl fmt::Debug for Lines<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lines").field("line", &self.line).finish_non_exhaustive()
    }
}

/// Reads a header line from left to right, each byte once: there is nothing to step back to.
#[derive(Clone)]
pub(super) struct Scanner<'a> {
    rest: &'a [u8],
}

impl<'a> Scanner<'a> {
    pub(super) const fn new(rest: &'a [u8]) -> Self {
        Self { rest }
    }

    /// Takes the longest run of bytes that are alike.
    fn skip(&mut self, alike: impl Fn(u8) -> bool) -> &'a [u8] {
        let length = self.rest.iter().position(|&byte| !alike(byte)).unwrap_or(self.rest.len());
        let (run, rest) = self.rest.split_at(length);
        self.rest = rest;
        run
    }

    pub(super) fn skip_all(&mut self) {
        self.rest = b"";
    }

    /// Takes a token and the whitespace around it.
    pub(super) fn token(&mut self) -> Option<&'a str> {
        self.skip(is_space);
        let token = self.skip(is_token_byte);
        self.skip(is_space);
        // Always valid: tokens are ASCII.
        std::str::from_utf8(token).ok().filter(|token| !token.is_empty())
    }

    /// Takes a quoted string and the whitespace around it, and gives what stands between the quotes.
    pub(super) fn quoted(&mut self) -> Option<&'a [u8]> {
        self.skip(is_space);
        if !self.eat(b'"') {
            return None;
        }
        let inside = self.rest;
        loop {
            self.skip(|byte| !matches!(byte, b'"' | b'\\'));
            match self.rest {
                [b'"', rest @ ..] => {
                    let length = inside.len() - self.rest.len();
                    self.rest = rest;
                    self.skip(is_space);
                    return Some(&inside[..length]);
                }
                [b'\\', _, rest @ ..] => self.rest = rest,
                // No closing quote, or a backslash with nothing behind it.
                _ => return None,
            }
        }
    }

    /// Takes this byte if it is the next one.
    pub(super) fn eat(&mut self, byte: u8) -> bool {
        match self.rest {
            [first, rest @ ..] if *first == byte => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    /// Whether an element of a list may end here.
    pub(super) fn at_end_of_element(&self) -> bool {
        matches!(self.rest, [] | [b',', ..])
    }
}

impl fmt::Debug for Scanner<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Scanner").field(&self.rest.escape_ascii().to_string()).finish()
    }
}

/// A header line without the whitespace around it (RFC 9110, 5.5).
pub(super) const fn trim(mut line: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = line {
        line = rest;
    }
    line
}

/// RFC 9110, 5.6.3: spaces and tabs.
const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// RFC 9110, 5.6.2: `tchar`.
pub(crate) const fn is_token_byte(byte: u8) -> bool {
    TOKEN.has(byte)
}

/// A set of bytes: to look one up takes no branch, and heads are looked at byte by byte.
pub(super) struct ByteSet([bool; 256]);

impl ByteSet {
    /// Letters, digits and these.
    pub(super) const fn alphanumeric_and(others: &[u8]) -> Self {
        let mut set = [false; 256];
        let mut byte = 0;
        while byte < 256 {
            set[byte] = (byte as u8).is_ascii_alphanumeric();
            byte += 1;
        }
        let mut index = 0;
        while index < others.len() {
            set[others[index] as usize] = true;
            index += 1;
        }
        Self(set)
    }

    pub(super) const fn has(&self, byte: u8) -> bool {
        self.0[byte as usize]
    }
}

static TOKEN: ByteSet = ByteSet::alphanumeric_and(b"!#$%&'*+-.^_`|~");
