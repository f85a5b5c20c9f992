#![no_main]

use koji_notify_fuzz::{checks, prepare};

libfuzzer_sys::fuzz_target!(init: prepare("xmlrpc"), |bytes: &[u8]| checks::xmlrpc::check(bytes));
