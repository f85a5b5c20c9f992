#![no_main]

use koji_notify_fuzz::{checks, prepare};

libfuzzer_sys::fuzz_target!(init: prepare("ini"), |bytes: &[u8]| checks::ini::check(bytes));
