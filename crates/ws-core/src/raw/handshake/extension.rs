//! Extensions that outlive the head they stand in.

use std::fmt;

#[cfg(feature = "deflate")]
use crate::deflate::{NAME, Parameters};
use crate::handshake::{Extension, InvalidExtension, is_token};

/// An extension with its parameters, to be offered or accepted (RFC 6455, 9.1).
///
/// ```
/// use ws_core::raw::handshake::OwnedExtension;
///
/// let extension = OwnedExtension::new("x-zstd")?.with_parameter("level", "3")?.with_parameter("dictionary", None)?;
/// assert_eq!(extension.to_string(), "x-zstd; level=3; dictionary");
/// # Ok::<(), ws_core::handshake::InvalidExtension>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct OwnedExtension {
    name: Box<str>,
    parameters: Vec<(Box<str>, Option<Box<str>>)>,
}

impl OwnedExtension {
    /// An extension without parameters.
    ///
    /// # Errors
    ///
    /// If the name is not a token.
    pub fn new(name: &str) -> Result<Self, InvalidExtension> {
        Ok(Self { name: token(name)?, parameters: Vec::new() })
    }

    /// Adds a parameter, with a value or without.
    ///
    /// # Errors
    ///
    /// If the name or the value is not a token.
    pub fn with_parameter<'v>(
        mut self,
        name: &str,
        value: impl Into<Option<&'v str>>,
    ) -> Result<Self, InvalidExtension> {
        let value = value.into().map(token).transpose()?;
        self.parameters.push((token(name)?, value));
        Ok(self)
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The parameters in order, with their values.
    pub fn parameters(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        self.parameters.iter().map(|(name, value)| (&**name, value.as_deref()))
    }
}

/// As it stands in the header.
impl fmt::Display for OwnedExtension {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        self.parameters().try_for_each(|(name, value)| match value {
            Some(value) => write!(f, "; {name}={value}"),
            None => write!(f, "; {name}"),
        })
    }
}

/// An offer of permessage-deflate, or the answer to one.
#[cfg(feature = "deflate")]
impl From<Parameters> for OwnedExtension {
    fn from(parameters: Parameters) -> Self {
        // Names and numbers, always tokens.
        let owned =
            |(name, bits): (&str, Option<u8>)| (name.into(), bits.map(|bits| bits.to_string().into()));
        Self { name: NAME.into(), parameters: parameters.each().map(owned).collect() }
    }
}

/// Keeps what a peer wrote.
impl From<Extension<'_>> for OwnedExtension {
    fn from(extension: Extension<'_>) -> Self {
        let parameters = extension.parameters();
        Self {
            name: extension.name().into(),
            parameters: parameters.map(|each| (each.name().into(), each.value().map(Into::into))).collect(),
        }
    }
}

fn token(text: &str) -> Result<Box<str>, InvalidExtension> {
    if is_token(text) { Ok(text.into()) } else { Err(InvalidExtension(())) }
}
