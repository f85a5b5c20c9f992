//! A private session bus: the real dbus-daemon in a temporary directory, for as long as its guard lives.
//!
//! It knows no service of the machine and starts only what the test puts into [`SessionBus::service_dir`]. What it
//! starts sees neither a display nor the person's home.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::{env, fs, thread};

use tempfile::TempDir;
use zbus::connection::Builder;
use zbus::{Connection, fdo};

/// A running bus. It is stopped by its process id when this is dropped; its log is printed if the test failed.
pub(crate) struct SessionBus {
    daemon: Child,
    address: String,
    dir: TempDir,
}

impl SessionBus {
    /// Starts a bus and returns when it accepts connections.
    pub(crate) fn start() -> Self {
        let dir = tempfile::Builder::new().prefix("koji-notify-bus-").tempdir().unwrap();
        let at = dir.path();
        let services = services_in(at);
        fs::create_dir(&services).unwrap();
        let config = format!(
            r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-BUS Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <keep_umask/>
  <listen>unix:path={socket}</listen>
  <auth>EXTERNAL</auth>
  <servicedir>{services}</servicedir>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"#,
            socket = at.join("socket").display(),
            services = services.display(),
        );
        let config_file = at.join("session.conf");
        fs::write(&config_file, config).unwrap();
        let mut daemon = Command::new("dbus-daemon")
            .arg(format!("--config-file={}", config_file.display()))
            .args(["--nofork", "--nopidfile", "--print-address=1"])
            .env_clear()
            .env("PATH", env::var_os("PATH").unwrap())
            .env("HOME", at)
            .env("XDG_RUNTIME_DIR", at)
            .current_dir(at)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(fs::File::create(log_in(at)).unwrap())
            .spawn()
            .expect("dbus-daemon is needed for this test (package dbus-daemon)");
        let mut address = String::new();
        BufReader::new(daemon.stdout.take().unwrap())
            .read_line(&mut address)
            .unwrap();
        let address = address.trim().to_owned();
        assert!(
            !address.is_empty(),
            "dbus-daemon did not start: {}",
            fs::read_to_string(log_in(at)).unwrap()
        );
        Self { daemon, address, dir }
    }

    /// Returns the address, as it would stand in `DBUS_SESSION_BUS_ADDRESS`.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Returns a new connection.
    pub(crate) async fn connect(&self) -> Connection {
        Builder::address(self.address()).unwrap().build().await.unwrap()
    }

    /// Returns the folder of D-Bus activation files. Call [`SessionBus::reload`] after a change.
    pub(crate) fn service_dir(&self) -> PathBuf {
        services_in(self.dir.path())
    }

    /// Lets the bus start `exec` when somebody calls `name`.
    pub(crate) async fn add_service(&self, name: &str, exec: &str) {
        let file = self.service_dir().join(format!("{name}.service"));
        fs::write(file, format!("[D-BUS Service]\nName={name}\nExec={exec}\n")).unwrap();
        self.reload().await;
    }

    /// Makes the bus read the activation files again.
    pub(crate) async fn reload(&self) {
        let bus = fdo::DBusProxy::new(&self.connect().await).await.unwrap();
        bus.reload_config().await.unwrap();
    }
}

impl Drop for SessionBus {
    fn drop(&mut self) {
        self.daemon.kill().ok();
        self.daemon.wait().ok();
        if thread::panicking() {
            let log = fs::read_to_string(log_in(self.dir.path())).unwrap_or_default();
            eprintln!("--- the bus {} said:\n{log}---", self.address);
        }
    }
}

fn services_in(dir: &Path) -> PathBuf {
    dir.join("services")
}

fn log_in(dir: &Path) -> PathBuf {
    dir.join("log")
}

#[tokio::test]
async fn two_buses_know_nothing_of_each_other_and_end_with_their_guard() {
    let here = SessionBus::start();
    let there = SessionBus::start();
    let owner = here.connect().await;
    let flags = fdo::RequestNameFlags::DoNotQueue.into();
    owner.request_name_with_flags("org.example.Here", flags).await.unwrap();

    assert!(names(&here).await.contains(&"org.example.Here".to_owned()));
    assert!(!names(&there).await.contains(&"org.example.Here".to_owned()));

    let address = there.address().to_owned();
    drop(there);
    assert!(Builder::address(address.as_str()).unwrap().build().await.is_err());
}

async fn names(bus: &SessionBus) -> Vec<String> {
    let proxy = fdo::DBusProxy::new(&bus.connect().await).await.unwrap();
    let names = proxy.list_names().await.unwrap();
    names.into_iter().map(|name| name.to_string()).collect()
}
