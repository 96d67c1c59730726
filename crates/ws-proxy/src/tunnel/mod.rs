//! [`Tunnel`]: bytes from the client to the backend and back, as they are.

mod flow;
mod scan;

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::BytesMut;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::{Instant, Sleep, sleep_until},
};
use ws_core::{
    BufferPool, CloseCode, CloseFrame,
    frame::{FrameHeader, MaskingKey, Opcode, apply_mask},
};

use self::flow::{End, Flow};
use crate::{
    Carried, Cause, Side,
    tunnels::{Member, Order},
};

/// What bounds a tunnel.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) buffer_size: usize,
    pub(crate) idle_timeout: Option<Duration>,
    pub(crate) max_lifetime: Option<Duration>,
    pub(crate) close_timeout: Duration,
}

/// One connection of a client and the one to its backend, tied together. Gives what came of it once both have ended.
pub(crate) struct Tunnel<C, B> {
    client: C,
    backend: B,
    up: Flow,
    down: Flow,
    bounds: Bounds,
    member: Arc<Member>,
    began: Instant,
    /// When something was carried last.
    moved: Instant,
    /// The side that ended first.
    first: Option<Side>,
    /// Why the proxy itself ends the tunnel, and the time until it must have ended.
    ending: Option<(Cause, Instant)>,
    timer: Option<Pin<Box<Sleep>>>,
}

impl<C, B> Tunnel<C, B>
where
    C: AsyncRead + AsyncWrite + Unpin,
    B: AsyncRead + AsyncWrite + Unpin,
{
    /// Ties both together, with what was read ahead of each.
    pub(crate) fn new(
        (client, from_client): (C, BytesMut),
        (backend, from_backend): (B, BytesMut),
        bounds: Bounds,
        member: Arc<Member>,
    ) -> Self {
        let began = Instant::now();
        Self {
            client,
            backend,
            up: Flow::new(from_client),
            down: Flow::new(from_backend),
            bounds,
            member,
            began,
            moved: began,
            first: None,
            ending: None,
            timer: None,
        }
    }

    fn carry(&mut self, cx: &mut Context<'_>) -> bool {
        let (pool, size, mut moved) = (BufferPool::per_thread(), self.bounds.buffer_size, false);
        let up = self.up.poll(cx, &mut self.client, &mut self.backend, &pool, size, &mut moved);
        let down = self.down.poll(cx, &mut self.backend, &mut self.client, &pool, size, &mut moved);
        if moved {
            self.moved = Instant::now();
        }
        if self.first.is_none() {
            let (client, backend) = (Side::Client, Side::Backend);
            self.first = ended(&self.up, client, backend).or_else(|| ended(&self.down, backend, client));
        }
        up.is_ready() && down.is_ready()
    }

    /// Sends both sides a close frame, each where a frame ends.
    fn end_with(&mut self, cause: Cause, frame: &CloseFrame) {
        if self.ending.is_some() {
            return;
        }
        self.ending = Some((cause, Instant::now() + self.bounds.close_timeout));
        // 5.1: clients mask. Without random bytes there is no frame for the backend, and the connection ends without.
        let mut key = [0; 4];
        let key = getrandom::fill(&mut key).ok().map(|()| MaskingKey::new(key));
        self.up.end_with(key.map(|key| close_frame(frame, Some(key))));
        self.down.end_with(Some(close_frame(frame, None)));
    }

    /// When something has to be done though nothing moves.
    fn deadline(&self) -> Option<(Cause, Instant)> {
        if let Some(ending) = self.ending {
            return Some(ending);
        }
        let after = |from: Instant, timeout: Option<Duration>| timeout.and_then(|t| from.checked_add(t));
        let closing = [&self.up, &self.down].iter().any(|flow| flow.is_done() || flow.scanner().is_closed());
        let idle = if closing {
            after(self.moved, Some(self.bounds.close_timeout)).map(|at| (Cause::CloseTimeout, at))
        } else {
            after(self.moved, self.bounds.idle_timeout).map(|at| (Cause::Idle, at))
        };
        let life = after(self.began, self.bounds.max_lifetime).map(|at| (Cause::Lifetime, at));
        [idle, life].into_iter().flatten().min_by_key(|(_, at)| *at)
    }

    /// Waits for the deadline; gives what has passed.
    fn passed(&mut self, cx: &mut Context<'_>) -> Option<Cause> {
        loop {
            let (cause, at) = self.deadline()?;
            let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(at)));
            // It goes off too early where something has moved since, and is set anew then, not each time.
            if timer.deadline() > at {
                timer.as_mut().reset(at);
            }
            if timer.as_mut().poll(cx).is_pending() {
                return None;
            }
            if at <= Instant::now() {
                return Some(cause);
            }
            timer.as_mut().reset(at);
        }
    }

    fn outcome(&self, cause: Cause) -> Carried {
        // The proxy's own close frames are none of theirs.
        let code = |flow: &Flow| match self.ending {
            Some(_) => None,
            None => flow.scanner().close_code().map(CloseCode::from),
        };
        Carried {
            bytes_from_client: self.up.bytes,
            bytes_from_backend: self.down.bytes,
            messages_from_client: self.up.scanner().messages,
            messages_from_backend: self.down.scanner().messages,
            close_from_client: code(&self.up),
            close_from_backend: code(&self.down),
            cause,
        }
    }

    fn cause(&self) -> Cause {
        let closed = [&self.up, &self.down].map(|flow| flow.scanner().is_closed());
        match (closed, self.first) {
            ([true, true], _) => Cause::Closed,
            (_, Some(side)) => Cause::Lost(side),
            // Nobody has ended, but somebody was to.
            (_, None) => Cause::CloseTimeout,
        }
    }
}

impl<C, B> Future for Tunnel<C, B>
where
    C: AsyncRead + AsyncWrite + Unpin,
    B: AsyncRead + AsyncWrite + Unpin,
{
    type Output = Carried;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Carried> {
        let this = self.get_mut();
        match this.member.poll_order(cx) {
            Some(Order::Close(frame)) => this.end_with(Cause::Drained, &frame),
            Some(Order::Abort) => return Poll::Ready(this.outcome(Cause::Drained)),
            None => {}
        }
        loop {
            if this.carry(cx) {
                let cause = this.ending.map_or_else(|| this.cause(), |(cause, _)| cause);
                return Poll::Ready(this.outcome(cause));
            }
            match this.passed(cx) {
                None => return Poll::Pending,
                Some(cause) if this.ending.is_some() => return Poll::Ready(this.outcome(cause)),
                Some(Cause::Idle) => this.end_with(Cause::Idle, &going_away("idle timeout")),
                Some(Cause::Lifetime) => this.end_with(Cause::Lifetime, &going_away("maximum lifetime")),
                // One side has ended or closed, and the other one does not.
                Some(_) => return Poll::Ready(this.outcome(this.cause())),
            }
        }
    }
}

/// The side that a direction has found at its end.
fn ended(flow: &Flow, source: Side, sink: Side) -> Option<Side> {
    match flow.end()? {
        End::Ended | End::SourceFailed => Some(source),
        End::SinkFailed => Some(sink),
    }
}

fn going_away(reason: &'static str) -> CloseFrame {
    CloseFrame::new(CloseCode::GOING_AWAY, reason)
}

/// A close frame as bytes.
fn close_frame(frame: &CloseFrame, key: Option<MaskingKey>) -> Box<[u8]> {
    let mut payload = frame.code.as_u16().to_be_bytes().to_vec();
    payload.extend_from_slice(frame.reason.as_bytes());
    let header = FrameHeader { mask: key, ..FrameHeader::new(Opcode::CLOSE, payload.len() as u64) };
    if let Some(key) = key {
        apply_mask(&mut payload, key);
    }
    [&header.encode()[..], &payload].concat().into()
}
