//! SOCKS5 proxies (RFC 1928, RFC 1929).
#![cfg(feature = "socks")]

mod support;

use std::{io, net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use ws_client::{DialError, DialErrorKind, Dialer, Phase, Proxy, ProxyError, SocksError};

use support::{accept_handshake, read_head, serve};

/// The reply that opens a tunnel, bound to 127.0.0.1:8080.
const OPENED: [u8; 10] = [5, 0, 0, 1, 127, 0, 0, 1, 0x1f, 0x90];

fn through(addr: SocketAddr, scheme: &str, credentials: &str) -> Dialer {
    Dialer::new().proxy(Proxy::new(&format!("{scheme}://{credentials}{addr}")).unwrap())
}

async fn expect(io: &mut TcpStream, bytes: &[u8]) {
    let mut read = vec![0; bytes.len()];
    io.read_exact(&mut read).await.unwrap();
    assert_eq!(read, bytes);
}

/// Dials through a proxy that asks for no authentication, and gives the request that it got.
async fn request(scheme: &'static str, url: &str, length: usize) -> Vec<u8> {
    let (addr, proxy) = serve(move |mut io| async move {
        expect(&mut io, &[5, 1, 0]).await;
        io.write_all(&[5, 0]).await.unwrap();
        let mut request = vec![0; length];
        io.read_exact(&mut request).await.unwrap();
        io.write_all(&OPENED).await.unwrap();
        accept_handshake(&mut io, "").await;
        request
    })
    .await;
    through(addr, scheme, "").dial(url).await.unwrap();
    proxy.await.unwrap()
}

#[tokio::test]
async fn names_are_left_to_the_proxy() {
    assert_eq!(
        request("socks5h", "ws://example.com:8080/", 18).await,
        b"\x05\x01\x00\x03\x0bexample.com\x1f\x90"
    );
    assert_eq!(request("socks5h", "ws://localhost/", 16).await, b"\x05\x01\x00\x03\x09localhost\x00\x50");
}

#[tokio::test]
async fn names_are_resolved_here_if_the_scheme_says_so() {
    let request = request("socks5", "ws://localhost/", 10).await;
    // Where localhost is ::1 first, the request is longer than what was read.
    assert!(
        request == [5, 1, 0, 1, 127, 0, 0, 1, 0, 80] || request == [5, 1, 0, 4, 0, 0, 0, 0, 0, 0],
        "{request:?}"
    );
}

#[tokio::test]
async fn addresses_are_sent_as_such() {
    for scheme in ["socks5", "socks5h"] {
        assert_eq!(request(scheme, "ws://10.1.2.3/", 10).await, [5, 1, 0, 1, 10, 1, 2, 3, 0, 80]);
        assert_eq!(
            request(scheme, "ws://[2001:db8::1]/", 22).await,
            [5, 1, 0, 4, 0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 80]
        );
    }
}

#[tokio::test]
async fn name_without_an_address_is_the_servers() {
    let (addr, _proxy) = serve(|_| async {}).await;
    let error = through(addr, "socks5", "").dial("ws://server.invalid/").await.unwrap_err();
    assert_eq!(error.kind(), &DialErrorKind::Dns);
    assert_eq!(
        error.to_string(),
        "could not find an address for server.invalid:80; check the name, and the network of this machine"
    );
}

#[tokio::test]
async fn credentials_are_sent_when_the_url_has_them() {
    for (credentials, message) in
        [("user:pa%40ss@", &b"\x01\x04user\x05pa@ss"[..]), ("user@", b"\x01\x04user\x00")]
    {
        let (addr, proxy) = serve(move |mut io| async move {
            expect(&mut io, &[5, 1, 2]).await;
            io.write_all(&[5, 2]).await.unwrap();
            expect(&mut io, message).await;
            io.write_all(&[1, 0]).await.unwrap();
            expect(&mut io, b"\x05\x01\x00\x03\x0bexample.com\x00\x50").await;
            io.write_all(&OPENED).await.unwrap();
            accept_handshake(&mut io, "").await;
        })
        .await;
        through(addr, "socks5h", credentials).dial("ws://example.com/").await.unwrap();
        proxy.await.unwrap();
    }
}

#[tokio::test]
async fn reply_with_any_kind_of_address_opens_the_tunnel() {
    let v6: &[u8] = &[5, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 80];
    for reply in [&OPENED[..], v6, b"\x05\x00\x00\x03\x04host\x00\x50"] {
        let (addr, proxy) = serve(move |mut io| async move {
            io.write_all(&[5, 0]).await.unwrap();
            io.read_exact(&mut [0; 21]).await.unwrap();
            io.write_all(reply).await.unwrap();
            accept_handshake(&mut io, "").await
        })
        .await;
        through(addr, "socks5h", "").dial("ws://example.com/").await.unwrap();
        assert!(proxy.await.unwrap().starts_with("GET / HTTP/1.1\r\n"));
    }
}

/// The error of a dial through a proxy that says these bytes, whatever it is told, and closes.
async fn said(credentials: &str, bytes: &[u8]) -> DialError {
    let bytes = bytes.to_vec();
    let (addr, _proxy) = serve(move |mut io| async move {
        io.write_all(&bytes).await.unwrap();
        io.shutdown().await.unwrap();
        // Closing with unread bytes resets the connection, and may take away what was sent.
        let _ = io.read_to_end(&mut Vec::new()).await;
    })
    .await;
    let error = through(addr, "socks5h", credentials).dial("ws://example.com/").await.unwrap_err();
    let text = format!("{error} {error:?}");
    assert!(text.contains(&addr.to_string()) && text.contains("example.com:80"), "{text}");
    assert!(!text.contains("secret"), "{text}");
    error
}

fn socks_error(error: &DialError) -> SocksError {
    let DialErrorKind::Proxy(ProxyError::Socks(kind)) = error.kind() else { panic!("{error:?}") };
    *kind
}

#[tokio::test]
async fn refused_methods_and_credentials_are_told_apart() {
    for (credentials, bytes, kind) in [
        ("", &[5, 0xff][..], SocksError::Method),
        ("user:secret@", &[5, 0xff], SocksError::Method),
        ("user:secret@", &[5, 2, 1, 1], SocksError::Credentials),
        ("user:secret@", &[5, 2, 1, 0xff], SocksError::Credentials),
        ("", &[5, 2], SocksError::Protocol),
        ("user:secret@", &[5, 0], SocksError::Protocol),
        ("", &[4, 0], SocksError::Protocol),
        ("", b"HTTP/1.1 400 Bad Request\r\n\r\n", SocksError::Protocol),
        ("user:secret@", &[5, 2, 5, 0], SocksError::Protocol),
        ("", &[5, 0, 4, 0, 0, 1], SocksError::Protocol),
    ] {
        assert_eq!(socks_error(&said(credentials, bytes).await), kind, "{credentials} {bytes:?}");
    }
}

#[tokio::test]
async fn every_reply_code_is_told() {
    for code in 1..=255 {
        // All of the codes that have a name, and some that do not.
        if code > 9 && code % 50 != 5 {
            continue;
        }
        let error = said("", &[5, 0, 5, code, 0, 1, 0, 0, 0, 0, 0, 0]).await;
        assert_eq!(socks_error(&error), SocksError::Reply(code));
        let error = said("user:secret@", &[5, 2, 1, 0, 5, code, 0, 1, 0, 0, 0, 0, 0, 0]).await;
        assert_eq!(socks_error(&error), SocksError::Reply(code));
    }
}

#[tokio::test]
async fn replies_have_the_io_kind_of_what_they_mean() {
    for (code, kind) in [
        (2, io::ErrorKind::PermissionDenied),
        (3, io::ErrorKind::NetworkUnreachable),
        (4, io::ErrorKind::HostUnreachable),
        (5, io::ErrorKind::ConnectionRefused),
        (6, io::ErrorKind::TimedOut),
    ] {
        let error = said("", &[5, 0, 5, code, 0, 1, 0, 0, 0, 0, 0, 0]).await;
        assert_eq!(io::Error::from(error).kind(), kind, "{code}");
    }
}

#[tokio::test]
async fn conversation_that_is_cut_off_at_any_byte_is_an_error() {
    for (credentials, greeting) in [("", &[5, 0][..]), ("user:secret@", &[5, 2, 1, 0])] {
        let bytes = [greeting, &OPENED].concat();
        for cut in 0..bytes.len() {
            let error = said(credentials, &bytes[..cut]).await;
            assert_eq!(socks_error(&error), SocksError::Closed, "cut at {cut}");
        }
    }
}

#[tokio::test]
async fn bytes_behind_the_reply_are_not_lost() {
    let bytes = [&[5, 0][..], &OPENED, b"no HTTP\r\n\r\n"].concat();
    let error = said("", &bytes).await;
    assert_eq!(error.kind(), &DialErrorKind::Http);
}

#[tokio::test]
async fn what_is_too_long_to_be_sent_is_refused_before_a_byte_is() {
    let (addr, proxy) = serve(|mut io| async move {
        let mut read = Vec::new();
        io.read_to_end(&mut read).await.unwrap();
        read
    })
    .await;
    let credentials = format!("{}:{}@", "u".repeat(125), "p".repeat(125));
    let error = through(addr, "socks5h", &credentials).dial("ws://example.com/").await.unwrap_err();
    assert_eq!(socks_error(&error), SocksError::TooLong);
    assert!(proxy.await.unwrap().is_empty());
}

#[tokio::test]
async fn longest_that_is_taken_can_be_sent() {
    // 262 bytes in three messages: 3, 3 with the credentials, 7 with the host name.
    let (user, password) = ("u".repeat(119), "p".repeat(119));
    let host = "example.com";
    let total = 3 + (3 + user.len() + password.len()) + (7 + host.len());
    assert_eq!(total, 262);
    let (addr, proxy) = serve(move |mut io| async move {
        io.write_all(&[5, 2, 1, 0]).await.unwrap();
        io.write_all(&OPENED).await.unwrap();
        io.read_exact(&mut vec![0; total]).await.unwrap();
        accept_handshake(&mut io, "").await
    })
    .await;
    let dialer = through(addr, "socks5h", &format!("{user}:{password}@"));
    dialer.dial(format!("ws://{host}/")).await.unwrap();
    assert!(proxy.await.unwrap().starts_with("GET / HTTP/1.1\r\n"));
}

#[tokio::test]
async fn proxy_that_never_answers_is_given_up() {
    for bytes in [&[][..], &[5, 0], &[5, 0, 5, 0, 0]] {
        let (addr, proxy) = serve(move |mut io| async move {
            io.write_all(bytes).await.unwrap();
            io.read_to_end(&mut Vec::new()).await.unwrap();
        })
        .await;
        let dialer = through(addr, "socks5h", "").handshake_timeout(Duration::from_millis(100));
        let error = dialer.dial("ws://example.com/").await.unwrap_err();
        assert_eq!(error.kind(), &DialErrorKind::TimedOut(Phase::Proxy));
        proxy.await.unwrap();
    }
}

#[tokio::test]
async fn server_behind_the_tunnel_that_never_answers_is_given_up() {
    let (addr, _proxy) = serve(|mut io| async move {
        io.write_all(&[5, 0]).await.unwrap();
        io.read_exact(&mut [0; 21]).await.unwrap();
        io.write_all(&OPENED).await.unwrap();
        read_head(&mut io).await;
        io.read(&mut [0]).await
    })
    .await;
    let dialer = through(addr, "socks5h", "").handshake_timeout(Duration::from_millis(100));
    let error = dialer.dial("ws://example.com/").await.unwrap_err();
    assert_eq!(error.kind(), &DialErrorKind::TimedOut(Phase::Http));
}
