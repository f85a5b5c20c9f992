//! The command line: one file per subcommand.
//!
//! The only room that speaks on a terminal. Errors go to standard error with their causes, one line each.

mod check;
mod completions;
mod daemon;
mod demo;
pub mod exit;
mod follow;
mod history;
mod hub;
mod log;
mod mute;
mod pause;
mod publish;
mod replay;
pub mod setup;
mod status;
mod tail;
mod wait;
mod window;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::{Parser, Subcommand};

use crate::config::Places;
use crate::desktop::client::KojiNotifyProxy;
use crate::i18n;

use exit::{Exit, NotRunning, Unread};

/// Tells you on your desktop how your Koji builds are doing
#[derive(Debug, Parser)]
#[command(name = "koji-notify", version, propagate_version = true)]
pub struct Arguments {
    /// Read this configuration instead of ~/.config/koji-notify/config.toml
    #[arg(long, short, global = true, value_name = "FILE")]
    config: Option<PathBuf>,

    /// Log more to standard error; -vv: everything
    #[arg(long, short, global = true, action = clap::ArgAction::Count)]
    verbose: u8,

    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run in the desktop session (the default)
    Daemon,
    /// Play a packager's afternoon in about a minute
    Demo(demo::Demo),
    /// Play recorded messages, or print what they would show
    Replay(replay::Replay),
    /// Find out what there is and write the configuration
    Setup(setup::Setup),
    /// Find out what works and what does not
    Check(check::Check),
    /// Show how the running program is doing
    Status(status::Status),
    /// Be told how a build or task ends, whoever's it is
    Follow(follow::Follow),
    /// Be told no more of a build or task that is followed
    Unfollow(follow::Unfollow),
    /// Wait until a build or task has ended; the exit code tells how
    Wait(wait::Wait),
    /// Show what has become of builds and tasks, and what was told of them
    History(history::History),
    /// Show the history in a window
    Window(window::Window),
    /// Show no notifications for a while
    Pause(pause::Pause),
    /// Show notifications again
    Resume,
    /// Be told nothing of a package, a tag or a build for a while, or of failures only
    Mute(mute::Mute),
    /// Be told of it again
    Unmute(mute::Unmute),
    /// Ask a hub
    Hub(hub::Hub),
    /// Print what the message broker sends, as it comes
    Tail(tail::Tail),
    /// Send a message to the broker of an instance, for administrators of a site
    Publish(publish::Publish),
    /// Print a completion script for a shell
    Completions(completions::Completions),
}

/// Runs what the command line asks for.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    log::init(arguments.verbose);
    i18n::init();
    let exit = run(arguments).unwrap_or_else(|error| {
        let exit = exit::of(&error);
        if exit != Exit::Done {
            complain(&error);
        }
        exit
    });
    exit.into()
}

fn run(arguments: Arguments) -> Result<Exit> {
    let places = Places::of_this_session(arguments.config)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("no event loop could be made")?;
    let exit = runtime.block_on(async {
        match arguments.command.unwrap_or(Command::Daemon) {
            Command::Daemon => daemon::run(places).await,
            Command::Demo(demo) => demo.run().await,
            Command::Replay(replay) => replay.run().await,
            Command::Setup(setup) => setup.run(&places).await,
            Command::Check(check) => check.run(places).await,
            Command::Status(status) => status.run().await,
            Command::Follow(follow) => follow.run().await,
            Command::Unfollow(unfollow) => unfollow.run().await,
            Command::Wait(wait) => wait.run().await,
            Command::History(history) => history.run(&places),
            Command::Window(window) => window.run(&places),
            Command::Pause(pause) => pause.run().await,
            Command::Resume => pause::resume().await,
            Command::Mute(mute) => mute.run().await,
            Command::Unmute(unmute) => unmute.run().await,
            Command::Hub(hub) => hub.run(places).await,
            Command::Tail(tail) => tail.run(places).await,
            Command::Publish(publish) => publish.run(places).await,
            Command::Completions(completions) => completions.run(),
        }
    });
    // A blocked helper thread (a name look-up) must not keep us from ending.
    runtime.shutdown_background();
    exit
}

/// Says what went wrong: the error, then a line for each cause that is not in the line before already.
#[expect(clippy::print_stderr, reason = "this is the command line")]
fn complain(error: &anyhow::Error) {
    let mut said = error.to_string();
    eprintln!("koji-notify: {said}");
    for cause in error.chain().skip(1) {
        let cause = cause.to_string();
        if !said.ends_with(&cause) {
            eprintln!("  because {cause}");
            said = cause;
        }
    }
}

/// Returns the running daemon.
async fn client() -> Result<KojiNotifyProxy<'static>> {
    let connection = zbus::Connection::session().await.map_err(|_| NotRunning)?;
    let client = crate::desktop::client::client(&connection).await?;
    Ok(client.ok_or(NotRunning)?)
}

/// Writes lines to standard output. A reader that has gone away ends us quietly, by [`Unread`].
fn say(text: &str) -> Result<()> {
    use std::io::Write as _;
    let mut out = std::io::stdout().lock();
    let written = out
        .write_all(text.as_bytes())
        .and_then(|()| out.write_all(b"\n"))
        .and_then(|()| out.flush());
    match written {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Err(Unread.into()),
        written => written.context("standard output cannot be written"),
    }
}
