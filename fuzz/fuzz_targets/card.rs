#![no_main]

use koji_notify_fuzz::{checks, prepare};

libfuzzer_sys::fuzz_target!(init: prepare("card"), |bytes: &[u8]| checks::card::check(bytes));
