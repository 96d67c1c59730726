//! Masking keys from the system's generator.

use std::{cell::RefCell, io};

use crate::{Error, frame::MaskingKey};

/// A masking key that nobody can predict, as a client needs for every frame (RFC 6455, 5.3 and 10.3).
///
/// The keys come from the operating system, a batch at a time for each thread; none is handed out twice.
///
/// ```
/// use ws_core::{
///     frame::apply_mask,
///     raw::{apply_mask_at, random_masking_key},
/// };
///
/// let key = random_masking_key()?;
/// let mut payload = *b"hello";
/// apply_mask(&mut payload, key);
/// apply_mask_at(&mut payload, key, 0);
/// assert_eq!(&payload, b"hello");
/// # Ok::<(), ws_core::Error>(())
/// ```
///
/// # Errors
/// [`ErrorKind::Io`](crate::ErrorKind::Io) when the operating system has no random bytes to give.
pub fn random_masking_key() -> Result<MaskingKey, Error> {
    BATCH.with_borrow_mut(Batch::next)
}

struct Batch {
    bytes: [u8; BATCH_LEN],
    used: usize,
}

impl Batch {
    #[expect(
        clippy::disallowed_methods,
        reason = "the caller of this level asks for a key where it wants one"
    )]
    fn next(&mut self) -> Result<MaskingKey, Error> {
        if self.used == BATCH_LEN {
            getrandom::fill(&mut self.bytes).map_err(|error| Error::transport(io::Error::other(error)))?;
            self.used = 0;
        }
        let mut key = [0; 4];
        let bytes = &mut self.bytes[self.used..self.used + 4];
        key.copy_from_slice(bytes);
        // Wiped, so that it can neither be used again nor be read from memory later.
        bytes.fill(0);
        self.used += 4;
        Ok(MaskingKey::new(key))
    }
}

thread_local! {
    static BATCH: RefCell<Batch> = const { RefCell::new(Batch { bytes: [0; BATCH_LEN], used: BATCH_LEN }) };
}

/// Bytes drawn at once, 64 keys: a system call for each would cost more than masking a short frame.
const BATCH_LEN: usize = 256;
