//! koji-notify against the floor, in one run.
//!
//! The floor is the least that any program must do for the same job: a bare lapin consumer and a bare `Notify` call
//! ([`floor`]). Both are processes of their own, under the same broker (a real RabbitMQ, TLS, client certificates), on
//! the same session bus, with the same messages, and they take turns, so that a busy machine is busy for both. Compare
//! within one run.
//!
//! `make bench` runs it, `make bench ARGS=--quick` in a fifth of the time. A table is printed at the end and written as
//! JSON to `target/bench/figures.json`; what came out where is told in `benches/README.md`.
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
    reason = "a measurement may stop at once, print what it saw, and look at the clock"
)]

mod buses;
mod courses;
mod desk;
mod floor;
mod hub;
mod journal;
mod messages;
mod program;
mod report;

/// The servers of the tests.
#[path = "../tests/it"]
mod it {
    pub(crate) mod amqp {
        #[allow(dead_code, reason = "the tests need more of it")]
        pub(crate) mod encoder;
    }
    pub(crate) mod rabbit;
    #[allow(dead_code, reason = "the tests need more of it")]
    pub(crate) mod session_bus;
}

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::ExitCode;

use tokio::signal::unix::{SignalKind, signal};

use courses::Bench;
use it::{amqp, rabbit, session_bus};
use report::Report;

/// How much of everything.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Extent {
    /// Starts of each program.
    starts: usize,
    /// Notifications of each program whose way is timed.
    notices: usize,
    /// Messages of other people that are drained in each round.
    messages: usize,
    rounds: usize,
    /// Messages for the Python library, which takes a hundred times as long for each.
    library_messages: usize,
    idle_secs: u64,
    /// Looks at a hub.
    looks: usize,
    /// Rounds of a long answer of a hub.
    answers: usize,
    /// Batches that the journal writes.
    journal_batches: usize,
    /// Messages of other people after which memory is looked at.
    million: usize,
}

const FULL: Extent = Extent {
    starts: 21,
    notices: 1000,
    messages: 100_000,
    rounds: 5,
    library_messages: 1000,
    idle_secs: 60,
    looks: 500,
    answers: 7,
    journal_batches: 300,
    million: 1_000_000,
};

const QUICK: Extent = Extent {
    starts: 7,
    notices: 200,
    messages: 20_000,
    rounds: 1,
    library_messages: 200,
    idle_secs: 20,
    looks: 100,
    answers: 3,
    journal_batches: 50,
    million: 100_000,
};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    if let [role, task] = &arguments[..]
        && role == floor::ROLE
    {
        runtime.block_on(floor::run(serde_json::from_str(task).unwrap()));
        return ExitCode::SUCCESS;
    }
    if let [role, task] = &arguments[..]
        && role == hub::ROLE
    {
        hub::be_reader(&serde_json::from_str(task).unwrap());
        return ExitCode::SUCCESS;
    }
    let (plan, complaints) = Plan::read(arguments);
    if !complaints.is_empty() {
        eprintln!("there is no {}; {USAGE}", complaints.join(", "));
        return ExitCode::FAILURE;
    }
    let report = runtime.block_on(async {
        tokio::select! {
            report = measure(plan) => Some(report),
            // All that was started is held by what is dropped here.
            () = told_to_end() => None,
        }
    });
    let Some(report) = report else {
        return ExitCode::FAILURE;
    };
    report.write();
    println!("\n{report}");
    ExitCode::SUCCESS
}

const USAGE: &str = "there are --quick, --program FILE, and the courses size, start, idle, latency, drain, million, buses, journal and hub";

/// What is to be done.
struct Plan {
    extent: Extent,
    program: PathBuf,
    courses: BTreeSet<Course>,
}

#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Course {
    Size,
    Start,
    Idle,
    Latency,
    Drain,
    Million,
    Buses,
    Journal,
    Hub,
}

impl Plan {
    /// Reads the command line; what it does not understand is returned beside.
    fn read(arguments: Vec<String>) -> (Self, Vec<String>) {
        let mut plan = Self {
            extent: FULL,
            // The one that cargo has built for us, as it is released.
            program: env!("CARGO_BIN_EXE_koji-notify").into(),
            courses: BTreeSet::new(),
        };
        let mut complaints = Vec::new();
        let mut arguments = arguments.into_iter();
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                // Cargo's own word for "not a test".
                "--bench" => {}
                "--quick" => plan.extent = QUICK,
                "--program" => plan.program = arguments.next().unwrap_or_default().into(),
                "size" => _ = plan.courses.insert(Course::Size),
                "start" => _ = plan.courses.insert(Course::Start),
                "idle" => _ = plan.courses.insert(Course::Idle),
                "latency" => _ = plan.courses.insert(Course::Latency),
                "drain" => _ = plan.courses.insert(Course::Drain),
                "million" => _ = plan.courses.insert(Course::Million),
                "buses" => _ = plan.courses.insert(Course::Buses),
                "journal" => _ = plan.courses.insert(Course::Journal),
                "hub" => _ = plan.courses.insert(Course::Hub),
                _ => complaints.push(argument),
            }
        }
        if plan.courses.is_empty() {
            plan.courses = [
                Course::Size,
                Course::Start,
                Course::Idle,
                Course::Latency,
                Course::Drain,
                Course::Million,
                Course::Buses,
                Course::Journal,
                Course::Hub,
            ]
            .into();
        }
        (plan, complaints)
    }
}

async fn told_to_end() {
    let mut terminate = signal(SignalKind::terminate()).unwrap();
    let mut interrupt = signal(SignalKind::interrupt()).unwrap();
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}

async fn measure(mut plan: Plan) -> Report {
    let mut report = Report::begin(&plan.extent);
    let asks_a_hub = plan.courses.remove(&Course::Hub);
    let hears_koji_s_own = plan.courses.remove(&Course::Buses);
    let writes_a_journal = plan.courses.remove(&Course::Journal);
    if !plan.courses.is_empty() {
        measure_by_broker(&mut report, &plan).await;
    }
    if hears_koji_s_own {
        buses::course(&mut report, &plan).await;
    }
    if writes_a_journal {
        journal::course(&mut report, plan.extent);
    }
    if asks_a_hub {
        hub::course(&mut report, plan.extent).await;
    }
    report.end();
    report
}

/// The courses for which there is a broker.
async fn measure_by_broker(report: &mut Report, plan: &Plan) {
    let rabbit = rabbit::Rabbit::start().await;
    let vhost = rabbit.vhost().await;
    let bus = session_bus::SessionBus::start();
    let mut bench = Bench::new(&rabbit, &vhost, &bus, plan.extent, plan.program.clone()).await;
    for course in &plan.courses {
        match course {
            Course::Size => bench.size(report),
            Course::Start => bench.start(report).await,
            Course::Idle => bench.idle(report).await,
            Course::Latency => bench.latency(report).await,
            Course::Drain => bench.drain(report).await,
            Course::Million => bench.million(report).await,
            Course::Buses | Course::Journal | Course::Hub => {}
        }
    }
}
