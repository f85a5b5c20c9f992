#![no_main]

use koji_notify_fuzz::{checks, prepare};

libfuzzer_sys::fuzz_target!(init: prepare("bus"), |bytes: &[u8]| checks::bus::check(bytes));
