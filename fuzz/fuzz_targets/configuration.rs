#![no_main]

use koji_notify_fuzz::{checks, prepare};

libfuzzer_sys::fuzz_target!(init: prepare("configuration"), |bytes: &[u8]| checks::configuration::check(bytes));
