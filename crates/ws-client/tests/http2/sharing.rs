//! Dials that share connections, and servers that make it hard.

use bytes::Bytes;
use h2::Reason;
use http::Response;
use tokio::{io::AsyncReadExt, net::TcpListener};
use ws_client::{Conn, DialErrorKind, DialedUri, Dialer, Http2Dialer, Http2Error, Http2Transport, Message};

use crate::server::{Host, Server, Stream, builder, connected, dialer, within};

/// Dials, and accepts on this connection.
async fn open(
    dialer: &Http2Dialer,
    host: &Host,
    server: &mut Server,
) -> (Conn<Http2Transport>, Conn<Stream>) {
    let (dialed, accepted) = within(async { tokio::join!(dialer.dial(host.url()), server.accept()) }).await;
    (dialed.unwrap().0, accepted)
}

/// Dials a host that is not connected to, and accepts.
async fn first(dialer: &Http2Dialer, host: &mut Host) -> (Conn<Http2Transport>, Conn<Stream>, Server) {
    let url = host.url();
    let script = async {
        let mut server = host.connection().await;
        (server.accept().await, server)
    };
    let (dialed, (accepted, server)) = within(async { tokio::join!(dialer.dial(url), script) }).await;
    (dialed.unwrap().0, accepted, server)
}

#[tokio::test]
async fn hundred_websockets_share_one_connection() {
    let mut host = Host::new(builder()).await;
    let dialer = dialer();
    let (conn, accepted, mut server) = first(&dialer, &mut host).await;
    let mut pairs = vec![(conn, accepted)];
    while pairs.len() < 100 {
        // A clone has the same connections.
        pairs.push(open(&dialer.clone(), &host, &mut server).await);
    }
    assert!(host.is_quiet());
    for (number, (conn, _)) in pairs.iter_mut().enumerate() {
        conn.write_message(number.to_string()).await.unwrap();
    }
    for (number, (conn, accepted)) in pairs.iter_mut().enumerate() {
        assert_eq!(accepted.read_message().await.unwrap(), Some(Message::text(number.to_string())));
        accepted.write_message(format!("{number}!")).await.unwrap();
        assert_eq!(conn.read_message().await.unwrap(), Some(Message::text(format!("{number}!"))));
    }
    assert_eq!(pairs[0].0.get_ref().peer_addr(), Some(host.addr));
    assert_eq!(pairs[0].0.get_ref().local_addr(), pairs[99].0.get_ref().local_addr());
}

#[tokio::test]
async fn dials_at_the_same_time_open_one_connection() {
    let mut host = Host::new(builder()).await;
    let dialer = dialer();
    let dials: Vec<_> = (0..50)
        .map(|_| {
            let (dialer, url) = (dialer.clone(), host.url());
            tokio::spawn(async move { dialer.dial(url).await })
        })
        .collect();
    let mut server = host.connection().await;
    let mut accepted = Vec::new();
    for _ in 0..50 {
        accepted.push(server.accept().await);
    }
    for dial in dials {
        within(dial).await.unwrap().unwrap();
    }
    assert!(host.is_quiet());
}

#[tokio::test]
async fn dials_that_wait_for_the_same_connection_fail_together() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    let dialer = dialer();
    let script = async {
        let (stream, _) = listener.accept().await.unwrap();
        drop(stream);
    };
    let (first, second, ()) =
        within(async { tokio::join!(dialer.dial(&url), dialer.dial(&url), script) }).await;
    for error in [first.unwrap_err(), second.unwrap_err()] {
        assert_eq!(error.kind(), &DialErrorKind::Http2(Http2Error::Lost));
        assert!(std::error::Error::source(&error).is_some());
    }
}

#[tokio::test]
async fn dropped_dial_does_not_take_the_connection_from_others() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    let dialer = dialer();
    let spawn = || {
        let (dialer, url) = (dialer.clone(), url.clone());
        tokio::spawn(async move { dialer.dial(url).await })
    };
    let (first, second) = (spawn(), spawn());
    let (stream, _) = within(listener.accept()).await.unwrap();
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    // Only now does the server speak.
    let mut server = Server::new(stream, builder());
    let (dialed, _accepted) = within(async { tokio::join!(second, server.accept()) }).await;
    dialed.unwrap().unwrap();
}

#[tokio::test]
async fn connection_that_no_dial_waits_for_any_more_is_closed() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    let dialer = dialer();
    let dial = {
        let dialer = dialer.clone();
        tokio::spawn(async move { dialer.dial(url).await })
    };
    let (mut stream, _) = within(listener.accept()).await.unwrap();
    dial.abort();
    within(stream.read_to_end(&mut Vec::new())).await.unwrap();
    drop(dialer);
}

#[tokio::test]
async fn full_connection_has_another_one_beside_it() {
    let mut builder = builder();
    builder.max_concurrent_streams(1);
    let mut host = Host::new(builder).await;
    let dialer = dialer().max_connections(2);
    let (conn, _accepted, mut server) = first(&dialer, &mut host).await;
    let (_conn2, _accepted2, _server2) = first(&dialer, &mut host).await;

    let error = within(dialer.dial(host.url())).await.unwrap_err();
    assert_eq!(error.kind(), &DialErrorKind::Http2(Http2Error::TooManyStreams));
    assert!(error.to_string().contains("allows no more streams"), "{error}");

    drop(conn);
    open(&dialer, &host, &mut server).await;
    assert!(host.is_quiet());
}

#[tokio::test]
async fn dials_at_the_same_time_fill_as_many_connections_as_it_takes() {
    let mut builder = builder();
    builder.max_concurrent_streams(2);
    let mut host = Host::new(builder).await;
    let dialer = dialer().max_connections(3);
    let dials: Vec<_> = (0..7)
        .map(|_| {
            let (dialer, url) = (dialer.clone(), host.url());
            tokio::spawn(async move { dialer.dial(url).await })
        })
        .collect();
    let mut open = Vec::new();
    for _ in 0..3 {
        let mut server = host.connection().await;
        open.push((server.accept().await, server.accept().await, server));
    }
    let mut results = Vec::new();
    for dial in dials {
        results.push(within(dial).await.unwrap());
    }
    assert_eq!(results.iter().filter(|dialed| dialed.is_ok()).count(), 6);
    let error = results.into_iter().find_map(Result::err).unwrap();
    assert_eq!(error.kind(), &DialErrorKind::Http2(Http2Error::TooManyStreams));
}

#[tokio::test]
async fn refused_stream_is_tried_once_more_on_another_connection() {
    let mut host = Host::new(builder()).await;
    let dialer = dialer();
    let (_conn, _accepted, mut server) = first(&dialer, &mut host).await;
    let url = host.url();
    let script = async {
        server.asked().await.reset(Reason::REFUSED_STREAM);
        let mut other = host.connection().await;
        (other.accept().await, other)
    };
    let (dialed, _other) = within(async { tokio::join!(dialer.dial(&url), script) }).await;
    dialed.unwrap();
}

// Shows H2-09.
#[tokio::test]
async fn stream_that_is_refused_twice_is_an_error() {
    let mut host = Host::new(builder()).await;
    let dialer = dialer();
    let url = host.url();
    let script = async {
        let mut one = host.connection().await;
        one.asked().await.reset(Reason::REFUSED_STREAM);
        let mut other = host.connection().await;
        other.asked().await.reset(Reason::REFUSED_STREAM);
        (one, other)
    };
    let (dialed, _servers) = within(async { tokio::join!(dialer.dial(&url), script) }).await;
    assert_eq!(dialed.unwrap_err().kind(), &DialErrorKind::Http2(Http2Error::Reset(7)));
    assert!(host.is_quiet());
}

#[tokio::test]
async fn stream_that_was_reset_for_another_reason_is_not_tried_again() {
    let mut host = Host::new(builder()).await;
    let dialer = dialer();
    let url = host.url();
    let script = async {
        let mut server = host.connection().await;
        server.asked().await.reset(Reason::CANCEL);
        server
    };
    let (dialed, server) = within(async { tokio::join!(dialer.dial(&url), script) }).await;
    assert_eq!(dialed.unwrap_err().kind(), &DialErrorKind::Http2(Http2Error::Reset(8)));
    assert!(host.is_quiet() && server.is_quiet());
}

/// RFC 9113, 6.8: the first GOAWAY names no stream, the second one the last that was processed.
// Shows H2-09.
#[tokio::test]
async fn stream_that_goaway_leaves_out_is_opened_on_a_new_connection() {
    // Frames by hand: h2's server processes whatever has arrived.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    // The connection that ends is none of them.
    let dialer = dialer().max_connections(1);
    let script = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        // SETTINGS with ENABLE_CONNECT_PROTOCOL, and the acknowledgement of the client's.
        write(&mut stream, b"\x00\x00\x06\x04\x00\x00\x00\x00\x00\x00\x08\x00\x00\x00\x01").await;
        write(&mut stream, b"\x00\x00\x00\x04\x01\x00\x00\x00\x00").await;
        read_until_headers(&mut stream).await;
        // GOAWAY: last stream 0, NO_ERROR.
        write(&mut stream, b"\x00\x00\x08\x07\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00").await;
        let (other, _) = listener.accept().await.unwrap();
        let mut server = Server::new(other, builder());
        (server.accept().await, server, stream)
    };
    let (dialed, _server) = within(async { tokio::join!(dialer.dial(&url), script) }).await;
    dialed.unwrap();
}

#[tokio::test]
async fn server_that_ends_every_connection_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    let dialer = dialer().max_connections(3);
    let script = async {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            // SETTINGS with ENABLE_CONNECT_PROTOCOL, and GOAWAY.
            let frames = b"\x00\x00\x06\x04\x00\x00\x00\x00\x00\x00\x08\x00\x00\x00\x01\
                \x00\x00\x08\x07\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00";
            write(&mut stream, frames).await;
            tokio::spawn(async move { stream.read_to_end(&mut Vec::new()).await });
        }
    };
    let dialed = within(async {
        tokio::select! {
            dialed = dialer.dial(&url) => dialed,
            () = script => unreachable!(),
        }
    })
    .await;
    assert_eq!(dialed.unwrap_err().kind(), &DialErrorKind::Http2(Http2Error::GoAway));
}

async fn write(io: &mut tokio::net::TcpStream, bytes: &[u8]) {
    tokio::io::AsyncWriteExt::write_all(io, bytes).await.unwrap();
}

/// Reads the preface and frames, up to the first HEADERS.
async fn read_until_headers(io: &mut tokio::net::TcpStream) {
    io.read_exact(&mut [0; 24]).await.unwrap();
    loop {
        let mut head = [0; 9];
        io.read_exact(&mut head).await.unwrap();
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        io.read_exact(&mut vec![0; length as usize]).await.unwrap();
        if head[3] == 1 {
            return;
        }
    }
}

#[tokio::test]
async fn websockets_outlive_a_goaway_and_new_ones_go_elsewhere() {
    let mut host = Host::new(builder()).await;
    let dialer = dialer();
    let (mut conn, mut accepted, server) = first(&dialer, &mut host).await;
    server.shut_down();
    // The round trip is behind the GOAWAY.
    accepted.write_message("still there").await.unwrap();
    assert_eq!(conn.read_message().await.unwrap(), Some(Message::text("still there")));

    let (_conn2, _accepted2, _server2) = first(&dialer, &mut host).await;
    conn.write_message("so am I").await.unwrap();
    assert_eq!(accepted.read_message().await.unwrap(), Some(Message::text("so am I")));
    drop((conn, accepted));
    within(server.ended()).await.unwrap();
}

#[tokio::test]
async fn connection_that_the_server_ended_is_replaced() {
    let mut host = Host::new(builder()).await;
    let dialer = dialer();
    let (mut conn, _accepted, server) = first(&dialer, &mut host).await;
    server.go_away(Reason::NO_ERROR);
    within(conn.read_message()).await.unwrap_err();
    first(&dialer, &mut host).await;
}

#[tokio::test]
async fn servers_have_connections_of_their_own() {
    let (mut one, mut other) = (Host::new(builder()).await, Host::new(builder()).await);
    let dialer = dialer();
    let _one = first(&dialer, &mut one).await;
    let _other = first(&dialer, &mut other).await;
}

/// RFC 6455 asks nothing of the sort, but one that does not read must not stop the others (H2-07).
// Shows H2-07.
#[tokio::test]
async fn websocket_that_nobody_reads_does_not_stop_the_others() {
    let (connection, mut server) = connected().await;
    let mut pairs = Vec::new();
    for _ in 0..10 {
        let (opened, accepted) =
            within(async { tokio::join!(connection.open("ws://example.com/"), server.accept()) }).await;
        pairs.push((opened.unwrap().0, accepted));
    }
    // Each in a frame of its own, far more than the window of a stream holds.
    for (_, accepted) in &mut pairs[..9] {
        for _ in 0..5_000 {
            accepted.write_message(Bytes::from_static(&[0; 20])).await.unwrap();
        }
    }
    let (reader, accepted) = &mut pairs[9];
    for number in 0..1_000 {
        accepted.write_message(number.to_string()).await.unwrap();
        assert_eq!(within(reader.read_message()).await.unwrap(), Some(Message::text(number.to_string())));
    }
    for (conn, _) in &mut pairs[..9] {
        for _ in 0..5_000 {
            assert!(within(conn.read_message()).await.unwrap().is_some());
        }
    }
}

#[tokio::test]
async fn large_messages_pass_both_ways_at_once() {
    let (connection, mut server) = connected().await;
    let (opened, mut accepted) =
        within(async { tokio::join!(connection.open("ws://example.com/"), server.accept()) }).await;
    let mut conn = opened.unwrap().0;
    let large = Bytes::from(vec![7; 900_000]);
    let server = async {
        let received = accepted.read_message().await.unwrap().unwrap();
        accepted.write_message(received).await.unwrap();
        accepted
    };
    let client = async {
        conn.write_message(large.clone()).await.unwrap();
        assert_eq!(conn.read_message().await.unwrap(), Some(Message::Binary(large.clone())));
    };
    within(async { tokio::join!(client, server) }).await;
}

#[tokio::test]
async fn ws_without_prior_knowledge_and_fallback_is_refused_before_anything_is_opened() {
    let host = Host::new(builder()).await;
    let dialer = Dialer::new().http2().fallback(false);
    let error = within(dialer.dial(host.url())).await.unwrap_err();
    assert_eq!(error.kind(), &DialErrorKind::Http2(Http2Error::NotNegotiated));
    assert!(host.is_quiet());
}

#[tokio::test]
async fn redirect_to_the_same_server_takes_another_stream() {
    let mut host = Host::new(builder()).await;
    let dialer = Dialer::new().redirects(1).http2().prior_knowledge(true);
    let url = host.url();
    let script = async {
        let mut server = host.connection().await;
        let mut asked = server.asked().await;
        let response = Response::builder().status(307).header("location", "/elsewhere").body(()).unwrap();
        asked.respond.send_response(response, true).unwrap();
        let asked = server.asked().await;
        assert_eq!(asked.request.uri().path(), "/elsewhere");
        (asked.accept(), server)
    };
    let (dialed, _accepted) = within(async { tokio::join!(dialer.dial(&url), script) }).await;
    let (_conn, response) = dialed.unwrap();
    let DialedUri(uri) = response.extensions().get().unwrap();
    assert_eq!(uri.path(), "/elsewhere");
}

#[cfg(feature = "cookies")]
#[tokio::test]
async fn cookies_are_kept_and_sent() {
    use ws_client::CookieJar;

    let mut host = Host::new(builder()).await;
    let dialer = Dialer::new().cookie_jar(CookieJar::new()).http2().prior_knowledge(true);
    let url = host.url();
    let script = async {
        let mut server = host.connection().await;
        let mut asked = server.asked().await;
        let response = Response::builder().status(401).header("set-cookie", "a=b").body(()).unwrap();
        asked.respond.send_response(response, true).unwrap();
        server
    };
    let (dialed, mut server) = within(async { tokio::join!(dialer.dial(&url), script) }).await;
    dialed.unwrap_err();
    let (dialed, asked) = within(async {
        tokio::join!(dialer.dial(&url), async {
            let asked = server.asked().await;
            (asked.request.headers()["cookie"].clone(), asked.accept())
        })
    })
    .await;
    dialed.unwrap();
    assert_eq!(asked.0, "a=b");
}
