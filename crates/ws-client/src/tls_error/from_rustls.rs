//! Reasons, read from the types of rustls' errors.

use std::{error::Error, fmt};

use super::{TlsError, chain};

impl TlsError {
    pub(super) fn of_rustls(error: &rustls::Error) -> Self {
        use rustls::{CertificateError, Error, InvalidMessage, PeerIncompatible, PeerMisbehaved};

        match error {
            Error::AlertReceived(alert) => Self::of_alert((*alert).into()),
            Error::InvalidCertificate(error) => match error {
                CertificateError::BadSignature => Self::BadSignature,
                CertificateError::Expired | CertificateError::ExpiredContext { .. } => Self::Expired,
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                    Self::WrongName
                }
                CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                    Self::NotYetValid
                }
                CertificateError::Other(error) if is_ca(&*error.0) => Self::CaUsedAsEndEntity,
                CertificateError::Revoked => Self::Revoked,
                CertificateError::UnknownIssuer => Self::UnknownIssuer,
                _ => Self::BadCertificate,
            },
            Error::InvalidMessage(InvalidMessage::InvalidContentType) => Self::NotTls,
            Error::NoApplicationProtocol
            | Error::PeerMisbehaved(PeerMisbehaved::SelectedUnofferedApplicationProtocol) => Self::Alpn,
            Error::PeerIncompatible(
                PeerIncompatible::ServerDoesNotSupportTls12Or13
                | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig,
            ) => Self::ProtocolVersion,
            Error::PeerIncompatible(_) => Self::HandshakeFailure,
            _ => Self::Other,
        }
    }

    /// What the library's error knows beyond the reason, in parentheses.
    pub(crate) fn write_detail(f: &mut fmt::Formatter<'_>, error: &(dyn Error + 'static)) -> fmt::Result {
        use rustls::CertificateError;

        let Some(rustls::Error::InvalidCertificate(error)) =
            chain(error).find_map(|error| error.downcast_ref())
        else {
            return Ok(());
        };
        match error {
            CertificateError::ExpiredContext { time, not_after } => {
                let days = time.as_secs().saturating_sub(not_after.as_secs()) / DAY;
                write!(f, " ({days} day{} ago)", plural(days))
            }
            CertificateError::NotValidYetContext { time, not_before } => {
                let days = not_before.as_secs().saturating_sub(time.as_secs()).div_ceil(DAY);
                write!(f, " (only in {days} day{})", plural(days))
            }
            CertificateError::NotValidForNameContext { presented, .. } => write_names(f, presented),
            _ => Ok(()),
        }
    }
}

/// Whether the certificate is an authority's, for which rustls has no variant.
fn is_ca(error: &(dyn Error + 'static)) -> bool {
    error.downcast_ref() == Some(&webpki::Error::CaUsedAsEndEntity)
}

fn plural(count: u64) -> &'static str {
    if count == 1 { "" } else { "s" }
}

/// The names in a certificate, which rustls shows as `DnsName("example.com")`. They are the server's words: some of
/// them, none long, and without control characters.
fn write_names(f: &mut fmt::Formatter<'_>, names: &[String]) -> fmt::Result {
    if names.is_empty() {
        return f.write_str(" (it names none)");
    }
    for (index, name) in names.iter().take(MAX_NAMES).enumerate() {
        f.write_str(if index == 0 { " (but for " } else { ", " })?;
        let name = name.split_once('(').and_then(|(_, name)| name.strip_suffix(')')).unwrap_or(name);
        let mut chars = name.trim_matches('"').chars();
        chars.by_ref().take(MAX_NAME).try_for_each(|char| write!(f, "{}", char.escape_debug()))?;
        if chars.next().is_some() {
            f.write_str("…")?;
        }
    }
    match names.len().saturating_sub(MAX_NAMES) {
        0 => f.write_str(")"),
        more => write!(f, " and {more} more)"),
    }
}

const DAY: u64 = 24 * 60 * 60;
const MAX_NAMES: usize = 4;
/// Longer than the host names that people give their servers.
const MAX_NAME: usize = 64;

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;
    use crate::{DialError, DialErrorKind, Phase};

    #[test]
    fn reason_is_found_behind_whatever_wraps_it() {
        let error = rustls::Error::AlertReceived(rustls::AlertDescription::UnrecognisedName);
        let error = io::Error::other(io::Error::new(io::ErrorKind::InvalidData, error));
        assert_eq!(TlsError::find(&error), Some(TlsError::UnrecognizedName));
        assert_eq!(TlsError::find(&io::Error::other("no TLS")), None);
    }

    #[test]
    fn tls_of_another_connector_is_told_as_tls() {
        let error = rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer);
        // The phase stays that of the connector.
        let error = DialError::connector(Phase::Connect, io::Error::other(error));
        assert_eq!(error.kind(), &DialErrorKind::Tls(TlsError::UnknownIssuer));
    }

    #[test]
    fn garbage_behind_the_handshake_is_not_taken_for_a_server_without_tls() {
        let error = rustls::Error::InvalidMessage(rustls::InvalidMessage::InvalidContentType);
        assert_eq!(TlsError::find(&error), Some(TlsError::NotTls));
        assert_eq!(TlsError::find_in_http(&error), Some(TlsError::Other));
    }

    // Shows LOG-1.
    #[test]
    fn names_in_certificates_cannot_write_into_a_terminal() {
        struct Names<'a>(&'a [String]);
        impl fmt::Display for Names<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write_names(f, self.0)
            }
        }

        assert_eq!(Names(&[]).to_string(), " (it names none)");
        let name = "DnsName(\"a\u{1b}[2Jb\n\")".to_owned();
        assert_eq!(Names(&[name]).to_string(), r" (but for a\u{1b}[2Jb\n)");
        let names = vec![format!("DnsName(\"{}\")", "x".repeat(300)); 10_000];
        assert!(Names(&names).to_string().chars().count() < 400);
    }
}
