//! [`Target`]: what a request is for, as its client sees it.

use http::{request::Parts, uri::Scheme};
use ws_core::handshake::RequestHead;

use crate::TrustedProxy;

/// The scheme and the authority that a client asked for.
///
/// The origin of a page is compared with these. A client that is no browser can name any authority, and no client can name
/// the scheme: that comes from the configuration, or from a proxy that is trusted.
#[derive(Debug)]
pub(crate) struct Target<'a> {
    /// `None` if it is not known.
    pub(crate) scheme: Option<Scheme>,
    /// `None` if there is none that could be relied on.
    pub(crate) authority: Option<&'a str>,
}

impl<'a> Target<'a> {
    pub(crate) fn of(
        request: &'a Parts,
        head: &RequestHead<'a>,
        external_scheme: Option<&Scheme>,
        proxy: Option<&TrustedProxy>,
    ) -> Self {
        let forwarded = match proxy.filter(|proxy| proxy.sent(request)) {
            Some(proxy) => proxy.forwarded(&request.headers),
            None => Ok(None),
        };
        // A proxy that is trusted and cannot be understood says nothing that anything could be compared with.
        let Ok(forwarded) = forwarded else { return Self { scheme: None, authority: None } };
        let (scheme, host) = forwarded.map_or((None, None), |forwarded| (forwarded.scheme, forwarded.host));
        Self {
            scheme: scheme.or_else(|| external_scheme.cloned()),
            authority: host.or_else(|| head.authority()),
        }
    }
}
