#![no_main]

use koji_notify_fuzz::{checks, prepare};

libfuzzer_sys::fuzz_target!(init: prepare("replay"), |bytes: &[u8]| checks::replay::check(bytes));
