//! A real Apache for the stories about logins: Debian's or Fedora's package with mod_ssl and mod_auth_gssapi, in front of a
//! stand-in for the hub, as Koji's own configuration has it.
//!
//! ```ignore
//! let realm = Realm::start();                                  // a Kerberos realm, where a story needs one
//! let apache = Apache::start(Setup::default()).await;
//! apache.backend.answer(200, "…");
//! log_in(…, &apache.by_certificate(), …).await;
//! apache.backend.asked();                                      // as whom Apache has let it through
//! ```
//!
//! **Promise:** it listens on free loopback ports only, keeps all in a directory of its own, and ends when the test does,
//! however the test ends: the kernel ends it with the thread that started it (only its files stay when a test is killed).
//! It runs as whoever runs the tests; for root, who may not serve, as nobody.

mod backend;
mod kerberos;

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, lchown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};

use tempfile::TempDir;

pub(crate) use backend::{Backend, recorded_body};
pub(crate) use kerberos::Realm;

use crate::rabbit::{Certs, ServerCert};

/// A running Apache with two sites for the same hub. Dropping it ends it.
pub(crate) struct Apache {
    pub certs: Certs,
    pub backend: Backend,
    ports: Ports,
    _service: Service,
    _directory: TempDir,
}

/// How an Apache differs from the usual one.
#[derive(Clone, Copy)]
pub(crate) struct Setup<'a> {
    pub certificate: ServerCert,
    /// As `SSLProtocol` takes it.
    pub tls: &'static str,
    /// Without one, nobody gets in by Kerberos.
    pub realm: Option<&'a Realm>,
    /// The port of what stands behind it instead of [`Apache::backend`].
    pub hub: Option<u16>,
}

impl Default for Setup<'_> {
    fn default() -> Self {
        Self {
            certificate: ServerCert::Good,
            tls: "TLSv1.3",
            realm: None,
            hub: None,
        }
    }
}

#[derive(Clone, Copy)]
struct Ports {
    by_certificate: u16,
    by_ticket: u16,
}

impl Apache {
    pub(crate) async fn start(setup: Setup<'_>) -> Self {
        let backend = Backend::start().await;
        let directory = tempfile::Builder::new().prefix("kn-apache-").tempdir().unwrap();
        let certs = Certs::make(directory.path().join("certs"));
        // Somebody may take a port between our look and Apache's start.
        let mut trouble = String::new();
        for _ in 0..3 {
            let [by_certificate, by_ticket] = free_ports();
            let ports = Ports {
                by_certificate,
                by_ticket,
            };
            lay_out(
                directory.path(),
                &certs,
                ports,
                setup.hub.unwrap_or(backend.port),
                setup,
            );
            match serve(directory.path()) {
                Ok(service) => {
                    return Self {
                        certs,
                        backend,
                        ports,
                        _service: service,
                        _directory: directory,
                    };
                }
                Err(said) => trouble = said,
            }
        }
        panic!("no Apache (tests/install-packages): {trouble}");
    }

    /// Returns the hub's address at the site that wants a client certificate, for the login alone.
    pub(crate) fn by_certificate(&self) -> String {
        address(self.ports.by_certificate)
    }

    /// Returns the hub's address at the site that wants a Kerberos ticket.
    pub(crate) fn by_ticket(&self) -> String {
        address(self.ports.by_ticket)
    }

    pub(crate) fn certificate_port(&self) -> u16 {
        self.ports.by_certificate
    }
}

/// A server in the foreground, which ends with us.
struct Service {
    process: Child,
    /// What it says.
    said: Receiver<String>,
}

impl Service {
    /// Starts it, and returns when it has said that it is ready; else, what it said instead.
    fn start(mut command: Command, ready: &str) -> Result<Self, String> {
        let (lines, output) = std::io::pipe().unwrap();
        command.stdin(Stdio::null());
        command.stdout(output.try_clone().unwrap()).stderr(output);
        let process = command.spawn().map_err(|error| format!("{command:?}: {error}"))?;
        // Our own ends of the pipe; it ends with the server.
        drop(command);
        let mut lines = BufReader::new(lines);
        let (tell, said) = channel();
        // It may not be left talking to itself.
        std::thread::spawn(move || {
            let mut line = Vec::new();
            while lines.read_until(b'\n', &mut line).is_ok_and(|it| it > 0) {
                let _ = tell.send(String::from_utf8_lossy(&line).into_owned());
                line.clear();
            }
        });
        let service = Self { process, said };
        let mut heard = String::new();
        while let Ok(line) = service.said.recv() {
            if line.contains(ready) {
                return Ok(service);
            }
            heard.push_str(&line);
        }
        Err(heard)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // With its children, which would wait for answers that do not come.
        let group = format!("-{}", self.process.id());
        let _ = Command::new("kill").args(["-s", "KILL", "--", &group]).status();
        self.process.wait().unwrap();
        if std::thread::panicking() {
            eprintln!("{}", self.said.try_iter().collect::<String>());
        }
    }
}

/// Returns a command for a server: the kernel ends it with the thread that starts it. As root, it becomes nobody.
fn guarded(program: &Path, user: Option<u32>) -> Command {
    let mut command = Command::new("setpriv");
    if let Some(user) = user {
        command.args([format!("--reuid={user}"), format!("--regid={user}")]);
        command.arg("--clear-groups");
    }
    command.arg("--pdeathsig=TERM").arg("--").arg(program).env_clear();
    command.process_group(0);
    command.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("LC_ALL", "C");
    command
}

/// Who serves in the place of root.
const NOBODY: u32 = 65_534;

fn serve(directory: &Path) -> Result<Service, String> {
    let programs = ["/usr/sbin/apache2", "/usr/sbin/httpd"].map(PathBuf::from);
    let program = programs
        .into_iter()
        .find(|it| it.exists())
        .ok_or("it is not installed")?;
    let is_root = fs::metadata("/proc/self").unwrap().uid() == 0;
    if is_root {
        hand_over(directory);
    }
    let mut command = guarded(&program, is_root.then_some(NOBODY));
    command.arg("-DFOREGROUND").arg("-f").arg(directory.join("httpd.conf"));
    // No replay cache: it would be left in /var/tmp.
    command.env("KRB5RCACHENAME", "none:").env("KRB5RCACHETYPE", "none");
    command.env("KRB5_CONFIG", directory.join("krb5.conf"));
    Service::start(command, "resuming normal operations")
}

fn hand_over(path: &Path) {
    lchown(path, Some(NOBODY), Some(NOBODY)).unwrap();
    if path.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            hand_over(&entry.unwrap().path());
        }
    }
}

fn lay_out(directory: &Path, certs: &Certs, ports: Ports, backend: u16, setup: Setup<'_>) {
    let here = directory.display();
    let server = certs.server(setup.certificate);
    let keytab = directory.join("http.keytab");
    if let Some(realm) = setup.realm {
        fs::write(&keytab, realm.service_key()).unwrap();
        // Root's own files are not for nobody.
        fs::copy(realm.config(), directory.join("krb5.conf")).unwrap();
    }
    let modules = [
        "unixd",
        "mpm_event",
        "authn_core",
        "authz_core",
        "authz_user",
        "auth_gssapi",
        "ssl",
        "proxy",
        "proxy_http",
        "headers",
    ];
    let folder = [
        "/usr/lib/apache2/modules",
        "/usr/lib64/httpd/modules",
        "/usr/lib/httpd/modules",
    ]
    .into_iter()
    .map(Path::new)
    .find(|it| it.exists())
    .expect("Apache's modules are installed (tests/install-packages)");
    let mut text = String::new();
    for name in modules {
        let file = folder.join(format!("mod_{name}.so"));
        // Some are built in, here or there.
        if file.exists() {
            text += &format!("LoadModule {name}_module {}\n", file.display());
        }
    }
    text += &format!(
        r#"
ServerRoot "{here}"
ServerName localhost
PidFile "{here}/httpd.pid"
DefaultRuntimeDir "{here}"
Mutex "file:{here}" default
ErrorLog |/bin/cat
LogLevel info
StartServers 1
ServerLimit 1
ThreadsPerChild 8
MaxRequestWorkers 8
Listen 127.0.0.1:{by_certificate} https
Listen 127.0.0.1:{by_ticket} https
SSLCertificateFile "{certificate}"
SSLCertificateKeyFile "{key}"
SSLProtocol {tls}

<VirtualHost 127.0.0.1:{by_certificate}>
    SSLEngine on
    SSLCACertificateFile "{ca}"
    <Location /kojihub/ssllogin>
        SSLVerifyClient require
        SSLVerifyDepth 10
        SSLOptions +StdEnvVars
        RequestHeader set X-Common-Name "%{{SSL_CLIENT_S_DN_CN}}s"
    </Location>
    ProxyPass /kojihub http://127.0.0.1:{backend}/kojihub
</VirtualHost>

<VirtualHost 127.0.0.1:{by_ticket}>
    SSLEngine on
    <Location /kojihub/ssllogin>
        AuthType GSSAPI
        AuthName "GSSAPI Single Sign On Login"
        GssapiCredStore "keytab:{keytab}"
        Require valid-user
        RequestHeader set X-Remote-User expr=%{{REMOTE_USER}}
    </Location>
    ProxyPass /kojihub http://127.0.0.1:{backend}/kojihub
</VirtualHost>
"#,
        by_certificate = ports.by_certificate,
        by_ticket = ports.by_ticket,
        certificate = server.certificate.display(),
        key = server.key.display(),
        ca = certs.ca().display(),
        tls = setup.tls,
        keytab = keytab.display(),
    );
    fs::write(directory.join("httpd.conf"), text).unwrap();
}

fn address(port: u16) -> String {
    format!("https://localhost:{port}/kojihub")
}

/// Returns ports that nobody listens at, below those that outgoing connections are given.
fn free_ports<const N: usize>() -> [u16; N] {
    let mut held = Vec::new();
    while held.len() < N {
        let random = uuid::Uuid::new_v4().as_u128() % 20_000;
        held.extend(TcpListener::bind(("127.0.0.1", 12_000 + random as u16)).ok());
    }
    let ports: Vec<u16> = held.iter().map(|it| it.local_addr().unwrap().port()).collect();
    ports.try_into().unwrap()
}
