//! The fields of a head, wherever they were parsed: every check reads them through here.

use http::{HeaderMap, HeaderName, HeaderValue, header::ValueIter};

use super::scan::trim;

/// The fields of a head: a map, or a list that nothing was allocated for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fields<'a> {
    Map(&'a HeaderMap),
    /// In the order and the spelling of the peer.
    #[cfg_attr(not(feature = "raw"), expect(dead_code, reason = "lists come from the layer below"))]
    List(&'a [Field<'a>]),
}

/// A name, and the value as it stands on the wire.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Field<'a> {
    pub(crate) name: &'a str,
    pub(crate) value: &'a [u8],
}

impl<'a> Fields<'a> {
    /// The values of a header, line by line.
    pub(super) fn lines(self, name: &HeaderName) -> Values<'a> {
        match self {
            Self::Map(headers) => Values::Map(headers.get_all(name).into_iter()),
            // Names like these are known to `http`: cloning them takes nothing from the heap.
            Self::List(fields) => Values::List { rest: fields.iter(), name: name.clone() },
        }
    }

    pub(super) fn contains(self, name: &HeaderName) -> bool {
        self.lines(name).next().is_some()
    }

    /// The one line of a header, trimmed; `Err` if there are more of them.
    pub(crate) fn only_line(self, name: &HeaderName) -> Result<Option<&'a [u8]>, Repeated> {
        let mut lines = self.lines(name);
        match (lines.next(), lines.next()) {
            (None, _) => Ok(None),
            (Some(line), None) => Ok(Some(trim(line))),
            (Some(_), Some(_)) => Err(Repeated),
        }
    }

    pub(super) fn len(self) -> usize {
        match self {
            Self::Map(headers) => headers.len(),
            Self::List(fields) => fields.len(),
        }
    }

    /// The bytes of all fields and of the longest, each as `name: value` and the end of its line.
    pub(super) fn sizes(self) -> (usize, usize) {
        let add = |(sum, longest): (usize, usize), (name, value): (usize, usize)| {
            let size = name + value + 4;
            (sum + size, longest.max(size))
        };
        match self {
            Self::Map(headers) => {
                headers.iter().map(|(name, value)| (name.as_str().len(), value.len())).fold((0, 0), add)
            }
            Self::List(fields) => {
                fields.iter().map(|field| (field.name.len(), field.value.len())).fold((0, 0), add)
            }
        }
    }
}

impl<'a> From<&'a HeaderMap> for Fields<'a> {
    fn from(headers: &'a HeaderMap) -> Self {
        Self::Map(headers)
    }
}

/// The values of one header.
pub(super) enum Values<'a> {
    Map(ValueIter<'a, HeaderValue>),
    List { rest: std::slice::Iter<'a, Field<'a>>, name: HeaderName },
}

impl<'a> Iterator for Values<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        match self {
            Self::Map(values) => values.next().map(HeaderValue::as_bytes),
            Self::List { rest, name } => {
                rest.find(|field| field.name.eq_ignore_ascii_case(name.as_str())).map(|field| field.value)
            }
        }
    }
}

/// A header that may stand in a message once stands there more often.
#[derive(Debug)]
pub(crate) struct Repeated;
