#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    firn_decoders::key(bytes);
});
