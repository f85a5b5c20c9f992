//! The one integration crate: the walls of the house, stories through the real doors, real servers.
//!
//! Servers are started here, on free ports, in temporary directories, on loopback only, and are stopped by their
//! process id. Nothing of the person's own session is touched.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::wildcard_enum_match_arm,
    clippy::large_futures,
    reason = "a test may stop at once, print what it saw, and look at the clock"
)]

mod amqp;
mod amqp_one;
mod apache;
mod archive;
mod broker;
mod causes;
mod clicks;
mod command_line;
mod configuration;
mod data_files;
mod decoding;
mod desktop_real;
mod end_to_end;
mod faults;
mod following;
mod history;
mod hostile;
mod hub_account;
mod hub_answers;
mod hub_asks;
mod hub_call;
mod hub_check;
mod hub_client;
mod hub_login;
mod hub_pace;
mod hub_profiles;
mod hub_server;
mod hub_stories;
mod identity;
mod koji_buses;
mod lab_day;
mod languages;
mod limits;
mod names;
mod notices;
mod power;
mod publish;
mod quiet;
mod rabbit;
mod recorded_hub;
mod service;
mod session_bus;
mod setup;
mod sleep;
mod small_hub;
mod tail;
mod tidy;
mod tray;
mod two_worlds;
mod window;
