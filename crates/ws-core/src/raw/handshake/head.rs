//! Where a head ends, and what is in it.

use std::mem::MaybeUninit;

use http::{StatusCode, Version};

use crate::handshake::{Field, MAX_FIELDS, MAX_HEAD, MAX_LINE, is_token_byte};

/// Finds the end of a head that arrives in pieces, and looks at each byte once.
///
/// httparse would begin anew with each piece, and a head that arrives byte by byte would cost the square of its length. So
/// the head is parsed once, when it is there as a whole; but its first line beforehand, so that whoever speaks another
/// protocol is told by then.
#[derive(Debug)]
pub(super) struct Scanner {
    kind: &'static Kind,
    /// Bytes that were looked at.
    seen: usize,
    /// Where the line begins that is not complete.
    line: usize,
    /// Complete lines.
    lines: usize,
}

/// How a head begins, and what it may have at the most, in bytes as they stand on the wire.
#[derive(Debug)]
pub(super) struct Kind {
    parse_first_line: fn(&[u8]) -> httparse::Result<usize>,
    head: usize,
    first_line: usize,
    line: usize,
    fields: usize,
}

/// The limits of [`check_request`](crate::handshake::check_request).
pub(super) const REQUEST: Kind = Kind {
    parse_first_line: |line| httparse::Request::new(&mut []).parse(line),
    head: MAX_HEAD,
    // `GET`, the target, `HTTP/1.1`, and the end of the line.
    first_line: MAX_LINE + 15,
    line: MAX_LINE,
    fields: MAX_FIELDS,
};

/// Servers may say more than clients: they set cookies, and state policies.
pub(super) const RESPONSE: Kind = Kind {
    parse_first_line: |line| httparse::Response::new(&mut []).parse(line),
    head: 64 << 10,
    first_line: 64 << 10,
    line: 64 << 10,
    fields: MAX_FIELDS,
};

/// What makes bytes no head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The first line is too long.
    FirstLine,
    /// There is too much of it: of the whole, of a line, or of lines.
    TooLarge,
    /// The version is another than 1.0 or 1.1.
    Version,
    Malformed,
}

impl Scanner {
    pub(super) const fn new(kind: &'static Kind) -> Self {
        Self { kind, seen: 0, line: 0, lines: 0 }
    }

    /// How many bytes to read at the most before the end must be there.
    pub(super) const fn limit(&self) -> usize {
        self.kind.head
    }

    /// Goes on where it stopped; `bytes` has what it had the last time, and more behind it.
    pub(super) fn scan(&mut self, bytes: &[u8]) -> Result<Option<usize>, Fault> {
        // TLS, for one, has no lines.
        if bytes.first().is_some_and(|&first| !is_token_byte(first)) {
            return Err(Fault::Malformed);
        }
        while let Some(length) = bytes[self.seen..].iter().position(|&byte| byte == b'\n') {
            self.seen += length + 1;
            let line = bytes[self.line..self.seen].strip_suffix(b"\r\n").ok_or(Fault::Malformed)?;
            self.check_line(self.seen - self.line)?;
            if line.is_empty() {
                return if self.seen <= self.kind.head { Ok(Some(self.seen)) } else { Err(Fault::TooLarge) };
            }
            if self.lines == 0 {
                (self.kind.parse_first_line)(&bytes[..self.seen]).map_err(Fault::from)?;
            }
            self.line = self.seen;
            self.lines += 1;
            // The first line is no field.
            if self.lines > self.kind.fields + 1 {
                return Err(Fault::TooLarge);
            }
        }
        self.seen = bytes.len();
        self.check_line(self.seen - self.line)?;
        if self.seen >= self.kind.head { Err(Fault::TooLarge) } else { Ok(None) }
    }

    fn check_line(&self, length: usize) -> Result<(), Fault> {
        match self.lines {
            0 if length > self.kind.first_line => Err(Fault::FirstLine),
            0 => Ok(()),
            _ if length > self.kind.line => Err(Fault::TooLarge),
            _ => Ok(()),
        }
    }
}

/// Room for the fields of a head, on the stack.
pub(super) struct Room<'a>([Field<'a>; MAX_FIELDS]);

impl<'a> Room<'a> {
    pub(super) const fn new() -> Self {
        Self([const { Field { name: "", value: b"" } }; MAX_FIELDS])
    }

    fn fill(&mut self, parsed: &[httparse::Header<'a>]) -> &[Field<'a>] {
        let fields = &mut self.0[..parsed.len()];
        for (field, &httparse::Header { name, value }) in fields.iter_mut().zip(parsed) {
            *field = Field { name, value };
        }
        fields
    }
}

/// The first line of a request, and the fields.
pub(super) struct ParsedRequest<'a> {
    pub(super) method: &'a str,
    pub(super) target: &'a str,
    pub(super) version: Version,
    pub(super) fields: &'a [Field<'a>],
}

/// Reads a whole head of a request.
pub(super) fn parse_request<'a>(head: &'a [u8], room: &'a mut Room<'a>) -> Result<ParsedRequest<'a>, Fault> {
    let mut headers = [const { MaybeUninit::uninit() }; MAX_FIELDS];
    let mut request = httparse::Request::new(&mut []);
    let parsed = request.parse_with_uninit_headers(head, &mut headers);
    check_length(parsed, head)?;
    let httparse::Request { method: Some(method), path: Some(target), version, headers } = request else {
        return Err(Fault::Malformed);
    };
    Ok(ParsedRequest { method, target, version: http_version(version), fields: room.fill(headers) })
}

/// The first line of a response, and the fields.
pub(super) struct ParsedResponse<'a> {
    pub(super) status: StatusCode,
    pub(super) reason: &'a str,
    pub(super) version: Version,
    pub(super) fields: &'a [Field<'a>],
}

/// Reads a whole head of a response.
pub(super) fn parse_response<'a>(
    head: &'a [u8],
    room: &'a mut Room<'a>,
) -> Result<ParsedResponse<'a>, Fault> {
    let mut headers = [const { MaybeUninit::uninit() }; MAX_FIELDS];
    let mut response = httparse::Response::new(&mut []);
    let parsed = httparse::ParserConfig::default().parse_response_with_uninit_headers(
        &mut response,
        head,
        &mut headers,
    );
    check_length(parsed, head)?;
    let httparse::Response { version, code: Some(code), reason, headers } = response else {
        return Err(Fault::Malformed);
    };
    let status = StatusCode::from_u16(code).map_err(|_| Fault::Malformed)?;
    let reason = reason.unwrap_or_default();
    Ok(ParsedResponse { status, reason, version: http_version(version), fields: room.fill(headers) })
}

/// The parser must end where the scanner did, or else they read different things.
fn check_length(parsed: httparse::Result<usize>, head: &[u8]) -> Result<(), Fault> {
    match parsed {
        Ok(httparse::Status::Complete(length)) if length == head.len() => Ok(()),
        Ok(_) => Err(Fault::Malformed),
        Err(error) => Err(error.into()),
    }
}

impl From<httparse::Error> for Fault {
    fn from(error: httparse::Error) -> Self {
        match error {
            httparse::Error::TooManyHeaders => Self::TooLarge,
            httparse::Error::Version => Self::Version,
            _ => Self::Malformed,
        }
    }
}

/// httparse knows 1.0 and 1.1.
fn http_version(minor: Option<u8>) -> Version {
    if minor == Some(1) { Version::HTTP_11 } else { Version::HTTP_10 }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";

    // Shows HS-1.
    #[test]
    fn end_is_found_wherever_the_head_is_cut() {
        let stream = [HEAD, b"\x81\x00\r\n\r\n"].concat();
        for cut in 0..=stream.len() {
            let mut scanner = Scanner::new(&REQUEST);
            let first = scanner.scan(&stream[..cut]);
            if cut < HEAD.len() {
                assert_eq!(first, Ok(None), "{cut}");
                assert_eq!(scanner.scan(&stream), Ok(Some(HEAD.len())), "{cut}");
            } else {
                assert_eq!(first, Ok(Some(HEAD.len())), "{cut}");
            }
        }
    }

    // Shows HS-1.
    #[test]
    fn every_byte_is_looked_at_once() {
        let mut head = b"GET / HTTP/1.1\r\n".to_vec();
        head.resize(head.len() + 8000, b'a');
        let mut scanner = Scanner::new(&REQUEST);
        for length in 0..head.len() {
            assert_eq!(scanner.scan(&head[..length]), Ok(None));
            assert_eq!(scanner.seen, length);
        }
    }

    // Shows HS-6.
    #[test]
    fn lines_that_do_not_end_with_crlf_are_malformed() {
        for head in [
            "GET / HTTP/1.1\n",
            "GET / HTTP/1.1\r\nHost: a\n\n",
            "\r\nGET / HTTP/1.1\r\n",
            "\n",
            "\x16\x03\x01",
        ] {
            assert_eq!(Scanner::new(&REQUEST).scan(head.as_bytes()), Err(Fault::Malformed), "{head:?}");
        }
    }
}
