//! Decompressing the messages of one connection (RFC 7692, 7.2.2).

use std::fmt;

use super::{
    DeflatePool,
    decoder::{Decoder, Invalid},
    history::History,
};

/// Decompresses messages, one after the other, and keeps what the next may refer to.
///
/// It holds a decompressor only while a message is there in part; between messages it holds the window with context takeover,
/// and nothing without.
pub(crate) struct Inflater {
    bits: u8,
    takeover: bool,
    pool: DeflatePool,
    history: History,
    open: Option<Open>,
}

struct Open {
    decoder: Box<Decoder>,
    /// The message has not been empty so far.
    begun: bool,
    /// Bytes of `TAIL` that were decoded.
    tail: u8,
    /// A final block has ended. Another stream may follow it in the same message.
    ended: bool,
    /// The chunk was full: there may be more without more input.
    full: bool,
    /// Bytes that were taken and not used up by streams that begin behind final blocks.
    credit: u16,
}

/// What a call of [`Inflater::inflate`] came to; the output is [`Inflater::output`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Progress {
    /// Bytes taken from the front of the input.
    pub(crate) taken: usize,
    /// The message is complete with this output.
    pub(crate) done: bool,
}

impl Inflater {
    pub(super) fn new(bits: u8, takeover: bool, pool: DeflatePool) -> Self {
        Self { bits, takeover, pool, history: History::default(), open: None }
    }

    /// Decompresses the next bytes of the message at hand, up to one chunk of output. Not all of them if that could take long.
    ///
    /// Call it again with what is left of the input until it takes all of that and [`is_full`](Self::is_full) is false, and
    /// if `is_last` says that no input will follow, until it is done. Of an invalid input there is output too, up to the fault:
    /// whether that is over a limit must not depend on how the input was cut.
    pub(crate) fn inflate(&mut self, input: &[u8], is_last: bool) -> Result<Progress, Invalid> {
        let open = match &mut self.open {
            Some(open) => {
                open.decoder.next_chunk();
                open
            }
            None => {
                let mut decoder = self.pool.decoder(self.bits);
                decoder.begin(self.takeover.then_some(&mut self.history));
                self.open.insert(Open {
                    decoder,
                    begun: false,
                    tail: 0,
                    ended: false,
                    full: false,
                    credit: FREE_RESTARTS * STREAM,
                })
            }
        };
        // What did not fit into the last chunk comes without more input.
        let mut rest = std::mem::take(&mut open.full) && !open.ended;
        open.begun |= !input.is_empty();
        let mut taken = 0;
        let mut end = input.len().min(open.decoder.bite());
        while rest || taken < end {
            if open.ended {
                if !open.decoder.chunk().is_empty() {
                    // Another decoder may go on from here, with an output of its own.
                    return Ok(Progress { taken, done: false });
                }
                // 7.2.3.4: blocks may be final, and others follow them. To begin anew takes microseconds: of streams of two bytes each
                // a core does not take half a megabyte a second.
                open.credit = open.credit.checked_sub(STREAM).ok_or(Invalid)?;
                open.ended = false;
                if let Some(decoder) = open.decoder.restart() {
                    self.pool.put_decoder(decoder);
                    end = input.len().min(taken.saturating_add(open.decoder.bite()));
                }
            }
            let step = open.decoder.step(&input[taken..end])?;
            taken += step.taken;
            open.credit = open.credit.saturating_add(u16::try_from(step.taken).unwrap_or(u16::MAX));
            open.ended = step.ended;
            if open.decoder.is_full() {
                open.full = true;
                return Ok(Progress { taken, done: false });
            }
            if step.taken == 0 && step.given == 0 && !step.ended && !rest {
                return Err(Invalid);
            }
            rest = false;
        }
        let done = is_last && taken == input.len() && open.finish()?;
        Ok(Progress { taken, done })
    }

    /// The output of the last call.
    pub(crate) fn output(&self) -> &[u8] {
        self.open.as_ref().map_or(&[], |open| open.decoder.chunk())
    }

    /// Whether there may be more output without more input.
    pub(crate) fn is_full(&self) -> bool {
        self.open.as_ref().is_some_and(|open| open.full)
    }

    /// The message is done and its output is used: keeps what the next may refer to, gives the decompressor back.
    pub(crate) fn end(&mut self) {
        let Some(mut open) = self.open.take() else { return };
        if self.takeover {
            open.decoder.end(&mut self.history);
        }
        self.pool.put_decoder(open.decoder);
    }
}

impl Open {
    /// Decodes what every message ends with but its sender leaves out.
    fn finish(&mut self) -> Result<bool, Invalid> {
        // Nothing at all is not DEFLATE, but what some senders make of an empty message.
        if !self.begun {
            return Ok(true);
        }
        // 7.2.3.4 would have another byte follow the final block. Not all senders know.
        if self.ended && self.tail == 0 {
            return Ok(true);
        }
        loop {
            if usize::from(self.tail) == TAIL.len() {
                // Whatever this is has no end.
                return Err(Invalid);
            }
            let step = self.decoder.step(&TAIL[usize::from(self.tail)..])?;
            self.tail += step.taken as u8;
            if step.ended {
                // With the end of the message, or with that of the block that shows it.
                return if self.tail == 4 || usize::from(self.tail) == TAIL.len() {
                    Ok(true)
                } else {
                    Err(Invalid)
                };
            }
            if self.decoder.is_full() {
                self.full = true;
                return Ok(false);
            }
            if step.taken == 0 && step.given == 0 {
                return Err(Invalid);
            }
        }
    }
}

impl Drop for Inflater {
    fn drop(&mut self) {
        if let Some(open) = self.open.take() {
            self.pool.put_decoder(open.decoder);
        }
    }
}

impl fmt::Debug for Inflater {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inflater")
            .field("bits", &self.bits)
            .field("takeover", &self.takeover)
            .finish_non_exhaustive()
    }
}

/// Final blocks that a message may have whatever its size, with others behind them.
const FREE_RESTARTS: u16 = 2;
/// … and for each so many bytes on the wire one more, though no more than 2,047 in a row.
const STREAM: u16 = 32;
/// 7.2.2: the four bytes that the sender has removed. Behind them an empty final block: only if it is decoded as one did the
/// message end where a block ends.
const TAIL: [u8; 9] = [0, 0, 0xFF, 0xFF, 1, 0, 0, 0xFF, 0xFF];
