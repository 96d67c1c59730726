//! The request of an opening handshake.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response, header};
use ws_core::handshake;

#[cfg(feature = "cookies")]
use crate::cookies;
use crate::{
    DialError, DialErrorKind, Dialer, IntoDialRequest, RequestError, request::check_headers, target::Target,
};

/// What is to be opened: where, and with which headers of the caller.
pub(crate) struct Opening {
    pub(crate) headers: HeaderMap,
    pub(crate) target: Target,
}

impl Opening {
    pub(crate) fn new<C>(dialer: &Dialer<C>, request: impl IntoDialRequest) -> Result<Self, DialError> {
        let request = request.into_dial_request()?;
        let target = Target::new(request.uri())?;
        let mut headers = request.into_parts().0.headers;
        // `extend` replaces a name at its first line and adds the others to it.
        headers.extend(dialer.headers.clone());
        check_headers(&headers)?;
        Ok(Self { headers, target })
    }

    /// The request, and the key in it, which is a new one each time.
    pub(crate) fn request<C>(&self, dialer: &Dialer<C>) -> Result<(Request<String>, HeaderValue), DialError> {
        let mut headers = self.headers.clone();
        if !headers.contains_key(header::HOST) {
            headers.insert(header::HOST, self.target.host.clone());
        }
        self.join_cookies(dialer, &mut headers);
        let key = handshake::encode_key(nonce()?);
        headers.extend(dialer.offer().headers(&key).map_err(RequestError::Subprotocols)?);
        let mut request = Request::new(String::new());
        *request.uri_mut() = self.target.path.clone();
        *request.headers_mut() = headers;
        Ok((request, key))
    }

    /// RFC 6265, 5.4: all cookies stand in one line, those of the caller in front.
    #[cfg_attr(not(feature = "cookies"), expect(unused_variables, reason = "it has no store of cookies"))]
    fn join_cookies<C>(&self, dialer: &Dialer<C>, headers: &mut HeaderMap) {
        #[cfg(feature = "cookies")]
        if let Some(value) = dialer.cookies.as_deref().and_then(|store| cookies::cookies(store, &self.target))
        {
            headers.append(header::COOKIE, value);
        }
        let lines: Vec<_> = headers.get_all(header::COOKIE).iter().collect();
        if lines.len() > 1 {
            let line = lines.iter().map(|line| line.as_bytes()).collect::<Vec<_>>().join(&b"; "[..]);
            // It is made of values, so it is one.
            if let Ok(mut line) = HeaderValue::from_maybe_shared(Bytes::from(line)) {
                line.set_sensitive(true);
                headers.insert(header::COOKIE, line);
            }
        }
    }

    /// The error that this answer comes to.
    pub(crate) fn failed(&self, kind: DialErrorKind, response: Response<Bytes>) -> DialError {
        DialError::from(kind).with_response(response).with_target(self.target.name())
    }
}

/// Sixteen bytes that nobody can foresee (RFC 6455, 4.1).
fn nonce() -> Result<[u8; 16], DialError> {
    let mut nonce = [0; 16];
    match getrandom::fill(&mut nonce) {
        Ok(()) => Ok(nonce),
        Err(error) => Err(DialError::from(DialErrorKind::Random).with_source(error)),
    }
}
