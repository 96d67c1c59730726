//! Who is trusted, and by which library.

use std::{env, process::Command, sync::Arc};

use rustls::{
    ClientConfig,
    crypto::{CryptoProvider, ring},
    pki_types::CertificateDer,
};
use ws_client::{Dialer, TlsError};

use super::{authority::Authority, dial, greet, reason, refused};

/// The reason why a dial failed that came to no socket.
async fn unprepared(dialer: &Dialer) -> TlsError {
    reason(&dial(dialer, "localhost", ([127, 0, 0, 1], 1).into()).await.unwrap_err())
}

#[tokio::test]
async fn platform_verifier_refuses_an_unknown_authority() {
    let (reason, _) = refused(&Dialer::new(), Authority::new().server(&["localhost"]), "localhost").await;
    assert_eq!(reason, TlsError::UnknownIssuer);
}

#[tokio::test]
async fn no_crypto_provider_of_the_process_is_needed_or_set() {
    let authority = Authority::new();
    let (addr, _server) = greet(authority.server(&["localhost"])).await;
    dial(&Dialer::new().add_roots([authority.root()]), "localhost", addr).await.unwrap();
    refused(&Dialer::new(), authority.server(&["localhost"]), "localhost").await;
    assert!(CryptoProvider::get_default().is_none());
}

// Shows TLS-2.
#[tokio::test]
async fn added_roots_are_trusted_and_others_are_not() {
    let (one, other) = (Authority::named("one"), Authority::named("other"));
    let dialer = Dialer::new().add_roots([one.root()]).add_roots([other.root()]);
    for authority in [&one, &other] {
        let (addr, _server) = greet(authority.server(&["localhost"])).await;
        dial(&dialer, "localhost", addr).await.unwrap();
    }
    let (reason, _) = refused(&dialer, Authority::named("third").server(&["localhost"]), "localhost").await;
    assert_eq!(reason, TlsError::UnknownIssuer);
}

#[tokio::test]
async fn only_roots_replaces_what_was_added() {
    let (one, other) = (Authority::named("one"), Authority::named("other"));
    let dialer = Dialer::new().add_roots([one.root()]).only_roots([other.root()]);
    let (reason, _) = refused(&dialer, one.server(&["localhost"]), "localhost").await;
    assert_eq!(reason, TlsError::UnknownIssuer);
}

#[cfg(feature = "webpki-roots")]
#[tokio::test]
async fn webpki_roots_refuse_an_unknown_authority_unless_it_is_added() {
    let authority = Authority::new();
    let (reason, _) =
        refused(&Dialer::new().webpki_roots(), authority.server(&["localhost"]), "localhost").await;
    assert_eq!(reason, TlsError::UnknownIssuer);
    let (addr, _server) = greet(authority.server(&["localhost"])).await;
    dial(&Dialer::new().webpki_roots().add_roots([authority.root()]), "localhost", addr).await.unwrap();
}

#[tokio::test]
async fn configuration_of_the_caller_is_used_as_it_is() {
    let authority = Authority::new();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(authority.root_store())
        .with_no_client_auth();
    let dialer = Dialer::new().tls_config(Arc::new(config));
    let (addr, _server) = greet(authority.server(&["localhost"])).await;
    let conn = dial(&dialer, "localhost", addr).await.unwrap();
    assert!(conn.get_ref().tls_connection().is_some());
    refused(&dialer, Authority::named("other").server(&["localhost"]), "localhost").await;
}

#[tokio::test]
async fn later_configuration_counts() {
    let (one, other) = (Authority::named("one"), Authority::named("other"));
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(one.root_store())
        .with_no_client_auth();
    let dialer = Dialer::new().tls_config(Arc::new(config)).only_roots([other.root()]);
    refused(&dialer, one.server(&["localhost"]), "localhost").await;
    let (addr, _server) = greet(other.server(&["localhost"])).await;
    dial(&dialer, "localhost", addr).await.unwrap();
}

#[tokio::test]
async fn root_that_is_no_certificate_is_refused_before_anything_is_sent() {
    let root = CertificateDer::from(b"-----BEGIN CERTIFICATE-----".to_vec());
    assert_eq!(unprepared(&Dialer::new().add_roots([root.clone()])).await, TlsError::Configuration);
    assert_eq!(unprepared(&Dialer::new().only_roots([root])).await, TlsError::Configuration);
}

#[tokio::test]
async fn no_root_at_all_is_told_before_anything_is_sent() {
    assert_eq!(unprepared(&Dialer::new().only_roots([])).await, TlsError::NoRoots);
}

/// Runs itself in a process of its own, because the platform's certificates are looked for by the environment.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn system_without_certificates_is_told_and_roots_of_the_caller_go_without_them() {
    if env::var_os("SSL_CERT_FILE").is_none_or(|file| file != *"/dev/null") {
        let child = Command::new(env::current_exe().unwrap())
            .args([
                "--exact",
                "roots::system_without_certificates_is_told_and_roots_of_the_caller_go_without_them",
            ])
            .env("SSL_CERT_FILE", "/dev/null")
            .env("SSL_CERT_DIR", "/dev/null")
            .output()
            .unwrap();
        assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stdout));
        return;
    }
    assert_eq!(unprepared(&Dialer::new()).await, TlsError::NoRoots);
    let authority = Authority::new();
    let dialers = [
        Dialer::new().add_roots([authority.root()]),
        #[cfg(feature = "webpki-roots")]
        Dialer::new().webpki_roots().add_roots([authority.root()]),
    ];
    for dialer in dialers {
        let (addr, _server) = greet(authority.server(&["localhost"])).await;
        dial(&dialer, "localhost", addr).await.unwrap();
    }
}
