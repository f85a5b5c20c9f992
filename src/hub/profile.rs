//! The profiles of the `koji` client: where a hub is, and how a person logs in there.
//!
//! Packagers have these files already. They are read in the client's order (`read_config` in `koji/__init__.py`), to
//! the client's values, and what makes the client fail is an error here too, with its file and line:
//! `/etc/koji.conf.d/*.conf`, `/etc/koji.conf`, `~/.koji/config.d/*.conf`, `~/.koji/config`. The last one wins, option
//! by option. A file that cannot be opened is passed over, as the client does, and told of in [`Profile::unread`].
//!
//! It deliberately does not reach any hub, and opens neither certificates nor keytabs.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tracing::debug;
use url::Url;

pub use super::access::Login;
use super::ini::{Ini, IniError, Item, shown};

/// The server of a profile that names none.
pub const DEFAULT_SERVER: &str = "http://localhost/kojihub";

/// The web pages of a profile that names none. They are hardly anybody's.
pub const DEFAULT_WEBURL: &str = "http://localhost/koji";

/// The largest file that is read. Real ones have one or two kilobytes.
pub const MAX_FILE: usize = 256 * 1024;

/// How many profiles an error names.
const MAX_NAMED: usize = 10;

/// Where profiles are looked for. Tests hand in their own.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ProfilePlaces {
    /// `/etc`.
    pub system: PathBuf,
    /// The person's home.
    pub home: PathBuf,
    /// A file or a folder that takes the place of the two in `~/.koji`. It must be there.
    pub given: Option<PathBuf>,
}

/// A hub, as a profile describes it. What the profile leaves out has the client's default.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Profile {
    pub name: String,
    /// The address of the hub itself, `http` or `https`, without a slash at the end.
    pub server: String,
    /// The address of the web pages, without a slash at the end.
    pub weburl: String,
    /// The address of the files that the hub keeps, without a slash at the end.
    pub topurl: Option<String>,
    /// Where these files are mounted on the hub's own machines.
    pub topdir: PathBuf,
    /// The wish about logging in, word for word; [`Profile::login`] says what follows.
    pub authtype: Option<String>,
    pub principal: Option<String>,
    /// Word for word: Kerberos wants it so, as in `FILE:/etc/krb5.keytab`.
    pub keytab: Option<String>,
    /// The client certificate with its key, if it is named or is in its usual place.
    pub cert: Option<PathBuf>,
    /// The only authority that is trusted, if it is named or is in its usual place; `None`: those of the system.
    pub serverca: Option<PathBuf>,
    /// Whether the server's certificate is not looked at. Only without a `serverca`, which goes before it.
    pub no_ssl_verify: bool,
    pub max_retries: u32,
    pub retry_interval: Duration,
    /// Whether calls without a login are retried.
    pub anon_retry: bool,
    /// Whether calls are retried while the hub says that it is closed.
    pub offline_retry: bool,
    pub offline_retry_interval: Duration,
    /// The limit of one call.
    pub timeout: Duration,
    /// The limit of a login.
    pub auth_timeout: Duration,
    /// How often the client asks for a task that it waits for.
    pub poll_interval: Duration,
    /// The files that were read, in this order. A later one won.
    pub files: Vec<PathBuf>,
    /// The files that are there and cannot be opened.
    pub unread: Vec<PathBuf>,
}

/// Why there is no profile, or no login by it.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    /// A file says something that cannot be.
    #[error(transparent)]
    Broken(#[from] IniError),
    /// A folder cannot be listed, or the given file cannot be read.
    #[error("cannot read {}", path.display())]
    Unreadable {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("{} has more than {MAX_FILE} bytes", file.display())]
    TooLarge { file: PathBuf },
    /// The given path is no file.
    #[error("{} is no file", path.display())]
    NoFile { path: PathBuf },
    /// The given folder has nothing in it that would be read.
    #[error("{} has no file whose name ends in .conf", folder.display())]
    EmptyFolder { folder: PathBuf },
    #[error("there is no Koji profile [{}]{}", shown(name), others(exist, files, unread))]
    NoSuchProfile {
        name: String,
        /// Those that there are, sorted.
        exist: Vec<String>,
        /// The files that were read.
        files: Vec<PathBuf>,
        /// The files that are there and cannot be opened.
        unread: Vec<PathBuf>,
    },
    #[error(
        "the Koji profile [{}] logs in with a password, which is not supported: use Kerberos or a certificate",
        shown(profile)
    )]
    Password { profile: String },
    #[error(
        "the Koji profile [{}] logs in with a certificate and names none: set `cert`",
        shown(profile)
    )]
    NoCertificate { profile: String },
    #[error(
        "the Koji profile [{}] has authtype {found:?}, expected kerberos, ssl or noauth",
        shown(profile)
    )]
    Authtype { profile: String, found: String },
}

/// Reads a profile.
pub fn load(name: &str, places: &ProfilePlaces) -> Result<Profile, ProfileError> {
    let read = read(places)?;
    if !read.ini.has_section(name) {
        return Err(ProfileError::NoSuchProfile {
            name: name.to_owned(),
            exist: read.ini.sections().map(str::to_owned).collect(),
            files: read.files,
            unread: read.unread,
        });
    }
    let values = Values::of(name, &read.ini, &places.home)?;
    let profile = Profile {
        name: name.to_owned(),
        server: values.address("server")?.unwrap_or_else(|| DEFAULT_SERVER.to_owned()),
        weburl: values.address("weburl")?.unwrap_or_else(|| DEFAULT_WEBURL.to_owned()),
        topurl: values.topurl()?,
        topdir: values.path("topdir").unwrap_or_else(|| PathBuf::from("/mnt/koji")),
        authtype: values.word_for_word("authtype"),
        principal: values.text("principal"),
        keytab: values.text("keytab"),
        cert: values.path_or("cert", ".koji/client.crt"),
        serverca: values.path_or("serverca", ".koji/serverca.crt"),
        no_ssl_verify: values.no_ssl_verify()?,
        max_retries: values.count("max_retries", 30)?,
        retry_interval: values.seconds("retry_interval", 20)?,
        anon_retry: values.flag("anon_retry", true)?,
        offline_retry: values.flag("offline_retry", false)?,
        offline_retry_interval: values.seconds("offline_retry_interval", 20)?,
        timeout: values.limit("timeout", 12 * 60 * 60)?,
        auth_timeout: values.limit("auth_timeout", 60)?,
        poll_interval: values.seconds("poll_interval", 6)?,
        files: read.files,
        unread: read.unread,
    };
    values.check_the_rest()?;
    Ok(profile)
}

/// Returns the names of the profiles that there are, sorted.
pub fn names(places: &ProfilePlaces) -> Result<Vec<String>, ProfileError> {
    let read = read(places)?;
    Ok(read.ini.sections().map(str::to_owned).collect())
}

impl Profile {
    /// Returns how the client would log in (`activate_session` in `koji_cli/lib.py`). Looks whether the certificate
    /// is there.
    pub fn login(&self) -> Result<Login, ProfileError> {
        let profile = || self.name.clone();
        let certificate = self.cert.as_ref().filter(|it| it.is_file());
        match (self.authtype.as_deref(), certificate) {
            (Some("noauth"), _) => Ok(Login::Nothing),
            (None, Some(file)) => Ok(Login::Certificate { file: file.clone() }),
            (Some("ssl"), _) => match &self.cert {
                Some(file) => Ok(Login::Certificate { file: file.clone() }),
                None => Err(ProfileError::NoCertificate { profile: profile() }),
            },
            (Some("kerberos") | None, _) => Ok(Login::Kerberos {
                principal: self.principal.clone(),
                keytab: self.keytab.clone().filter(|_| self.principal.is_some()),
            }),
            (Some("password"), _) => Err(ProfileError::Password { profile: profile() }),
            (Some(found), _) => Err(ProfileError::Authtype {
                profile: profile(),
                found: found.chars().take(60).collect(),
            }),
        }
    }
}

/// Everything that was read.
struct Files {
    ini: Ini,
    files: Vec<PathBuf>,
    unread: Vec<PathBuf>,
}

/// Like the client, looks which files there are before it reads the first one.
fn read(places: &ProfilePlaces) -> Result<Files, ProfileError> {
    let mut usual = vec![places.system.join("koji.conf.d"), places.system.join("koji.conf")];
    if places.given.is_none() {
        usual.push(places.home.join(".koji/config.d"));
        usual.push(places.home.join(".koji/config"));
    }
    let mut files = Vec::new();
    for path in usual {
        let there = candidates(path)?.into_iter().filter(|it| it.is_file());
        files.extend(there.map(|it| (it, Need::MayBeUnread)));
    }
    if let Some(given) = &places.given {
        files.extend(given_files(written(given, &places.home))?.map(|it| (it, Need::MustBeRead)));
    }
    let mut read = Files {
        ini: Ini::default(),
        files: Vec::new(),
        unread: Vec::new(),
    };
    for (file, need) in files {
        read.take(file, need)?;
    }
    Ok(read)
}

impl Files {
    fn take(&mut self, file: PathBuf, need: Need) -> Result<(), ProfileError> {
        let bytes = match (content(&file), need) {
            (Ok(bytes), _) => bytes,
            (Err(error), Need::MayBeUnread) => {
                debug!(file = %file.display(), %error, "a file of Koji's is passed over");
                self.unread.push(file);
                return Ok(());
            }
            (Err(source), Need::MustBeRead) => return Err(ProfileError::Unreadable { path: file, source }),
        };
        if bytes.len() > MAX_FILE {
            return Err(ProfileError::TooLarge { file });
        }
        self.ini.read(&file, &bytes)?;
        self.files.push(file);
        Ok(())
    }
}

/// Whether a file that is there and cannot be opened is an error.
#[derive(Clone, Copy)]
enum Need {
    MayBeUnread,
    MustBeRead,
}

/// Returns the files that a person asks for. Whatever is wrong with them is an error.
fn given_files(path: PathBuf) -> Result<impl Iterator<Item = PathBuf>, ProfileError> {
    let files = candidates(path.clone())?;
    if files.is_empty() {
        return Err(ProfileError::EmptyFolder { folder: path });
    }
    match files.iter().find(|it| !it.is_file()) {
        Some(it) => Err(ProfileError::NoFile { path: it.clone() }),
        None => Ok(files.into_iter()),
    }
}

/// Returns a file itself, and of a folder what it has.
fn candidates(path: PathBuf) -> Result<Vec<PathBuf>, ProfileError> {
    if path.is_dir() { listed(&path) } else { Ok(vec![path]) }
}

/// Returns what a folder has under the names that count, sorted.
fn listed(folder: &Path) -> Result<Vec<PathBuf>, ProfileError> {
    let unreadable = |source| ProfileError::Unreadable {
        path: folder.to_owned(),
        source,
    };
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let name = path.file_name().map_or(&[][..], OsStr::as_bytes);
        if name.ends_with(b".conf") {
            files.push(path);
        }
    }
    files.sort_unstable();
    Ok(files)
}

/// Returns what a file has in it, but hardly more than is allowed.
fn content(file: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let limit = u64::try_from(MAX_FILE + 1).unwrap_or(u64::MAX);
    File::open(file)?.take(limit).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The options of one profile that mean something to the client.
struct Values<'a> {
    items: BTreeMap<&'a str, Item<'a>>,
    home: &'a Path,
}

/// What else the client refuses if it is written wrongly.
const FLAGS_OF_OTHERS: [&str; 4] = ["use_fast_upload", "debug", "debug_xmlrpc", "force_auth"];
const NUMBERS_OF_OTHERS: [&str; 2] = ["upload_blocksize", "pyver"];

impl<'a> Values<'a> {
    /// The client reads all options of a profile, so one that it does not even know can break it.
    fn of(profile: &str, ini: &'a Ini, home: &'a Path) -> Result<Self, ProfileError> {
        let mut items = BTreeMap::new();
        for option in ini.options(profile) {
            if let Some(item) = ini.value(profile, option)? {
                items.insert(option, item);
            }
        }
        Ok(Self { items, home })
    }

    /// Returns a text as it stands, which can be empty.
    fn word_for_word(&self, option: &str) -> Option<String> {
        self.items.get(option).map(|it| it.text.clone())
    }

    /// Returns a text; an empty one is none.
    fn text(&self, option: &str) -> Option<String> {
        self.word_for_word(option).filter(|it| !it.is_empty())
    }

    fn path(&self, option: &str) -> Option<PathBuf> {
        let text = self.text(option)?;
        Some(written(Path::new(&text), self.home))
    }

    /// Returns a path, or the usual one if none is written and something is there. An empty one is no path at all.
    fn path_or(&self, option: &str, usual: &str) -> Option<PathBuf> {
        if self.items.contains_key(option) {
            return self.path(option);
        }
        Some(self.home.join(usual)).filter(|it| it.exists())
    }

    fn address(&self, option: &str) -> Result<Option<String>, IniError> {
        let Some(item) = self.items.get(option) else {
            return Ok(None);
        };
        if is_address(&item.text) {
            return Ok(Some(item.text.trim_end_matches('/').to_owned()));
        }
        Err(item.unexpected("an address such as https://koji.example.com/kojihub, without user, `?` and `#`"))
    }

    /// Old files have `pkgurl`, which is one folder deeper (`get_options` in `cli/koji`).
    fn topurl(&self) -> Result<Option<String>, IniError> {
        if self.text("topurl").is_some() {
            return self.address("topurl");
        }
        if self.text("pkgurl").is_none() {
            return Ok(None);
        }
        let old = self.address("pkgurl")?;
        Ok(old.and_then(|it| Some(it.strip_suffix("/packages")?.to_owned())))
    }

    fn flag(&self, option: &str, default: bool) -> Result<bool, IniError> {
        self.items.get(option).map_or(Ok(default), Item::boolean)
    }

    /// The client takes any text here for yes, even `false`. That cannot be what anybody means.
    fn no_ssl_verify(&self) -> Result<bool, IniError> {
        let item = self.items.get("no_ssl_verify").filter(|it| !it.text.is_empty());
        item.map_or(Ok(false), Item::boolean)
    }

    /// Less than none is none.
    fn count(&self, option: &str, default: u32) -> Result<u32, IniError> {
        let Some(item) = self.items.get(option) else {
            return Ok(default);
        };
        Ok(u32::try_from(item.integer()?.max(0)).unwrap_or(u32::MAX))
    }

    fn seconds(&self, option: &str, default: u64) -> Result<Duration, IniError> {
        let Some(item) = self.items.get(option) else {
            return Ok(Duration::from_secs(default));
        };
        let seconds = u32::try_from(item.integer()?);
        let seconds = seconds.map_err(|_| item.unexpected("a number of seconds"))?;
        Ok(Duration::from_secs(seconds.into()))
    }

    /// Nothing can be done in no time.
    fn limit(&self, option: &str, default: u64) -> Result<Duration, IniError> {
        let limit = self.seconds(option, default)?;
        match self.items.get(option) {
            Some(item) if limit.is_zero() => Err(item.unexpected("a number of seconds above zero")),
            Some(_) | None => Ok(limit),
        }
    }

    fn check_the_rest(&self) -> Result<(), IniError> {
        for option in FLAGS_OF_OTHERS {
            self.flag(option, false)?;
        }
        for option in NUMBERS_OF_OTHERS {
            self.items.get(option).map_or(Ok(0), Item::integer)?;
        }
        Ok(())
    }
}

fn is_address(text: &str) -> bool {
    // The parser would pass over these.
    if text.contains(|it: char| it.is_whitespace() || it.is_control()) {
        return false;
    }
    let Ok(url) = Url::parse(text) else {
        return false;
    };
    let is_web = matches!(url.scheme(), "http" | "https") && url.has_host();
    let is_anonymous = url.username().is_empty() && url.password().is_none();
    is_web && is_anonymous && url.query().is_none() && url.fragment().is_none()
}

/// Returns a path that a person wrote, where `~` is the home.
fn written(path: &Path, home: &Path) -> PathBuf {
    match path.strip_prefix("~") {
        Ok(rest) => home.join(rest),
        Err(_) => path.to_owned(),
    }
}

fn others(exist: &[String], files: &[PathBuf], unread: &[PathBuf]) -> String {
    let mut text = match (exist, files) {
        ([], []) => "; no file with profiles is there".to_owned(),
        ([], _) => "; none of the files has one".to_owned(),
        (names, _) => {
            let told: Vec<String> = names.iter().take(MAX_NAMED).map(|it| shown(it)).collect();
            let more = if names.len() > MAX_NAMED { " and more" } else { "" };
            format!("; there are [{}]{more}", told.join("], ["))
        }
    };
    for file in unread {
        text.push_str(&format!("; {} cannot be opened", file.display()));
    }
    text
}
