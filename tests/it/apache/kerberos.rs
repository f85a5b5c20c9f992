//! A Kerberos realm of its own: MIT's server with a database in a directory, for as long as a test needs it.

use std::ffi::OsString;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::{Service, free_ports, guarded};

const NAME: &str = "KOJI-NOTIFY.TEST";

/// A realm with the users `alice` and `bob` and the service `HTTP/localhost`. Dropping it ends its server.
pub(crate) struct Realm {
    directory: TempDir,
    service: Option<Service>,
}

impl Realm {
    pub(crate) fn start() -> Self {
        let directory = tempfile::Builder::new().prefix("kn-realm-").tempdir().unwrap();
        let mut realm = Self {
            directory,
            service: None,
        };
        let mut trouble = String::new();
        for attempt in 0..3 {
            // Somebody may take the port between our look and the server's start.
            let [port] = free_ports();
            realm.lay_out(port);
            if attempt == 0 {
                realm.fill();
            }
            let mut command = guarded(&tool("krb5kdc"), None);
            command.args(["-n", "-r", NAME]).envs(realm.server_environment());
            match Service::start(command, "starting") {
                Ok(service) => {
                    realm.service = Some(service);
                    return realm;
                }
                Err(said) => trouble = said,
            }
        }
        panic!("no Kerberos server: {trouble}");
    }

    /// Ends the server; tickets and keytabs stay.
    pub(crate) fn stop(&mut self) {
        self.service = None;
    }

    /// Gives the service a new key that nobody has told it.
    pub(crate) fn change_service_key(&self) {
        self.kadmin("change_password -randkey HTTP/localhost");
    }

    /// Has the clients look for the server elsewhere.
    pub(crate) fn move_to(&self, port: u16) {
        self.write("krb5.conf", &client_configuration(port));
    }

    /// Returns the configuration of clients and services.
    pub(crate) fn config(&self) -> PathBuf {
        self.path("krb5.conf")
    }

    pub(crate) fn service_key(&self) -> Vec<u8> {
        fs::read(self.path("http.keytab")).unwrap()
    }

    /// Returns a keytab with the keys of bob and alice, in this order.
    pub(crate) fn keytab(&self) -> PathBuf {
        self.path("users.keytab")
    }

    /// Returns a credential cache for somebody's tickets. There is none in it until [`Self::log_in`].
    pub(crate) fn cache(&self) -> PathBuf {
        self.path("cache")
    }

    /// Fetches a ticket for a user with the password.
    pub(crate) fn log_in(&self, user: &str) {
        say(self.client("kinit").arg(user), &format!("{user}'s password\n"));
    }

    /// Fetches a ticket that is good for a second, and returns when it no longer is.
    pub(crate) fn log_in_and_expire(&self, user: &str) {
        let mut command = self.client("kinit");
        say(command.args(["-l", "1s", user]), &format!("{user}'s password\n"));
        let limit = Instant::now() + Duration::from_secs(60);
        while self.client("klist").arg("-s").status().unwrap().success() {
            assert!(Instant::now() < limit, "the ticket has no end");
        }
    }

    /// Returns what a client of this realm has in its environment.
    pub(crate) fn environment(&self) -> Vec<(OsString, OsString)> {
        let mut cache = OsString::from("FILE:");
        cache.push(self.cache());
        vec![
            ("KRB5_CONFIG".into(), self.config().into()),
            ("KRB5CCNAME".into(), cache),
        ]
    }

    fn client(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.env_clear().envs(self.environment());
        command.env("PATH", std::env::var_os("PATH").unwrap());
        command
    }

    fn server_environment(&self) -> Vec<(OsString, OsString)> {
        let mut environment = self.environment();
        environment.push(("KRB5_KDC_PROFILE".into(), self.path("kdc.conf").into()));
        environment
    }

    fn lay_out(&self, port: u16) {
        let here = self.directory.path().display();
        self.write("krb5.conf", &client_configuration(port));
        let server = format!(
            "[kdcdefaults]
 kdc_ports = \"\"
 kdc_tcp_ports = \"\"
[realms]
 {NAME} = {{
  database_name = {here}/principal
  key_stash_file = {here}/stash
  acl_file = {here}/acl
  kdc_listen = \"\"
  kdc_tcp_listen = 127.0.0.1:{port}
 }}
[logging]
 kdc = FILE:{here}/kdc.log
"
        );
        self.write("kdc.conf", &server);
    }

    fn fill(&self) {
        let mut command = Command::new(tool("kdb5_util"));
        command.args(["create", "-s", "-W", "-r", NAME]).env_clear();
        command.envs(self.server_environment());
        say(&mut command, "master\nmaster\n");
        let (service, users) = (self.path("http.keytab"), self.keytab());
        let (service, users) = (service.display(), users.display());
        self.kadmin(&format!(
            "add_principal -randkey HTTP/localhost
             ktadd -k {service} HTTP/localhost
             add_principal -pw \"alice's password\" alice
             add_principal -randkey bob
             ktadd -k {users} -norandkey bob
             ktadd -k {users} -norandkey alice"
        ));
        assert!(self.keytab().exists(), "kadmin.local makes keytabs");
    }

    fn kadmin(&self, orders: &str) {
        let mut command = Command::new(tool("kadmin.local"));
        // Whoever runs the tests may have no name.
        command.args(["-r", NAME, "-p", "tests/admin"]);
        command.env_clear().envs(self.server_environment());
        say(&mut command, &format!("{orders}\n"));
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }
}

/// Nothing is looked up in DNS, and the one transport is TCP.
fn client_configuration(port: u16) -> String {
    format!(
        "[libdefaults]
 default_realm = {NAME}
 dns_lookup_kdc = false
 dns_lookup_realm = false
 dns_canonicalize_hostname = false
 rdns = false
 udp_preference_limit = 1
[realms]
 {NAME} = {{
  kdc = 127.0.0.1:{port}
 }}
[domain_realm]
 localhost = {NAME}
"
    )
}

/// Runs a program that has to succeed, and tells it this.
fn say(command: &mut Command, words: &str) {
    command.env("LC_ALL", "C");
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut process = command
        .spawn()
        .unwrap_or_else(|error| panic!("{command:?} (tests/install-packages): {error}"));
    process.stdin.take().unwrap().write_all(words.as_bytes()).unwrap();
    let output = process.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    assert!(
        output.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&said)
    );
}

fn tool(name: &str) -> PathBuf {
    let places = ["/usr/sbin", "/usr/bin", "/sbin"];
    let found = places.iter().map(|it| Path::new(it).join(name)).find(|it| it.exists());
    found.unwrap_or_else(|| panic!("{name} is installed (tests/install-packages)"))
}
