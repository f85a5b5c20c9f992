//! The live source against a real RabbitMQ, and against what may stand at an address instead of one.

mod deaf_lines;
mod koji;
mod koji_headers;
mod koji_protonmsg;
mod koji_topic;
pub(crate) mod line;
mod lines_that_break;
mod logins;
mod messages;
mod queues;
pub(crate) mod relay;
mod traces;
