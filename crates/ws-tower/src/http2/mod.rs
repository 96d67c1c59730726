//! Servers of HTTP/2 that carry WebSockets (RFC 8441).
//!
//! Over HTTP/2 a WebSocket is a stream of a connection, beside others and beside the pages they belong to. Handlers,
//! [`Upgrader`](crate::Upgrader), extractor and [`Conn`](ws_core::Conn) are those of HTTP/1.1; a route has to take the method
//! `CONNECT`, as axum's `any` does. What differs is the server's part: it has to say that it takes such requests, and to share
//! the connection well. [`configure`] does both.
//!
//! ```no_run
//! use hyper_util::{
//!     rt::{TokioExecutor, TokioIo},
//!     server::conn::auto,
//!     service::TowerToHyperService,
//! };
//! use ws_tower::{Upgrader, http2};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let service = Upgrader::new().service(|mut conn| async move {
//!     while let Ok(Some(message)) = conn.read_message().await {
//!         if conn.write_message(message).await.is_err() {
//!             return;
//!         }
//!     }
//! });
//! // HTTP/1.1 and HTTP/2, whichever the client speaks.
//! let mut server = auto::Builder::new(TokioExecutor::new());
//! http2::configure(&mut server);
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
//! loop {
//!     let (stream, _) = listener.accept().await?;
//!     let (server, service) = (server.clone(), TowerToHyperService::new(service.clone()));
//!     tokio::spawn(async move {
//!         server.serve_connection_with_upgrades(TokioIo::new(stream), service).await.ok();
//!     });
//! }
//! # }
//! ```
//!
//! # Why the windows matter
//!
//! What has arrived on a stream and was not read stays in the server, up to the window of the stream; all streams together
//! hold up to the window of the connection. By itself hyper gives both 1 MiB. So one WebSocket whose handler does not read
//! takes all there is, and every other one on the connection stands still.
//!
//! A second limit is less known. h2 counts what small DATA frames cost beyond their payload: one of *n* bytes, *n* below
//! 256, costs 256 − *n* until it is read. All that are unread on a connection may cost half the window of the connection; one more,
//! and h2 ends the connection with ENHANCE_YOUR_CALM, and with it every WebSocket on it. A message of 20 bytes from a client
//! is 26 bytes on the wire, and many clients send each message in a frame of its own. It costs 230, so that 1 MiB lasts for
//! 512 KiB / 230 = 2,279 unread messages, though they fill 58 KiB of the stream's window.
//!
//! [`configure`] sets [`STREAM_WINDOW`] to 64 KiB, [`CONNECTION_WINDOW`] to 16 MiB and [`MAX_STREAMS`] to 200:
//!
//! * 200 × 64 KiB = 12.5 MiB is less than 16 MiB: no number of unread streams stops those that are read.
//! * One unread stream holds at most 64 KiB / 26 = 2,520 messages of 20 bytes, which cost 566 KiB of 8 MiB. Fourteen such
//!   streams fit at once. A fifteenth ends the connection.
//! * With messages of 100 bytes, 618 a stream, all 200 cost less than 18 MiB, and 90 fit. From 248 bytes on they cost nothing.
//! * A client that means harm makes a connection hold 12.5 MiB of payload and 8 MiB of what it costs beside.
//!
//! A handler that reads, or that closes when it cannot keep up, never comes near this. To stop reading for long is better done
//! on HTTP/1.1.
//!
//! The window of a stream is also what a client can send to it, or upload in a request, in one round trip: 64 KiB at 50 ms are
//! 1.3 MB/s. Set another after `configure` if that is too little, and keep the proportions in mind.
//!
//! A third: a client sends on until it hears that the server has dropped a WebSocket. h2 ignores that for a second, and for 50
//! streams at a time; each further frame is an error, and hyper ends a connection that has had 1,024 of these since it began.
//! So many WebSockets that are dropped while their clients send would take the others with them. [`configure`] makes it
//! 16,384. End a WebSocket with its closing handshake, and there are none.
//!
//! # `axum::serve`
//!
//! With axum's feature `http2`, `axum::serve` takes WebSockets over HTTP/2 as well, and that is all there is to set. Its
//! windows and limits are hyper's: one unread WebSocket stops the others of its connection at 1 MiB, and ends them after 2,279
//! messages of 20 bytes. For clients that hold several WebSockets serve with a `Builder` of hyper-util, or with axum-server, whose
//! `http_builder()` is one.
//!
//! # What hyper's streams cannot do
//!
//! * [`Upgraded`](crate::Upgraded) has no addresses and no socket: the connection belongs to hyper. Take the peer's address from where the
//!   connection was accepted, such as axum's `ConnectInfo`.
//! * Each write is copied once more and goes through a task of its own. It is cut into pieces of 16 KiB, so that at most
//!   48 KiB wait for h2, and 80 KiB in h2 for the socket, with what [`configure`] sets.
//! * A connection that is dropped ends its stream: END_STREAM, then RST_STREAM. If bytes wait for the peer's window at that
//!   time, they and the stream stay until the peer takes them or resets it, or until the connection ends: up to 64 KiB for
//!   each of [`MAX_STREAMS`]. The write deadline passes all the same, and the handler is free.
//! * A `CONNECT` that announces a body ends the whole connection, before any service sees it.
//! * The graceful shutdown of a server waits for the WebSockets of its HTTP/2 connections; of those of HTTP/1.1 it knows nothing.

mod stream;

use std::time::Duration;

use hyper::server::conn::http2;
use hyper_util::{rt::TokioTimer, server::conn::auto};

pub(crate) use self::stream::Http2Stream;

/// How many bytes of a stream may be unread, and may arrive in one round trip: 64 KiB.
pub const STREAM_WINDOW: u32 = 64 << 10;
/// How many bytes of all streams of a connection may be unread: 16 MiB.
pub const CONNECTION_WINDOW: u32 = 16 << 20;
/// How many streams a client may have open at once: 200. Requests count as well as WebSockets.
pub const MAX_STREAMS: u32 = 200;

/// How many bytes h2 takes from a stream before the socket has taken them.
const SEND_BUFFER: usize = 64 << 10;
/// How many frames for streams that the server has dropped and forgotten, and other errors that end a stream, a connection
/// survives. Not any number: with each the client has made the server begin a stream or answer with a reset.
const STRAY_FRAMES: usize = 16 << 10;
/// How often an idle connection is asked whether it is still there.
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(60);
/// How long it may take to answer.
const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(20);

/// Prepares a server for WebSockets over HTTP/2.
///
/// It is told to take extended `CONNECT`, to keep the windows and limits [described above](self), and to take at most 64 KiB
/// of a stream before the socket has. Every minute it sends a PING, and ends a connection that does not answer within 20 seconds:
/// streams have no socket that could tell. That needs a timer, which is tokio's. Whatever is set afterwards holds; an adaptive
/// window would undo the rest.
pub fn configure<B: Builder + ?Sized>(builder: &mut B) -> &mut B {
    builder.configure();
    builder
}

/// A server of HTTP/2 that [`configure`] knows: hyper's [`Builder`](http2::Builder), and hyper-util's
/// [`auto::Builder`], which is also that of axum-server.
///
/// This trait is sealed.
pub trait Builder: sealed::Sealed {}

impl<E> Builder for http2::Builder<E> {}
impl<E> Builder for auto::Builder<E> {}

mod sealed {
    #[expect(unnameable_types, reason = "that is what seals the trait")]
    pub trait Sealed {
        fn configure(&mut self);
    }
}

/// Both have these methods, and no trait has them.
macro_rules! configure {
    ($builder:expr) => {
        $builder
            .timer(TokioTimer::new())
            .enable_connect_protocol()
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_concurrent_streams(MAX_STREAMS)
            .max_send_buf_size(SEND_BUFFER)
            .max_local_error_reset_streams(STRAY_FRAMES)
            .keep_alive_interval(KEEP_ALIVE_INTERVAL)
            .keep_alive_timeout(KEEP_ALIVE_TIMEOUT)
    };
}

impl<E> sealed::Sealed for http2::Builder<E> {
    fn configure(&mut self) {
        configure!(self);
    }
}

impl<E> sealed::Sealed for auto::Builder<E> {
    fn configure(&mut self) {
        configure!(self.http2());
    }
}
