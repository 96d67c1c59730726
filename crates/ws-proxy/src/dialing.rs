//! Choosing a backend for a request, and dialing it.

#[cfg(feature = "proxy-protocol")]
use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, Uri,
    header::{CONTENT_LENGTH, EXPECT, HOST, SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_PROTOCOL},
    request::Parts,
};
use ws_client::{DialErrorKind, Exchange, Phase, RefusalBody};
use ws_core::handshake::{is_reserved_request_header, request_authority};
use ws_tower::Accepted;

use crate::{
    backend::{Place, Target},
    dialer::BackendIo,
    headers::remove_hop_by_hop,
    proxy::Settings,
    telling::Telling,
};

/// What a backend answered.
#[expect(clippy::large_enum_variant, reason = "it is taken apart where it is returned")]
pub(crate) enum Dialed {
    Accepted(ws_client::Accepted<BackendIo>, Kept),
    Refused(Response<RefusalBody>),
}

/// What goes along with a connection to a backend.
pub(crate) struct Kept {
    pub(crate) place: Option<Place>,
    pub(crate) cookie: Option<HeaderValue>,
}

/// Asks one backend after the other, until one has answered; gives the status for the client if none has.
pub(crate) async fn dial(
    settings: &Settings,
    parts: &Parts,
    accepted: &Accepted,
    telling: &mut Telling,
) -> Result<Dialed, StatusCode> {
    let mut tried = Vec::new();
    let mut last = None;
    while tried.len() <= settings.retries {
        // The reason why the one before did not answer says more than that there is no other.
        let Some(chosen) = settings.backends.choose(parts, &tried) else { break };
        let uri = match &chosen.target {
            Target::Exact(uri) => uri.clone(),
            Target::Base(base) => settings.path.on(base, parts).ok_or(StatusCode::NOT_FOUND)?,
        };
        telling.dials(&uri);
        let request = request(settings, parts, accepted, &uri);
        #[cfg(feature = "proxy-protocol")]
        let preamble =
            settings.proxy_protocol.map(|version| -> Bytes { version.header((settings.peer)(parts)) });
        #[cfg(not(feature = "proxy-protocol"))]
        let preamble = None;
        let error = match settings.dialer.exchange(request, preamble).await {
            Ok(Exchange::Accepted(answer)) => {
                settings.backends.dialed(&chosen, true);
                let kept = Kept { place: chosen.place, cookie: chosen.cookie };
                return Ok(Dialed::Accepted(answer, kept));
            }
            Ok(Exchange::Refused(response)) => {
                let is_down = matches!(response.status().as_u16(), 502..=504);
                settings.backends.dialed(&chosen, !is_down);
                return Ok(Dialed::Refused(response));
            }
            Ok(_) => return Err(StatusCode::BAD_GATEWAY),
            Err(error) => error,
        };
        telling.dial_failed(&error);
        let status = status(error.kind());
        // What this side did wrong is no fault of the backend's.
        if status == StatusCode::INTERNAL_SERVER_ERROR {
            return Err(status);
        }
        settings.backends.dialed(&chosen, false);
        last = Some(status);
        match &chosen.place {
            Some(place) if is_unsent(error.kind()) => tried.push(place.server().clone()),
            _ => break,
        }
    }
    Err(last.unwrap_or(StatusCode::SERVICE_UNAVAILABLE))
}

/// The request for the backend.
fn request(settings: &Settings, parts: &Parts, accepted: &Accepted, uri: &Uri) -> Request<()> {
    let mut headers = parts.headers.clone();
    // First of all, or a client could have the headers removed that are added here.
    remove_hop_by_hop(&mut headers);
    let extensions = relayed_extensions(settings, &headers, accepted);
    let subprotocols = subprotocols(&headers, accepted);
    let others: Vec<HeaderName> = headers
        .keys()
        .filter(|name| is_reserved_request_header(name) || matches!(**name, HOST | CONTENT_LENGTH | EXPECT))
        .cloned()
        .collect();
    for name in others {
        headers.remove(name);
    }
    let is_relayed = !extensions.is_empty();
    for (name, lines) in [(SEC_WEBSOCKET_PROTOCOL, subprotocols), (SEC_WEBSOCKET_EXTENSIONS, extensions)] {
        for line in lines {
            headers.append(name.clone(), line);
        }
    }
    let authority = request_authority(&parts.uri, &parts.headers);
    settings.forwarded.write(&mut headers, (settings.peer)(parts), authority);
    settings.origin.apply(&mut headers, uri);
    headers.extend(settings.host.value(authority).map(|host| (HOST, host)));
    if let Some(direct) = &settings.director {
        direct(parts, &mut headers);
        let is_offer = |name: &HeaderName| matches!(*name, SEC_WEBSOCKET_PROTOCOL | SEC_WEBSOCKET_EXTENSIONS);
        let reserved: Vec<HeaderName> = headers
            .keys()
            .filter(|name| is_reserved_request_header(name) && !is_offer(name))
            .cloned()
            .collect();
        for name in reserved {
            headers.remove(name);
        }
        // If it has taken the offer away, that is no leave for the dialer to make its own.
        if is_relayed {
            headers.entry(SEC_WEBSOCKET_EXTENSIONS).or_insert(NONE);
        }
    }
    let mut request = Request::new(());
    *request.uri_mut() = uri.clone();
    *request.headers_mut() = headers;
    request
}

/// What the client offers, or the one subprotocol that the policy has chosen of it.
fn subprotocols(headers: &HeaderMap, accepted: &Accepted) -> Vec<HeaderValue> {
    match accepted.response.headers().get(SEC_WEBSOCKET_PROTOCOL) {
        Some(chosen) => vec![chosen.clone()],
        None => headers.get_all(SEC_WEBSOCKET_PROTOCOL).iter().cloned().collect(),
    }
}

/// In a tunnel, what the client offers, even if that is nothing. A relay speaks for itself: nothing here leaves it to the dialer.
#[cfg_attr(not(feature = "deflate"), expect(unused_variables, reason = "nothing is compressed"))]
fn relayed_extensions(settings: &Settings, headers: &HeaderMap, accepted: &Accepted) -> Vec<HeaderValue> {
    match &settings.relay {
        None => {
            let lines: Vec<_> = headers.get_all(SEC_WEBSOCKET_EXTENSIONS).iter().cloned().collect();
            if lines.is_empty() { vec![NONE] } else { lines }
        }
        #[cfg(feature = "deflate")]
        Some(relay) if relay.is_end_to_end() && !accepted.is_compressed() => vec![NONE],
        Some(_) => Vec::new(),
    }
}

/// The status by which a client learns that a dial failed.
fn status(kind: &DialErrorKind) -> StatusCode {
    match kind {
        DialErrorKind::TimedOut(_) => StatusCode::GATEWAY_TIMEOUT,
        DialErrorKind::InvalidRequest(_) | DialErrorKind::InvalidUri(_) | DialErrorKind::Random => {
            StatusCode::INTERNAL_SERVER_ERROR
        }
        _ => StatusCode::BAD_GATEWAY,
    }
}

/// Whether no backend has seen the request.
fn is_unsent(kind: &DialErrorKind) -> bool {
    match kind {
        DialErrorKind::Connect | DialErrorKind::Dns | DialErrorKind::Tls(_) => true,
        DialErrorKind::TimedOut(phase) => *phase < Phase::Http,
        _ => false,
    }
}

/// Offers no extension.
const NONE: HeaderValue = HeaderValue::from_static("");
