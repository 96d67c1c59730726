//! Text as it travels: bytes that are known to be UTF-8.

use std::{
    borrow::Cow,
    cmp::Ordering,
    fmt,
    hash::{Hash, Hasher},
    ops::Deref,
    str::{self, Utf8Error},
};

use bytes::Bytes;

/// Text that is known to be UTF-8 and cheap to clone.
///
/// Up to 38 bytes lie in the value itself, without an allocation; more are reference-counted ([`Bytes`]), and a clone shares
/// them. A text message that was received is validated while it arrives, so turning it into a `&str` costs nothing.
///
/// ```
/// use ws_core::Utf8Bytes;
///
/// let text = Utf8Bytes::from_static("hello");
/// assert_eq!(text, "hello");
/// assert_eq!(text.len(), 5);
/// ```
#[derive(Clone)]
pub struct Utf8Bytes(Repr);

#[derive(Clone)]
enum Repr {
    Shared(Bytes),
    /// Text that is copied anyhow, and so short that an allocation would cost more than it.
    Inline {
        len: u8,
        bytes: [u8; INLINE],
    },
}

impl Utf8Bytes {
    /// Wraps a string literal without copying it.
    #[must_use]
    pub const fn from_static(text: &'static str) -> Self {
        Self(Repr::Shared(Bytes::from_static(text.as_bytes())))
    }

    /// Takes bytes that are known to be text.
    ///
    /// Every caller must have taken exactly these bytes from a `str`, or passed them through
    /// [`Utf8Validator`](crate::utf8::Utf8Validator), up to and including its `finish`.
    pub(crate) fn from_validated(bytes: Bytes) -> Self {
        debug_assert!(str::from_utf8(&bytes).is_ok(), "text was not validated");
        Self(Repr::Shared(bytes))
    }

    /// Copies bytes that are known to be text; see [`from_validated`](Self::from_validated).
    // A call writes the value where the caller wants it. Inlined, it was put together elsewhere and moved there.
    #[inline(never)]
    pub(crate) fn copy_validated(text: &[u8]) -> Self {
        debug_assert!(str::from_utf8(text).is_ok(), "text was not validated");
        let len = text.len();
        let (Some(first), Some(last), true) =
            (text.first_chunk::<PIECE>(), text.last_chunk::<PIECE>(), len <= INLINE)
        else {
            return Self::copy_other(text);
        };
        // Pieces of a fixed size, which may overlap: a call to copy so little costs more than the copy.
        let mut bytes = [0; INLINE];
        bytes[..PIECE].copy_from_slice(first);
        if let Some(second) = text.get(PIECE..2 * PIECE) {
            bytes[PIECE..2 * PIECE].copy_from_slice(second);
        }
        bytes[len - PIECE..len].copy_from_slice(last);
        Self(Repr::Inline { len: len as u8, bytes })
    }

    /// As [`copy_validated`](Self::copy_validated), of the first `len` of `bytes`.
    #[cfg(feature = "io")]
    #[inline(never)]
    pub(crate) fn copy_front(bytes: &[u8], len: usize) -> Self {
        match bytes.first_chunk() {
            // What lies behind the text is copied as well, and never looked at: so much at once is less to do than just the text.
            Some(bytes) if len <= INLINE => Self(Repr::Inline { len: len as u8, bytes: *bytes }),
            _ => Self::copy_validated(&bytes[..len]),
        }
    }

    /// Copies what is shorter than a piece, or does not lie in the value.
    #[inline(never)]
    fn copy_other(text: &[u8]) -> Self {
        let mut bytes = [0; INLINE];
        match bytes.get_mut(..text.len()) {
            Some(room) => {
                room.copy_from_slice(text);
                Self(Repr::Inline { len: text.len() as u8, bytes })
            }
            None => Self(Repr::Shared(Bytes::copy_from_slice(text))),
        }
    }

    /// The text as a string slice.
    #[must_use]
    #[inline]
    pub fn as_str(&self) -> &str {
        ValidText(self.data()).as_str()
    }

    /// The text as bytes. Nothing is copied but what lies in the value itself, 38 bytes at most.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        match self.0 {
            Repr::Shared(bytes) => bytes,
            Repr::Inline { .. } => Bytes::copy_from_slice(self.data()),
        }
    }

    /// Whether the text lies in the value.
    #[cfg(feature = "io")]
    #[inline]
    pub(crate) fn is_inline(&self) -> bool {
        matches!(self.0, Repr::Inline { .. })
    }

    /// Text that lies in the value, with what lies behind it, and its size.
    #[cfg(feature = "io")]
    #[inline]
    pub(crate) fn inline(&self) -> Option<(&[u8; INLINE], usize)> {
        match &self.0 {
            Repr::Shared(_) => None,
            Repr::Inline { len, bytes } => Some((bytes, usize::from(*len).min(INLINE))),
        }
    }

    #[inline]
    fn data(&self) -> &[u8] {
        match &self.0 {
            Repr::Shared(bytes) => bytes,
            Repr::Inline { len, bytes } => &bytes[..usize::from(*len)],
        }
    }
}

/// Borrowed text that is known to be UTF-8, for the same reasons as [`Utf8Bytes`].
#[derive(Clone, Copy)]
pub(crate) struct ValidText<'a>(&'a [u8]);

impl<'a> ValidText<'a> {
    /// Takes bytes that are known to be text; see [`Utf8Bytes::from_validated`].
    #[cfg(feature = "io")]
    pub(crate) fn from_validated(bytes: &'a [u8]) -> Self {
        debug_assert!(str::from_utf8(bytes).is_ok(), "text was not validated");
        Self(bytes)
    }

    #[expect(unsafe_code, reason = "a second validation at every access would cost more than the first")]
    pub(crate) fn as_str(self) -> &'a str {
        // SAFETY: the fields are private, and every constructor in this file either starts from a `str` or `String`,
        // or validates, or (`from_validated`, `copy_validated`) is handed bytes of a `str`, or bytes that the incremental validator
        // accepted as a whole.
        unsafe { str::from_utf8_unchecked(self.0) }
    }
}

impl Deref for Utf8Bytes {
    type Target = str;

    #[inline]
    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl AsRef<str> for Utf8Bytes {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl AsRef<[u8]> for Utf8Bytes {
    fn as_ref(&self) -> &[u8] {
        self.data()
    }
}

impl Default for Utf8Bytes {
    fn default() -> Self {
        Self::from_static("")
    }
}

impl PartialEq for Utf8Bytes {
    fn eq(&self, other: &Self) -> bool {
        self.data() == other.data()
    }
}

impl Eq for Utf8Bytes {}

impl PartialOrd for Utf8Bytes {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Utf8Bytes {
    fn cmp(&self, other: &Self) -> Ordering {
        self.data().cmp(other.data())
    }
}

impl Hash for Utf8Bytes {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl fmt::Display for Utf8Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self)
    }
}

impl fmt::Debug for Utf8Bytes {
    /// Shows at most the first 64 characters: a log must not repeat whole messages.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.char_indices().nth(DEBUG_PREFIX) {
            None => fmt::Debug::fmt(self.as_str(), f),
            Some((cut, _)) => write!(f, "{:?}… ({} bytes)", &self[..cut], self.len()),
        }
    }
}

impl<T> PartialEq<T> for Utf8Bytes
where
    for<'a> &'a str: PartialEq<T>,
{
    fn eq(&self, other: &T) -> bool {
        self.as_str() == *other
    }
}

impl From<&str> for Utf8Bytes {
    fn from(text: &str) -> Self {
        Self::copy_validated(text.as_bytes())
    }
}

impl From<&String> for Utf8Bytes {
    fn from(text: &String) -> Self {
        text.as_str().into()
    }
}

impl From<String> for Utf8Bytes {
    fn from(text: String) -> Self {
        Self(Repr::Shared(text.into()))
    }
}

impl From<Cow<'_, str>> for Utf8Bytes {
    fn from(text: Cow<'_, str>) -> Self {
        match text {
            Cow::Borrowed(text) => text.into(),
            Cow::Owned(text) => text.into(),
        }
    }
}

impl TryFrom<Bytes> for Utf8Bytes {
    type Error = Utf8Error;

    fn try_from(bytes: Bytes) -> Result<Self, Utf8Error> {
        str::from_utf8(&bytes)?;
        Ok(Self(Repr::Shared(bytes)))
    }
}

impl TryFrom<Vec<u8>> for Utf8Bytes {
    type Error = Utf8Error;

    fn try_from(bytes: Vec<u8>) -> Result<Self, Utf8Error> {
        Self::try_from(Bytes::from(bytes))
    }
}

impl TryFrom<&[u8]> for Utf8Bytes {
    type Error = Utf8Error;

    fn try_from(bytes: &[u8]) -> Result<Self, Utf8Error> {
        str::from_utf8(bytes).map(Self::from)
    }
}

impl From<Utf8Bytes> for Bytes {
    fn from(text: Utf8Bytes) -> Self {
        text.into_bytes()
    }
}

impl From<Utf8Bytes> for String {
    fn from(text: Utf8Bytes) -> Self {
        text.as_str().to_owned()
    }
}

/// Bytes that lie in the value itself: what keeps it at five words, and a message as large as its close frame.
pub(crate) const INLINE: usize = 38;
/// What is copied at once of them.
const PIECE: usize = 16;
/// Characters that `Debug` shows before it cuts.
const DEBUG_PREFIX: usize = 64;

#[cfg(test)]
mod tests {
    use std::hash::DefaultHasher;

    use super::*;

    #[test]
    fn bytes_that_are_not_utf8_are_refused() {
        assert!(Utf8Bytes::try_from(vec![0xFF]).is_err());
        assert!(Utf8Bytes::try_from(Bytes::from_static(&[0xC3])).is_err());
        assert!(Utf8Bytes::try_from(&[0xED, 0xA0, 0x80][..]).is_err());
    }

    #[cfg(feature = "io")]
    #[test]
    fn copy_of_a_front_is_the_same_whatever_lies_behind_it() {
        let bytes = [b'x'; 2 * INLINE];
        for len in 0..=INLINE + 1 {
            for behind in 0..INLINE {
                let text = Utf8Bytes::copy_front(&bytes[..len + behind], len);
                assert_eq!((text.as_str(), text.is_inline()), (&"x".repeat(len)[..], len <= INLINE));
                assert_eq!(text.into_bytes(), bytes[..len]);
            }
        }
    }

    #[test]
    fn text_is_the_same_wherever_it_lies() {
        let after = Utf8Bytes::from("y");
        for len in (0..=INLINE + 1).chain([100]) {
            let text: String = ('a'..='x').cycle().take(len).collect();
            let (copied, taken) = (Utf8Bytes::from(text.as_str()), Utf8Bytes::from(text.clone()));
            assert_eq!(matches!(copied.0, Repr::Inline { .. }), len <= INLINE);
            assert_eq!((copied.as_str(), taken.as_str()), (text.as_str(), text.as_str()));
            assert!(copied == taken && copied.cmp(&taken).is_eq());
            assert!(copied < after && taken < after);
            let hash = |text: &Utf8Bytes| {
                let mut hasher = DefaultHasher::new();
                text.hash(&mut hasher);
                hasher.finish()
            };
            assert_eq!(hash(&copied), hash(&taken));
            assert_eq!(copied.clone().into_bytes(), taken.into_bytes());
            assert_eq!(String::from(copied), text);
        }
    }

    #[test]
    fn text_in_the_value_costs_no_message_anything() {
        assert_eq!(size_of::<Utf8Bytes>(), 5 * size_of::<usize>());
        assert_eq!(size_of::<Option<crate::Message>>(), 6 * size_of::<usize>());
    }

    #[test]
    fn debug_cuts_long_text_at_a_character() {
        let text = Utf8Bytes::from("é".repeat(100));
        assert_eq!(format!("{text:?}"), format!("\"{}\"… (200 bytes)", "é".repeat(64)));
        assert_eq!(format!("{:?}", Utf8Bytes::from("a\n")), "\"a\\n\"");
    }

    #[test]
    fn compares_with_strings_on_the_right() {
        let (text, owned) = (Utf8Bytes::from("a"), String::from("a"));
        assert!(text == "a" && text == owned && text == Utf8Bytes::from_static("a"));
        assert!(text != "b");
    }
}
