//! TLS by rustls or by native-tls, behind one door.

use std::io;

use http::Uri;

use crate::Transport;
#[cfg(not(any(feature = "native-tls", feature = "rustls")))]
use crate::tls_error::{TlsError, TlsFailure};

#[cfg(feature = "native-tls")]
mod by_native_tls;
#[cfg(feature = "rustls")]
mod by_rustls;
#[cfg(any(feature = "native-tls", feature = "rustls"))]
mod options;
#[cfg(all(test, any(feature = "native-tls", feature = "rustls")))]
mod tests;

#[cfg(feature = "native-tls")]
pub(crate) use self::by_native_tls::stream_error;

/// How TLS is spoken. Without a library it fails when it is wanted.
#[derive(Clone)]
pub(crate) enum Tls {
    #[cfg(feature = "native-tls")]
    NativeTls(by_native_tls::NativeTls),
    #[cfg(feature = "rustls")]
    Rustls(by_rustls::Rustls),
    #[cfg(not(any(feature = "native-tls", feature = "rustls")))]
    Nothing,
}

impl Tls {
    #[cfg(feature = "rustls")]
    pub(crate) fn with_config(config: std::sync::Arc<rustls::ClientConfig>) -> Self {
        Self::Rustls(by_rustls::Rustls::with_config(config))
    }

    #[cfg(feature = "native-tls")]
    pub(crate) fn with_builder(builder: native_tls::TlsConnectorBuilder) -> Self {
        Self::NativeTls(by_native_tls::NativeTls::with_builder(builder))
    }

    /// Offers HTTP/2 by ALPN, and prefers it to HTTP/1.1.
    #[cfg(feature = "http2")]
    pub(crate) fn offer_http2(self) -> Self {
        match self {
            #[cfg(feature = "native-tls")]
            Self::NativeTls(tls) => Self::NativeTls(tls.offer_http2()),
            #[cfg(feature = "rustls")]
            Self::Rustls(tls) => Self::Rustls(tls.offer_http2()),
            #[cfg(not(any(feature = "native-tls", feature = "rustls")))]
            Self::Nothing => Self::Nothing,
        }
    }

    /// Finds all that can stand against TLS with the host of a URL before a transport to it is opened.
    #[cfg_attr(
        not(any(feature = "native-tls", feature = "rustls")),
        expect(clippy::unused_async, unused_variables, reason = "there is no library to ask")
    )]
    pub(crate) async fn prepare(&self, uri: &Uri) -> io::Result<Prepared> {
        #[cfg(any(feature = "native-tls", feature = "rustls"))]
        let host = host(uri);
        match self {
            #[cfg(feature = "native-tls")]
            Self::NativeTls(tls) => tls.prepare(host).await.map(Prepared::NativeTls),
            #[cfg(feature = "rustls")]
            Self::Rustls(tls) => tls.prepare(host).await.map(Prepared::Rustls),
            #[cfg(not(any(feature = "native-tls", feature = "rustls")))]
            Self::Nothing => Err(TlsFailure::from(TlsError::NoLibrary).into()),
        }
    }
}

impl Default for Tls {
    fn default() -> Self {
        #[cfg(feature = "rustls")]
        let tls = Self::Rustls(by_rustls::Rustls::default());
        #[cfg(all(feature = "native-tls", not(feature = "rustls")))]
        let tls = Self::NativeTls(by_native_tls::NativeTls::default());
        #[cfg(not(any(feature = "native-tls", feature = "rustls")))]
        let tls = Self::Nothing;
        tls
    }
}

/// All that a TLS handshake needs but its transport.
pub(crate) enum Prepared {
    #[cfg(feature = "native-tls")]
    NativeTls(by_native_tls::Prepared),
    #[cfg(feature = "rustls")]
    Rustls(by_rustls::Prepared),
}

impl Prepared {
    #[cfg_attr(
        not(any(feature = "native-tls", feature = "rustls")),
        expect(clippy::unused_async, unused_variables, reason = "there is no library to ask")
    )]
    pub(crate) async fn handshake(self, transport: Transport) -> io::Result<Transport> {
        match self {
            #[cfg(feature = "native-tls")]
            Self::NativeTls(prepared) => prepared.handshake(transport).await.map(Transport::native_tls),
            #[cfg(feature = "rustls")]
            Self::Rustls(prepared) => prepared.handshake(transport).await.map(Transport::tls),
        }
    }
}

/// The host as certificates have it: without the brackets of an IPv6 address.
#[cfg(any(feature = "native-tls", feature = "rustls"))]
fn host(uri: &Uri) -> &str {
    let host = uri.host().unwrap_or_default();
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}
