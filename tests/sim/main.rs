//! The whole program in a simulated world, many times. How it is meant, what is held and how to replay a run:
//! `README.md` beside this.

mod broker;
mod desk;
mod dice;
mod disk;
mod doing;
mod house;
mod koji;
mod log;
mod messages;
mod model;
mod mutants;
mod oracle;
mod plan;
mod runs;
mod time;
mod world;
