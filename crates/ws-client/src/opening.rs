//! The request of an opening handshake.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response, header};
use ws_core::{
    Negotiated,
    handshake::{self, Offer, ResponseError},
};

#[cfg(feature = "cookies")]
use crate::cookies;
use crate::{
    DialError, DialErrorKind, Dialer, IntoDialRequest, RequestError, request::check_headers, target::Target,
};

/// What is to be opened: where, and with which headers of the caller.
pub(crate) struct Opening {
    pub(crate) headers: HeaderMap,
    pub(crate) target: Target,
    /// What another client offers, in place of what the dialer does.
    pub(crate) relayed: Option<Relayed>,
}

/// The offer of another client, which is relayed.
#[derive(Debug)]
pub(crate) struct Relayed {
    subprotocols: Vec<String>,
    /// Those of its headers that name extensions.
    extensions: Option<HeaderMap>,
}

impl Opening {
    pub(crate) fn new<C>(dialer: &Dialer<C>, request: impl IntoDialRequest) -> Result<Self, DialError> {
        let request = request.into_dial_request()?;
        let target = Target::new(request.uri())?;
        let mut headers = request.into_parts().0.headers;
        // `extend` replaces a name at its first line and adds the others to it.
        headers.extend(dialer.headers.clone());
        check_headers(&headers)?;
        Ok(Self { headers, target, relayed: None })
    }

    /// With the subprotocols and the extensions that stand in the request, if there are any.
    pub(crate) fn relaying<C>(dialer: &Dialer<C>, mut request: Request<()>) -> Result<Self, DialError> {
        let headers = request.headers_mut();
        let mut subprotocols: Vec<String> = Vec::new();
        for name in handshake::requested_subprotocols(headers) {
            // 4.1 of RFC 6455 wants each once; who names one twice means no more by it.
            if !subprotocols.iter().any(|known| known == name) {
                subprotocols.push(name.to_owned());
            }
        }
        headers.remove(header::SEC_WEBSOCKET_PROTOCOL);
        // A client that offers none is relayed as such, by a line that says nothing.
        let mut extensions = headers.contains_key(header::SEC_WEBSOCKET_EXTENSIONS).then(HeaderMap::new);
        if let Some(extensions) = &mut extensions {
            for line in headers.get_all(header::SEC_WEBSOCKET_EXTENSIONS) {
                if !line.is_empty() {
                    extensions.append(header::SEC_WEBSOCKET_EXTENSIONS, line.clone());
                }
            }
        }
        headers.remove(header::SEC_WEBSOCKET_EXTENSIONS);
        let opening = Self::new(dialer, request)?;
        Ok(Self { relayed: Some(Relayed { subprotocols, extensions }), ..opening })
    }

    /// What the opening handshake offers.
    fn offer<'a, C>(&'a self, dialer: &'a Dialer<C>) -> Offer<'a, String> {
        let Some(relayed) = &self.relayed else { return dialer.offer(&dialer.subprotocols) };
        let subprotocols =
            if relayed.subprotocols.is_empty() { &dialer.subprotocols } else { &relayed.subprotocols };
        match &relayed.extensions {
            Some(extensions) => Offer::new(subprotocols).with_extensions(extensions),
            None => dialer.offer(subprotocols),
        }
    }

    /// Checks an answer over HTTP/1.1, and gives what was agreed on.
    pub(crate) fn check<C>(
        &self,
        dialer: &Dialer<C>,
        response: &Response<()>,
        key: &HeaderValue,
    ) -> Result<Negotiated, ResponseError> {
        self.offer(dialer).check(response.status(), response.headers(), key)
    }

    /// Checks an answer over HTTP/2, and gives what was agreed on.
    #[cfg(feature = "http2")]
    pub(crate) fn check_connect<C>(
        &self,
        dialer: &Dialer<C>,
        response: &Response<()>,
    ) -> Result<Negotiated, ResponseError> {
        self.offer(dialer).check_connect(response.status(), response.headers())
    }

    /// The request, and the key in it, which is a new one each time.
    pub(crate) fn request<C>(&self, dialer: &Dialer<C>) -> Result<(Request<String>, HeaderValue), DialError> {
        let mut headers = self.headers.clone();
        if !headers.contains_key(header::HOST) {
            headers.insert(header::HOST, self.target.host.clone());
        }
        self.join_cookies(dialer, &mut headers);
        let key = handshake::encode_key(nonce()?);
        let offered = self.offer(dialer).headers(&key).map_err(RequestError::Subprotocols)?;
        headers.extend(offered);
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
