//! A home of its own for checks that read files, made once for each thread. Nothing of the person's is touched.

use std::cell::RefCell;
use std::fs;
use std::path::{Path, PathBuf};

use koji_notify::config::{ConfigError, Places, Settings, load};
use koji_notify::hub::profile::ProfilePlaces;
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

pub(super) struct Home {
    root: TempDir,
    runtime: Runtime,
}

/// Lends the home of this thread.
pub(super) fn with<T>(then: impl FnOnce(&Home) -> T) -> T {
    thread_local! {
        static HOME: RefCell<Option<Home>> = const { RefCell::new(None) };
    }
    HOME.with_borrow_mut(|it| then(it.get_or_insert_with(Home::new)))
}

impl Home {
    fn new() -> Self {
        // Files are written for each input; a disk would be the slowest part of it.
        let memory = Path::new("/dev/shm");
        let root = match memory.is_dir() {
            true => tempfile::tempdir_in(memory),
            false => tempfile::tempdir(),
        };
        let home = Self {
            root: root.unwrap(),
            runtime: Builder::new_current_thread().enable_all().build().unwrap(),
        };
        for folder in ["home", "config/koji-notify", "state", "etc/fedora-messaging", "empty"] {
            fs::create_dir_all(home.path(folder)).unwrap();
        }
        for file in ["cacert.pem", "fedora-cert.pem", "fedora-key.pem"] {
            home.write(&format!("etc/fedora-messaging/{file}"), b"");
            home.write(&format!("config/koji-notify/{file}"), b"");
        }
        home.write("config/koji-notify/password", b"secret\n");
        home.write(
            "etc/fedora-messaging/fedora.toml",
            b"amqp_url = 'amqps://fedora:@rabbitmq.example.org/%2Fpublic_pubsub'\n[tls]\nca_cert = 'cacert.pem'\n\
              keyfile = 'fedora-key.pem'\ncertfile = 'fedora-cert.pem'\n",
        );
        home
    }

    pub(super) fn path(&self, path: &str) -> PathBuf {
        self.root.path().join(path)
    }

    pub(super) fn write(&self, path: &str, bytes: &[u8]) {
        fs::write(self.path(path), bytes).unwrap();
    }

    /// Reads the settings, as the program does.
    pub(super) fn settings(&self) -> Result<Settings, ConfigError> {
        self.runtime.block_on(load(&self.places()))
    }

    pub(super) fn places(&self) -> Places {
        Places {
            file: None,
            program: None,
            home: self.path("home"),
            config: self.path("config"),
            state: self.path("state"),
            cache: self.path("home/.cache"),
            etc: self.path("etc"),
            system_config: vec![self.path("etc/xdg")],
            // No program is found, and so no ticket of whoever runs this.
            environment: vec![("PATH".into(), self.path("empty").into())],
        }
    }

    pub(super) fn profiles(&self) -> ProfilePlaces {
        ProfilePlaces {
            system: self.path("etc"),
            home: self.path("home"),
            given: None,
        }
    }

    /// Takes away what reading has written: a queue's name for each instance.
    pub(super) fn clear(&self) {
        let state = self.path("state/koji-notify");
        if state.exists() {
            fs::remove_dir_all(state).unwrap();
        }
    }
}
