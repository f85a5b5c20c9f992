//! What a task is asked to build: the first element of its request.
//!
//! A source is an SCM address (`git+https://host/rpms/bash.git#hash`) or the path of a source RPM
//! (`cli-build/<time>.<rand>/bash-5.3-1.fc43.src.rpm`). It is text of strangers: it names things, it is never opened.

use super::Nvr;

/// What could be read from a source.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Named {
    pub package: Option<String>,
    /// Known only for source RPMs.
    pub nvr: Option<Nvr>,
}

/// Reads the package's name, and for a source RPM its version and release.
pub fn named(source: &str) -> Named {
    let path = source.split(['#', '?']).next().unwrap_or_default();
    let last = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    if let Some(base) = last.strip_suffix(".src.rpm") {
        let nvr = Nvr::parse(base);
        let package = nvr.as_ref().map(|it| it.name.clone());
        return Named { package, nvr };
    }
    let name = last.strip_suffix(".git").unwrap_or(last);
    Named {
        package: (!name.is_empty()).then(|| name.to_owned()),
        nvr: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(source: &str, package: Option<&str>, nvr: Option<&str>) {
        let named = named(source);
        assert_eq!(named.package.as_deref(), package, "{source}");
        assert_eq!(named.nvr.map(|it| it.to_string()).as_deref(), nvr, "{source}");
    }

    #[test]
    fn sources_as_koji_takes_them() {
        check("git+https://src.example.com/rpms/bash.git#0123", Some("bash"), None);
        check("git://src.example.com/rpms/bash?#0123", Some("bash"), None);
        check("git://src.example.com/rpms/bash?path/in/repo#rev", Some("bash"), None);
        check("bash.git#0123", Some("bash"), None);
        check(
            "cli-build/1795.abc/bash-5.3-1.fc43.src.rpm",
            Some("bash"),
            Some("bash-5.3-1.fc43"),
        );
        check("../packages/a/1/2/src/a-b-1-2.src.rpm", Some("a-b"), Some("a-b-1-2"));
        check("odd.src.rpm", None, None);
        check("", None, None);
    }
}
