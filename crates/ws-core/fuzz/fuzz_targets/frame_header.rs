#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| (ws_fuzz::target("frame_header").run)(input));
