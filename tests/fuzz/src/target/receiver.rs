//! Whatever a peer sends, without extensions (RFC 6455, sections 5 and 7).

use arbitrary::{Arbitrary, Result, Unstructured};
use ws_core::Role;

use crate::{
    endpoint::{Seen, Setup, pieces},
    grammar,
};

/// Two bytes of setup, and the stream: as it is, or by the grammar.
pub(crate) fn run(input: &[u8]) {
    let mut input = Unstructured::new(input);
    let Ok((setup, by_grammar)) = setup(&mut input) else { return };
    let stream = if by_grammar { grammar::stream(&mut input, &setup) } else { input.take_rest().to_vec() };
    check(&setup, &stream);
}

/// Everything that holds for a stream, whoever made it.
pub(crate) fn check(setup: &Setup, stream: &[u8]) {
    let whole = setup.feed([stream]);
    // The cuts depend on the stream alone, so that an input is all that a find needs.
    let mix = stream.iter().fold(0x9E37_usize, |mix, byte| mix.rotate_left(5) ^ usize::from(*byte));
    let odd = [1 + mix % 7, 1 + mix / 7 % 13, 1 + mix / 91 % 300];
    let short = stream.len() <= 4096;
    for lengths in [&[1][..], &[2], &[3, 1, 7], &odd] {
        if short || lengths == odd {
            let pieces = setup.feed(pieces(stream, lengths));
            // Which of two faults in the same compressed bytes is seen first may depend on the cuts; its code does not.
            let same =
                pieces.failed == whole.failed || setup.deflate.is_some() && pieces.code() == whole.code();
            assert!(same, "I3: {:?}, in pieces of {lengths:?} {:?}", whole.failed, pieces.failed);
            assert_eq!(Seen { failed: whole.failed, ..pieces }, whole, "I3: in pieces of {lengths:?}");
        }
    }
    let cut = mix % (stream.len() + 1);
    setup.feed([&stream[..cut]]).check_prefix_of(&whole);
    if whole.failed.is_none() {
        let wider = Setup {
            max_message: 4 * setup.max_message,
            max_fragments: 4 * setup.max_fragments,
            ..setup.clone()
        };
        assert_eq!(wider.feed([stream]), whole, "I13: under larger limits");
    }
    setup.check_memory(stream, stream.len());
    setup.check_memory(stream, odd[2]);
}

pub(crate) fn setup(input: &mut Unstructured<'_>) -> Result<(Setup, bool)> {
    let bits = u8::arbitrary(input)?;
    let role = if bits & 1 == 0 { Role::Server } else { Role::Client };
    let limits = u8::arbitrary(input)?;
    let setup = Setup {
        close_sent: bits & 0b1100 == 0b1100,
        max_message: [64 << 10, 0, 1, 125, 126, 4096, 65_535, 65_536][usize::from(limits % 8)],
        max_fragments: [64, 1, 2, 3][usize::from(limits / 8 % 4)],
        ..Setup::new(role)
    };
    Ok((setup, bits & 2 != 0))
}
