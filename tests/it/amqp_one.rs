//! The source for AMQP 1.0 against real brokers, RabbitMQ and Qpid Proton's, and against what may stand there instead.

mod hostile;
mod line;
mod proton;
mod rabbit;
