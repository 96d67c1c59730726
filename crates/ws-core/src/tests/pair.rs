//! Two endpoints joined by byte vectors, cut where a test says.

use super::{
    trace::{Endpoint, Told},
    wire::code_only,
};
use crate::{CloseFrame, Config, Message, Role};

/// A client and a server, and nothing between them but what [`exchange`](Pair::exchange) carries over.
#[derive(Debug)]
pub(super) struct Pair {
    pub(super) client: Endpoint,
    pub(super) server: Endpoint,
    /// Bytes per delivery: what one write of the transport takes and one read gives.
    piece: usize,
}

impl Pair {
    pub(super) fn new() -> Self {
        Self::with(&Config::new())
    }

    pub(super) fn with(config: &Config) -> Self {
        Self {
            client: Endpoint::with(Role::Client, config),
            server: Endpoint::with(Role::Server, config),
            piece: usize::MAX,
        }
    }

    /// Delivers at most `piece` bytes at a time.
    pub(super) fn in_pieces(mut self, piece: usize) -> Self {
        self.piece = piece;
        self
    }

    /// Carries bytes both ways, a piece at a time, until neither has any.
    pub(super) fn exchange(&mut self) {
        loop {
            let there = deliver(&mut self.client, &mut self.server, self.piece);
            let back = deliver(&mut self.server, &mut self.client, self.piece);
            if !there && !back {
                return;
            }
        }
    }
}

/// Moves one piece; gives whether there was any.
fn deliver(from: &mut Endpoint, to: &mut Endpoint, piece: usize) -> bool {
    let outbox = from.protocol.outbox();
    let chunk = outbox.chunk();
    let bytes = chunk[..chunk.len().min(piece)].to_vec();
    outbox.advance(bytes.len());
    to.feed(&bytes);
    !bytes.is_empty()
}

#[test]
fn conversation_comes_out_the_same_in_pieces_of_every_size() {
    for piece in (1..40).chain([4096, usize::MAX]) {
        let mut pair = Pair::new().in_pieces(piece);
        pair.client.send(Message::text("hello")).unwrap();
        pair.client.send(Message::Ping("ping".into())).unwrap();
        pair.client.send(Message::binary(vec![3; 300])).unwrap();
        pair.server.send(Message::text("wörld")).unwrap();
        pair.exchange();
        pair.server.send(Message::Close(Some(CloseFrame::new(4000, "done")))).unwrap();
        pair.exchange();
        assert_eq!(
            pair.server.told,
            [
                Told::text("hello"),
                Told::Ping(b"ping".into()),
                Told::binary([3; 300]),
                Told::Close(code_only(4000)),
            ],
            "pieces of {piece}"
        );
        assert_eq!(
            pair.client.told,
            [
                Told::text("wörld"),
                Told::Pong(b"ping".into()),
                Told::Close(Some(CloseFrame::new(4000, "done"))),
            ],
            "pieces of {piece}"
        );
    }
}
