//! The head of a response, for the callbacks of a client.

use std::fmt;

use http::{StatusCode, Version};

use super::head::{Fault, ParsedResponse, Room, parse_response};
use crate::handshake::{Field, Fields};

/// The head of a response that switches protocols, as it lies in the buffer.
///
/// Callbacks see it after it was checked.
#[derive(Clone, Copy)]
pub struct ResponseHead<'a> {
    status: StatusCode,
    reason: &'a str,
    version: Version,
    fields: &'a [Field<'a>],
}

impl<'a> ResponseHead<'a> {
    pub(super) fn parse(head: &'a [u8], room: &'a mut Room<'a>) -> Result<Self, Fault> {
        let ParsedResponse { status, reason, version, fields } = parse_response(head, room)?;
        Ok(Self { status, reason, version, fields })
    }

    pub(super) fn fields(&self) -> Fields<'a> {
        Fields::List(self.fields)
    }

    pub(super) fn version(&self) -> Version {
        self.version
    }

    /// The status: 101.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// What stands behind the status, often nothing.
    #[must_use]
    pub fn reason(&self) -> &'a str {
        self.reason
    }

    /// The first line of a header, whatever the case of its name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&'a [u8]> {
        self.headers().find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// All headers in the order and the spelling of the server, with those of the handshake.
    pub fn headers(&self) -> impl Iterator<Item = (&'a str, &'a [u8])> + use<'a> {
        self.fields.iter().map(|field| (field.name, field.value))
    }
}

/// Without the values of headers, which may be secrets.
impl fmt::Debug for ResponseHead<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.headers().map(|(name, _)| name).collect();
        f.debug_struct("ResponseHead")
            .field("status", &self.status)
            .field("reason", &self.reason)
            .field("headers", &names)
            .finish_non_exhaustive()
    }
}
