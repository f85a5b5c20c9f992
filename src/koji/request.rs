//! What a task was asked to do: a list of arguments whose order depends on the method (`koji/tasks.py`).
//!
//! Only what a packager wants to see is read: what is built, for which target, and whether it is a scratch build. An
//! argument of an unexpected type is passed over, and so is a method that we do not know. Whether the list came as JSON
//! or as XML is not known here.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::lenient::{Scalar, Value, cut, otherwise};
use super::{Nvr, source};

/// How many arguments are kept; what we look for stands among the first four.
const MAX_ARGUMENTS: usize = 8;

/// The arguments of a task.
#[derive(Debug, Default)]
pub enum Request<'a> {
    /// There is none, or it is still text (the XML of the call that made the task).
    #[default]
    Unknown,
    List(Arguments<'a>),
}

#[derive(Debug, Default)]
pub struct Arguments<'a> {
    list: Vec<Value<'a, Options<'a>>>,
    scratch: bool,
}

/// An argument that is an object: options, or all arguments by name (tasks with `__method__`).
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Options<'a> {
    #[serde(borrow)]
    scratch: Scalar<'a>,
    #[serde(borrow)]
    src: Scalar<'a>,
    #[serde(borrow)]
    target: Scalar<'a>,
    #[serde(borrow)]
    name: Scalar<'a>,
    #[serde(borrow)]
    version: Scalar<'a>,
    #[serde(borrow)]
    opts: Option<Box<Value<'a, Options<'a>>>>,
}

/// What is built.
#[derive(Debug, Default, PartialEq)]
pub struct Named {
    /// In the packager's words: an NVR, else a name.
    pub what: Option<String>,
    pub package: Option<String>,
}

/// Where a method keeps what we look for.
#[derive(Clone, Copy)]
enum Layout {
    /// Something to build from, and a target.
    Source {
        source: usize,
        target: usize,
    },
    /// name, version, architectures, target
    Image,
    /// target, architectures, address of the description
    Kiwi,
    /// Everything in one object.
    Indirection,
    /// A tag: its name, or its number and then that of a build.
    Tag,
    Unknown,
}

impl Request<'_> {
    /// Returns whether a scratch build was asked for, `None` if there is no request to tell.
    pub fn is_scratch(&self) -> Option<bool> {
        match self {
            Self::Unknown => None,
            Self::List(arguments) => Some(arguments.scratch),
        }
    }

    /// Returns what to build from, as it was asked: an SCM address or the path of a source RPM.
    pub fn source(&self, method: &str) -> Option<String> {
        let source = match self.layout(Some(method)) {
            Layout::Source { source, .. } => self.text(source).or_else(|| self.option(0, |it| &it.src)),
            Layout::Kiwi => self.text(2),
            Layout::Image | Layout::Indirection | Layout::Tag | Layout::Unknown => None,
        }?;
        (!source.is_empty()).then(|| cut(source).to_owned())
    }

    /// Returns the target, such as `rawhide`; of what is done to a tag, the tag.
    pub fn target(&self, method: Option<&str>) -> Option<String> {
        let target = match self.layout(method) {
            // Some methods take the target as the hub's record of it; some tasks have all arguments by name.
            Layout::Source { target, .. } => {
                let text = self.text(target).or_else(|| self.option(target, |it| &it.name));
                text.or_else(|| self.option(0, |it| &it.target))
            }
            Layout::Image => self.text(3),
            Layout::Kiwi | Layout::Tag => self.text(0),
            Layout::Indirection => self.option(0, |it| &it.target),
            Layout::Unknown => None,
        }?;
        (!target.is_empty()).then(|| cut(target).to_owned())
    }

    /// Returns the numbers of the tag and the build of a task that puts a build into a tag, as far as they are numbers.
    pub fn tagging(&self, method: &str) -> (Option<u64>, Option<u64>) {
        if method == "tagBuild" {
            (self.number(0), self.number(1))
        } else {
            (None, None)
        }
    }

    /// Returns what is built. `srpm` is the last part of the first argument's path, which messages about tasks carry
    /// beside the request; `made` is what a source RPM stage has come to.
    pub fn named(&self, method: &str, srpm: Option<&str>, made: Option<&Nvr>) -> Named {
        let sources = match self.layout(Some(method)) {
            // The source comes first: behind a branch with a slash, the last part of its path is not the package.
            Layout::Source { source, .. } => {
                let asked = self.text(source).or_else(|| self.option(0, |it| &it.src));
                [asked, srpm.filter(|_| source == 0)]
            }
            Layout::Image => return Self::image(self.text(0).or(srpm), self.text(1)),
            Layout::Indirection => return Self::image(self.option(0, |it| &it.name), self.option(0, |it| &it.version)),
            Layout::Kiwi => [self.text(2), None],
            Layout::Tag => return Named::default(),
            // The method may take anything, but a source RPM is a source RPM.
            Layout::Unknown => [srpm, self.text(0)].map(|it| it.filter(|it| it.ends_with(".src.rpm"))),
        };
        let sources = sources.map(|it| it.map(source::named).unwrap_or_default());
        if let Some(nvr) = sources.iter().find_map(|it| it.nvr.as_ref()).or(made) {
            return Named {
                what: Some(cut(&nvr.to_string()).to_owned()),
                package: Some(cut(&nvr.name).to_owned()),
            };
        }
        let package = sources.into_iter().find_map(|it| it.package);
        let package = package.map(|it| match method {
            "buildContainer" => cut(&format!("{it}-container")).to_owned(),
            _ => cut(&it).to_owned(),
        });
        Named {
            what: package.clone(),
            package,
        }
    }

    fn image(name: Option<&str>, version: Option<&str>) -> Named {
        let Some(name) = name.filter(|it| !it.is_empty()) else {
            return Named::default();
        };
        let what = version.map_or_else(|| name.to_owned(), |it| format!("{name}-{it}"));
        Named {
            what: Some(cut(&what).to_owned()),
            package: Some(cut(name).to_owned()),
        }
    }

    fn layout(&self, method: Option<&str>) -> Layout {
        match method {
            Some("build" | "chainbuild" | "maven" | "chainmaven" | "wrapperRPM" | "buildContainer") => {
                Layout::Source { source: 0, target: 1 }
            }
            // Below a build. The second argument is the number of a tag, which is no target.
            Some("buildSRPMFromSCM" | "rebuildSRPM") => Layout::Source { source: 0, target: 1 },
            Some("winbuild") => Layout::Source { source: 1, target: 2 },
            Some("image" | "livecd" | "appliance" | "livemedia" | "dudBuild") => Layout::Image,
            Some("kiwiBuild") => Layout::Kiwi,
            Some("indirectionimage") => Layout::Indirection,
            Some("tagBuild" | "newRepo" | "distRepo" | "waitrepo") => Layout::Tag,
            Some(_) => Layout::Unknown,
            // Messages about builds did not name the method before 2023. Every source that a build takes has a slash.
            None if self.text(0).is_some_and(|it| it.contains('/')) => Layout::Source { source: 0, target: 1 },
            None => Layout::Unknown,
        }
    }

    fn get(&self, place: usize) -> Option<&Value<'_, Options<'_>>> {
        match self {
            Self::Unknown => None,
            Self::List(arguments) => arguments.list.get(place),
        }
    }

    fn text(&self, place: usize) -> Option<&str> {
        match self.get(place)? {
            Value::Text(text) => Some(text),
            Value::Whole(_) | Value::Object(_) | Value::Other => None,
        }
    }

    fn number(&self, place: usize) -> Option<u64> {
        match self.get(place)? {
            Value::Whole(number) => u64::try_from(*number).ok(),
            Value::Text(_) | Value::Object(_) | Value::Other => None,
        }
    }

    /// Returns a text inside an argument that is an object.
    fn option<'s>(&'s self, place: usize, field: impl Fn(&'s Options<'s>) -> &'s Scalar<'s>) -> Option<&'s str> {
        match self.get(place)? {
            Value::Object(options) => field(options).text(),
            Value::Text(_) | Value::Whole(_) | Value::Other => None,
        }
    }
}

impl<'a> Arguments<'a> {
    fn push(&mut self, argument: Value<'a, Options<'a>>) {
        self.scratch |= asks_for_scratch(&argument);
        if self.list.len() < MAX_ARGUMENTS {
            self.list.push(argument);
        }
    }
}

fn asks_for_scratch(argument: &Value<'_, Options<'_>>) -> bool {
    match argument {
        Value::Object(options) => options.scratch.is_on() || options.opts.as_deref().is_some_and(asks_for_scratch),
        Value::Text(_) | Value::Whole(_) | Value::Other => false,
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Request<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;

        impl<'de> Visitor<'de> for Any {
            type Value = Request<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of arguments")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Request<'de>, A::Error> {
                let mut arguments = Arguments::default();
                while let Some(argument) = seq.next_element()? {
                    arguments.push(argument);
                }
                Ok(Request::List(arguments))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Request<'de>, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Request::Unknown)
            }

            otherwise!(Ok(Request::Unknown));

            fn visit_str<E>(self, _: &str) -> Result<Request<'de>, E> {
                Ok(Request::Unknown)
            }
        }

        deserializer.deserialize_any(Any)
    }
}
