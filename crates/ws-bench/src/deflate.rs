//! The codec alone: compressing and decompressing without I/O, beside zlib-rs used directly.

use std::hint::black_box;

use rustix::time::{ClockId, clock_gettime};

use crate::{
    Result,
    args::Args,
    load::{Random, payloads},
    out::say,
    stats::{median, print_table, show, spread},
    workload::{Takeover, Workload},
};

mod ours;
mod zlib;

/// How the compressor is set.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    takeover: Takeover,
    level: u8,
    window_bits: u8,
}

/// Compresses and decompresses messages in order.
trait Codec {
    fn name(&self) -> &'static str;

    /// What the payload is compressed to, behind what `out` holds.
    fn compress(&mut self, payload: &[u8], out: &mut Vec<u8>);

    /// What becomes of a message that was compressed by the same codec, behind what `out` holds.
    fn decompress(&mut self, compressed: &[u8], out: &mut Vec<u8>);
}

/// What one codec came to with one workload.
#[derive(Debug, Default)]
struct Measured {
    /// Bytes of the payloads, and of their compressed form.
    plain: usize,
    compressed: usize,
    /// Megabytes of payload a second, one a round.
    compress: Vec<f64>,
    decompress: Vec<f64>,
}

/// `ws-bench deflate`.
pub(crate) fn main(mut args: Args) -> Result<()> {
    let rounds: usize = args.option("rounds", 7)?;
    let seconds: f64 = args.option("seconds", 0.2)?;
    args.finish()?;
    if !(0.01..=10.0).contains(&seconds) || !(1..=100).contains(&rounds) {
        return Err("--seconds must be 0.01 to 10, --rounds 1 to 100".into());
    }

    say!("MB of payload a second of CPU time; {rounds} rounds of {seconds} s\n")?;
    let mut rows = Vec::new();
    for name in ["json-plain", "prose64k-plain"] {
        let payloads = payloads(&Workload::find(name)?, &mut Random::new());
        for takeover in [Takeover::No, Takeover::Yes] {
            for (level, window_bits) in [(1, 12), (2, 12), (2, 15), (6, 15)] {
                let settings = Settings { takeover, level, window_bits };
                let measured = measure(settings, &payloads, rounds, seconds)?;
                let yardstick = &measured[0].1;
                for (codec, measured) in &measured {
                    rows.push(row(name, settings, codec, measured, yardstick));
                }
            }
        }
    }
    print_table(
        &[
            "payload",
            "takeover",
            "level",
            "window",
            "codec",
            "wire ratio",
            "compress",
            "ratio",
            "spread %",
            "decompress",
            "ratio",
            "spread %",
        ],
        &rows,
    )?;
    Ok(())
}

/// Measures both codecs once a round, the yardstick first in one and last in the next.
fn measure(
    settings: Settings,
    payloads: &[Vec<u8>],
    rounds: usize,
    seconds: f64,
) -> Result<Vec<(&'static str, Measured)>> {
    let mut codecs: Vec<Box<dyn Codec>> =
        vec![Box::new(zlib::Zlib::new(settings)), Box::new(ours::Ours::new(settings))];
    let mut measured: Vec<_> = codecs.iter().map(|codec| (codec.name(), Measured::default())).collect();
    let mut compressed = vec![Vec::new(); codecs.len()];
    for (index, codec) in codecs.iter_mut().enumerate() {
        // Once to check, and so that the windows are full.
        for payload in payloads {
            let (mut message, mut plain) = (Vec::new(), Vec::new());
            codec.compress(payload, &mut message);
            codec.decompress(&message, &mut plain);
            if plain != *payload {
                return Err(format!("{}, {settings:?}: a message came back changed", codec.name()).into());
            }
        }
        // The sequence that is decompressed over and over: it follows itself.
        for payload in payloads {
            let mut message = Vec::new();
            codec.compress(payload, &mut message);
            compressed[index].push(message);
        }
        measured[index].1.plain = payloads.iter().map(Vec::len).sum();
        measured[index].1.compressed = compressed[index].iter().map(Vec::len).sum();
    }
    let mut out = Vec::new();
    for round in 0..rounds {
        for step in 0..codecs.len() {
            let index = if round % 2 == 0 { step } else { codecs.len() - 1 - step };
            let (codec, measured) = (&mut codecs[index], &mut measured[index].1);
            measured.compress.push(rate(payloads, payloads, seconds, |payload| {
                out.clear();
                codec.compress(payload, &mut out);
                black_box(&out);
            }));
            measured.decompress.push(rate(&compressed[index], payloads, seconds, |message| {
                out.clear();
                codec.decompress(message, &mut out);
                black_box(&out);
            }));
        }
    }
    Ok(measured)
}

/// Does all of the messages in order, again and again: megabytes of payload a second.
fn rate(messages: &[Vec<u8>], payloads: &[Vec<u8>], seconds: f64, mut each: impl FnMut(&[u8])) -> f64 {
    let bytes: usize = payloads.iter().map(Vec::len).sum();
    let begin = cpu_seconds();
    let mut done = 0;
    loop {
        messages.iter().for_each(|message| each(message));
        done += bytes;
        let took = cpu_seconds() - begin;
        if took >= seconds {
            return done as f64 / took / 1e6;
        }
    }
}

/// CPU time of this thread: what other programs take is not in it.
fn cpu_seconds() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

fn row(
    payload: &str,
    settings: Settings,
    codec: &str,
    measured: &Measured,
    yardstick: &Measured,
) -> Vec<String> {
    let speed = |rounds: &[f64], yardstick: &[f64]| {
        let ratio = median(rounds.iter().zip(yardstick).map(|(rate, yardstick)| rate / yardstick));
        [
            format!("{:.0}", median(rounds.iter().copied()).unwrap_or(0.0)),
            format!("{:.2}", ratio.unwrap_or(0.0)),
            show(spread(rounds), 100.0, 0),
        ]
    };
    let mut row = vec![
        payload.trim_end_matches("-plain").to_owned(),
        if settings.takeover == Takeover::Yes { "yes" } else { "no" }.to_owned(),
        settings.level.to_string(),
        settings.window_bits.to_string(),
        codec.to_owned(),
        format!("{:.3}", measured.compressed as f64 / measured.plain as f64),
    ];
    row.extend(speed(&measured.compress, &yardstick.compress));
    row.extend(speed(&measured.decompress, &yardstick.decompress));
    row
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_codecs_give_messages_back_and_profit_from_takeover() {
        let payloads = payloads(&Workload::find("json-plain").unwrap(), &mut Random::new());
        let compressed = |takeover| {
            let settings = Settings { takeover, level: 2, window_bits: 12 };
            let measured = measure(settings, &payloads, 1, 0.0).unwrap();
            measured.iter().map(|(_, measured)| measured.compressed).collect::<Vec<_>>()
        };
        for (alone, together) in compressed(Takeover::No).iter().zip(compressed(Takeover::Yes)) {
            assert!(together < *alone, "{together} {alone}");
        }
    }
}
