#![no_main]

use koji_notify_fuzz::{checks, prepare};

libfuzzer_sys::fuzz_target!(init: prepare("koji_bus"), |bytes: &[u8]| checks::koji_bus::check(bytes));
