//! Every sequence of up to four frames, cut in every way that there is time for.

use super::{
    super::{
        model::{Model, Verdict},
        sequences::sequences,
        wire::ROLES,
    },
    Cases, assert_agrees, endpoint,
};

/// The verdicts over every beginning of the bytes.
fn every_prefix(model: &Model, bytes: &[u8]) -> Vec<Verdict> {
    (0..=bytes.len()).map(|end| model.verdict(&bytes[..end])).collect()
}

/// Feeds the pieces between the cuts, and asks after each.
fn assert_cut(model: &Model, verdicts: &[Verdict], bytes: &[u8], cuts: &[usize], cases: &mut Cases) {
    let mut endpoint = endpoint(model);
    let mut start = 0;
    for &end in cuts.iter().chain([&bytes.len()]) {
        endpoint.feed(&bytes[start..end]);
        let told = &endpoint.told;
        assert!(verdicts[end].agrees(told), "{model:?} {bytes:x?} cut at {cuts:?}: {told:?} after {end}");
        start = end;
    }
    assert_agrees(model, &verdicts[bytes.len()], &mut endpoint, &|| format!("{bytes:x?} cut at {cuts:?}"));
    cases.count();
}

#[test]
fn four_frames_are_judged_as_the_model_does_however_they_are_cut_once() {
    let mut cases = Cases::new("four frames", 251);
    for role in ROLES {
        let model = Model::new(role);
        for bytes in sequences(role, 4) {
            if !cases.next() {
                continue;
            }
            let verdicts = every_prefix(&model, &bytes);
            for cut in 0..bytes.len() {
                assert_cut(&model, &verdicts, &bytes, &[cut], &mut cases);
            }
            let everywhere: Vec<_> = (1..bytes.len()).collect();
            assert_cut(&model, &verdicts, &bytes, &everywhere, &mut cases);
        }
    }
}

#[test]
fn three_frames_are_judged_as_the_model_does_however_they_are_cut_twice() {
    let mut cases = Cases::new("three frames in three pieces", 251);
    for role in ROLES {
        for close_sent in [false, true] {
            let model = Model { close_sent, ..Model::new(role) };
            for bytes in sequences(role, 3) {
                if !cases.next() {
                    continue;
                }
                let verdicts = every_prefix(&model, &bytes);
                for first in 1..bytes.len() {
                    for second in first + 1..bytes.len() {
                        assert_cut(&model, &verdicts, &bytes, &[first, second], &mut cases);
                    }
                }
            }
        }
    }
}

#[test]
fn two_frames_are_judged_as_the_model_does_however_they_are_cut_thrice() {
    let mut cases = Cases::new("two frames in four pieces", 23);
    for role in ROLES {
        let model = Model::new(role);
        for bytes in sequences(role, 2) {
            if !cases.next() {
                continue;
            }
            let verdicts = every_prefix(&model, &bytes);
            for first in 1..bytes.len() {
                for second in first + 1..bytes.len() {
                    for third in second + 1..bytes.len() {
                        assert_cut(&model, &verdicts, &bytes, &[first, second, third], &mut cases);
                    }
                }
            }
        }
    }
}
