//! The syntax of `Sec-WebSocket-Extensions` (RFC 6455, 9.1).

use std::{borrow::Cow, fmt, iter::FusedIterator};

use http::{HeaderMap, header::SEC_WEBSOCKET_EXTENSIONS};

use super::{
    fields::{Fields, Values},
    scan::{Lines, Scanner, is_token_byte},
};

/// Reads `Sec-WebSocket-Extensions`, from all lines, in order.
///
/// ```text
/// extension = token *( ";" token [ "=" ( token / quoted-string ) ] )
/// ```
///
/// The value of a quoted string is a token too, once it is unescaped. After an error there is nothing more to come. A
/// peer that does not keep to the syntax fails the connection (RFC 6455, 9.1). Empty elements are skipped.
///
/// ```
/// use http::{HeaderMap, HeaderValue, header::SEC_WEBSOCKET_EXTENSIONS};
/// use ws_core::handshake::parse_extensions;
///
/// let mut headers = HeaderMap::new();
/// headers.append(SEC_WEBSOCKET_EXTENSIONS, HeaderValue::from_static("foo"));
/// headers.append(SEC_WEBSOCKET_EXTENSIONS, HeaderValue::from_static("bar; baz=2, qux; quux=\"3\"; corge"));
///
/// let extensions = parse_extensions(&headers).collect::<Result<Vec<_>, _>>()?;
/// let names: Vec<_> = extensions.iter().map(|extension| extension.name()).collect();
/// assert_eq!(names, ["foo", "bar", "qux"]);
/// let quux = extensions[2].parameters().next().unwrap();
/// assert_eq!((quux.name(), quux.value()), ("quux", Some("3")));
/// # Ok::<(), ws_core::handshake::InvalidExtension>(())
/// ```
#[must_use]
pub fn parse_extensions(headers: &HeaderMap) -> Extensions<'_> {
    Fields::from(headers).extensions()
}

impl<'a> Fields<'a> {
    pub(crate) fn extensions(self) -> Extensions<'a> {
        self.lines(&SEC_WEBSOCKET_EXTENSIONS).extensions()
    }
}

impl<'a> Values<'a> {
    /// Reads these lines as `Sec-WebSocket-Extensions`.
    pub(super) fn extensions(self) -> Extensions<'a> {
        Extensions { lines: Some(Lines::new(self)) }
    }
}

/// The extensions of a header; [`parse_extensions`] makes it.
#[derive(Debug)]
pub struct Extensions<'a> {
    /// `None` after an error.
    lines: Option<Lines<'a>>,
}

impl<'a> Iterator for Extensions<'a> {
    type Item = Result<Extension<'a>, InvalidExtension>;

    fn next(&mut self) -> Option<Self::Item> {
        let line = self.lines.as_mut()?.next_element()?;
        let extension = Extension::scan(line);
        if extension.is_err() {
            self.lines = None;
        }
        Some(extension)
    }
}

impl FusedIterator for Extensions<'_> {}

/// An extension that a client offers or a server accepts, with its parameters.
///
/// It borrows from the header and holds no list, so that a header of thousands of parameters costs no memory.
#[derive(Clone)]
pub struct Extension<'a> {
    name: &'a str,
    /// Stands behind the name and goes on to the end of the line; checked up to the end of this element.
    parameters: ExtensionParameters<'a>,
}

impl<'a> Extension<'a> {
    /// Reads one element of the list and checks all of it.
    fn scan(line: &mut Scanner<'a>) -> Result<Self, InvalidExtension> {
        let name = line.token().ok_or(InvalidExtension(()))?;
        let parameters = ExtensionParameters { line: line.clone() };
        while line.eat(b';') {
            ExtensionParameter::scan(line).ok_or(InvalidExtension(()))?;
        }
        if !line.at_end_of_element() {
            return Err(InvalidExtension(()));
        }
        Ok(Self { name, parameters })
    }

    /// The name, as the peer wrote it.
    #[must_use]
    pub fn name(&self) -> &'a str {
        self.name
    }

    /// The parameters in order; a name that stands there twice comes twice.
    #[must_use]
    pub fn parameters(&self) -> ExtensionParameters<'a> {
        self.parameters.clone()
    }
}

impl fmt::Debug for Extension<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Extension")
            .field("name", &self.name)
            .field("parameters", &self.parameters().collect::<Vec<_>>())
            .finish()
    }
}

/// The parameters of an extension; [`Extension::parameters`] makes it.
#[derive(Clone)]
pub struct ExtensionParameters<'a> {
    line: Scanner<'a>,
}

impl<'a> Iterator for ExtensionParameters<'a> {
    type Item = ExtensionParameter<'a>;

    fn next(&mut self) -> Option<ExtensionParameter<'a>> {
        // What does not begin with a semicolon is the next extension, and stays where it is.
        if self.line.eat(b';') { ExtensionParameter::scan(&mut self.line) } else { None }
    }
}

impl FusedIterator for ExtensionParameters<'_> {}

impl fmt::Debug for ExtensionParameters<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.clone()).finish()
    }
}

/// A parameter of an extension: a name, with or without a value.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ExtensionParameter<'a> {
    name: &'a str,
    value: Option<Cow<'a, str>>,
}

impl<'a> ExtensionParameter<'a> {
    fn scan(line: &mut Scanner<'a>) -> Option<Self> {
        let name = line.token()?;
        let value = match line.eat(b'=') {
            false => None,
            true => Some(match line.token() {
                Some(token) => Cow::Borrowed(token),
                None => unescape(line.quoted()?)?,
            }),
        };
        Some(Self { name, value })
    }

    /// The name, as the peer wrote it.
    #[must_use]
    pub fn name(&self) -> &'a str {
        self.name
    }

    /// The value, without quotes and escapes: a token.
    #[must_use]
    pub fn value(&self) -> Option<&str> {
        self.value.as_deref()
    }
}

/// The value of a quoted string: 9.1 asks that it be a token.
fn unescape(quoted: &[u8]) -> Option<Cow<'_, str>> {
    let value = if quoted.contains(&b'\\') {
        let mut value = String::with_capacity(quoted.len());
        let mut bytes = quoted.iter();
        while let Some(&byte) = bytes.next() {
            let byte = if byte == b'\\' { *bytes.next()? } else { byte };
            if !is_token_byte(byte) {
                return None;
            }
            value.push(char::from(byte));
        }
        Cow::Owned(value)
    } else if quoted.iter().all(|&byte| is_token_byte(byte)) {
        Cow::Borrowed(std::str::from_utf8(quoted).ok()?)
    } else {
        return None;
    };
    if value.is_empty() { None } else { Some(value) }
}

/// `Sec-WebSocket-Extensions` does not keep to its syntax (RFC 6455, 9.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct InvalidExtension(pub(crate) ());

impl fmt::Display for InvalidExtension {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("sec-websocket-extensions is malformed")
    }
}

impl std::error::Error for InvalidExtension {}
