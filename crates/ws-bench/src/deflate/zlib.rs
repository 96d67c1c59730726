//! The yardstick: zlib-rs as it is, one stream a direction.

use zlib_rs::{Deflate, DeflateConfig, DeflateFlush, Inflate, InflateFlush};

use super::{Codec, Settings};
use crate::workload::Takeover;

/// With takeover the streams go on from message to message; without, they begin anew.
pub(super) struct Zlib {
    takeover: Takeover,
    deflate: Deflate,
    inflate: Inflate,
}

impl Zlib {
    pub(super) fn new(Settings { takeover, level, window_bits }: Settings) -> Self {
        let deflate = Deflate::new_with_config(DeflateConfig {
            level: i32::from(level),
            window_bits: -i32::from(window_bits),
            // As ours has it.
            mem_level: if window_bits <= 12 { 5 } else { 8 },
            ..DeflateConfig::default()
        });
        Self { takeover, deflate, inflate: Inflate::new(false, window_bits) }
    }
}

impl Codec for Zlib {
    fn name(&self) -> &'static str {
        "zlib-rs"
    }

    fn compress(&mut self, payload: &[u8], out: &mut Vec<u8>) {
        if self.takeover == Takeover::No {
            self.deflate.reset();
        }
        let (start, before) = (out.len(), self.deflate.total_out());
        out.resize(start + payload.len() + ROOM, 0);
        // There is room for whatever it comes to, and what is wrong with it does not come back as the payload.
        let _ = self.deflate.compress(payload, &mut out[start..], DeflateFlush::SyncFlush);
        out.truncate(start + (self.deflate.total_out() - before) as usize - TAIL.len());
    }

    fn decompress(&mut self, compressed: &[u8], out: &mut Vec<u8>) {
        if self.takeover == Takeover::No {
            self.inflate.reset(false);
        }
        let (start, before) = (out.len(), self.inflate.total_out());
        out.resize(start + LARGEST, 0);
        for part in [compressed, &TAIL] {
            let at = start + (self.inflate.total_out() - before) as usize;
            let _ = self.inflate.decompress(part, &mut out[at..], InflateFlush::SyncFlush);
        }
        out.truncate(start + (self.inflate.total_out() - before) as usize);
    }
}

const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];
/// What incompressible input grows by, at most.
const ROOM: usize = 1024;
/// The largest payload, and a byte more so that zlib knows that nothing is left.
const LARGEST: usize = (64 << 10) + 1;
