//! The request of an opening handshake.

use http::{HeaderValue, Request, header};
use ws_core::handshake;

use crate::{
    DialError, DialErrorKind, Dialer, IntoDialRequest, RequestError, request::check_headers, target::Target,
};

/// An opening handshake that is ready to be sent.
pub(crate) struct Opening {
    pub(crate) request: Request<String>,
    pub(crate) key: HeaderValue,
    pub(crate) target: Target,
}

impl Opening {
    pub(crate) fn new<C>(dialer: &Dialer<C>, request: impl IntoDialRequest) -> Result<Self, DialError> {
        let request = request.into_dial_request()?;
        let target = Target::new(request.uri())?;
        let (head, ()) = request.into_parts();

        let mut headers = head.headers;
        // `extend` replaces a name at its first line and adds the others to it.
        headers.extend(dialer.headers.clone());
        check_headers(&headers)?;
        if !headers.contains_key(header::HOST) {
            headers.insert(header::HOST, target.host.clone());
        }

        let key = handshake::encode_key(nonce()?);
        headers.extend(dialer.offer().headers(&key).map_err(RequestError::Subprotocols)?);
        let mut request = Request::new(String::new());
        *request.uri_mut() = target.path.clone();
        *request.headers_mut() = headers;
        Ok(Self { request, key, target })
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
