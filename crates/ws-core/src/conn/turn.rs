//! How long a connection goes on before the other tasks of its thread have a turn.

/// What may still be done in one turn, in units of 512 bytes that could be read instead.
///
/// A transport that always has more must not keep others waiting, nor a peer whose few bytes are much work: the longest wait
/// of the others is the turns of all who never pause.
#[derive(Debug)]
pub(super) struct Turn(u16);

impl Turn {
    pub(super) fn new() -> Self {
        Self(TURN)
    }

    /// Bytes were read.
    #[inline]
    pub(super) fn count_read(&mut self, bytes: usize) {
        let units = bytes / UNIT;
        self.take(if units <= READ as usize { READ } else { u16::try_from(units).unwrap_or(TURN) });
    }

    /// Few bytes were read.
    #[inline]
    pub(super) fn count_call(&mut self) {
        self.take(READ);
    }

    /// A frame was read, or what there was of one.
    #[inline]
    pub(super) fn count_frame(&mut self) {
        self.take(FRAME);
    }

    /// What was read is no message, nor much of one: a control frame, or a short fragment with others behind it. Nobody sends
    /// many of these but to keep this busy.
    pub(super) fn count_overhead(&mut self) {
        self.take(3 * FRAME);
    }

    /// Others should go on now.
    #[inline]
    pub(super) fn is_over(&self) -> bool {
        self.0 == 0
    }

    /// Enough was done for one turn.
    pub(super) fn end(&mut self) {
        self.0 = 0;
    }

    /// Others have had a turn.
    #[inline]
    pub(super) fn begin(&mut self) {
        self.0 = TURN;
    }

    #[inline]
    fn take(&mut self, effort: u16) {
        self.0 = self.0.saturating_sub(effort);
    }
}

const UNIT: usize = 512;
/// 2 MiB, or 64 frames, or 16 of those that nobody sends many of. A message that fits the caches is read while it is in
/// them: others would push it out.
const TURN: u16 = 4096;
const FRAME: u16 = TURN / 64;
/// Fragments from here on are more than overhead.
pub(super) const SHORT: usize = 64;
/// A call of the transport costs something, whatever it brings.
const READ: u16 = FRAME;
