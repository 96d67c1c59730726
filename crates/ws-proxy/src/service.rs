//! The service: one request, from its check to its answer and to the connection that follows.

use std::{
    convert::Infallible,
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::BytesMut;
use http::{
    HeaderMap, HeaderValue, Request, Response, StatusCode, Version,
    header::{
        CONNECTION, CONTENT_LENGTH, RETRY_AFTER, SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_PROTOCOL,
        SET_COOKIE, TRANSFER_ENCODING, UPGRADE,
    },
    request::Parts,
};
use tower_service::Service;
use ws_client::RefusalBody;
use ws_core::{
    Conn,
    handshake::{is_reserved_response_header, requested_subprotocols},
};
use ws_tower::{Accepted, OnUpgrade};

use crate::{
    Carried, Proxy, ProxyBody,
    backend::Place,
    dialer::BackendIo,
    dialing::{Dialed, dial},
    headers::{HopByHop, remove_hop_by_hop},
    proxy::Settings,
    relay::{self, Inspector},
    telling::Telling,
    tunnel::{Bounds, Tunnel},
    tunnels::Member,
};

impl<B> Service<Request<B>> for Proxy {
    type Response = Response<ProxyBody>;
    type Error = Infallible;
    type Future = ProxyFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    /// # Panics
    /// When the future is polled outside a tokio runtime with timers.
    fn call(&mut self, request: Request<B>) -> ProxyFuture {
        // A handshake has no body: one that announces it is refused.
        let (parts, _) = request.into_parts();
        ProxyFuture(Box::pin(serve(Arc::clone(&self.0), parts)))
    }
}

/// The answer to a request. Dropped, as servers do when the client goes away, it ends the dial.
#[must_use = "futures do nothing unless polled"]
pub struct ProxyFuture(Pin<Box<dyn Future<Output = Response<ProxyBody>> + Send>>);

impl Future for ProxyFuture {
    type Output = Result<Response<ProxyBody>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.as_mut().poll(cx).map(Ok)
    }
}

impl fmt::Debug for ProxyFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ProxyFuture(..)")
    }
}

async fn serve(settings: Arc<Settings>, mut parts: Parts) -> Response<ProxyBody> {
    let mut telling = Telling::begin(&settings, &parts);
    let version = parts.version;
    if settings.tunnels.is_draining() {
        return telling.refused(own_refusal(StatusCode::SERVICE_UNAVAILABLE, version));
    }
    // The client's part of the handshake is done first, and the answer kept until the backend has given its own.
    let accepted = match settings.upgrader.upgrade_parts(&mut parts) {
        Ok(accepted) => accepted,
        Err(rejection) => {
            return telling.refused(Response::from(rejection).map(ProxyBody::from));
        }
    };
    match dial(&settings, &parts, &accepted, &mut telling).await {
        Ok(Dialed::Accepted(backend, kept)) => {
            let mut accepted = agree(&settings, &parts, accepted, &backend);
            copy_headers(accepted.response.headers_mut(), backend.response.headers());
            if let Some(cookie) = kept.cookie {
                accepted.response.headers_mut().append(SET_COOKIE, cookie);
            }
            let response = std::mem::take(accepted.response.headers_mut());
            let mut answer = Response::new(ProxyBody::empty());
            *answer.status_mut() = accepted.response.status();
            *answer.headers_mut() = response;
            telling.accepted(answer.status());
            let open = Open {
                conn: accepted.conn,
                bounds: settings.bounds,
                member: settings.tunnels.admit(),
                place: kept.place,
                telling,
            };
            match &settings.relay {
                Some(relay) => tokio::spawn(open.relay(relay.begin(), backend.into_conn().0)),
                None => tokio::spawn(open.tunnel((backend.io, backend.read_buf))),
            };
            answer
        }
        Ok(Dialed::Refused(response)) => {
            telling.refused(pass_refusal(response, version, settings.max_refusal_size))
        }
        Err(status) => telling.refused(own_refusal(status, version)),
    }
}

/// A connection that is about to be carried, and what is kept for as long as it is.
struct Open {
    conn: OnUpgrade,
    bounds: Bounds,
    /// Its place among the tunnels.
    member: Arc<Member>,
    /// Its place at the backend.
    place: Option<Place>,
    telling: Telling,
}

// Each goes on in a task of its own once the client's connection is there. What the handshake has taken is free by then, so
// that what stays does not come to lie between it: 2.5 KiB a pair in place of 5.1, much of which were holes.
impl Open {
    async fn tunnel(self, backend: (BackendIo, BytesMut)) {
        let Ok(conn) = self.conn.await else { return self.telling.failed() };
        let parts = conn.into_parts();
        let read_buf = match parts.read_buf {
            empty if empty.is_empty() => BytesMut::new(),
            early => early.try_into_mut().unwrap_or_else(|shared| BytesMut::from(&shared[..])),
        };
        let tunnel = Tunnel::new((parts.io, read_buf), backend, self.bounds, self.member);
        tokio::spawn(Carrying { carried: Some(tunnel), told: Some((self.telling, self.place)) });
    }

    async fn relay(self, inspector: Option<Inspector>, backend: Conn<BackendIo>) {
        let Ok(conn) = self.conn.await else { return self.telling.failed() };
        let relay = Box::pin(relay::run(inspector, conn, backend, self.bounds, self.member));
        tokio::spawn(Carrying { carried: Some(relay), told: Some((self.telling, self.place)) });
    }
}

/// The task of a connection. An `async` block would have room for the future twice.
struct Carrying<F> {
    carried: Option<F>,
    /// Who is told of the end, and the place at the backend that is free then.
    told: Option<(Telling, Option<Place>)>,
}

impl<F: Future<Output = Carried> + Unpin> Future for Carrying<F> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Some(carrying) = &mut self.carried else { return Poll::Ready(()) };
        let carried = ready!(Pin::new(carrying).poll(cx));
        // The connections end before anybody hears of it.
        self.carried = None;
        if let Some((telling, _place)) = self.told.take() {
            telling.ended(carried);
        }
        Poll::Ready(())
    }
}

/// Answers the client what the backend has chosen.
fn agree<S>(
    settings: &Settings,
    request: &Parts,
    accepted: Accepted,
    backend: &ws_client::Accepted<S>,
) -> Accepted {
    let headers = backend.response.headers();
    // 4.1: a client fails at one that it has not offered. The dialer or the director may have.
    let is_offered = |chosen: &&HeaderValue| {
        requested_subprotocols(&request.headers).any(|offered| offered.as_bytes() == chosen.as_bytes())
    };
    let subprotocol = headers.get(SEC_WEBSOCKET_PROTOCOL).filter(is_offered);
    let mut accepted = accepted.subprotocol(subprotocol.cloned());
    match &settings.relay {
        None => {
            let answer = accepted.response.headers_mut();
            answer.remove(SEC_WEBSOCKET_EXTENSIONS);
            for line in headers.get_all(SEC_WEBSOCKET_EXTENSIONS) {
                answer.append(SEC_WEBSOCKET_EXTENSIONS, line.clone());
            }
            accepted
        }
        #[cfg(feature = "deflate")]
        Some(relay) if relay.is_end_to_end() && backend.negotiated.deflate.is_none() => {
            accepted.without_compression()
        }
        Some(_) => accepted,
    }
}

/// Adds the headers of the backend that are for the client: each line of `Set-Cookie`, and whatever does not belong to a handshake.
fn copy_headers(answer: &mut HeaderMap, of_backend: &HeaderMap) {
    let hop_by_hop = HopByHop::of(of_backend);
    for (name, value) in of_backend {
        if !is_reserved_response_header(name) && !hop_by_hop.contains(name) {
            answer.append(name.clone(), value.clone());
        }
    }
}

/// What the backend says in place of accepting, as far as it is for the client.
fn pass_refusal(response: Response<RefusalBody>, version: Version, max: u64) -> Response<ProxyBody> {
    let (head, body) = response.into_parts();
    // 2xx would accept over HTTP/2 (RFC 8441, 5), and the backend has not.
    if version == Version::HTTP_2 && head.status.is_success() || head.status.is_informational() {
        return own_refusal(StatusCode::BAD_GATEWAY, version);
    }
    let mut answer = Response::new(ProxyBody::of_backend(body, max));
    *answer.status_mut() = head.status;
    *answer.headers_mut() = head.headers;
    // RFC 9112, 6.3: it is the chunks that tell the length.
    if answer.headers().contains_key(TRANSFER_ENCODING) {
        answer.headers_mut().remove(CONTENT_LENGTH);
    }
    remove_hop_by_hop(answer.headers_mut());
    if head.status == StatusCode::UPGRADE_REQUIRED && version != Version::HTTP_2 {
        // RFC 9110, 15.5.22: it names what is asked for.
        answer.headers_mut().insert(UPGRADE, HeaderValue::from_static("websocket"));
    }
    close(&mut answer, version);
    answer
}

/// What the proxy says in place of the backend.
pub(crate) fn own_refusal(status: StatusCode, version: Version) -> Response<ProxyBody> {
    let mut answer = Response::new(status.canonical_reason().unwrap_or_default().into());
    *answer.status_mut() = status;
    answer
        .headers_mut()
        .insert(http::header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    if status == StatusCode::SERVICE_UNAVAILABLE {
        answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("5"));
    }
    close(&mut answer, version);
    answer
}

/// Frames of a client that did not wait for the answer must not be read as its next request.
fn close(answer: &mut Response<ProxyBody>, version: Version) {
    if version == Version::HTTP_2 {
        return;
    }
    let is_upgrade = answer.status() == StatusCode::UPGRADE_REQUIRED;
    let connection = if is_upgrade { "Upgrade, close" } else { "close" };
    answer.headers_mut().insert(CONNECTION, HeaderValue::from_static(connection));
}

#[cfg(test)]
mod tests {
    use ws_tower::Upgraded;

    use super::*;

    #[test]
    #[cfg(target_pointer_width = "64")]
    fn task_of_a_tunnel_is_small() {
        let size = size_of::<Carrying<Tunnel<Upgraded, BackendIo>>>();
        assert!(size <= 640, "{size} bytes");
    }
}
