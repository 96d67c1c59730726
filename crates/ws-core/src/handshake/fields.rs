//! The fields of a head, wherever they were parsed: every check reads them through here.

use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{
        CONNECTION, CONTENT_LENGTH, EXPECT, HOST, ORIGIN, SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_KEY,
        SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, TRANSFER_ENCODING, UPGRADE, ValueIter,
    },
};

use super::{origin::host, scan::trim};

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
}

impl<'a> From<&'a HeaderMap> for Fields<'a> {
    fn from(headers: &'a HeaderMap) -> Self {
        Self::Map(headers)
    }
}

/// The fields of a request that its checks ask for, found in one pass over the head: to look each of them up by its name takes
/// twice as long.
pub(super) struct Overview<'a> {
    fields: Fields<'a>,
    /// The first line of each, in the order of [`NAMES`].
    found: [Option<&'a [u8]>; KNOWN],
    /// Those that have more, a bit for each.
    repeated: u16,
    /// How many fields there are, known or not.
    pub(super) count: usize,
    /// The bytes of all fields, each as `name: value` and the end of its line.
    pub(super) size: usize,
    /// The bytes of the longest.
    pub(super) longest: usize,
    /// Read as text once: it is checked, and compared with the origin.
    host: Option<&'a str>,
}

#[derive(Clone, Copy)]
enum Found<'a> {
    Nowhere,
    Once(&'a [u8]),
    Repeated,
}

impl<'a> Overview<'a> {
    pub(super) fn of(fields: Fields<'a>) -> Self {
        let mut overview =
            Self { fields, found: [None; KNOWN], repeated: 0, count: 0, size: 0, longest: 0, host: None };
        match fields {
            Fields::Map(headers) => {
                for (name, value) in headers {
                    overview.add(known(name), name.as_str(), value.as_bytes());
                }
            }
            Fields::List(fields) => {
                for &Field { name, value } in fields {
                    let place = NAMES.iter().position(|known| name.eq_ignore_ascii_case(known.as_str()));
                    overview.add(place, name, value);
                }
            }
        }
        overview.host = overview.only_line(&HOST).ok().flatten().and_then(host);
        overview
    }

    /// [`Fields::host`].
    #[inline]
    pub(super) fn host(&self) -> Option<&'a str> {
        self.host
    }

    fn add(&mut self, place: Option<usize>, name: &str, value: &'a [u8]) {
        let size = name.len() + value.len() + 4;
        self.count += 1;
        self.size += size;
        self.longest = self.longest.max(size);
        let Some(place) = place else { return };
        match &mut self.found[place] {
            found @ None => *found = Some(value),
            Some(_) => self.repeated |= 1 << place,
        }
    }

    /// [`Fields::lines`], of a known name.
    #[inline(always)]
    pub(super) fn lines(&self, name: &HeaderName) -> Values<'a> {
        match self.find(name) {
            Found::Nowhere => Values::One(None),
            Found::Once(line) => Values::One(Some(line)),
            // Rare enough to be looked up.
            Found::Repeated => self.fields.lines(name),
        }
    }

    /// [`Fields::only_line`], of a known name.
    #[inline(always)]
    pub(super) fn only_line(&self, name: &HeaderName) -> Result<Option<&'a [u8]>, Repeated> {
        match self.find(name) {
            Found::Nowhere => Ok(None),
            Found::Once(line) => Ok(Some(trim(line))),
            Found::Repeated => Err(Repeated),
        }
    }

    /// [`Fields::contains`], of a known name.
    #[inline(always)]
    pub(super) fn contains(&self, name: &HeaderName) -> bool {
        !matches!(self.find(name), Found::Nowhere)
    }

    // Inlined, the place of a name is a constant.
    #[inline(always)]
    fn find(&self, name: &HeaderName) -> Found<'a> {
        let place = known(name);
        debug_assert!(place.is_some(), "{name} is not among the names");
        // As if it were there more than once, so that lines are looked up all the same.
        let Some(place) = place else { return Found::Repeated };
        match self.found[place] {
            _ if self.repeated >> place & 1 == 1 => Found::Repeated,
            Some(line) => Found::Once(line),
            None => Found::Nowhere,
        }
    }
}

/// Where a name is in [`NAMES`].
#[inline(always)]
fn known(name: &HeaderName) -> Option<usize> {
    Some(match *name {
        CONNECTION => 0,
        CONTENT_LENGTH => 1,
        EXPECT => 2,
        HOST => 3,
        ORIGIN => 4,
        SEC_WEBSOCKET_EXTENSIONS => 5,
        SEC_WEBSOCKET_KEY => 6,
        SEC_WEBSOCKET_PROTOCOL => 7,
        SEC_WEBSOCKET_VERSION => 8,
        TRANSFER_ENCODING => 9,
        UPGRADE => 10,
        _ => return None,
    })
}

/// The names that the checks of a request ask for.
static NAMES: [HeaderName; KNOWN] = [
    CONNECTION,
    CONTENT_LENGTH,
    EXPECT,
    HOST,
    ORIGIN,
    SEC_WEBSOCKET_EXTENSIONS,
    SEC_WEBSOCKET_KEY,
    SEC_WEBSOCKET_PROTOCOL,
    SEC_WEBSOCKET_VERSION,
    TRANSFER_ENCODING,
    UPGRADE,
];
const KNOWN: usize = 11;

/// The values of one header.
pub(super) enum Values<'a> {
    Map(ValueIter<'a, HeaderValue>),
    List { rest: std::slice::Iter<'a, Field<'a>>, name: HeaderName },
    One(Option<&'a [u8]>),
}

impl<'a> Iterator for Values<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        match self {
            Self::Map(values) => values.next().map(HeaderValue::as_bytes),
            Self::List { rest, name } => {
                rest.find(|field| field.name.eq_ignore_ascii_case(name.as_str())).map(|field| field.value)
            }
            Self::One(line) => line.take(),
        }
    }
}

/// A header that may stand in a message once stands there more often.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Repeated;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_known_at_its_place() {
        for (place, name) in NAMES.iter().enumerate() {
            assert_eq!(known(name), Some(place), "{name}");
        }
        assert_eq!(known(&http::header::COOKIE), None);
    }

    #[test]
    fn overview_has_the_lines_that_a_look_up_finds() {
        for times in 0..=3 {
            let names = NAMES.iter().chain([&http::header::COOKIE]);
            let lines: Vec<_> = names.flat_map(|name| vec![name; times]).collect();
            let mut headers = HeaderMap::new();
            for &name in &lines {
                headers.append(name, HeaderValue::from_static("value"));
            }
            let upper: Vec<_> = lines.iter().map(|name| name.as_str().to_ascii_uppercase()).collect();
            let list: Vec<_> = upper.iter().map(|name| Field { name, value: b"value" }).collect();
            for fields in [Fields::Map(&headers), Fields::List(&list)] {
                let overview = Overview::of(fields);
                for name in &NAMES {
                    let (seen, found): (Vec<_>, Vec<_>) =
                        (overview.lines(name).collect(), fields.lines(name).collect());
                    assert_eq!((seen.len(), seen), (times, found), "{name}");
                    assert_eq!(overview.contains(name), fields.contains(name), "{name}");
                    assert_eq!(overview.only_line(name).ok(), fields.only_line(name).ok(), "{name}");
                }
                let sizes = lines.iter().map(|name| name.as_str().len() + 9);
                assert_eq!(overview.count, lines.len());
                assert_eq!(
                    (overview.size, overview.longest),
                    (sizes.clone().sum(), sizes.max().unwrap_or(0))
                );
            }
        }
    }
}
