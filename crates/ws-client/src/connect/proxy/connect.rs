//! `CONNECT` (RFC 9110, 9.3.6), spoken as the opening handshake is.
//!
//! Not by hyper-util's `Tunnel`, whose errors have neither the status nor the body of a refusal.

use http::{HeaderMap, HeaderValue, Method, Request, Uri, header, uri::Authority};

use super::{ProxyError, error::Failure};
use crate::{
    Transport,
    handshake::{Answer, tunnel},
    phase,
};

/// Asks for a tunnel.
pub(super) async fn connect(
    io: Transport,
    target: Authority,
    authorization: Option<&HeaderValue>,
    mut headers: HeaderMap,
) -> Result<Transport, Failure> {
    if let (Some(value), false) = (authorization, headers.contains_key(header::PROXY_AUTHORIZATION)) {
        headers.insert(header::PROXY_AUTHORIZATION, value.clone());
    }
    if let (Ok(host), false) = (HeaderValue::from_str(target.as_str()), headers.contains_key(header::HOST)) {
        headers.insert(header::HOST, host);
    }
    let mut request = Request::new(String::new());
    *request.method_mut() = Method::CONNECT;
    *request.uri_mut() = Uri::from(target);
    *request.headers_mut() = headers;

    match tunnel(io, request).await {
        Ok(Answer::Switched(io, read_buf, _)) if read_buf.is_empty() => Ok(io),
        Ok(Answer::Switched(..)) => Err(ProxyError::EarlyData.into()),
        Ok(Answer::Refused(refused)) => {
            let response = refused.read(phase::deadline()).await;
            Err(Failure::from(ProxyError::Refused(response.status())).with_response(response))
        }
        Err(error) => Err(Failure { source: error.into_source(), ..ProxyError::Http.into() }),
    }
}
