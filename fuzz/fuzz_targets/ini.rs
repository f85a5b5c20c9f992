#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| koji_notify_fuzz::checks::ini::check(bytes));
