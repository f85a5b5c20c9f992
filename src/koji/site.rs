//! The configured addresses of a Koji instance, and the links that are built from them.
//!
//! A link is a configured address, an integer or a configured user name, and at most one of our own names of a log.
//! Nothing that a message says becomes part of one.

use super::{BuildId, LogName, TaskId};

/// Where an instance's pages and files are. Both addresses are `https` or `http` and end without a slash.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Site {
    /// The web interface, such as `https://koji.fedoraproject.org/koji`.
    pub weburl: Option<String>,
    /// The files, such as `https://kojipkgs.fedoraproject.org`.
    pub topurl: Option<String>,
}

impl Site {
    /// Returns the address of a build's page.
    pub fn build_page(&self, build: BuildId) -> Option<String> {
        let weburl = self.weburl.as_ref()?;
        Some(format!("{weburl}/buildinfo?buildID={build}"))
    }

    /// Returns the address of a task's page.
    pub fn task_page(&self, task: TaskId) -> Option<String> {
        let weburl = self.weburl.as_ref()?;
        Some(format!("{weburl}/taskinfo?taskID={task}"))
    }

    /// Returns the address of the page that lists the builds of a user, whose name comes from the configuration.
    pub fn builds_page(&self, user: &str) -> Option<String> {
        let weburl = self.weburl.as_ref()?;
        let user = percent_encoding::utf8_percent_encode(user, percent_encoding::NON_ALPHANUMERIC);
        Some(format!("{weburl}/builds?userID={user}"))
    }

    /// Returns the address of a task's `build.log`, as [`Self::log`] does.
    pub fn build_log(&self, task: TaskId) -> Option<String> {
        self.log(task, LogName::Build)
    }

    /// Returns the address of a log of a task: the file itself where the file server is known, else the end of it as
    /// the web interface shows it. The folder is the id's last four digits without leading zeros
    /// (`koji.pathinfo.taskrelpath`); a log's name is one of ours.
    pub fn log(&self, task: TaskId, log: LogName) -> Option<String> {
        let file = log.file();
        if let Some(topurl) = &self.topurl {
            let folder = task.0 % 10_000;
            return Some(format!("{topurl}/work/tasks/{folder}/{task}/{file}"));
        }
        let weburl = self.weburl.as_ref()?;
        Some(format!("{weburl}/getfile?taskID={task}&name={file}&offset=-4000"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_has_no_leading_zeros() {
        let site = Site {
            weburl: None,
            topurl: Some("https://files.example.com".to_owned()),
        };
        assert_eq!(
            site.build_log(TaskId(100_000_007)).as_deref(),
            Some("https://files.example.com/work/tasks/7/100000007/build.log")
        );
    }

    #[test]
    fn without_a_file_server_the_web_interface_shows_the_log() {
        let site = Site {
            weburl: Some("https://koji.example.com/koji".to_owned()),
            topurl: None,
        };
        assert_eq!(
            site.build_log(TaskId(54)).as_deref(),
            Some("https://koji.example.com/koji/getfile?taskID=54&name=build.log&offset=-4000")
        );
    }

    #[test]
    fn each_log_has_its_address() {
        let site = |topurl: Option<&str>| Site {
            weburl: Some("https://koji.example.com/koji".to_owned()),
            topurl: topurl.map(str::to_owned),
        };
        assert_eq!(
            site(Some("https://files.example.com"))
                .log(TaskId(90_054), LogName::Root)
                .as_deref(),
            Some("https://files.example.com/work/tasks/54/90054/root.log")
        );
        assert_eq!(
            site(None).log(TaskId(54), LogName::Checkout).as_deref(),
            Some("https://koji.example.com/koji/getfile?taskID=54&name=checkout.log&offset=-4000")
        );
        let nowhere = Site {
            weburl: None,
            topurl: None,
        };
        assert_eq!(nowhere.log(TaskId(54), LogName::Build), None);
    }
}
