//! Text that compresses as prose does: made-up words, of which few are frequent and many rare.

use super::payload::Random;

/// The words, the most frequent first.
pub(crate) struct Vocabulary(Vec<String>);

impl Vocabulary {
    pub(crate) fn new() -> Self {
        let mut random = Random::new();
        let words = (0..WORDS)
            .map(|rank: usize| {
                // Frequent words are short.
                let syllables = 1 + random.below(2 + rank.checked_ilog2().unwrap_or(0) as usize / 4);
                (0..syllables).map(|_| random.pick(SYLLABLES)).collect::<String>()
            })
            .collect();
        Self(words)
    }

    /// Sentences of exactly this many bytes.
    pub(crate) fn text(&self, size: usize, random: &mut Random) -> String {
        let mut text = String::with_capacity(size + 32);
        while text.len() < size {
            for word in 0..5 + random.below(15) {
                let next = self.pick(random);
                if word > 0 {
                    text.push_str(if random.below(12) == 0 { ", " } else { " " });
                    text.push_str(next);
                } else {
                    text.push(next.as_bytes()[0].to_ascii_uppercase().into());
                    text.push_str(&next[1..]);
                }
            }
            text.push_str(if random.below(8) == 0 { ".\n\n" } else { ". " });
        }
        text.truncate(size);
        text
    }

    /// Zipf's law: the frequency is the inverse of the rank, so the logarithm of the rank is distributed evenly.
    fn pick(&self, random: &mut Random) -> &str {
        let even = f64::from(random.next()) / f64::from(u32::MAX);
        let rank = (self.0.len() as f64).powf(even) as usize;
        &self.0[rank.clamp(1, self.0.len()) - 1]
    }
}

const WORDS: usize = 4000;

const SYLLABLES: &[&str] = &[
    "a", "al", "an", "ar", "be", "con", "de", "der", "di", "e", "en", "er", "es", "ex", "for", "fu", "ge",
    "he", "i", "in", "ing", "is", "ka", "ler", "li", "lo", "ly", "ma", "men", "mi", "na", "ne", "o", "on",
    "or", "per", "pre", "ra", "re", "ri", "ro", "se", "si", "so", "ta", "te", "ter", "the", "ti", "tion",
    "to", "tra", "u", "un", "ver", "vi", "wa", "wo", "y",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_words_make_up_most_of_a_text() {
        let vocabulary = Vocabulary::new();
        let text = vocabulary.text(64 << 10, &mut Random::new());
        let frequent = &vocabulary.0[..100];
        let words: Vec<_> = text.split([' ', ',', '.', '\n']).filter(|word| !word.is_empty()).collect();
        let share = words.iter().filter(|word| frequent.iter().any(|each| each == *word)).count();
        assert!(share > words.len() / 3 && share < words.len() * 4 / 5, "{share} of {}", words.len());
    }
}
