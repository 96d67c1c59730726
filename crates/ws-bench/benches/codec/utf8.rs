//! Validation of text in one piece, beside the standard library's.

use divan::{Bencher, counter::BytesCount};
use ws_core::utf8::Utf8Validator;

use super::{SIZES, text::Script};

#[divan::bench(args = cases())]
fn ours(bencher: Bencher<'_, '_>, (script, size): (Script, usize)) {
    let text = script.text(size);
    bencher.counter(BytesCount::of_str(&text)).bench_local(|| {
        let mut validator = Utf8Validator::new();
        let is_valid = validator.push(divan::black_box(text.as_bytes())).is_ok();
        is_valid && validator.finish().is_ok()
    });
}

#[divan::bench(args = cases())]
fn std(bencher: Bencher<'_, '_>, (script, size): (Script, usize)) {
    let text = script.text(size);
    bencher
        .counter(BytesCount::of_str(&text))
        .bench_local(|| std::str::from_utf8(divan::black_box(text.as_bytes())).is_ok());
}

fn cases() -> impl Iterator<Item = (Script, usize)> {
    Script::ALL.into_iter().flat_map(|script| SIZES.map(|size| (script, size)))
}
