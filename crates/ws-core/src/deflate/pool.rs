//! Compressors and decompressors that connections borrow while a message is in flight.

use std::{
    fmt,
    ops::{Deref, DerefMut},
    sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError},
};

use super::{
    codec::{Codec, Shape},
    decoder::Decoder,
};

/// Where compressors and decompressors come from.
///
/// A connection borrows one from the first bytes of a compressed message to the last, so a few serve any number of
/// connections. All connections of the process share one pool, unless their [`DeflateConfig`](super::DeflateConfig) names
/// another.
///
/// A compressor of levels 1 and 2 takes some 20 KB beside the window and the message, 240 KB at the most; zlib's, of the
/// others, takes 165 KB, and up to 380 KB with a window of 15 bits. A decompressor takes 16 KB with a window of 12 bits, and
/// 100 KB with one of 15, which is what a server has without takeover. [`max_compressors`](Self::max_compressors) bounds how many compressors
/// there are: 64 unless set. When all of them are in use, messages go uncompressed, which is always allowed. Up to 16
/// compressors and 16 decompressors are kept while nobody needs them.
#[derive(Clone)]
pub struct DeflatePool(Arc<Shared>);

struct Shared {
    max_compressors: usize,
    max_idle: usize,
    shelves: Mutex<Shelves>,
}

/// Boxed, because they move between here and connections all the time.
#[expect(clippy::vec_box, reason = "a connection takes the box as it is")]
#[derive(Default)]
struct Shelves {
    /// Compressors that exist, on the shelf and in use.
    compressors: usize,
    codecs: Vec<Box<Codec>>,
    decoders: Vec<Box<Decoder>>,
}

impl DeflatePool {
    /// A pool of its own, for the connections that are given it.
    #[must_use]
    pub fn new() -> Self {
        Self::with(MAX_COMPRESSORS, MAX_IDLE)
    }

    /// Sets how many compressors there may be at a time, in use and idle together; 0 for none, so that nothing is compressed.
    ///
    /// The pool starts anew: a clone that exists already is not affected.
    #[must_use]
    pub fn max_compressors(self, count: usize) -> Self {
        Self::with(count, self.0.max_idle)
    }

    /// Sets how many compressors, and how many decompressors, are kept while nobody needs them.
    ///
    /// The pool starts anew: a clone that exists already is not affected.
    #[must_use]
    pub fn max_idle(self, count: usize) -> Self {
        Self::with(self.0.max_compressors, count)
    }

    fn with(max_compressors: usize, max_idle: usize) -> Self {
        Self(Arc::new(Shared { max_compressors, max_idle, shelves: Mutex::default() }))
    }

    /// A compressor of this shape; `None` when there are as many as there may be.
    pub(super) fn codec(&self, shape: Shape) -> Option<Lease> {
        let mut shelves = self.shelves();
        let found = shelves.codecs.iter().rposition(|codec| codec.shape() == shape);
        let codec = match found {
            Some(index) => shelves.codecs.remove(index),
            None => {
                let mut out = None;
                if shelves.compressors >= self.0.max_compressors {
                    // One of another shape that nobody needs makes room.
                    if shelves.codecs.is_empty() {
                        return None;
                    }
                    out = Some(shelves.codecs.remove(0));
                } else {
                    shelves.compressors += 1;
                }
                // Not while others wait: there are hundreds of kilobytes to free and to clear.
                drop(shelves);
                drop(out);
                Box::new(Codec::new(shape))
            }
        };
        Some(Lease { codec: Some(codec), pool: self.clone() })
    }

    /// A decompressor for a window of so many bits. There is always one: what a peer sends has to be read.
    pub(super) fn decoder(&self, bits: u8) -> Box<Decoder> {
        let mut shelves = self.shelves();
        let found = shelves.decoders.iter().rposition(|decoder| decoder.fits(bits));
        let decoder = found.map(|index| shelves.decoders.remove(index));
        drop(shelves);
        decoder.unwrap_or_else(|| Box::new(Decoder::new(bits)))
    }

    pub(super) fn put_decoder(&self, decoder: Box<Decoder>) {
        if decoder.is_stopgap() {
            return;
        }
        let mut shelves = self.shelves();
        let out = shelve(&mut shelves.decoders, decoder, self.0.max_idle);
        drop(shelves);
        drop(out);
    }

    fn put_codec(&self, mut codec: Box<Codec>) {
        codec.trim();
        let mut shelves = self.shelves();
        let out = shelve(&mut shelves.codecs, codec, self.0.max_idle);
        shelves.compressors -= usize::from(out.is_some());
        drop(shelves);
        drop(out);
    }

    fn shelves(&self) -> MutexGuard<'_, Shelves> {
        // Nothing in here panics halfway.
        self.0.shelves.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The pool of the process.
impl Default for DeflatePool {
    fn default() -> Self {
        static PROCESS: LazyLock<DeflatePool> = LazyLock::new(DeflatePool::new);
        PROCESS.clone()
    }
}

impl fmt::Debug for DeflatePool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeflatePool")
            .field("max_compressors", &self.0.max_compressors)
            .field("max_idle", &self.0.max_idle)
            .finish_non_exhaustive()
    }
}

/// Puts an item on a shelf. Gives out the one that was of no use for longest if there are too many.
fn shelve<T>(shelf: &mut Vec<T>, item: T, max: usize) -> Option<T> {
    shelf.push(item);
    (shelf.len() > max).then(|| shelf.remove(0))
}

/// A compressor that is in use. It goes back to its pool when it is dropped.
pub(super) struct Lease {
    codec: Option<Box<Codec>>,
    pool: DeflatePool,
}

impl Deref for Lease {
    type Target = Codec;

    fn deref(&self) -> &Codec {
        self.codec.as_ref().expect(HELD)
    }
}

impl DerefMut for Lease {
    fn deref_mut(&mut self) -> &mut Codec {
        self.codec.as_mut().expect(HELD)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(codec) = self.codec.take() {
            self.pool.put_codec(codec);
        }
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease").finish_non_exhaustive()
    }
}

const HELD: &str = "a lease holds its compressor until it is dropped";
/// Some 15 MB at the worst with the default settings, when all of them have large messages at once.
const MAX_COMPRESSORS: usize = 64;
/// As many as there are threads that compress at the same moment, on most machines.
const MAX_IDLE: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(bits: u8) -> Shape {
        Shape::Slow { bits, memory_level: 5, huffman_only: false }
    }

    #[test]
    fn compressor_that_is_not_kept_makes_room_for_another() {
        let pool = DeflatePool::new().max_compressors(2).max_idle(1);
        for round in 0..3 {
            let two = [pool.codec(shape(12)), pool.codec(shape(12))];
            assert!(two.iter().all(Option::is_some), "{round}");
            assert!(pool.codec(shape(12)).is_none(), "{round}: there are as many as there may be");
        }
    }

    #[test]
    fn idle_compressor_makes_room_for_one_of_another_shape() {
        let pool = DeflatePool::new().max_compressors(1);
        drop(pool.codec(shape(12)));
        let other = pool.codec(shape(10));
        assert!(other.is_some());
        assert!(pool.codec(shape(12)).is_none(), "it made room, and is not there any more");
    }

    #[test]
    fn as_many_are_kept_as_may_be_idle() {
        let pool = DeflatePool::new().max_idle(2);
        drop([(); 3].map(|()| pool.codec(shape(12))));
        assert_eq!(pool.shelves().codecs.len(), 2);
        let decoders = [(); 3].map(|()| pool.decoder(12));
        for decoder in decoders {
            pool.put_decoder(decoder);
        }
        assert_eq!(pool.shelves().decoders.len(), 2);
    }

    #[test]
    fn what_only_a_large_message_took_is_not_kept() {
        let pool = DeflatePool::new();
        let mut lease = pool.codec(shape(12)).expect("there may be one");
        lease.output.reserve(1 << 20);
        drop(lease);
        assert!(pool.shelves().codecs.iter().all(|codec| codec.output.capacity() < 1 << 20));
        // As large as the window of another, and slower than one that was made for it.
        let mut decoder = pool.decoder(15);
        decoder.begin(None);
        decoder.restart();
        pool.put_decoder(decoder);
        assert!(pool.shelves().decoders.is_empty());
    }
}
