//! What a message of Koji's own plugins says without its body: the routing key and the headers.
//!
//! Promise: it is looked at where it lies; a body, however large, is not touched. What cannot be made out is left out.

use lapin::types::FieldTable;

use super::{AMQP_10, Named, SAID, header, key, text};
use crate::bus::amqp::message::Message;
use crate::bus::amqp::{Item, Items};
use crate::bus::decode::Envelope;

/// The longest routing key that `messagebus` makes; what would be longer is cut there.
const MAX_KEY: usize = 255;

/// The outside of a message.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(in crate::bus) struct Outside<'a> {
    pub(in crate::bus) named: Option<Named>,
    /// The event has a name, and it is none of those that we know.
    pub(in crate::bus) is_strange: bool,
    /// What has changed: `state`, or another attribute.
    pub(in crate::bus) attribute: Option<&'a str>,
    pub(in crate::bus) package: Option<Package<'a>>,
}

/// A package as the outside spells it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::bus) enum Package<'a> {
    Name(&'a str),
    /// As a word of a routing key; see [`token`].
    Token(&'a str),
}

impl Package<'_> {
    /// Returns whether this is the package of that name.
    pub(in crate::bus) fn is(self, name: &str) -> bool {
        match self {
            Self::Name(it) => it == name,
            Self::Token(it) => it == token(name),
        }
    }
}

impl<'a> Outside<'a> {
    /// Looks at the outside of a message that is under a prefix; see [`super::decode`].
    pub(in crate::bus) fn read(prefix: &str, envelope: &Envelope<'a>) -> Self {
        let headers = envelope.headers;
        let key = key(prefix, envelope.topic).filter(|it| !it.is_empty());
        let direct = |name: &str| headers.and_then(|it| text(it, name)).filter(|it| !it.is_empty());
        let packed = headers.filter(|_| envelope.kind == Some(AMQP_10)).and_then(packed);
        let said = |name: &str| direct(name).or_else(|| packed.as_ref()?.application_properties.value_of(name)?.text());
        let Some(name) = said("type") else {
            return key
                .map(|it| Self::of_key(prefix, it, envelope.topic))
                .unwrap_or_default();
        };
        let named = Named::by_type(name);
        Self {
            named,
            is_strange: named.is_none(),
            attribute: said("attribute"),
            package: said("name").or_else(|| said("package")).map(Package::Name),
        }
    }

    /// Looks at the application properties of a message of AMQP 1.0.
    pub(in crate::bus) fn of_properties(properties: Items<'a>) -> Self {
        let said = |name: &str| properties.value_of(name)?.text().filter(|it| !it.is_empty());
        let name = said("type");
        let named = name.and_then(Named::by_type);
        Self {
            named,
            is_strange: name.is_some() && named.is_none(),
            attribute: said("attribute"),
            package: said("name").or_else(|| said("package")).map(Package::Name),
        }
    }

    /// What `messagebus` says in a routing key: the event's name, and tokens that depend on it.
    fn of_key(prefix: &str, key: &'a str, whole: &str) -> Self {
        let Some(named) = Named::by_key(key, !prefix.is_empty()) else {
            return Self::default();
        };
        let mut tokens = key.split('.').skip_while(|it| Named::by_type(it).is_none()).skip(1);
        let (attribute, package) = match named {
            Named::TaskStateChange => (tokens.nth(1), None),
            Named::BuildStateChange => (tokens.next(), tokens.next()),
            Named::Tag | Named::Untag | Named::PackageListChange => (None, tokens.nth(1)),
            Named::Import | Named::RpmSign | Named::RepoInit | Named::RepoDone | Named::BuildPromote => (None, None),
        };
        // What was cut may lack an end.
        let is_whole = whole.len() < MAX_KEY;
        Self {
            named: Some(named),
            is_strange: false,
            attribute: attribute.filter(|_| is_whole),
            package: package.filter(|_| is_whole).map(Package::Token),
        }
    }
}

/// Returns where `protonmsg` sends a message with these properties, if they name one of its events.
pub(in crate::bus) fn address(prefix: &str, properties: Items<'_>) -> Option<String> {
    let said = |name: &str| properties.value_of(name).and_then(Item::text);
    let last = |name: &str| said(name).unwrap_or_default().to_lowercase();
    let key = match Named::by_type(said("type")?)? {
        Named::PackageListChange => format!("package.{}", said("action").unwrap_or_default()),
        Named::TaskStateChange => format!("task.{}", last("new")),
        Named::BuildStateChange => format!("build.{}", last("new")),
        Named::Import => format!("import.{}", said("importType").unwrap_or_default()),
        Named::RpmSign => "sign.rpm".to_owned(),
        Named::Tag => "build.tag".to_owned(),
        Named::Untag => "build.untag".to_owned(),
        Named::RepoInit => "repo.init".to_owned(),
        Named::RepoDone => "repo.done".to_owned(),
        Named::BuildPromote => "build.promote".to_owned(),
    };
    Some(if prefix.is_empty() {
        key
    } else {
        format!("{prefix}.{key}")
    })
}

/// Returns a name as `messagebus` writes it into a routing key, where dots part the words.
pub(in crate::bus) fn token(name: &str) -> String {
    name.replace('.', "_")
}

/// Returns the application properties that are packed into a header.
fn packed(headers: &FieldTable) -> Option<Message<'_>> {
    Message::read([header(headers, SAID)?]).ok()
}
