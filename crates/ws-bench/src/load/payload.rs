//! What messages are made of: the same in every run.

use std::iter;

use super::{json, prose};
use crate::workload::{Content, Workload};

/// The payloads of a workload, one a variant.
pub(crate) fn payloads(workload: &Workload, random: &mut Random) -> Vec<Vec<u8>> {
    let vocabulary = prose::Vocabulary::new();
    iter::repeat_with(|| payload(workload, &vocabulary, random)).take(workload.variants()).collect()
}

fn payload(workload: &Workload, vocabulary: &prose::Vocabulary, random: &mut Random) -> Vec<u8> {
    let size = workload.size;
    match workload.content {
        Content::Ascii => iter::repeat_with(|| b' ' + (random.next() % 95) as u8).take(size).collect(),
        Content::Event => {
            let letters = iter::repeat_with(|| b'a' + (random.next() % 26) as u8).take(size);
            b"42[\"m\",\"".iter().copied().chain(letters).chain(*b"\"]").collect()
        }
        Content::Binary => iter::repeat_with(|| random.next() as u8).take(size).collect(),
        Content::Json => json::document(random),
        Content::MostlyAscii => {
            let mut text = String::with_capacity(size + 2);
            while text.len() < size {
                // One character in 400 has two bytes: half a percent of the bytes.
                let rare = random.below(400) == 0 && text.len() + 2 <= size;
                text.push(if rare { 'é' } else { char::from(b' ' + (random.next() % 95) as u8) });
            }
            text.into_bytes()
        }
        Content::Multibyte => {
            let mut text = String::with_capacity(size);
            while text.len() + 3 <= size {
                // A character of the CJK block, three bytes each.
                text.push(char::from_u32(0x4e00 + random.next() % 0x5000).unwrap_or('\u{4e00}'));
            }
            while text.len() < size {
                text.push('.');
            }
            text.into_bytes()
        }
        Content::Prose => vocabulary.text(size, random).into_bytes(),
    }
}

/// SplitMix64: payloads and keys only have to differ, and to be the same in every run.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new() -> Self {
        Self(0x5eed)
    }

    pub(crate) fn next(&mut self) -> u32 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) as u32
    }

    /// A number below this one.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.next() as usize % bound
    }

    pub(crate) fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workload;

    #[test]
    fn text_is_valid_utf8_of_the_asked_size() {
        for workload in workload::ALL.iter().filter(|workload| workload.content != Content::Binary) {
            let payloads = payloads(workload, &mut Random::new());
            let text = std::str::from_utf8(&payloads[3]).unwrap();
            if workload.content != Content::Json {
                assert_eq!(text.len(), workload.size);
            }
            let multibyte = matches!(workload.content, Content::MostlyAscii | Content::Multibyte);
            assert_eq!(text.is_ascii(), !multibyte);
        }
    }

    #[test]
    fn half_a_percent_of_mostly_ascii_is_not() {
        let payloads = payloads(&Workload::find("ta64k").unwrap(), &mut Random::new());
        let others = payloads[0].iter().filter(|byte| !byte.is_ascii()).count();
        assert!((200..500).contains(&others), "{others} of {}", payloads[0].len());
    }

    #[test]
    fn every_payload_differs_and_is_the_same_again() {
        for workload in workload::ALL {
            let first = payloads(workload, &mut Random::new());
            for (at, payload) in first.iter().enumerate() {
                assert!(!first[..at].contains(payload));
            }
            assert_eq!(first, payloads(workload, &mut Random::new()));
        }
    }
}
