#![no_main]

use koji_notify_fuzz::{checks, prepare};

libfuzzer_sys::fuzz_target!(init: prepare("meant"), |bytes: &[u8]| checks::meant::check(bytes));
