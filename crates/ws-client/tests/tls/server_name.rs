//! The name that the client tells the server in the TLS handshake (RFC 6066, 3).

use super::{authority::Authority, dial, greet};

#[tokio::test]
async fn name_of_the_server_is_sent_in_the_tls_handshake() {
    let authority = Authority::new();
    for dialer in authority.dialers() {
        // An address is no name, and is not sent.
        for (host, expected) in [("localhost", Some("localhost")), ("127.0.0.1", None)] {
            let (addr, server) = greet(authority.server(&[host])).await;
            dial(&dialer, host, addr).await.unwrap();
            let io = server.await.unwrap().unwrap();
            assert_eq!(io.get_ref().1.server_name(), expected, "{dialer:?}");
        }
    }
}
