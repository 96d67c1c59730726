//! Masking keys from the system's generator.

use crate::{Error, frame::MaskingKey, keys::Keys, proto::MaskSource as _};

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
    Keys::ensure().map_err(Error::transport)?;
    Ok(Keys.masking_key())
}
