//! Bytes that wait for the transport.

use std::{collections::VecDeque, io::IoSlice, mem};

use bytes::{Buf, Bytes, BytesMut};

use super::{Held, ShortFrame};
use crate::frame::{MaskingKey, apply_mask};
#[cfg(feature = "io")]
use crate::text::INLINE;

/// Encoded frames that wait to be written, in order.
///
/// Headers and small payloads are copied into one buffer; large payloads are kept by reference, each with its place
/// in that buffer:
///
/// ```text
/// buffer    [head small head][head small ...]
///                           ^ place 1, after `large 1` the buffer goes on
/// payloads                  large 1
/// ```
///
/// So a burst of small frames is one write, and a large payload is never copied.
#[derive(Debug, Default)]
pub struct Outbox {
    buffer: BytesMut,
    /// Bytes at the front of `buffer` that are written already.
    written: usize,
    shared: Shared,
    len: usize,
}

/// What is not copied.
#[derive(Debug)]
enum Shared {
    /// Large payloads, in order.
    Payloads(VecDeque<Payload>),
    /// A message that waits alone, and is not encoded. While there is one, there is no buffer.
    #[cfg_attr(not(feature = "io"), expect(dead_code, reason = "the driver has it, which is a feature"))]
    Held(Held),
}

#[derive(Debug)]
struct Payload {
    /// Where in `buffer` it belongs.
    place: usize,
    bytes: Bytes,
}

impl Default for Shared {
    fn default() -> Self {
        Self::Payloads(VecDeque::new())
    }
}

impl Outbox {
    /// How many bytes wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// How many bytes the buffer of copied frames holds, written ones included.
    #[cfg(feature = "io")]
    pub(crate) fn buffered(&self) -> usize {
        self.buffer.len()
    }

    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The bytes at the front that lie in one piece; empty only if nothing waits.
    #[must_use]
    pub fn chunk(&self) -> &[u8] {
        match self.payloads().and_then(VecDeque::front) {
            Some(payload) if payload.place == self.written => &payload.bytes,
            Some(payload) => &self.buffer[self.written..payload.place],
            None => &self.buffer[self.written..],
        }
    }

    /// Fills `slices` with the bytes at the front, for a vectored write; gives how many were filled.
    pub fn chunks_vectored<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        let mut filled = 0;
        let mut add = |bytes: &'a [u8]| {
            if !bytes.is_empty() && filled < slices.len() {
                slices[filled] = IoSlice::new(bytes);
                filled += 1;
            }
        };
        let mut position = self.written;
        for payload in self.payloads().into_iter().flatten() {
            add(&self.buffer[position..payload.place]);
            add(&payload.bytes);
            position = payload.place;
        }
        add(&self.buffer[position..]);
        filled
    }

    /// Whether the bytes lie in more than one piece.
    #[must_use]
    pub fn is_fragmented(&self) -> bool {
        self.payloads().is_some_and(|payloads| !payloads.is_empty())
    }

    fn payloads(&self) -> Option<&VecDeque<Payload>> {
        match &self.shared {
            Shared::Payloads(payloads) => Some(payloads),
            Shared::Held(_) => None,
        }
    }

    /// Takes note that the transport took `count` bytes from the front.
    pub fn advance(&mut self, mut count: usize) {
        debug_assert!(count <= self.len, "more was written than waited");
        let Shared::Payloads(payloads) = &mut self.shared else { return };
        self.len = self.len.saturating_sub(count);
        while let Some(payload) = payloads.front_mut() {
            let before = count.min(payload.place - self.written);
            self.written += before;
            count -= before;
            if payload.place > self.written {
                return;
            }
            let taken = count.min(payload.bytes.len());
            payload.bytes.advance(taken);
            count -= taken;
            if payload.bytes.has_remaining() {
                return;
            }
            payloads.pop_front();
        }
        self.written = (self.written + count).min(self.buffer.len());
        if self.len == 0 {
            self.buffer.clear();
            self.written = 0;
        }
    }

    /// Forgets everything that waits.
    pub fn clear(&mut self) {
        drop(self.take_held());
        self.advance(self.len);
    }

    /// Everything that waits, copied.
    #[must_use]
    pub fn to_vec(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.len);
        let mut position = self.written;
        for payload in self.payloads().into_iter().flatten() {
            bytes.extend_from_slice(&self.buffer[position..payload.place]);
            bytes.extend_from_slice(&payload.bytes);
            position = payload.place;
        }
        bytes.extend_from_slice(&self.buffer[position..]);
        bytes
    }

    /// Whether [`lend`](Self::lend) would help: no buffer is there to copy into.
    #[must_use]
    #[inline]
    pub fn needs_buffer(&self) -> bool {
        self.buffer.capacity() == 0
    }

    /// Lends an empty buffer to copy frames into. Without one, the outbox allocates its own.
    pub fn lend(&mut self, buffer: BytesMut) {
        if self.needs_buffer() && buffer.is_empty() {
            self.buffer = buffer;
            self.settle();
        }
    }

    /// Takes a message with a payload of so many bytes that waits as it is, where nothing else waits.
    #[cfg(feature = "io")]
    #[inline(always)]
    pub(super) fn hold(&mut self, held: Held, len: usize) {
        self.len = held.header_len(len) + len;
        match mem::replace(&mut self.shared, Shared::Held(held)) {
            #[expect(
                clippy::mem_forget,
                reason = "there is nothing to free, and finding that out takes a while"
            )]
            Shared::Payloads(payloads) if payloads.capacity() == 0 => mem::forget(payloads),
            before => drop(before),
        }
    }

    /// Takes the message that was not encoded out again, to write it.
    #[inline]
    pub(crate) fn take_held(&mut self) -> Option<Held> {
        if let Shared::Payloads(_) = self.shared {
            return None;
        }
        self.len = 0;
        match mem::take(&mut self.shared) {
            Shared::Held(held) => Some(held),
            Shared::Payloads(_) => None,
        }
    }

    /// Encodes what was not, before something follows it.
    #[inline]
    pub(crate) fn settle(&mut self) {
        if let Some(held) = self.take_held() {
            self.push_held(&held);
        }
    }

    #[inline(never)]
    fn push_held(&mut self, held: &Held) {
        if let Some(ShortFrame { header, header_len, payload, mask }) = held.frame() {
            self.push_frame(&header[..header_len], payload, mask);
        }
    }

    /// Takes the buffer out again once nothing waits.
    pub fn reclaim(&mut self) -> Option<BytesMut> {
        if self.len > 0 || self.needs_buffer() {
            return None;
        }
        // The queue of large payloads goes as well: an idle connection holds nothing.
        if self.payloads().is_some_and(|payloads| payloads.capacity() > 0) {
            self.shared = Shared::default();
        }
        Some(mem::take(&mut self.buffer))
    }

    /// Queues a frame if it fits into the buffer as it is; whether it does.
    #[cfg(feature = "io")]
    #[inline]
    pub(super) fn push_short(&mut self, frame: &ShortFrame<'_>) -> bool {
        let ShortFrame { header, header_len, payload, mask } = frame;
        let start = self.buffer.len();
        // Without room it is `push_frame` that moves what waits to the front.
        if self.buffer.capacity() - start < header.len() + payload.len() {
            return false;
        }
        self.len += header_len + payload.len();
        self.buffer.extend_from_slice(header);
        self.buffer.truncate(start + header_len);
        self.buffer.extend_from_slice(payload);
        if let Some(key) = *mask {
            apply_mask(&mut self.buffer[start + header_len..], key);
        }
        true
    }

    /// Queues text that lies in its value if it fits into the buffer as it is, unmasked; whether it does. What lies behind it is
    /// copied as well, and cut off: sizes that are fixed are copied without a call.
    #[cfg(feature = "io")]
    #[inline(always)]
    pub(super) fn push_inline(&mut self, bytes: &[u8; INLINE], len: usize) -> bool {
        let start = self.buffer.len();
        let header = [0x81, len as u8];
        if self.buffer.capacity() - start < header.len() + bytes.len() {
            return false;
        }
        self.len += header.len() + len;
        self.buffer.extend_from_slice(&header);
        self.buffer.extend_from_slice(bytes);
        self.buffer.truncate(start + header.len() + len);
        true
    }

    /// Queues bytes by copying them.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.push_frame(bytes, &[], None);
    }

    /// Queues a header and its payload by copying them, the payload masked if there is a key.
    pub(super) fn push_frame(&mut self, header: &[u8], payload: &[u8], mask: Option<MaskingKey>) {
        self.settle();
        self.compact();
        self.len += header.len() + payload.len();
        self.buffer.reserve(header.len() + payload.len());
        self.buffer.extend_from_slice(header);
        let Some(mut key) = mask else {
            self.buffer.extend_from_slice(payload);
            return;
        };
        // Copied and masked block by block, while the block is in the fastest cache.
        for block in payload.chunks(MASK_BLOCK) {
            let start = self.buffer.len();
            self.buffer.extend_from_slice(block);
            apply_mask(&mut self.buffer[start..], key);
            key = key.rotated(block.len());
        }
    }

    /// Queues a payload by reference.
    pub(super) fn push_shared(&mut self, bytes: Bytes) {
        self.settle();
        let Shared::Payloads(payloads) = &mut self.shared else { return };
        self.len += bytes.len();
        payloads.push_back(Payload { place: self.buffer.len(), bytes });
    }

    /// Moves what waits to the front of the buffer once more than half of it is written, so that a transport that
    /// never quite catches up does not make it grow.
    fn compact(&mut self) {
        if self.written <= self.buffer.len() / 2 {
            return;
        }
        self.buffer.copy_within(self.written.., 0);
        self.buffer.truncate(self.buffer.len() - self.written);
        if let Shared::Payloads(payloads) = &mut self.shared {
            payloads.iter_mut().for_each(|payload| payload.place -= self.written);
        }
        self.written = 0;
    }
}

/// Bytes that are copied, then masked: a multiple of four that stays in the first-level cache.
const MASK_BLOCK: usize = 4096;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    #[cfg(feature = "io")]
    use crate::Message;

    #[derive(Clone, Debug)]
    enum Step {
        Push(Vec<u8>),
        Shared(Vec<u8>),
        Advance(usize),
    }

    fn step() -> impl Strategy<Value = Step> {
        let bytes = || proptest::collection::vec(any::<u8>(), 1..20);
        prop_oneof![
            bytes().prop_map(Step::Push),
            bytes().prop_map(Step::Shared),
            (0usize..30).prop_map(Step::Advance),
        ]
    }

    proptest! {
        #[test]
        fn keeps_order_whatever_is_pushed_and_written(steps in proptest::collection::vec(step(), 0..60)) {
            let mut outbox = Outbox::default();
            let mut twin = Vec::new();
            for step in steps {
                match step {
                    Step::Push(bytes) => {
                        outbox.push(&bytes);
                        twin.extend(bytes);
                    }
                    Step::Shared(bytes) => {
                        twin.extend(&bytes);
                        outbox.push_shared(bytes.into());
                    }
                    Step::Advance(count) => {
                        let count = count.min(twin.len());
                        outbox.advance(count);
                        twin.drain(..count);
                    }
                }
                prop_assert_eq!(outbox.len(), twin.len());
                prop_assert_eq!(&outbox.to_vec(), &twin);
                prop_assert!(twin.starts_with(outbox.chunk()));
                prop_assert_eq!(outbox.chunk().is_empty(), twin.is_empty());
                let mut slices = [IoSlice::new(&[]); 64];
                let filled = outbox.chunks_vectored(&mut slices);
                let joined: Vec<u8> = slices[..filled].iter().flat_map(|slice| slice.iter().copied()).collect();
                prop_assert_eq!(&joined, &twin);
            }
        }
    }

    #[test]
    fn transport_that_never_catches_up_does_not_make_the_buffer_grow() {
        let mut outbox = Outbox::default();
        outbox.push(&[0; 1000]);
        for _ in 0..10_000 {
            outbox.push(&[0; 100]);
            outbox.advance(100);
        }
        assert!(outbox.buffer.capacity() < 8192, "{}", outbox.buffer.capacity());
    }

    #[test]
    fn buffer_is_given_back_only_when_nothing_waits() {
        let mut outbox = Outbox::default();
        outbox.lend(BytesMut::with_capacity(512));
        outbox.push(b"ab");
        assert!(outbox.reclaim().is_none());
        outbox.advance(2);
        assert_eq!(outbox.reclaim().map(|buffer| buffer.capacity()), Some(512));
        assert!(outbox.needs_buffer() && outbox.reclaim().is_none());
    }

    #[test]
    fn buffer_is_taken_when_it_is_empty_and_there_is_none() {
        let mut outbox = Outbox::default();
        outbox.lend(BytesMut::from(&b"of somebody else"[..]));
        assert_eq!(outbox.chunk(), b"");
        outbox.push(b"ab");
        outbox.lend(BytesMut::with_capacity(512));
        assert_eq!(outbox.chunk(), b"ab");
    }

    #[cfg(feature = "io")]
    #[test]
    fn message_that_waits_alone_is_encoded_before_what_follows() {
        let followers: [fn(&mut Outbox); 3] = [
            |outbox| outbox.push(b"z"),
            |outbox| outbox.push_shared(Bytes::from_static(b"z")),
            |outbox| {
                outbox.lend(BytesMut::with_capacity(512));
                outbox.push(b"z");
            },
        ];
        for mask in [None, Some(MaskingKey::new([1, 2, 3, 4]))] {
            for len in [0, 1, 38, 39, 125, 126, 2000] {
                for follow in followers {
                    let message = Message::text("a".repeat(len));
                    let mut expected = Outbox::default();
                    expected.push_held(&Held::new(message.clone(), mask));
                    let mut outbox = Outbox::default();
                    outbox.hold(Held::new(message, mask), len);
                    assert_eq!(outbox.len(), expected.len());
                    follow(&mut outbox);
                    follow(&mut expected);
                    assert_eq!(outbox.to_vec(), expected.to_vec());
                    assert_eq!(outbox.len(), expected.len());
                }
            }
        }
    }

    #[cfg(feature = "io")]
    #[test]
    fn message_that_waits_alone_is_forgotten_with_the_rest() {
        let mut outbox = Outbox::default();
        outbox.hold(Held::new(Message::text("a"), None), 1);
        outbox.clear();
        assert!(outbox.is_empty() && outbox.take_held().is_none());
    }

    #[test]
    fn masked_payload_is_masked_across_blocks() {
        let key = MaskingKey::new([1, 2, 3, 4]);
        let payload: Vec<u8> = (0..=255).cycle().take(3 * MASK_BLOCK + 7).collect();
        let mut outbox = Outbox::default();
        outbox.push_frame(&[], &payload, Some(key));
        let mut masked = payload;
        apply_mask(&mut masked, key);
        assert_eq!(outbox.to_vec(), masked);
    }
}
