#![no_main]

use koji_notify_fuzz::{checks, prepare};

libfuzzer_sys::fuzz_target!(init: prepare("catalog"), |bytes: &[u8]| checks::catalog::check(bytes));
