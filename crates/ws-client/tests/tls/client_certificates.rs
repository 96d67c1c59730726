//! Certificates of clients, in both versions of TLS: 1.3 refuses them behind the handshake.

use rustls::{
    SupportedProtocolVersion,
    version::{TLS12, TLS13},
};
use ws_client::{Dialer, Message, TlsError};

#[cfg(feature = "rustls")]
use super::authority::private_key;
use super::{authority::Authority, dial, greet, reason};

const VERSIONS: [&SupportedProtocolVersion; 2] = [&TLS12, &TLS13];

/// Dialers that trust an authority and show a certificate of another one, one for each library.
fn dialers(trusted: &Authority, own: &Authority) -> Vec<Dialer> {
    let (certificate, key) = own.sign(&["client"], |_| {});
    vec![
        #[cfg(feature = "rustls")]
        Dialer::new()
            .only_roots([trusted.root()])
            .client_certificate([certificate.der().clone()], private_key(&key)),
        #[cfg(feature = "native-tls")]
        {
            let mut builder = trusted.native_tls();
            let (chain, key) = (certificate.pem(), key.serialize_pem());
            builder.identity(native_tls::Identity::from_pkcs8(chain.as_bytes(), key.as_bytes()).unwrap());
            Dialer::new().native_tls(builder)
        },
    ]
}

#[tokio::test]
async fn client_certificate_opens_the_door() {
    let (authority, clients) = (Authority::new(), Authority::named("clients"));
    for version in VERSIONS {
        for dialer in dialers(&authority, &clients) {
            let (addr, server) = greet(authority.strict(version, Some(&clients))).await;
            let mut conn = dial(&dialer, "localhost", addr).await.unwrap();
            assert_eq!(conn.read_message().await.unwrap(), Some(Message::text("hi")));
            let stream = server.await.unwrap().unwrap();
            assert!(stream.get_ref().1.peer_certificates().is_some());
        }
    }
}

#[tokio::test]
async fn client_without_a_certificate_is_told_to_have_one() {
    let (authority, clients) = (Authority::new(), Authority::named("clients"));
    for version in VERSIONS {
        for dialer in authority.dialers() {
            let (addr, server) = greet(authority.strict(version, Some(&clients))).await;
            let error = dial(&dialer, "localhost", addr).await.unwrap_err();
            assert_eq!(reason(&error), TlsError::ClientCertificateRequired, "{version:?} {error:?}");
            assert!(error.to_string().ends_with("the server asks for a client certificate"), "{error}");
            assert!(server.await.unwrap().is_none());
        }
    }
}

#[tokio::test]
async fn client_certificate_of_the_wrong_authority_is_told_to_be_refused() {
    let (authority, clients) = (Authority::new(), Authority::named("clients"));
    for version in VERSIONS {
        for dialer in dialers(&authority, &Authority::named("impostors")) {
            let (addr, server) = greet(authority.strict(version, Some(&clients))).await;
            let error = dial(&dialer, "localhost", addr).await.unwrap_err();
            assert_eq!(reason(&error), TlsError::ClientCertificateRefused, "{version:?} {error:?}");
            assert!(server.await.unwrap().is_none());
        }
    }
}

#[tokio::test]
async fn client_certificate_is_not_shown_to_those_who_do_not_ask() {
    let (authority, clients) = (Authority::new(), Authority::named("clients"));
    for version in VERSIONS {
        for dialer in dialers(&authority, &clients) {
            let (addr, server) = greet(authority.strict(version, None)).await;
            dial(&dialer, "localhost", addr).await.unwrap();
            assert!(server.await.unwrap().unwrap().get_ref().1.peer_certificates().is_none());
        }
    }
}

#[cfg(feature = "rustls")]
#[tokio::test]
async fn client_certificate_with_the_key_of_another_is_refused_before_anything_is_sent() {
    let authority = Authority::new();
    let (certificate, _) = authority.sign(&["client"], |_| {});
    let (_, key) = authority.sign(&["client"], |_| {});
    let dialer = Dialer::new()
        .only_roots([authority.root()])
        .client_certificate([certificate.der().clone()], private_key(&key));
    // Nobody listens: the dial does not come to that.
    let error = dial(&dialer, "localhost", ([127, 0, 0, 1], 1).into()).await.unwrap_err();
    assert_eq!(reason(&error), TlsError::Configuration);
}
