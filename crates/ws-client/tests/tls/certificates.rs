//! Certificates of servers.

use rcgen::date_time_ymd;
#[cfg(feature = "rustls")]
use rcgen::{BasicConstraints, IsCa, KeyPair};
use tokio::io::AsyncReadExt;
#[cfg(feature = "rustls")]
use ws_client::Dialer;
use ws_client::{Message, TlsError};

#[cfg(feature = "rustls")]
use super::authority::{params, server_with};
use super::{
    authority::{Authority, self_signed},
    dial, greet, refused,
};

#[tokio::test]
async fn wss_reaches_a_server_of_a_trusted_authority() {
    let authority = Authority::new();
    for dialer in authority.dialers() {
        let (addr, server) = greet(authority.server(&["localhost"])).await;
        let mut conn = dial(&dialer, "localhost", addr).await.unwrap();
        assert_eq!(conn.read_message().await.unwrap(), Some(Message::text("hi")));
        conn.write_message("hello").await.unwrap();
        let mut frame = [0; 11];
        server.await.unwrap().unwrap().read_exact(&mut frame).await.unwrap();
        assert_eq!(frame[..2], [0x81, 0x85]);
        assert_eq!(conn.get_ref().peer_addr().unwrap(), addr);
    }
}

#[tokio::test]
async fn address_in_the_certificate_is_accepted() {
    let authority = Authority::new();
    for dialer in authority.dialers() {
        let (addr, _server) = greet(authority.server(&["127.0.0.1"])).await;
        dial(&dialer, "127.0.0.1", addr).await.unwrap();
    }
}

// Shows TLS-2.
#[tokio::test]
async fn certificate_for_another_host_is_refused() {
    let authority = Authority::new();
    for dialer in authority.dialers() {
        for names in [&["example.com"][..], &["*.localhost"], &["127.0.0.1"], &["localhost.example.com"]] {
            let (reason, _) = refused(&dialer, authority.server(names), "localhost").await;
            assert_eq!(reason, TlsError::WrongName, "{names:?}");
        }
    }
}

// Shows TLS-2.
#[tokio::test]
async fn certificate_without_the_address_is_refused() {
    let authority = Authority::new();
    for dialer in authority.dialers() {
        for names in [&["localhost"][..], &["127.0.0.2"]] {
            let (reason, _) = refused(&dialer, authority.server(names), "127.0.0.1").await;
            assert_eq!(reason, TlsError::WrongName, "{names:?}");
        }
    }
}

// Shows TLS-2.
#[tokio::test]
async fn expired_certificate_is_refused() {
    let authority = Authority::new();
    for dialer in authority.dialers() {
        let server =
            authority.server_with(&["localhost"], |params| params.not_after = date_time_ymd(2020, 1, 1));
        let (reason, text) = refused(&dialer, server, "localhost").await;
        assert_eq!(reason, TlsError::Expired);
        assert!(text.contains("the certificate has expired"), "{text}");
    }
}

#[tokio::test]
async fn certificate_of_the_future_is_refused() {
    let authority = Authority::new();
    for dialer in authority.dialers() {
        let server =
            authority.server_with(&["localhost"], |params| params.not_before = date_time_ymd(4000, 1, 1));
        let (reason, _) = refused(&dialer, server, "localhost").await;
        assert_eq!(reason, TlsError::NotYetValid);
    }
}

// Shows TLS-2.
#[tokio::test]
async fn self_signed_certificate_is_refused() {
    for dialer in Authority::new().dialers() {
        let (reason, text) = refused(&dialer, self_signed(&["localhost"]), "localhost").await;
        assert_eq!(reason, TlsError::UnknownIssuer);
        assert!(text.contains("add its root certificate"), "{text}");
    }
}

// Shows TLS-2.
#[tokio::test]
async fn certificate_of_another_authority_is_refused() {
    for dialer in Authority::new().dialers() {
        let server = Authority::named("another").server(&["localhost"]);
        let (reason, _) = refused(&dialer, server, "localhost").await;
        assert_eq!(reason, TlsError::UnknownIssuer);
    }
}

#[tokio::test]
async fn certificate_of_another_authority_of_the_same_name_is_refused() {
    for dialer in Authority::new().dialers() {
        let (reason, _) = refused(&dialer, Authority::new().server(&["localhost"]), "localhost").await;
        assert!(matches!(reason, TlsError::BadSignature | TlsError::UnknownIssuer), "{reason:?}");
    }
}

/// As `openssl req -x509` makes them. OpenSSL lets them pass.
#[cfg(feature = "rustls")]
#[tokio::test]
async fn certificate_of_an_authority_is_refused_as_that_of_a_server() {
    let key = KeyPair::generate().unwrap();
    let mut params = params(&["localhost"]);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let certificate = params.self_signed(&key).unwrap();
    let dialer = Dialer::new().only_roots([certificate.der().clone()]);
    let (reason, text) = refused(&dialer, server_with(certificate.der().clone(), &key), "localhost").await;
    assert_eq!(reason, TlsError::CaUsedAsEndEntity);
    assert!(text.contains("CA:FALSE"), "{text}");
}

#[tokio::test]
async fn refused_certificate_stays_refused() {
    let authority = Authority::new();
    for dialer in authority.dialers() {
        for _ in 0..3 {
            let (reason, _) = refused(&dialer, authority.server(&["example.com"]), "localhost").await;
            assert_eq!(reason, TlsError::WrongName);
        }
    }
}

// Shows TLS-2.
#[tokio::test]
async fn dialer_that_connected_once_goes_on_to_check_certificates() {
    let authority = Authority::new();
    for dialer in authority.dialers() {
        let (addr, _server) = greet(authority.server(&["localhost"])).await;
        dial(&dialer, "localhost", addr).await.unwrap();
        let (reason, _) = refused(&dialer, authority.server(&["example.com"]), "localhost").await;
        assert_eq!(reason, TlsError::WrongName);
        let (reason, _) = refused(&dialer, self_signed(&["localhost"]), "localhost").await;
        assert_eq!(reason, TlsError::UnknownIssuer);
    }
}

#[cfg(feature = "rustls")]
#[tokio::test]
async fn names_in_a_certificate_are_told_in_part() {
    let authority = Authority::new();
    let dialer = &authority.dialers()[0];
    let long = format!("{}.{}.example.com", "a".repeat(60), "b".repeat(60));
    let names = ["example.com", "*.example.org", "127.0.0.2", &long, "d.example", "e.example"];
    let (_, text) = refused(dialer, authority.server(&names), "localhost").await;
    let told = text.split_once(" failed: ").unwrap().1;
    let cut = &long[..64];
    assert_eq!(
        told,
        format!(
            "the certificate is not valid for the host (but for example.com, *.example.org, 127.0.0.2, {cut}… and 2 \
             more)"
        )
    );
}
