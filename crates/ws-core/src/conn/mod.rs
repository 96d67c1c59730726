//! Stub of the connection: signatures that are being filled in.
#![allow(missing_docs, clippy::all, unused)]
use std::{pin::Pin, task::{Context, Poll}};
use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite};
use crate::*;

#[derive(Debug)]
pub struct Conn<S> { io: S, role: Role, negotiated: Negotiated }

#[derive(Debug)]
#[non_exhaustive]
pub struct Parts<S> { pub io: S, pub read_buf: BytesMut, pub negotiated: Negotiated }

impl<S> Conn<S> {
    /// Takes over a transport whose opening handshake is done.
    pub fn new(io: S, role: Role, config: &Config, negotiated: Negotiated) -> Self { Self { io, role, negotiated } }
    /// Same, with bytes that were read behind the handshake (the peer's first frames). An empty buffer with capacity is used as the first read buffer.
    pub fn with_read_buf(io: S, role: Role, config: &Config, negotiated: Negotiated, read_buf: BytesMut) -> Self { Self { io, role, negotiated } }
    pub fn role(&self) -> Role { self.role }
    pub fn subprotocol(&self) -> Option<&str> { self.negotiated.subprotocol.as_deref() }
    pub fn get_ref(&self) -> &S { &self.io }
    pub fn into_parts(self) -> Parts<S> { todo!() }
    /// The close frame that the peer sent: `None` = no close frame yet.
    pub fn close_received(&self) -> Option<Option<&CloseFrame>> { todo!() }
    pub fn close_sent(&self) -> Option<Option<&CloseFrame>> { todo!() }
    /// Drops the transport without a closing handshake.
    pub fn abort(self) {}
}

impl<S: AsyncRead + AsyncWrite + Unpin> Conn<S> {
    pub async fn read_message(&mut self) -> Result<Option<Message>, Error> { todo!() }
    pub fn poll_read_message(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Message>, Error>> { todo!() }
    /// Control frames too (Ping, Pong, Close); `None` after the closing handshake.
    pub async fn recv(&mut self) -> Result<Option<Message>, Error> { todo!() }
    pub fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Message>, Error>> { todo!() }
    pub async fn write_message(&mut self, message: impl Into<Message>) -> Result<(), Error> { todo!() }
    pub async fn queue_message(&mut self, message: impl Into<Message>) -> Result<(), Error> { todo!() }
    /// Ready while the queue is under its high-water mark.
    pub fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> { todo!() }
    /// Queues a message whole, without waiting (poll_ready first).
    pub fn start_send(&mut self, message: impl Into<Message>) -> Result<(), Error> { todo!() }
    pub fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> { todo!() }
    pub async fn flush(&mut self) -> Result<(), Error> { todo!() }
    /// Runs the closing handshake to its end, bounded by the close timeout.
    pub async fn close(&mut self, frame: impl Into<Option<CloseFrame>>) -> Result<(), Error> { todo!() }
    pub fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> { todo!() }
}
