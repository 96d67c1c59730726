//! The protocols that are agreed on.

use tokio::io::AsyncReadExt;
use ws_client::TlsError;

use super::{authority::Authority, dial, greet, refused, support::serve};

#[cfg(feature = "rustls")]
#[tokio::test]
async fn http_1_1_is_negotiated_even_if_the_configuration_prefers_http_2() {
    use rustls::{ClientConfig, crypto::ring};
    use std::sync::Arc;
    use ws_client::Dialer;

    let authority = Authority::new();
    let mut server = authority.server(&["localhost"]);
    server.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let mut client = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(authority.root_store())
        .with_no_client_auth();
    client.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let (addr, _server) = greet(server).await;
    let conn = dial(&Dialer::new().tls_config(Arc::new(client)), "localhost", addr).await.unwrap();
    let tls = conn.get_ref().tls_connection().unwrap();
    assert_eq!(tls.alpn_protocol(), Some(&b"http/1.1"[..]));
}

#[cfg(feature = "native-tls")]
#[tokio::test]
async fn http_1_1_is_negotiated_even_if_the_builder_prefers_http_2() {
    use ws_client::Dialer;

    let authority = Authority::new();
    let mut server = authority.server(&["localhost"]);
    server.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let mut builder = authority.native_tls();
    builder.request_alpns(&["h2", "http/1.1"]);
    let (addr, _server) = greet(server).await;
    dial(&Dialer::new().native_tls(builder), "localhost", addr).await.unwrap();
}

#[tokio::test]
async fn server_that_speaks_http_2_only_is_told_to() {
    let authority = Authority::new();
    for dialer in authority.dialers() {
        let mut server = authority.server(&["localhost"]);
        server.alpn_protocols = vec![b"h2".to_vec()];
        let (reason, _) = refused(&dialer, server, "localhost").await;
        assert_eq!(reason, TlsError::Alpn);
    }
}

#[tokio::test]
async fn only_http_1_1_is_offered() {
    for dialer in Authority::new().dialers() {
        let (addr, server) = serve(|mut io| async move {
            // One record: its type, version and length come first.
            let mut hello = vec![0; 5];
            io.read_exact(&mut hello).await.unwrap();
            hello.resize(5 + usize::from(u16::from_be_bytes([hello[3], hello[4]])), 0);
            io.read_exact(&mut hello[5..]).await.unwrap();
            hello
        })
        .await;
        dial(&dialer, "localhost", addr).await.unwrap_err();
        let hello = server.await.unwrap();
        assert_eq!(hello[0], 0x16, "a TLS handshake record");
        // RFC 7301, 3.1: the length of the list, and each name with its length.
        assert!(hello.windows(11).any(|bytes| bytes == b"\x00\x09\x08http/1.1"), "{hello:?}");
    }
}
