//! [`Telling`]: what is told of a request, as it goes on.

use std::{error::Error, iter::successors, sync::Arc, time::Instant};

use http::{Response, StatusCode, Uri, request::Parts, uri::PathAndQuery};
use ws_client::DialError;
use ws_core::handshake::request_authority;

use crate::record::nothing;
use crate::{Access, Carried, Cause, ProxyBody, proxy::Settings};

/// One request, for those who want to know. Nothing is kept if nobody does.
pub(crate) struct Telling(Option<Box<Told>>);

struct Told {
    settings: Arc<Settings>,
    began: Instant,
    access: Access,
    is_open: bool,
}

impl Telling {
    pub(crate) fn begin(settings: &Arc<Settings>, parts: &Parts) -> Self {
        if !is_wanted(settings) {
            return Self(None);
        }
        let access = Access {
            peer: (settings.peer)(parts).map(|peer| peer.addr),
            version: parts.version,
            host: request_authority(&parts.uri, &parts.headers).unwrap_or_default().to_owned(),
            target: parts.uri.path_and_query().map_or("/", PathAndQuery::as_str).to_owned(),
            status: StatusCode::SWITCHING_PROTOCOLS,
            backend: None,
            dial_error: None,
            duration: std::time::Duration::ZERO,
            carried: None,
        };
        Self(Some(Box::new(Told {
            settings: Arc::clone(settings),
            began: Instant::now(),
            access,
            is_open: false,
        })))
    }

    /// A backend is dialed.
    pub(crate) fn dials(&mut self, uri: &Uri) {
        if let Some(told) = &mut self.0 {
            // A query may hold secrets, and the request's is told anyway.
            let mut parts = uri.clone().into_parts();
            let path = uri.path().parse().ok();
            parts.path_and_query = path;
            told.access.backend = Uri::from_parts(parts).ok();
        }
    }

    pub(crate) fn dial_failed(&mut self, error: &DialError) {
        let Some(told) = &mut self.0 else { return };
        #[cfg(any(feature = "metrics", feature = "tracing"))]
        told.settings.observe.dial_failed(&told.access, error);
        let causes = successors(Some(error as &(dyn Error + 'static)), |&error| error.source());
        told.access.dial_error = Some(causes.map(ToString::to_string).collect::<Vec<_>>().join(": "));
    }

    /// The answer accepts.
    pub(crate) fn accepted(&mut self, status: StatusCode) {
        if let Some(told) = &mut self.0 {
            told.access.status = status;
            told.is_open = true;
            #[cfg(any(feature = "metrics", feature = "tracing"))]
            told.settings.observe.opened(&told.access);
        }
    }

    /// The answer does not; it is given back.
    pub(crate) fn refused(mut self, answer: Response<ProxyBody>) -> Response<ProxyBody> {
        if let Some(mut told) = self.0.take() {
            told.access.status = answer.status();
            told.finish();
        }
        answer
    }

    /// The client went away before it had its answer.
    pub(crate) fn failed(self) {
        self.ended(nothing(Cause::Lost(crate::Side::Client)));
    }

    /// The connection has ended.
    pub(crate) fn ended(mut self, carried: Carried) {
        if let Some(mut told) = self.0.take() {
            told.access.carried = Some(carried);
            told.finish();
        }
    }
}

impl Drop for Telling {
    /// The client went away while a backend was dialed, or the runtime ends.
    fn drop(&mut self) {
        if let Some(mut told) = self.0.take() {
            if told.is_open {
                told.access.carried = Some(nothing(Cause::Lost(crate::Side::Client)));
            } else {
                // What nginx calls it: the client has closed the request.
                told.access.status = StatusCode::from_u16(499).unwrap_or_default();
            }
            told.finish();
        }
    }
}

impl Told {
    fn finish(mut self) {
        self.access.duration = self.began.elapsed();
        #[cfg(any(feature = "metrics", feature = "tracing"))]
        self.settings.observe.finished(&self.access, self.is_open);
        if let Some(log) = &self.settings.access_log {
            log(&self.access);
        }
    }
}

#[cfg(any(feature = "metrics", feature = "tracing"))]
fn is_wanted(settings: &Settings) -> bool {
    settings.access_log.is_some() || settings.observe.is_on()
}

#[cfg(not(any(feature = "metrics", feature = "tracing")))]
fn is_wanted(settings: &Settings) -> bool {
    settings.access_log.is_some()
}
