//! Reasons, read from the texts of OpenSSL: native-tls shows no types.

use std::io;

use super::{TlsError, chain};

impl TlsError {
    pub(super) fn of_native_tls(error: &native_tls::Error) -> Self {
        let io = || chain(error).find_map(|error| error.downcast_ref::<io::Error>());
        Self::of_text(&error.to_string())
            .unwrap_or_else(|| io().map_or(Self::Other, |error| Self::of_io(error.kind())))
    }

    /// What OpenSSL says, where native-tls shows no more than its text.
    pub(crate) fn of_text(text: &str) -> Option<Self> {
        /// The reasons of its verifier stand behind "certificate verify failed", so they come first.
        const TEXTS: [(&str, TlsError); 16] = [
            ("certificate has expired", TlsError::Expired),
            ("certificate is not yet valid", TlsError::NotYetValid),
            ("hostname mismatch", TlsError::WrongName),
            ("ip address mismatch", TlsError::WrongName),
            ("certificate revoked)", TlsError::Revoked),
            ("certificate signature failure", TlsError::BadSignature),
            ("self-signed certificate", TlsError::UnknownIssuer),
            ("self signed certificate", TlsError::UnknownIssuer),
            ("issuer certificate", TlsError::UnknownIssuer),
            ("unable to verify the first certificate", TlsError::UnknownIssuer),
            ("certificate verify failed", TlsError::BadCertificate),
            ("wrong version number", TlsError::NotTls),
            ("unsupported protocol", TlsError::ProtocolVersion),
            ("unexpected eof", TlsError::Closed),
            ("session has been shut down", TlsError::Closed),
            ("packet length too long", TlsError::NotTls),
        ];

        if let Some((_, number)) = text.rsplit_once("SSL alert number ") {
            let digits = number.split(|c: char| !c.is_ascii_digit()).next();
            return digits.and_then(|digits| digits.parse().ok()).map(Self::of_alert);
        }
        let text = text.to_ascii_lowercase();
        TEXTS.iter().find(|(part, _)| text.contains(part)).map(|(_, reason)| *reason)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_openssl_are_understood() {
        const ALERT: &str = "error:0A00045C:SSL routines:ssl3_read_bytes:tlsv13 alert certificate \
                             required:../ssl/record/rec_layer_s3.c:1601:SSL alert number 116";
        const VERIFY: &str = "error:0A000086:SSL routines:tls_post_process_server_certificate:certificate verify \
                              failed:../ssl/statem/statem_clnt.c:1889: ";

        assert_eq!(TlsError::of_text(ALERT), Some(TlsError::ClientCertificateRequired));
        for (why, reason) in [
            ("(certificate has expired)", TlsError::Expired),
            ("(certificate is not yet valid)", TlsError::NotYetValid),
            ("(certificate revoked)", TlsError::Revoked),
            ("(certificate signature failure)", TlsError::BadSignature),
            // 1.1 and 3
            ("(self signed certificate in certificate chain)", TlsError::UnknownIssuer),
            ("(self-signed certificate)", TlsError::UnknownIssuer),
            ("(unable to get local issuer certificate)", TlsError::UnknownIssuer),
            ("(Hostname mismatch)", TlsError::WrongName),
            ("(IP address mismatch)", TlsError::WrongName),
            ("(unsuitable certificate purpose)", TlsError::BadCertificate),
        ] {
            assert_eq!(TlsError::of_text(&format!("{VERIFY}{why}")), Some(reason), "{why}");
        }
        assert_eq!(TlsError::of_text("something else"), None);
    }
}
