//! Why TLS failed.

use std::{error::Error, fmt, io};

#[cfg(feature = "native-tls")]
mod from_native_tls;
#[cfg(feature = "rustls")]
mod from_rustls;

type BoxError = Box<dyn Error + Send + Sync>;

/// Why TLS with a server failed.
///
/// It is read from the types of rustls' errors, also from those of a connector that uses rustls. The errors of native-tls
/// have no types: with OpenSSL they are read from its texts, and with the libraries of other systems many are
/// [`Other`](Self::Other). The error of the library is the source of the [`DialError`](crate::DialError).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TlsError {
    /// The server ended the handshake with this alert (RFC 8446, 6), which none of the other variants stands for.
    Alert(u8),
    /// The server speaks no HTTP/1.1, according to the protocols it agrees to (ALPN, RFC 7301).
    Alpn,
    /// The certificate is malformed, weak, or not meant for servers.
    BadCertificate,
    /// The certificate is not signed by the authority it names. A root of the same name with another key does this, for
    /// instance when a private authority was made anew.
    BadSignature,
    /// The server shows the certificate of an authority as its own (RFC 5280, 4.2.1.9), which rustls accepts from nobody.
    /// `openssl req -x509` makes such certificates unless it is told otherwise.
    CaUsedAsEndEntity,
    /// The server refused the client certificate. Some servers say so when there was none.
    ClientCertificateRefused,
    /// The server asks for a client certificate.
    ClientCertificateRequired,
    /// The connection ended during the handshake.
    Closed,
    /// The roots, the client certificate or the key that were set cannot be used.
    Configuration,
    /// The certificate has expired.
    Expired,
    /// There is nothing that both ends can agree on, such as a cipher suite. Some servers also say so when they miss a
    /// client certificate.
    HandshakeFailure,
    /// The host of the URL cannot stand in a certificate.
    InvalidName,
    /// The crate was built without the features `rustls` and `native-tls`.
    NoLibrary,
    /// There is no root certificate to trust: the system has none, or none was given.
    NoRoots,
    /// What the server sent is not TLS.
    NotTls,
    /// The certificate is not valid yet.
    NotYetValid,
    /// Something else; the source of the error has it.
    Other,
    /// There is no version of TLS that both ends speak.
    ProtocolVersion,
    /// The certificate was revoked.
    Revoked,
    /// The certificate is self-signed, or signed by an authority that is not trusted.
    UnknownIssuer,
    /// The server does not know the host.
    UnrecognizedName,
    /// The certificate is valid for other hosts.
    WrongName,
}

impl TlsError {
    /// The reason in an error of a connector or of HTTP, if TLS is behind it.
    pub(crate) fn find(error: &(dyn Error + 'static)) -> Option<Self> {
        chain(error).find_map(Self::of)
    }

    /// The same for an error of HTTP, where TLS is established: a server that refuses the client certificate of TLS 1.3
    /// says so behind the handshake.
    pub(crate) fn find_in_http(error: &(dyn Error + 'static)) -> Option<Self> {
        match Self::find(error)? {
            // What HTTP says of that is more.
            Self::Closed => None,
            Self::NotTls => Some(Self::Other),
            reason => Some(reason),
        }
    }

    fn of(error: &(dyn Error + 'static)) -> Option<Self> {
        #[cfg(feature = "rustls")]
        if let Some(error) = error.downcast_ref() {
            return Some(Self::of_rustls(error));
        }
        #[cfg(feature = "native-tls")]
        if let Some(error) = error.downcast_ref() {
            return Some(Self::of_native_tls(error));
        }
        error.downcast_ref::<TlsFailure>().map(|failure| failure.reason)
    }

    /// What it means that the system's connection failed during the handshake.
    pub(crate) fn of_io(kind: io::ErrorKind) -> Self {
        match kind {
            io::ErrorKind::BrokenPipe
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::UnexpectedEof => Self::Closed,
            _ => Self::Other,
        }
    }

    /// What servers say of certificates, they say of the client's (RFC 8446, 6 and RFC 5246, 7.2).
    #[cfg(any(feature = "native-tls", feature = "rustls"))]
    fn of_alert(alert: u8) -> Self {
        match alert {
            // close_notify, user_canceled
            0 | 90 => Self::Closed,
            // handshake_failure, insufficient_security
            40 | 71 => Self::HandshakeFailure,
            // bad_certificate, unsupported_certificate, certificate_revoked, certificate_expired, certificate_unknown,
            // unknown_ca, access_denied
            42..=46 | 48 | 49 => Self::ClientCertificateRefused,
            70 => Self::ProtocolVersion,
            112 => Self::UnrecognizedName,
            116 => Self::ClientCertificateRequired,
            120 => Self::Alpn,
            _ => Self::Alert(alert),
        }
    }
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Alert(alert) => return write!(f, "the server ended it with alert {alert}"),
            Self::Alpn => "the server speaks no HTTP/1.1 here",
            Self::BadCertificate => "the certificate is malformed, weak or not meant for a server",
            Self::BadSignature => {
                "the certificate is not signed by the authority it names; the root that is trusted may be an older one"
            }
            Self::CaUsedAsEndEntity => {
                "the server shows the certificate of an authority as its own; with openssl req, add -addext \
                 basicConstraints=critical,CA:FALSE"
            }
            Self::ClientCertificateRefused => "the server refused the client certificate, or misses one",
            Self::ClientCertificateRequired => "the server asks for a client certificate",
            Self::Closed => {
                "the server closed the connection; check the port, and whether it is ws:// there instead of wss://"
            }
            Self::Configuration => "the roots, the client certificate or the key that were set cannot be used",
            Self::Expired => "the certificate has expired, or the clock of this machine is wrong",
            Self::HandshakeFailure => "the server shares no cipher suite, or misses a client certificate",
            Self::InvalidName => "the host is not a name that a certificate can have",
            Self::NoLibrary => "ws-client was built without it; enable its feature `rustls` or `native-tls`",
            Self::NoRoots => {
                "there is no root certificate to trust; install the system's (Debian: ca-certificates), or use the \
                 feature `webpki-roots`"
            }
            Self::NotTls => "the server does not speak TLS; check the port, or try ws:// instead of wss://",
            Self::NotYetValid => "the certificate is not valid yet, or the clock of this machine is wrong",
            Self::Other => "the TLS library gave up",
            Self::ProtocolVersion => "the server speaks no version of TLS that is spoken here",
            Self::Revoked => "the certificate was revoked",
            Self::UnknownIssuer => {
                "the certificate is self-signed or of an authority that is not trusted here; if you trust it, add its \
                 root certificate to the dialer"
            }
            Self::UnrecognizedName => "the server does not know the host",
            Self::WrongName => "the certificate is not valid for the host",
        })
    }
}

/// An error that carries its reason, where no type of a TLS library does.
#[derive(Debug)]
pub(crate) struct TlsFailure {
    reason: TlsError,
    source: Option<BoxError>,
}

#[cfg(any(feature = "native-tls", feature = "rustls"))]
impl TlsFailure {
    pub(crate) fn new(reason: TlsError, source: impl Into<BoxError>) -> Self {
        Self { reason, source: Some(source.into()) }
    }
}

impl TlsFailure {
    /// Whether an error of a connector is one that says no more than the reason.
    pub(crate) fn is_bare(error: &(dyn Error + 'static)) -> bool {
        chain(error).any(|error| error.downcast_ref::<Self>().is_some_and(|failure| failure.source.is_none()))
    }
}

impl From<TlsError> for TlsFailure {
    fn from(reason: TlsError) -> Self {
        Self { reason, source: None }
    }
}

impl From<TlsFailure> for io::Error {
    fn from(failure: TlsFailure) -> Self {
        let kind = match failure.reason {
            TlsError::Closed => io::ErrorKind::UnexpectedEof,
            TlsError::NoLibrary => io::ErrorKind::Unsupported,
            TlsError::Configuration | TlsError::InvalidName => io::ErrorKind::InvalidInput,
            _ => io::ErrorKind::InvalidData,
        };
        Self::new(kind, failure)
    }
}

impl fmt::Display for TlsFailure {
    /// What the library says: the reason is what a `DialError` shows.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.source {
            Some(source) => source.fmt(f),
            None => self.reason.fmt(f),
        }
    }
}

impl Error for TlsFailure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_ref().and_then(|source| source.source())
    }
}

/// An error and what is behind it, also where an `io::Error` stands for what it wraps.
fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| {
        match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(wrapped) => Some(wrapped),
            None => error.source(),
        }
    })
}

#[cfg(all(test, any(feature = "native-tls", feature = "rustls")))]
mod tests {
    use super::*;

    #[test]
    fn alerts_of_servers_have_a_meaning() {
        for (alert, reason) in [
            (0, TlsError::Closed),
            (40, TlsError::HandshakeFailure),
            (42, TlsError::ClientCertificateRefused),
            (48, TlsError::ClientCertificateRefused),
            (70, TlsError::ProtocolVersion),
            (80, TlsError::Alert(80)),
            (112, TlsError::UnrecognizedName),
            (116, TlsError::ClientCertificateRequired),
            (120, TlsError::Alpn),
        ] {
            assert_eq!(TlsError::of_alert(alert), reason, "{alert}");
        }
    }
}
