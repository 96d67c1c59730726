//! Text of a given size.

/// What a text is made of.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Script {
    Ascii,
    /// One character in 400 has two bytes.
    MostlyAscii,
    /// Three bytes a character.
    Multibyte,
}

impl Script {
    pub(crate) const ALL: [Self; 3] = [Self::Ascii, Self::MostlyAscii, Self::Multibyte];

    /// At least `size` bytes, by less than a character.
    pub(crate) fn text(self, size: usize) -> String {
        let mut text = String::with_capacity(size + 2);
        let mut count = 0_u32;
        while text.len() < size {
            count += 1;
            text.push(match self {
                Self::MostlyAscii if count % 400 == 0 => 'é',
                Self::Ascii | Self::MostlyAscii => char::from(b'a' + (count % 26) as u8),
                Self::Multibyte => char::from_u32(0x4e00 + count % 0x5000).unwrap_or('\u{4e00}'),
            });
        }
        text
    }
}
