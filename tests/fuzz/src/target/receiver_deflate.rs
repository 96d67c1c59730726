//! Whatever a peer sends where permessage-deflate was negotiated (RFC 7692).

use arbitrary::Unstructured;

use super::receiver::{check, setup};
use crate::grammar;

/// Two bytes of setup and two of parameters, and the stream: as it is, or by the grammar.
pub(crate) fn run(input: &[u8]) {
    let mut input = Unstructured::new(input);
    let Ok((mut setup, by_grammar)) = setup(&mut input) else { return };
    let Ok(negotiated) = grammar::negotiated(&mut input) else { return };
    setup.deflate = Some(negotiated);
    let stream = if by_grammar { grammar::stream(&mut input, &setup) } else { input.take_rest().to_vec() };
    check(&setup, &stream);
}
