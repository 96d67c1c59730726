//! Cookies: what keeps them between dials.

use std::sync::Arc;

use http::{HeaderMap, HeaderValue, Uri, header};

use crate::target::Target;

mod jar;

pub use self::jar::CookieJar;

/// Where a [`Dialer`](crate::Dialer) takes cookies from and brings them to.
///
/// URLs have the scheme `http` or `https`, as stores of cookies know them: what is for one is for `ws` or `wss` too. A
/// [`CookieJar`] is such a store in memory. An `Arc` of a store is a store, so that it can be shared.
pub trait CookieStore: Send + Sync {
    /// The `Cookie` header of a request to this URL, if there are cookies for it.
    fn cookies(&self, uri: &Uri) -> Option<HeaderValue>;

    /// Takes the values of the `Set-Cookie` headers of a response from this URL.
    fn set_cookies(&self, uri: &Uri, values: &mut dyn Iterator<Item = &HeaderValue>);
}

impl<T: CookieStore + ?Sized> CookieStore for Arc<T> {
    fn cookies(&self, uri: &Uri) -> Option<HeaderValue> {
        (**self).cookies(uri)
    }

    fn set_cookies(&self, uri: &Uri, values: &mut dyn Iterator<Item = &HeaderValue>) {
        (**self).set_cookies(uri, values);
    }
}

/// The cookies for a request, from a store.
pub(crate) fn cookies(store: &dyn CookieStore, target: &Target) -> Option<HeaderValue> {
    store.cookies(&target.http_uri())
}

/// Brings the cookies of a response to a store.
pub(crate) fn keep(store: &dyn CookieStore, target: &Target, headers: &HeaderMap) {
    let mut values = headers.get_all(header::SET_COOKIE).iter().peekable();
    if values.peek().is_some() {
        store.set_cookies(&target.http_uri(), &mut values);
    }
}
