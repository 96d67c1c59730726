//! What native-tls does as its builder says.

use ws_client::{Dialer, TlsError};

use super::{authority::Authority, dial, greet, refused};

#[tokio::test]
async fn session_of_native_tls_can_be_looked_at() {
    let authority = Authority::new();
    let mut server = authority.server(&["localhost"]);
    server.alpn_protocols = vec![b"http/1.1".to_vec()];
    let (addr, _server) = greet(server).await;
    let conn = dial(&Dialer::new().native_tls(authority.native_tls()), "localhost", addr).await.unwrap();
    let session = conn.get_ref().native_tls_stream().unwrap().get_ref();
    assert_eq!(session.negotiated_alpn().unwrap().as_deref(), Some(&b"http/1.1"[..]));
    assert!(session.peer_certificate().unwrap().is_some());
    #[cfg(feature = "rustls")]
    assert!(conn.get_ref().tls_connection().is_none());
}

#[tokio::test]
async fn roots_of_the_system_do_not_have_an_unknown_authority() {
    let dialer = Dialer::new().native_tls(native_tls::TlsConnector::builder());
    let (reason, _) = refused(&dialer, Authority::new().server(&["localhost"]), "localhost").await;
    assert_eq!(reason, TlsError::UnknownIssuer);
}

/// The feature adds a method and changes nothing else.
#[cfg(feature = "rustls")]
#[tokio::test]
async fn rustls_stays_the_default() {
    let authority = Authority::new();
    let (addr, _server) = greet(authority.server(&["localhost"])).await;
    let conn = dial(&Dialer::new().add_roots([authority.root()]), "localhost", addr).await.unwrap();
    assert!(conn.get_ref().tls_connection().is_some());
    assert!(conn.get_ref().native_tls_stream().is_none());
}

#[cfg(not(feature = "rustls"))]
#[tokio::test]
async fn native_tls_is_the_default_where_there_is_no_rustls() {
    let (reason, _) = refused(&Dialer::new(), Authority::new().server(&["localhost"]), "localhost").await;
    assert_eq!(reason, TlsError::UnknownIssuer);
}
