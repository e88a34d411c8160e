#![no_main]
// The Parquet library panics where it is surprised, and its caller catches that; libFuzzer's hook would end the
// process all the same. What nobody catches still does.
libfuzzer_sys::fuzz_target!(init: std::panic::set_hook(Box::new(|_| {})), |bytes: &[u8]| {
    firn_decoders::snapshot_table(bytes);
});
