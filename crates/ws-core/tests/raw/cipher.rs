use proptest::prelude::*;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use ws_core::{
    frame::{MaskingKey, apply_mask},
    raw::{CipherReader, CipherWriter, apply_mask_at},
};

use crate::{
    stream::{Pieces, Recorder, run},
    wire::KEY,
};

#[test]
fn pieces_of_any_width_are_masked_as_the_whole() {
    let plain: Vec<u8> = (0..=255).cycle().take(1000).collect();
    let mut whole = plain.clone();
    apply_mask(&mut whole, KEY);
    for width in 1..=64 {
        let mut pieces = plain.clone();
        let mut offset = 0;
        for piece in pieces.chunks_mut(width) {
            apply_mask_at(piece, KEY, offset);
            offset += piece.len() as u64;
        }
        assert_eq!(pieces, whole, "{width}");
    }
}

#[test]
fn offset_of_a_payload_beyond_4_gib_counts_modulo_4() {
    for offset in 0..4 {
        let (mut near, mut far) = (*b"payload", *b"payload");
        apply_mask_at(&mut near, KEY, offset);
        apply_mask_at(&mut far, KEY, offset + (1 << 40));
        assert_eq!(near, far);
    }
}

#[test]
fn readers_and_writers_begin_anew_with_another_key() {
    let other = MaskingKey::new([1, 2, 3, 4]);
    let mut expected = [*b"abc", *b"def"];
    apply_mask(&mut expected[0], KEY);
    apply_mask(&mut expected[1], other);

    let mut writer = CipherWriter::new(Recorder::default(), KEY);
    run(writer.write_all(b"abc")).unwrap();
    writer.reset(other);
    run(writer.write_all(b"def")).unwrap();
    let wire = writer.into_inner().bytes();
    assert_eq!(wire, expected.concat());

    let mut reader = CipherReader::new(&wire[..], KEY);
    let mut plain = [0; 3];
    run(reader.read_exact(&mut plain)).unwrap();
    assert_eq!(&plain, b"abc");
    reader.reset(other);
    run(reader.read_exact(&mut plain)).unwrap();
    assert_eq!(&plain, b"def");
}

// Shows LEAK-1.
#[test]
fn reader_leaves_alone_what_the_buffer_held_before() {
    let mut plain = b"before".to_vec();
    run(CipherReader::new(&b"\x7f\x9f\x4d\x51\x58"[..], KEY).read_to_end(&mut plain)).unwrap();
    assert_eq!(plain, b"beforeHello");
}

proptest! {
    #[test]
    fn what_is_written_through_one_is_read_through_the_other(
        plain in prop::collection::vec(any::<u8>(), 0..10_000),
        key in any::<[u8; 4]>(),
        write_width in 1usize..5000,
        read_width in 1usize..5000,
    ) {
        let key = MaskingKey::new(key);
        let mut writer = CipherWriter::new(Recorder::slow(write_width), key);
        run(writer.write_all(&plain)).unwrap();
        let wire = writer.into_inner().bytes();
        let mut masked = plain.clone();
        apply_mask(&mut masked, key);
        prop_assert_eq!(&wire, &masked);

        let mut read = Vec::new();
        run(CipherReader::new(Pieces::new(&wire, read_width), key).read_to_end(&mut read)).unwrap();
        prop_assert_eq!(read, plain);
    }
}
