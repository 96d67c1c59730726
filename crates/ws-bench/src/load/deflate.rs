//! Payloads compressed and decompressed with zlib, for requests and for checking replies (RFC 7692, 7.2).

use zlib_rs::{Deflate, DeflateFlush, Inflate, InflateFlush};

use crate::{Result, workload::Takeover};

/// Compresses the payloads as one endpoint does, one after the other: with takeover each may refer to those before it.
///
/// # Errors
/// When zlib does not take the window, which has to be of 9 to 15 bits.
pub(crate) fn compress(payloads: &[Vec<u8>], takeover: Takeover, window_bits: u8) -> Result<Vec<Vec<u8>>> {
    let mut deflate = Deflate::new(LEVEL, false, window_bits);
    let message = |payload: &Vec<u8>| {
        let mut out = vec![0; payload.len() + 1024];
        if takeover == Takeover::No {
            deflate.reset();
        }
        let before = (deflate.total_in(), deflate.total_out());
        deflate.compress(payload, &mut out, DeflateFlush::SyncFlush).map_err(|error| format!("{error:?}"))?;
        out.truncate((deflate.total_out() - before.1) as usize);
        if deflate.total_in() - before.0 != payload.len() as u64 || !out.ends_with(&TAIL) {
            return Err("a request was not compressed to its end".into());
        }
        out.truncate(out.len() - TAIL.len());
        Ok(out)
    };
    payloads.iter().map(message).collect()
}

/// Decompresses the replies of one connection.
pub(crate) struct Inflater {
    inflate: Inflate,
    takeover: Takeover,
}

impl Inflater {
    pub(crate) fn new(takeover: Takeover) -> Self {
        Self { inflate: Inflate::new(false, 15), takeover }
    }

    /// Whether the next message is the compressed form of this one.
    pub(crate) fn is(&mut self, expected: &[u8], compressed: &[u8]) -> bool {
        if self.takeover == Takeover::No {
            self.inflate.reset(false);
        }
        let before = self.inflate.total_out();
        // A byte more, so that a longer message is noticed.
        let mut out = vec![0; expected.len() + 1];
        let mut at = 0;
        for part in [compressed, &TAIL] {
            let taken = self.inflate.total_in();
            // zlib reports BufError when there is nothing left to do, too.
            let _ = self.inflate.decompress(part, &mut out[at..], InflateFlush::SyncFlush);
            at = (self.inflate.total_out() - before) as usize;
            if self.inflate.total_in() - taken != part.len() as u64 {
                return false;
            }
        }
        out[..at] == *expected
    }
}

/// 7.2.1: the end of every flush, which is left out.
const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];
/// zlib's default, and that of browsers.
const LEVEL: i32 = 6;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_compressed_is_known_again() {
        let payloads: Vec<_> = (0..20_u8).map(|n| format!("message {n} ").repeat(100).into_bytes()).collect();
        for takeover in [Takeover::No, Takeover::Yes] {
            for window_bits in 9..=15 {
                let mut inflater = Inflater::new(takeover);
                let compressed = compress(&payloads, takeover, window_bits).unwrap();
                for (payload, compressed) in payloads.iter().zip(&compressed) {
                    assert!(inflater.is(payload, compressed));
                }
            }
        }
    }

    #[test]
    fn takeover_makes_later_messages_smaller_and_lets_the_sequence_begin_again() {
        let payloads = vec![b"The quick brown fox jumps over the lazy dog".to_vec(); 3];
        let alone = compress(&payloads, Takeover::No, 15).unwrap();
        let together = compress(&payloads, Takeover::Yes, 15).unwrap();
        assert_eq!(alone[0], together[0]);
        assert!(together[1].len() < alone[1].len() / 2);
        let mut inflater = Inflater::new(Takeover::Yes);
        for _ in 0..3 {
            for (payload, compressed) in payloads.iter().zip(&together) {
                assert!(inflater.is(payload, compressed));
            }
        }
    }

    #[test]
    fn another_message_is_not_taken_for_it() {
        let compressed = compress(&[b"aaaaaaaaaa".to_vec()], Takeover::No, 15).unwrap().remove(0);
        for other in ["aaaaaaaaa", "aaaaaaaaaaa", "aaaaaaaaab", ""] {
            assert!(!Inflater::new(Takeover::No).is(other.as_bytes(), &compressed), "{other}");
        }
        assert!(!Inflater::new(Takeover::No).is(b"aaaaaaaaaa", b"\xff\xff\xff"));
    }
}
