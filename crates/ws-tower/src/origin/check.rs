//! [`CheckOrigin`]: which pages may connect.

use std::{fmt, sync::Arc};

use http::{header::ORIGIN, request::Parts};
use ws_core::handshake::{Origin, RequestHead};

use super::{InvalidOriginPattern, OriginPattern};
use crate::target::Target;

/// Which pages may open connections (RFC 6455, 10.2).
///
/// Browsers let every page connect to every server, and send the user's cookies along; the server is the one to refuse.
/// They say in the `Origin` header which page it is. What is no browser can say anything there, so this does not replace
/// authentication: it only keeps other pages from borrowing it.
///
/// A refused handshake is answered with 403. A request without `Origin` comes from no page; all but
/// [`with`](Self::with) and [`require_origin`](Self::require_origin) allow it.
///
/// ```
/// use ws_tower::{CheckOrigin, Upgrader};
///
/// let upgrader = Upgrader::new().check_origin(CheckOrigin::list(["https://example.com", "https://*.example.com"])?);
/// # let _ = upgrader;
/// # Ok::<(), ws_tower::InvalidOriginPattern>(())
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub enum CheckOrigin {
    /// Pages of the host that the request is for: the default.
    ///
    /// Host and port of `Origin` are compared with the request's authority, after letters are folded, default ports
    /// filled in and IPv6 addresses parsed. Schemes are compared where the server's own is known, by
    /// [`Upgrader::external_scheme`](crate::Upgrader::external_scheme) or
    /// [`Upgrader::trust_proxy`](crate::Upgrader::trust_proxy): behind a proxy it cannot be seen. `null` and everything
    /// malformed is refused.
    #[default]
    SameOrigin,
    /// Every page, whatever it says.
    Any,
    /// The pages of these origins and no others, not even those of the server itself.
    List(Vec<OriginPattern>),
    /// What a function of the application decides; made by [`with`](Self::with).
    With(OriginPredicate),
    /// What one of the two allows; made by [`or`](Self::or).
    Either(Box<(Self, Self)>),
    /// What comes from a page, and is allowed; made by [`require_origin`](Self::require_origin).
    Required(Box<Self>),
}

impl CheckOrigin {
    /// Allows the pages of these origins: `https://example.com`, `http://localhost:3000`, `https://*.example.com`, and
    /// whatever else is an [`OriginPattern`].
    ///
    /// # Errors
    /// When one of them is not an [`OriginPattern`].
    pub fn list<I>(origins: I) -> Result<Self, InvalidOriginPattern>
    where
        I: IntoIterator,
        I::Item: AsRef<str>,
    {
        origins.into_iter().map(|origin| origin.as_ref().parse()).collect::<Result<_, _>>().map(Self::List)
    }

    /// Lets a function decide. It sees the whole head of the request, whether that has an `Origin` or not.
    ///
    /// ```
    /// use ws_tower::CheckOrigin;
    ///
    /// // Only browsers, and only those that come through the proxy.
    /// let check = CheckOrigin::with(|request| {
    ///     request.headers.contains_key("origin") && request.headers.contains_key("x-forwarded-for")
    /// });
    /// # let _ = check;
    /// ```
    pub fn with<F>(allow: F) -> Self
    where
        F: Fn(&Parts) -> bool + Send + Sync + 'static,
    {
        Self::With(OriginPredicate(Arc::new(allow)))
    }

    /// Allows what either of the two allows.
    #[must_use]
    pub fn or(self, other: impl Into<Self>) -> Self {
        Self::Either(Box::new((self, other.into())))
    }

    /// Allows the server's own pages beside those of a list.
    ///
    /// ```
    /// use ws_tower::CheckOrigin;
    ///
    /// let check = CheckOrigin::list(["https://partner.example"])?.or_same_origin();
    /// # let _ = check;
    /// # Ok::<(), ws_tower::InvalidOriginPattern>(())
    /// ```
    #[must_use]
    pub fn or_same_origin(self) -> Self {
        self.or(Self::SameOrigin)
    }

    /// Refuses requests without `Origin`, too: what is no browser must pretend to be one.
    #[must_use]
    pub fn require_origin(self) -> Self {
        Self::Required(Box::new(self))
    }

    pub(crate) fn allows(&self, request: &Parts, head: &RequestHead<'_>, target: &Target<'_>) -> bool {
        let headers = &request.headers;
        match self {
            Self::SameOrigin => target
                .authority
                .is_some_and(|authority| head.is_same_origin(authority, target.scheme.as_ref())),
            Self::Any => true,
            Self::List(patterns) => match Origin::from_headers(headers) {
                Ok(Some(origin)) => patterns.iter().any(|pattern| pattern.matches(&origin)),
                Ok(None) => true,
                Err(_) => false,
            },
            Self::With(OriginPredicate(allow)) => allow(request),
            Self::Either(checks) => {
                checks.0.allows(request, head, target) || checks.1.allows(request, head, target)
            }
            Self::Required(check) => headers.contains_key(ORIGIN) && check.allows(request, head, target),
        }
    }
}

/// A function that decides which requests are allowed.
#[derive(Clone)]
pub struct OriginPredicate(Arc<dyn Fn(&Parts) -> bool + Send + Sync>);

impl fmt::Debug for OriginPredicate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OriginPredicate(..)")
    }
}
