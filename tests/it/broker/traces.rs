//! What a line leaves behind in our own process: nothing.
//!
//! Threads are counted for the whole process, so each story here runs in one of its own.

use std::fs;
use std::process::Command;
use std::time::Duration;

use koji_notify::bus::broker::{Login, Password, Secret};
use koji_notify::watch::link::Problem;

use super::line::{GENEROUS, Line, at, by_certificate, in_clear};
use crate::rabbit::{Rabbit, ServerCert, SilentServer, TlsServer};

#[test]
fn an_attempt_that_runs_into_the_time_limit_leaves_no_thread() {
    alone(
        "broker::traces::an_attempt_that_runs_into_the_time_limit_leaves_no_thread",
        async {
            let directory = tempfile::tempdir().unwrap();
            let certs = crate::rabbit::Certs::make(directory.path().join("certs"));
            let silent = SilentServer::start().await;
            let greeting = TlsServer::start(&certs.server(ServerCert::Good)).await;
            for (tls, port) in [(true, silent.port), (false, silent.port), (true, greeting.port)] {
                let mut broker = at(tls, port, "/".to_owned(), mona(), certs.ca());
                broker.connection_timeout = Duration::from_millis(200);
                let mut line = Line::start(broker);
                for _ in 0..2 {
                    assert_eq!(line.down().await.problem, Problem::Unreachable);
                }
                nothing_is_left().await;
                line.stop().await;
            }
            nothing_is_left().await;
        },
    );
}

#[test]
fn a_refused_login_leaves_no_thread() {
    alone("broker::traces::a_refused_login_leaves_no_thread", async {
        let rabbit = Rabbit::shared().await;
        let vhost = rabbit.vhost().await;
        let mut wrong = in_clear(&vhost);
        wrong.login = mona();
        let mut nowhere = by_certificate(&vhost);
        nowhere.address.vhost = "/nope".to_owned();
        let mut forbidden = by_certificate(&vhost);
        forbidden.exchange = "amq.headers".to_owned();
        let mut clear_to_tls = in_clear(&vhost);
        clear_to_tls.address.port = rabbit.tls_port;
        for broker in [wrong, nowhere, forbidden, clear_to_tls] {
            let mut line = Line::start(broker);
            assert!(!line.down().await.problem.is_passing());
            nothing_is_left().await;
            line.stop().await;
        }
    });
}

#[test]
fn a_line_that_ends_leaves_no_thread_no_task_and_no_second_runtime() {
    alone(
        "broker::traces::a_line_that_ends_leaves_no_thread_no_task_and_no_second_runtime",
        async {
            let vhost = Rabbit::shared().await.vhost().await;
            let tasks = tasks();
            for broker in [by_certificate(&vhost), in_clear(&vhost)] {
                let mut line = Line::start(broker);
                line.up().await;
                assert_eq!(threads("lapin-io-loop"), 1);
                // However a connection ends: by the other side, on our own wish, for good.
                vhost.close_connections("out").await;
                line.up().await;
                line.woken.send_replace(1);
                line.up().await;
                vhost.queues_when(|it| it.len() == 1).await;
                assert_eq!(threads("lapin-io-loop"), 1);
                line.stop().await;
                nothing_is_left().await;
            }
            while tokio::runtime::Handle::current().metrics().num_alive_tasks() > tasks {
                tokio::task::yield_now().await;
            }
        },
    );
}

/// Waits until no thread is left of a line. What lapin's own transport would start, and nothing here may, is the
/// fallback runtime of async-compat (`async-compat/tokio-1`).
async fn nothing_is_left() {
    assert_eq!(threads("async-compat"), 0, "{:?}", names());
    assert_eq!(threads("async-io"), 0, "{:?}", names());
    assert_eq!(threads("smol"), 0, "{:?}", names());
    let limit = std::time::Instant::now() + GENEROUS;
    while threads("lapin-io-loop") > 0 {
        assert!(std::time::Instant::now() < limit, "{:?}", names());
        tokio::task::yield_now().await;
    }
}

fn tasks() -> usize {
    tokio::runtime::Handle::current().metrics().num_alive_tasks()
}

fn threads(name: &str) -> usize {
    names().iter().filter(|it| it.starts_with(name)).count()
}

fn names() -> Vec<String> {
    let threads = fs::read_dir("/proc/self/task").unwrap();
    threads
        // One may end while we look.
        .filter_map(|it| fs::read_to_string(it.unwrap().path().join("comm")).ok())
        .map(|it| it.trim().to_owned())
        .collect()
}

/// Runs a story in a process of its own.
fn alone(test: &str, story: impl Future<Output = ()>) {
    const MARK: &str = "KOJI_NOTIFY_TEST_ALONE";
    if std::env::var_os(MARK).is_some() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        return runtime.unwrap().block_on(story);
    }
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(MARK, "1")
        .output()
        .unwrap();
    let said = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

fn mona() -> Login {
    Login::Plain {
        user: "mona".to_owned(),
        password: Password::Known(Secret::new("mona's".to_owned())),
    }
}
