//! The opening handshake on any byte stream, without an HTTP server or client.
//!
//! [`Upgrader`] is the server's end and [`Dialer`] the client's. Both speak just enough HTTP/1.1 for RFC 6455, section 4
//! and make the same checks as [`crate::handshake`]. The head is read into a buffer of a
//! [`BufferPool`](crate::BufferPool), parsed where it lies, and the buffer goes back. Frames that came with the head stay in
//! that buffer, which becomes the first read buffer of the connection. So with a pool that has buffers, a handshake takes
//! nothing from the heap but for what it hands out: extensions that were accepted, with their names and parameters, and to
//! a client the response that refuses it. What callbacks take is theirs.
//!
//! A program that serves anything but WebSocket on the same port wants an HTTP server instead, and `ws-tower`.
//!
//! ```
//! # use tokio::io::{AsyncRead, AsyncWrite};
//! use tokio::net::{TcpListener, TcpStream};
//! use ws_core::{Config, raw::handshake::{Dialer, Upgrader}};
//!
//! /// Answers whoever connects, and sends every message back.
//! async fn serve(listener: TcpListener, upgrader: Upgrader) -> std::io::Result<()> {
//!     loop {
//!         let (socket, _) = listener.accept().await?;
//!         let upgrader = upgrader.clone();
//!         tokio::spawn(async move {
//!             match upgrader.accept(socket, Config::new()).await {
//!                 Ok(mut conn) => {
//!                     while let Ok(Some(message)) = conn.read_message().await {
//!                         if conn.queue_message(message).await.is_err() {
//!                             break;
//!                         }
//!                     }
//!                 }
//!                 Err(error) => eprintln!("no handshake: {error}"),
//!             }
//!         });
//!     }
//! }
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! let listener = TcpListener::bind("127.0.0.1:0").await?;
//! let address = listener.local_addr()?;
//! tokio::spawn(serve(listener, Upgrader::new().subprotocols(["chat"])));
//!
//! let socket = TcpStream::connect(address).await?;
//! let uri = format!("ws://{address}/room/7").parse()?;
//! let mut conn = Dialer::new().subprotocols(["chat"]).connect(socket, &uri, Config::new()).await?;
//! assert_eq!(conn.subprotocol(), Some("chat"));
//! conn.write_message("hello").await?;
//! assert_eq!(conn.read_message().await?.unwrap().into_text()?, "hello");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Refusing
//!
//! Whatever is wrong with a request is answered, a head that is no HTTP too: with a status, the reason as plain text, and
//! `Connection: close`. The application refuses with a [`Rejection`], from any of the callbacks of the [`Upgrader`]. To keep
//! what a callback found out, use [`Upgrader::upgrade_with`]: what its closure returns comes back beside the handshake.
//!
//! ```
//! use http::StatusCode;
//! use tokio::io::{AsyncRead, AsyncWrite};
//! use ws_core::{Config, Conn, raw::handshake::{Rejection, UpgradeError, Upgrader}};
//!
//! async fn accept<S>(upgrader: &Upgrader, mut io: S) -> Result<(Conn<S>, String), UpgradeError>
//! where
//!     S: AsyncRead + AsyncWrite + Unpin,
//! {
//!     let (handshake, room) = upgrader
//!         .upgrade_with(&mut io, |request, _response| {
//!             let room = request.target().strip_prefix("/room/").ok_or(StatusCode::NOT_FOUND)?;
//!             if request.header("authorization").is_none() {
//!                 return Err(Rejection::new(StatusCode::UNAUTHORIZED).reason("who is there?"));
//!             }
//!             Ok(room.to_owned())
//!         })
//!         .await?;
//!     Ok((handshake.into_conn(io, Config::new()), room))
//! }
//! ```
//!
//! # What is stricter than elsewhere
//!
//! Lines end with CRLF, and nothing stands in front of the first: RFC 9112, 2.2 lets a recipient be laxer, and where two
//! recipients differ in that, requests are smuggled. A head of a request has 16 KiB, 100 fields, and 8 KiB a line at the most,
//! and ten seconds to arrive. What follows a refused request is never read as another one. Neither end writes anything
//! behind its head before the other's head was checked (RFC 9931).

mod answer;
mod buffer;
mod dialer;
mod error;
mod extension;
mod head;
mod io;
mod policy;
mod refused;
mod rejection;
mod request;
mod response;
mod target;
mod upgrader;

use std::{fmt, sync::Arc};

use bytes::BytesMut;

pub use self::{
    answer::{ReservedHeader, ResponseHeaders},
    dialer::Dialer,
    error::{DialError, UpgradeError, UriError},
    extension::OwnedExtension,
    refused::RefusedResponse,
    rejection::Rejection,
    request::RequestHead,
    response::ResponseHead,
    upgrader::Upgrader,
};
use crate::{Config, Conn, Negotiated, Role, Utf8Bytes};

/// What an opening handshake came to.
#[derive(Debug)]
#[non_exhaustive]
pub struct Handshake {
    /// The subprotocol, if one was chosen (RFC 6455, 1.9).
    pub subprotocol: Option<Utf8Bytes>,
    /// The extensions that were accepted, with the parameters of the answer (RFC 6455, 9.1).
    pub extensions: Vec<OwnedExtension>,
    /// What arrived behind the head: the peer's first frames. Without any, an empty buffer without capacity.
    pub read_buf: BytesMut,
    role: Role,
}

impl Handshake {
    /// The connection that follows on this transport.
    ///
    /// It knows no extensions: frames that use reserved bits fail it. A program that has negotiated such an extension
    /// reads and writes frames itself; for permessage-deflate there is [`deflate::negotiated`](super::deflate::negotiated),
    /// which shows how to make a connection that compresses.
    #[must_use]
    pub fn into_conn<S>(self, io: S, config: Config) -> Conn<S> {
        let mut negotiated = Negotiated::new();
        negotiated.subprotocol = self.subprotocol;
        Conn::with_read_buf(io, self.role, config, negotiated, self.read_buf)
    }

    /// Which end of the connection this is.
    #[must_use]
    pub fn role(&self) -> Role {
        self.role
    }
}

/// Bytes of a handshake as they went over the wire, for debugging.
///
/// They hold whatever the client sent to authenticate itself.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Observed<'a> {
    /// The head of the request; on a server, all that had arrived if it is no whole head, which may be nothing.
    Request(&'a [u8]),
    /// The response: on a server with its body, on a client the head, or all that had arrived if it is no whole head,
    /// which may be nothing. Interim responses come one by one.
    Response(&'a [u8]),
}

/// A closure that is shown the bytes.
#[derive(Clone)]
struct Observer(Arc<dyn Fn(Observed<'_>) + Send + Sync>);

/// Shows the bytes to an observer, if there is one.
fn observe(observer: Option<&Observer>, bytes: Observed<'_>) {
    if let Some(Observer(observe)) = observer {
        observe(bytes);
    }
}

impl fmt::Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Observer(..)")
    }
}
