#![no_main]

use koji_notify_fuzz::{checks, prepare};

libfuzzer_sys::fuzz_target!(init: prepare("log"), |bytes: &[u8]| checks::log::check(bytes));
