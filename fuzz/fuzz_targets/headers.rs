#![no_main]

use koji_notify_fuzz::{checks, prepare};

libfuzzer_sys::fuzz_target!(init: prepare("headers"), |bytes: &[u8]| checks::headers::check(bytes));
