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

#[cfg(feature = "deflate")]
use crate::Relay;
use crate::{
    backend::{Place, Target},
    dialer::BackendIo,
    headers::HopByHop,
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
    let mut headers = passed(settings, &parts.headers, accepted);
    let is_relayed = headers.contains_key(SEC_WEBSOCKET_EXTENSIONS);
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

/// The headers of the client that are for the backend, with the offer.
fn passed(settings: &Settings, of_client: &HeaderMap, accepted: &Accepted) -> HeaderMap {
    // First of all, or a client could have the headers removed that are added later.
    let hop_by_hop = HopByHop::of(of_client);
    let chosen = accepted.response.headers().get(SEC_WEBSOCKET_PROTOCOL);
    let is_tunnel = settings.relay.is_none();
    let mut headers = HeaderMap::with_capacity(of_client.len() + ADDED);
    for (name, value) in of_client {
        let is_passed = match *name {
            SEC_WEBSOCKET_PROTOCOL => chosen.is_none(),
            SEC_WEBSOCKET_EXTENSIONS => is_tunnel,
            HOST | CONTENT_LENGTH | EXPECT => false,
            _ => !is_reserved_request_header(name),
        };
        if is_passed && !hop_by_hop.contains(name) {
            headers.append(name.clone(), value.clone());
        }
    }
    headers.extend(chosen.map(|chosen| (SEC_WEBSOCKET_PROTOCOL, chosen.clone())));
    // In a tunnel it is the client that offers extensions, even if that is nothing. A relay speaks for itself.
    if !headers.contains_key(SEC_WEBSOCKET_EXTENSIONS) && (is_tunnel || offers_nothing(settings, accepted)) {
        headers.insert(SEC_WEBSOCKET_EXTENSIONS, NONE);
    }
    headers
}

/// Whether a relay offers no compression, because there is none with the client and it is to be the same on both sides.
#[cfg_attr(not(feature = "deflate"), expect(unused_variables, reason = "nothing is compressed"))]
fn offers_nothing(settings: &Settings, accepted: &Accepted) -> bool {
    #[cfg(feature = "deflate")]
    return settings.relay.as_ref().is_some_and(Relay::is_end_to_end) && !accepted.is_compressed();
    #[cfg(not(feature = "deflate"))]
    false
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

/// How many headers of a request are the proxy's, most often.
const ADDED: usize = 8;
/// Offers no extension.
const NONE: HeaderValue = HeaderValue::from_static("");
