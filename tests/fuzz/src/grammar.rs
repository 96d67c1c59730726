//! Streams of frames that are right but for what the input says: what a fuzzer would be long in finding by itself.

use arbitrary::{Arbitrary, Result, Unstructured};
use ws_core::{DeflateConfig, NegotiatedDeflate, Role, raw::deflate::Deflater};

use crate::{
    endpoint::Setup,
    wire::{BINARY, CLOSE, CONTINUATION, FIN, LengthForm, PING, PONG, RSV1, TEXT, WireFrame, close_payload},
};

/// What the other end of `setup` sends. Uses up as much of the input as it can turn into frames.
pub(crate) fn stream(input: &mut Unstructured<'_>, setup: &Setup) -> Vec<u8> {
    let mut grammar = Grammar::new(setup);
    // The input is at its end: what there is so far is the stream.
    while !input.is_empty() && grammar.bytes.len() < LONGEST && grammar.step(input).is_ok() {}
    grammar.bytes
}

/// What a peer has to say, step by step.
pub(crate) struct Grammar {
    to: Role,
    deflater: Option<Deflater>,
    bytes: Vec<u8>,
}

impl Grammar {
    pub(crate) fn new(setup: &Setup) -> Self {
        let deflater = setup.deflate.map(|negotiated| deflater(peer(setup.role), &negotiated));
        Self { to: setup.role, deflater, bytes: Vec::new() }
    }

    /// Takes what the steps so far came to.
    pub(crate) fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.bytes)
    }

    pub(crate) fn step(&mut self, input: &mut Unstructured<'_>) -> Result<()> {
        match input.int_in_range(0..=15)? {
            0..=5 => self.message(input),
            6..=7 => self.control(input),
            8..=9 => self.wrong_frame(input),
            10 => self.close(input),
            11 => self.compressed_by_hand(input),
            12 => {
                let count = input.int_in_range(1..=20)?;
                let raw = input.bytes(count.min(input.len()))?;
                self.bytes.extend_from_slice(raw);
                Ok(())
            }
            13 => {
                // Once more what went over the wire before.
                let start = input.choose_index(self.bytes.len().max(1))?.min(self.bytes.len());
                let end = (start + usize::from(u8::arbitrary(input)?)).min(self.bytes.len());
                self.bytes.extend_from_within(start..end);
                Ok(())
            }
            14 => {
                let end = self.bytes.len();
                let at = end.saturating_sub(1 + usize::from(u8::arbitrary(input)?) % 16);
                if let Some(byte) = self.bytes.get_mut(at) {
                    *byte ^= 1 << input.int_in_range(0..=7)?;
                }
                Ok(())
            }
            _ => {
                let less = input.int_in_range(1..=4)?;
                self.bytes.truncate(self.bytes.len().saturating_sub(less));
                Ok(())
            }
        }
    }

    /// A message in fragments, with control frames between them.
    fn message(&mut self, input: &mut Unstructured<'_>) -> Result<()> {
        let is_text = bool::arbitrary(input)?;
        let mut data = if is_text { text(input)?.into_bytes() } else { binary(input)? };
        let mut first = if is_text { TEXT } else { BINARY };
        if let Some(deflater) = self.deflater.as_mut().filter(|_| !matches!(input.ratio(1, 4), Ok(true))) {
            if let Some(compressed) = deflater.compress(&data) {
                data = compressed.to_vec();
                first |= RSV1;
                if input.ratio(1, 8)? {
                    damage(input, &mut data)?;
                }
            }
        } else if input.ratio(1, 16)? {
            damage(input, &mut data)?;
        }
        let fragments = if input.ratio(1, 2)? { 1 } else { input.int_in_range(1..=5)? };
        let mut rest = &data[..];
        for left in (0..fragments).rev() {
            if left == 0 && fragments > 1 && input.ratio(1, 6)? {
                // Its end does not come, or comes later.
                break;
            }
            let count = if left == 0 { rest.len() } else { input.int_in_range(0..=rest.len())? };
            let (piece, behind) = rest.split_at(count);
            rest = behind;
            let fin = if left == 0 { FIN } else { 0 };
            WireFrame::new(self.to, fin | first, piece).encode(&mut self.bytes);
            first = CONTINUATION;
            if left > 0 && input.ratio(1, 3)? {
                self.control(input)?;
            }
        }
        Ok(())
    }

    fn control(&mut self, input: &mut Unstructured<'_>) -> Result<()> {
        let opcode = *input.choose(&[PING, PONG])?;
        let length = *input.choose(&[0, 1, 4, 124, 125, 126])?;
        WireFrame::new(self.to, FIN | opcode, vec![b'p'; length]).encode(&mut self.bytes);
        Ok(())
    }

    fn close(&mut self, input: &mut Unstructured<'_>) -> Result<()> {
        let codes = [
            0, 999, 1000, 1001, 1004, 1005, 1006, 1007, 1011, 1014, 1015, 1016, 2999, 3000, 4999, 5000,
            65_535,
        ];
        let reasons: [&[u8]; 6] = [b"", b"bye", "für immer".as_bytes(), b"\xC3", &[b'r'; 123], &[b'r'; 124]];
        let payload = match input.int_in_range(0..=4)? {
            0 => Vec::new(),
            1 => vec![3],
            2 => close_payload(u16::arbitrary(input)?, b""),
            _ => close_payload(*input.choose(&codes)?, input.choose(&reasons)?),
        };
        WireFrame::new(self.to, FIN | CLOSE, payload).encode(&mut self.bytes);
        Ok(())
    }

    /// A frame of which anything may be wrong.
    fn wrong_frame(&mut self, input: &mut Unstructured<'_>) -> Result<()> {
        let mut frame = WireFrame::new(self.to, FIN | TEXT, text(input)?);
        match input.int_in_range(0..=5)? {
            0 => frame.first = u8::arbitrary(input)?,
            1 => frame.key = if frame.key.is_some() { None } else { Some(<[u8; 4]>::arbitrary(input)?) },
            2 => frame.key = frame.key.map(|key| key.map(|byte| byte.wrapping_add(1))),
            3 => {
                let length = input.int_in_range(0..=3)?;
                let form = *input.choose(&[LengthForm::Seven, LengthForm::Sixteen, LengthForm::SixtyFour])?;
                frame.length = Some((frame.payload.len() as u64 + length, form));
            }
            4 => {
                let length = *input.choose(&LENGTHS)?;
                frame.length = Some((length, LengthForm::SixtyFour));
            }
            _ => {
                frame.first &= !FIN;
                frame.first |= u8::arbitrary(input)? & 0x70;
            }
        }
        frame.encode(&mut self.bytes);
        Ok(())
    }

    /// RSV1 over bytes that no compressor made: stored blocks, ends of streams, distances over the window.
    fn compressed_by_hand(&mut self, input: &mut Unstructured<'_>) -> Result<()> {
        let shapes: [&[u8]; 10] = [
            b"\x00",
            b"",
            // Stored blocks: of nothing, of one byte, and of more than there is.
            b"\x00\x00\x00\xFF\xFF",
            b"\x00\x01\x00\xFE\xFFa",
            b"\x00\xFF\xFF\x00\x00a",
            // `a` in a block that is the last of its stream, and what may follow it.
            b"\x4B\x04\x00",
            b"\x4B\x04\x00\x4A\x04\x00",
            // The reserved kind of block.
            b"\x06",
            // A match before the beginning.
            b"\x4A\x04\x82\x00",
            // A sixteenth of a megabyte of `a`, nearly.
            b"\xEC\xC1\x01\x01\x00\x00\x00\x80\x90\xFE\xAF\xEE\x08\x0A\x00",
        ];
        let mut data = input.choose(&shapes)?.to_vec();
        for _ in 0..input.int_in_range(0..=3)? {
            data.extend_from_slice(input.choose(&shapes)?);
        }
        if input.ratio(1, 4)? {
            damage(input, &mut data)?;
        }
        let opcode = *input.choose(&[TEXT, BINARY, BINARY, CONTINUATION, PING])?;
        let fin = if input.ratio(3, 4)? { FIN } else { 0 };
        WireFrame::new(self.to, fin | RSV1 | opcode, data).encode(&mut self.bytes);
        Ok(())
    }
}

/// Text of every length of UTF-8, short mostly, and at times as long as the forms of a length change.
pub(crate) fn text(input: &mut Unstructured<'_>) -> Result<String> {
    let letters = ["a", "~", "\u{7f}", "é", "€", "\u{feff}", "😀", "\u{10ffff}", "the same again, "];
    let mut text = String::new();
    for _ in 0..input.int_in_range(0..=8)? {
        text.push_str(input.choose(&letters)?);
    }
    let long = length(input)?;
    if long > 0 {
        text = text.repeat(long.div_ceil(text.len().max(1)));
    }
    Ok(text)
}

pub(crate) fn binary(input: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    let count = input.int_in_range(0..=12)?.min(input.len());
    let mut data = input.bytes(count)?.to_vec();
    let long = length(input)?;
    if long > 0 {
        data = data.iter().copied().cycle().take(long).collect();
    }
    Ok(data)
}

/// Zero mostly: as it is.
fn length(input: &mut Unstructured<'_>) -> Result<usize> {
    if !input.ratio(1, 8)? {
        return Ok(0);
    }
    Ok(*input.choose(&[125, 126, 127, 128, 600, 4095, 4096, 65_535, 65_536])?)
}

fn damage(input: &mut Unstructured<'_>, data: &mut Vec<u8>) -> Result<()> {
    let at = input.choose_index(data.len().max(1))?.min(data.len());
    match input.int_in_range(0..=3)? {
        0 => data.truncate(at),
        1 => data.insert(at, u8::arbitrary(input)?),
        2 => data.extend_from_slice(b"\x00\x00\xFF\xFF"),
        _ => {
            if let Some(byte) = data.get_mut(at) {
                *byte ^= 1 << input.int_in_range(0..=7)?;
            }
        }
    }
    Ok(())
}

/// What was agreed on: windows, and whose is kept between messages.
pub(crate) fn negotiated(input: &mut Unstructured<'_>) -> Result<NegotiatedDeflate> {
    let bits = u16::arbitrary(input)?;
    let mut negotiated = NegotiatedDeflate::new();
    negotiated.server_no_context_takeover = bits & 1 != 0;
    negotiated.client_no_context_takeover = bits & 2 != 0;
    negotiated.server_max_window_bits = 9 + (bits >> 2 & 7).min(6) as u8;
    negotiated.client_max_window_bits = 9 + (bits >> 5 & 7).min(6) as u8;
    Ok(negotiated)
}

/// Compresses whatever it is given, as the endpoint of this role does.
pub(crate) fn deflater(role: Role, negotiated: &NegotiatedDeflate) -> Deflater {
    Deflater::new(role, negotiated, &DeflateConfig::new().threshold(0))
}

pub(crate) fn peer(role: Role) -> Role {
    match role {
        Role::Client => Role::Server,
        Role::Server => Role::Client,
    }
}

/// Lengths at which arithmetic goes wrong.
const LENGTHS: [u64; 8] =
    [0x1_0000, 0x7FFF_FFFF, 0xFFFF_FFFF, 0x1_0000_0000, (1 << 63) - 1, 1 << 63, u64::MAX - 3, u64::MAX];

/// Streams end there: longer ones tell nothing that shorter ones do not.
const LONGEST: usize = 200 << 10;
