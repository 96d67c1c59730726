//! SOCKS5, spoken by hyper-util.

use std::{
    future::{Ready, ready},
    io,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, ready as ready_or_return},
};

use http::Uri;
use hyper_util::{client::legacy::connect::proxy::SocksV5, rt::TokioIo};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tower_service::Service;

use super::{ProxyError, SocksError, error::Failure};
use crate::Transport;

/// Asks for a tunnel to a host, by name or address, and a port.
pub(super) async fn socks(
    io: Transport,
    target: Uri,
    credentials: Option<&(String, String)>,
) -> Result<Transport, Failure> {
    check_lengths(&target, credentials)?;
    let heard = Arc::default();
    let stepwise = Stepwise { io, heard: Arc::clone(&heard) };
    let mut proxy = SocksV5::new(Uri::from_static("http://opened.invalid"), Opened(Some(stepwise)));
    if let Some((user, password)) = credentials {
        proxy = proxy.with_auth(user.clone(), password.clone());
    }
    match proxy.call(target).await {
        Ok(stream) => Ok(stream.into_inner().io),
        Err(error) => {
            let heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
            Err(Failure::from(ProxyError::Socks(heard.error(credentials.is_some()))).with_source(error))
        }
    }
}

/// Refuses what hyper-util cannot write: it has room for 262 bytes in all three messages, and its error does not say so.
fn check_lengths(target: &Uri, credentials: Option<&(String, String)>) -> Result<(), Failure> {
    let authentication = credentials.map_or(0, |(user, password)| 3 + user.len() + password.len());
    // A name; addresses take less than their text, but for the shortest of IPv6.
    let host = target.host().unwrap_or_default();
    let host = if host.starts_with('[') { 15 } else { host.len() };
    if 3 + authentication + 7 + host > 262 {
        return Err(ProxyError::Socks(SocksError::TooLong).into());
    }
    Ok(())
}

/// What the proxy said, as far as it tells why there is no tunnel. hyper-util's error tells it to people only.
#[derive(Default)]
struct Heard {
    bytes: [u8; 6],
    len: usize,
    is_closed: bool,
}

impl Heard {
    fn push(&mut self, byte: u8) {
        if let Some(place) = self.bytes.get_mut(self.len) {
            *place = byte;
            self.len += 1;
        }
    }

    fn error(&self, has_credentials: bool) -> SocksError {
        match (&self.bytes[..self.len], has_credentials) {
            ([5, 0xff, ..], _) => SocksError::Method,
            ([5, 2, 1, status, ..], true) if *status != 0 => SocksError::Credentials,
            ([5, 0, 5, code, ..], false) | ([5, 2, 1, 0, 5, code, ..], true) if *code != 0 => {
                SocksError::Reply(*code)
            }
            _ if self.is_closed => SocksError::Closed,
            _ => SocksError::Protocol,
        }
    }
}

/// A connector that hands out the connection to the proxy, which is open already.
struct Opened(Option<Stepwise>);

impl Service<Uri> for Opened {
    type Response = TokioIo<Stepwise>;
    type Error = io::Error;
    type Future = Ready<io::Result<Self::Response>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        ready(self.0.take().map(TokioIo::new).ok_or_else(|| io::ErrorKind::NotConnected.into()))
    }
}

/// A transport that is read byte by byte. hyper-util drops what it has read behind the last reply; so there is nothing
/// of that. The whole handshake is some twenty bytes.
struct Stepwise {
    io: Transport,
    heard: Arc<Mutex<Heard>>,
}

impl AsyncRead for Stepwise {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let mut byte = [0];
        let mut one = ReadBuf::new(&mut byte);
        let read = ready_or_return!(Pin::new(&mut self.io).poll_read(cx, &mut one));
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        match (&read, one.filled()) {
            (Ok(()), &[byte]) => heard.push(byte),
            _ => heard.is_closed = true,
        }
        buf.put_slice(one.filled());
        Poll::Ready(read)
    }
}

impl AsyncWrite for Stepwise {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}
