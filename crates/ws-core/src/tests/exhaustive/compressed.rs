//! RFC 7692, 7.2.2: every compressed message of a few bytes.

use super::{
    super::{
        model::Model,
        wire::{BINARY, FIN, ROLES, RSV1, TEXT, frame},
    },
    Cases, assert_agrees, effort, endpoint,
};

#[test]
fn every_compressed_message_of_up_to_three_bytes_comes_out_as_in_the_model() {
    let mut cases = Cases::new("compressed messages", 2003);
    let longest = if effort() > 1 { 3 } else { 2 };
    for role in ROLES {
        let model = Model { deflate: true, ..Model::new(role) };
        for opcode in [TEXT, BINARY] {
            for len in 0..=longest {
                for number in 0..1_u32 << (8 * len) {
                    if !cases.next() {
                        continue;
                    }
                    let payload = &number.to_be_bytes()[4 - len..];
                    let bytes = frame(role, FIN | RSV1 | opcode, payload);
                    let verdict = model.verdict(&bytes);
                    for piece in [1, bytes.len()] {
                        let mut endpoint = endpoint(&model);
                        endpoint.feed_pieces(bytes.chunks(piece));
                        assert_agrees(&model, &verdict, &mut endpoint, &|| format!("{opcode} {payload:x?}"));
                        cases.count();
                    }
                }
            }
        }
    }
}
