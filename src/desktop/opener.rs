//! Other people's programs: the browser, the editor and the clipboard.
//!
//! A page is opened only if it is a web page; a program gets text as one argument or on its standard input, never by
//! way of a shell. Nothing here waits long, and no child is left as a zombie. It deliberately knows no Koji and does
//! not ask whether a link is one of ours: who builds links does.
//!
//! What an opener's success means is limited by the opener: `xdg-open` in XFCE ends with 0 when there is no browser,
//! and without a display it knows only `$BROWSER`. A browser that it has to start first keeps it running.
//!
//! The clipboard goes through `wl-copy`, `xclip` or `xsel`, whichever is there and fits the session. The crate for it,
//! arboard 3.7, would add 20 crates, an X11 client and a thread to a process that is otherwise one thread, keeps the
//! text only as long as we live, and does not reach GNOME's Wayland clipboard either (arboard#223: Mutter has no
//! data-control protocol), where `wl-copy` does. Where none of the three is installed, [`can_copy`] says so. What is
//! on the clipboard is read by their counterparts, only when a person asks for it, and never more than a little of it.

use std::env;
use std::ffi::OsStr;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::Command;
use tokio::time::timeout;
use tracing::debug;
use url::Url;

/// An opener that still runs after this long has found something to open the page with.
const OPEN_LIMIT: Duration = Duration::from_secs(5);

/// A clipboard tool has taken the text within this time, or will not.
const COPY_LIMIT: Duration = Duration::from_secs(3);

/// A clipboard tool has told the text within this time, or will not: whoever owns it has to be there to say it.
const PASTE_LIMIT: Duration = Duration::from_secs(3);

/// The longest text that is read from the clipboard, in bytes: an address or a name has a tenth of it.
const MAX_PASTED: u64 = 4096;

/// Tokens are about 40 characters; a longer one than this is nonsense.
const TOKEN_LIMIT: usize = 1024;

/// What a service manager told us and nobody else.
const OUR_ENVIRONMENT: [&str; 6] = [
    "CREDENTIALS_DIRECTORY",
    "INVOCATION_ID",
    "JOURNAL_STREAM",
    "NOTIFY_SOCKET",
    "WATCHDOG_PID",
    "WATCHDOG_USEC",
];

/// Why something could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("{0:?} is not the address of a web page")]
    NotAPage(String),
    #[error("there is no file {}", .0.display())]
    NoFile(PathBuf),
    #[error("no program that opens pages and files is installed (xdg-open, gio)")]
    NoOpener,
    #[error("{program} could not be run")]
    NotRun {
        program: String,
        #[source]
        source: io::Error,
    },
    #[error("{program} failed: {status}")]
    Failed { program: String, status: ExitStatus },
}

/// Why text is not on the clipboard.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    #[error("no clipboard program for this session is installed (wl-copy, xclip, xsel)")]
    NoTool,
    #[error("{program} could not be run")]
    NotRun {
        program: &'static str,
        #[source]
        source: io::Error,
    },
    #[error("{program} failed: {status}")]
    Failed { program: &'static str, status: ExitStatus },
    #[error("{program} did not take the text")]
    Hung { program: &'static str },
}

/// Why the text on the clipboard is not known.
#[derive(Debug, thiserror::Error)]
pub enum PasteError {
    #[error("no clipboard program for this session is installed (wl-paste, xclip, xsel)")]
    NoTool,
    #[error("{program} could not be run")]
    NotRun {
        program: &'static str,
        #[source]
        source: io::Error,
    },
    /// Mostly there is nothing on the clipboard, or no text.
    #[error("{program} failed: {status}")]
    Failed { program: &'static str, status: ExitStatus },
    #[error("{program} did not tell the text")]
    Hung { program: &'static str },
    #[error("what is on the clipboard is longer than {MAX_PASTED} bytes")]
    TooLong,
    #[error("what is on the clipboard is not text in UTF-8")]
    NotText,
}

/// Opens a web page in the browser. `token` is an activation token, which lets the browser take the focus.
pub async fn open(link: &str, token: Option<&str>) -> Result<(), OpenError> {
    let page = page(link)?;
    launch(open::commands(page.as_str()), token, OPEN_LIMIT).await
}

/// Opens a file with what the person has chosen for files of its kind. `path` is absolute.
pub async fn open_file(path: &Path) -> Result<(), OpenError> {
    if !path.is_absolute() || !path.is_file() {
        return Err(OpenError::NoFile(path.to_owned()));
    }
    launch(open::commands(path), None, OPEN_LIMIT).await
}

/// Starts a program of ours that has a window. `token` is an activation token, which lets it take the focus.
pub async fn start(program: std::process::Command, token: Option<&str>) -> Result<(), OpenError> {
    launch(vec![program], token, OPEN_LIMIT).await
}

/// Returns whether there is a way to put text on the clipboard.
pub fn can_copy() -> bool {
    !Session::ours().tools(&COPIERS).is_empty()
}

/// Puts text on the clipboard.
pub async fn copy(text: &str) -> Result<(), CopyError> {
    let mut trouble = CopyError::NoTool;
    for tool in Session::ours().tools(&COPIERS) {
        match hand_over(tool, text, COPY_LIMIT).await {
            Ok(()) => return Ok(()),
            Err(it) => trouble = it,
        }
        debug!(%trouble, "the clipboard tool did not do");
    }
    Err(trouble)
}

/// Returns whether there is a way to read what is on the clipboard.
pub fn can_paste() -> bool {
    !Session::ours().tools(&PASTERS).is_empty()
}

/// Returns the text on the clipboard, at most 4096 bytes of it; empty if there is none. It is whatever was
/// copied last by whomever: nothing is promised about it.
///
/// # Errors
///
/// If there is nothing that could be read, or it is not a short text.
pub async fn paste() -> Result<String, PasteError> {
    let mut trouble = PasteError::NoTool;
    for tool in Session::ours().tools(&PASTERS) {
        match take_over(tool, PASTE_LIMIT).await {
            Ok(text) => return Ok(text),
            // Another tool would say the same.
            Err(it @ (PasteError::TooLong | PasteError::NotText)) => return Err(it),
            Err(it) => trouble = it,
        }
        debug!(%trouble, "the clipboard tool did not do");
    }
    Err(trouble)
}

fn page(link: &str) -> Result<Url, OpenError> {
    let is_page = |url: &Url| {
        let web = matches!(url.scheme(), "http" | "https");
        let anonymous = url.username().is_empty() && url.password().is_none();
        web && anonymous && url.has_host()
    };
    Url::parse(link)
        .ok()
        .filter(is_page)
        .ok_or_else(|| OpenError::NotAPage(link.to_owned()))
}

/// Tries the openers in turn until one ends well, or is still at it after `limit`. Then tokio reaps it when it ends.
async fn launch(openers: Vec<std::process::Command>, token: Option<&str>, limit: Duration) -> Result<(), OpenError> {
    let token = token.filter(|it| it.len() <= TOKEN_LIMIT && !it.contains(char::is_control));
    let mut trouble = OpenError::NoOpener;
    for opener in openers {
        let program = opener.get_program().to_string_lossy().into_owned();
        let mut opener = Command::from(opener);
        prepare(&mut opener, token);
        let mut child = match opener.spawn() {
            Ok(child) => child,
            Err(source) if source.kind() == io::ErrorKind::NotFound => continue,
            Err(source) => {
                trouble = OpenError::NotRun { program, source };
                continue;
            }
        };
        trouble = match timeout(limit, child.wait()).await {
            Err(_) => return Ok(()),
            Ok(Ok(status)) if status.success() => return Ok(()),
            Ok(Ok(status)) => OpenError::Failed { program, status },
            // Nobody knows what became of it: do not open the page twice.
            Ok(Err(source)) => return Err(OpenError::NotRun { program, source }),
        };
        debug!(%trouble, "the opener did not do");
    }
    Err(trouble)
}

/// Cuts the child off from our terminal, our process group and what is ours in the environment.
fn prepare(command: &mut Command, token: Option<&str>) {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0);
    for name in OUR_ENVIRONMENT {
        command.env_remove(name);
    }
    // Wayland's name for it and X11's; the one that we ourselves were started with is spent.
    for name in ["XDG_ACTIVATION_TOKEN", "DESKTOP_STARTUP_ID"] {
        match token {
            Some(token) => command.env(name, token),
            None => command.env_remove(name),
        };
    }
}

/// A program that takes the clipboard's text from its standard input and serves it in the background, or one that
/// writes it to its standard output.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Tool {
    program: &'static str,
    arguments: &'static [&'static str],
    display: Display,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Display {
    Wayland,
    X11,
}

/// All that we know, the best first. Under Wayland those for X11 reach the clipboard through Xwayland.
const COPIERS: [Tool; 3] = [
    Tool {
        program: "wl-copy",
        arguments: &["--type", "text/plain"],
        display: Display::Wayland,
    },
    Tool {
        program: "xclip",
        arguments: &["-in", "-selection", "clipboard"],
        display: Display::X11,
    },
    Tool {
        program: "xsel",
        arguments: &["--input", "--clipboard"],
        display: Display::X11,
    },
];

/// Their counterparts, in the same order.
const PASTERS: [Tool; 3] = [
    Tool {
        program: "wl-paste",
        arguments: &["--no-newline", "--type", "text/plain"],
        display: Display::Wayland,
    },
    Tool {
        program: "xclip",
        arguments: &["-out", "-selection", "clipboard"],
        display: Display::X11,
    },
    Tool {
        program: "xsel",
        arguments: &["--output", "--clipboard"],
        display: Display::X11,
    },
];

/// What the environment says about the session.
struct Session {
    wayland: bool,
    x11: bool,
    path: std::ffi::OsString,
}

impl Session {
    fn ours() -> Self {
        let is_set = |name| env::var_os(name).is_some_and(|it| !it.is_empty());
        Self {
            wayland: is_set("WAYLAND_DISPLAY"),
            x11: is_set("DISPLAY"),
            path: env::var_os("PATH").unwrap_or_default(),
        }
    }

    /// Returns those of the tools that are installed and fit, the best first.
    fn tools(&self, tools: &[Tool]) -> Vec<Tool> {
        let fits = |tool: &Tool| match tool.display {
            Display::Wayland => self.wayland,
            Display::X11 => self.x11,
        };
        let fitting = tools.iter().copied().filter(fits);
        fitting.filter(|it| is_installed(it.program, &self.path)).collect()
    }
}

fn is_installed(program: &str, path: &OsStr) -> bool {
    env::split_paths(path).any(|dir| is_program(&dir.join(program)))
}

/// Returns whether a file can be run.
pub(super) fn is_program(file: &Path) -> bool {
    file.metadata()
        .is_ok_and(|it| it.is_file() && it.permissions().mode() & 0o111 != 0)
}

async fn hand_over(tool: Tool, text: &str, limit: Duration) -> Result<(), CopyError> {
    let program = tool.program;
    let not_run = |source| CopyError::NotRun { program, source };
    let mut command = Command::new(program);
    command.args(tool.arguments);
    prepare(&mut command, None);
    command.stdin(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().map_err(not_run)?;
    let mut input = child.stdin.take();
    let handed = timeout(limit, async {
        if let Some(mut input) = input.take() {
            // Whether it has read everything is for its exit status to say.
            input.write_all(text.as_bytes()).await.ok();
        }
        child.wait().await
    });
    match handed.await {
        Ok(Ok(status)) if status.success() => Ok(()),
        Ok(Ok(status)) => Err(CopyError::Failed { program, status }),
        Ok(Err(source)) => Err(not_run(source)),
        Err(_) => Err(CopyError::Hung { program }),
    }
}

/// Returns what a tool tells of the clipboard.
async fn take_over(tool: Tool, limit: Duration) -> Result<String, PasteError> {
    let program = tool.program;
    let not_run = |source| PasteError::NotRun { program, source };
    let mut command = Command::new(program);
    command.args(tool.arguments);
    prepare(&mut command, None);
    command.stdout(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().map_err(not_run)?;
    let output = child.stdout.take();
    let told = timeout(limit, async {
        let mut bytes = Vec::new();
        if let Some(output) = output {
            output.take(MAX_PASTED + 1).read_to_end(&mut bytes).await?;
        }
        if bytes.len() as u64 > MAX_PASTED {
            // It has more to say than anybody wants to hear, and is ended.
            return Ok((bytes, None));
        }
        Ok((bytes, Some(child.wait().await?)))
    });
    match told.await {
        Ok(Ok((_, None))) => Err(PasteError::TooLong),
        Ok(Ok((bytes, Some(status)))) if status.success() => String::from_utf8(bytes).map_err(|_| PasteError::NotText),
        Ok(Ok((_, Some(status)))) => Err(PasteError::Failed { program, status }),
        Ok(Err(source)) => Err(not_run(source)),
        Err(_) => Err(PasteError::Hung { program }),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::process::Command as StdCommand;

    use super::*;
    use crate::clock;

    /// Long enough for a shell on a busy machine.
    const PATIENCE: Duration = Duration::from_secs(20);

    #[test]
    fn only_web_pages_are_opened() {
        for link in [
            "https://koji.fedoraproject.org/koji/buildinfo?buildID=1",
            "http://[::1]:8080/koji/",
        ] {
            assert_eq!(page(link).unwrap().as_str(), link, "it arrives as it was built");
        }
        for link in [
            "",
            "koji.fedoraproject.org",
            "file:///etc/passwd",
            "javascript:alert(1)",
            "data:text/html,x",
            "/etc/passwd",
            "--help",
            "https://",
            "https://mona:secret@koji.example/",
            "https://koji.fedoraproject.org@evil.example/",
            "ssh://koji.example/",
        ] {
            assert!(matches!(page(link), Err(OpenError::NotAPage(_))), "{link}");
        }
    }

    #[tokio::test]
    async fn openers_are_tried_until_one_ends_well() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("log");
        let openers = vec![
            StdCommand::new("/nonexistent/opener"),
            script("echo first >> \"$1\"; exit 3", &log),
            script(
                "echo second \"$XDG_ACTIVATION_TOKEN $DESKTOP_STARTUP_ID\" >> \"$1\"",
                &log,
            ),
            script("echo third >> \"$1\"", &log),
        ];
        launch(openers, Some("token-7"), PATIENCE).await.unwrap();
        assert_eq!(fs::read_to_string(log).unwrap(), "first\nsecond token-7 token-7\n");
    }

    #[tokio::test]
    async fn without_a_good_token_there_is_none() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("log");
        for token in [None, Some("a\0b"), Some("a\nb"), Some("x".repeat(2000).as_str())] {
            let opener = script(
                "echo \"${XDG_ACTIVATION_TOKEN-none} ${DESKTOP_STARTUP_ID-none}\" >> \"$1\"",
                &log,
            );
            launch(vec![opener], token, PATIENCE).await.unwrap();
        }
        assert_eq!(fs::read_to_string(log).unwrap(), "none none\n".repeat(4));
    }

    #[tokio::test]
    async fn the_error_says_what_the_last_opener_did() {
        let none = launch(vec![StdCommand::new("/nonexistent/opener")], None, PATIENCE).await;
        assert!(matches!(none, Err(OpenError::NoOpener)));
        let openers = vec![script("exit 4", Path::new("")), StdCommand::new("/nonexistent/opener")];
        let failed = launch(openers, None, PATIENCE).await.unwrap_err();
        assert_eq!(failed.to_string(), "sh failed: exit status: 4");
    }

    #[tokio::test]
    async fn an_opener_that_keeps_running_is_left_alone_and_reaped_when_it_ends() {
        let dir = tempfile::tempdir().unwrap();
        let (pid_file, door) = (dir.path().join("pid"), dir.path().join("door"));
        assert!(StdCommand::new("mkfifo").arg(&door).status().unwrap().success());
        let mut opener = script(
            "echo $$ > \"$1.new\"; mv \"$1.new\" \"$1\"; read -r line < \"$2\"",
            &pid_file,
        );
        opener.arg(&door);
        launch(vec![opener], None, Duration::from_millis(1)).await.unwrap();

        until(|| pid_file.exists()).await;
        let process = Path::new("/proc").join(fs::read_to_string(&pid_file).unwrap().trim());
        assert!(process.exists());
        fs::write(&door, "end\n").unwrap();
        until(|| !process.exists()).await;
    }

    #[tokio::test]
    async fn a_file_must_be_there_and_named_in_full() {
        for path in ["relative.toml", "/nonexistent/config.toml", "/"] {
            let trouble = open_file(Path::new(path)).await.unwrap_err();
            assert!(matches!(trouble, OpenError::NoFile(_)), "{path}");
        }
    }

    #[test]
    fn the_clipboard_tool_fits_the_session() {
        let dir = tempfile::tempdir().unwrap();
        for (name, mode) in [("wl-copy", 0o755), ("xclip", 0o644), ("xsel", 0o755)] {
            let file = dir.path().join(name);
            fs::write(&file, "").unwrap();
            fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
        }
        let tools = |wayland, x11, path: &Path| {
            let path = path.as_os_str().to_owned();
            let tools = Session { wayland, x11, path }.tools(&COPIERS);
            tools.iter().map(|it| it.program).collect::<Vec<_>>()
        };
        assert_eq!(tools(true, true, dir.path()), ["wl-copy", "xsel"]);
        assert_eq!(tools(true, false, dir.path()), ["wl-copy"]);
        assert_eq!(tools(false, true, dir.path()), ["xsel"], "xclip cannot be run");
        assert!(tools(false, false, dir.path()).is_empty());
        assert!(tools(true, true, Path::new("/nonexistent")).is_empty());
    }

    #[test]
    fn who_can_write_to_the_clipboard_can_mostly_read_it() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["wl-copy", "xsel"] {
            let file = dir.path().join(name);
            fs::write(&file, "").unwrap();
            fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
        }
        let session = Session {
            wayland: true,
            x11: true,
            path: dir.path().as_os_str().to_owned(),
        };
        let tools = session.tools(&PASTERS);
        assert_eq!(tools.iter().map(|it| it.program).collect::<Vec<_>>(), ["xsel"]);
    }

    #[tokio::test]
    async fn a_tool_tells_what_is_on_the_clipboard() {
        let told = async |arguments, limit| {
            let tool = Tool {
                program: "sh",
                arguments,
                display: Display::X11,
            };
            take_over(tool, limit).await
        };
        let name = told(&["-c", "printf 'bash-5.3-1.fc43 \\303\\244'"], PATIENCE).await;
        assert_eq!(name.unwrap(), "bash-5.3-1.fc43 ä");
        assert_eq!(told(&["-c", "exit 0"], PATIENCE).await.unwrap(), "");
        let input = told(&["-c", "cat"], PATIENCE).await;
        assert_eq!(input.unwrap(), "", "our own standard input is not for it");

        let failed = told(&["-c", "printf half; exit 1"], PATIENCE).await.unwrap_err();
        assert_eq!(failed.to_string(), "sh failed: exit status: 1");
        let binary = told(&["-c", "printf '\\377\\376'"], PATIENCE).await;
        assert!(matches!(binary, Err(PasteError::NotText)));
        let endless = told(&["-c", "exec cat /dev/zero"], PATIENCE).await;
        assert!(matches!(endless, Err(PasteError::TooLong)));
        let stuck = told(&["-c", "exec sleep 1000"], Duration::from_millis(50)).await;
        assert!(matches!(stuck, Err(PasteError::Hung { .. })));
    }

    #[tokio::test]
    async fn a_tool_gets_the_text_on_its_standard_input() {
        let tool = |arguments| Tool {
            program: "sh",
            arguments,
            display: Display::X11,
        };
        // It ends well only if it got exactly this.
        let exact = tool(&["-c", r#"test "$(cat)" = 'bash-5.3-1.fc43 $(id) "quoted"'"#]);
        hand_over(exact, "bash-5.3-1.fc43 $(id) \"quoted\"", PATIENCE)
            .await
            .unwrap();
        let trouble = hand_over(exact, "something else", PATIENCE).await.unwrap_err();
        assert_eq!(trouble.to_string(), "sh failed: exit status: 1");

        let careless = tool(&["-c", "exit 0"]);
        let long = "x".repeat(1 << 20);
        hand_over(careless, &long, PATIENCE).await.unwrap();

        let stuck = tool(&["-c", "exec sleep 1000"]);
        let trouble = hand_over(stuck, "text", Duration::from_millis(50)).await.unwrap_err();
        assert!(matches!(trouble, CopyError::Hung { .. }));

        let absent = Tool {
            program: "/nonexistent/tool",
            ..careless
        };
        assert!(matches!(
            hand_over(absent, "text", PATIENCE).await,
            Err(CopyError::NotRun { .. })
        ));
    }

    fn script(text: &str, argument: &Path) -> StdCommand {
        let mut command = StdCommand::new("sh");
        command.args(["-c", text, "opener"]).arg(argument);
        command
    }

    async fn until(condition: impl Fn() -> bool) {
        timeout(PATIENCE, async {
            while !condition() {
                clock::pass(Duration::from_millis(5)).await;
            }
        })
        .await
        .expect("it took too long");
    }
}
