#![no_main]

use koji_notify_fuzz::{checks, prepare};

libfuzzer_sys::fuzz_target!(init: prepare("fedora_messaging"), |bytes: &[u8]| checks::fedora_messaging::check(bytes));
