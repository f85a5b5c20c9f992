//! A card as the server is to get it: what is escaped, left out or added follows from what the server can do.
//!
//! Pure: a card and the server's abilities in, a `notify_rust::Notification` out. It knows no connection.

use notify_rust::{Hint, Notification, Timeout};

use crate::view::{Action, Card, Urgency};
use crate::watch::Request;

/// The name that servers show beside a notification when they do not find our desktop entry.
const APP_NAME: &str = "koji-notify";
/// The name of our desktop entry, by which servers group notifications and remember settings.
const DESKTOP_ENTRY: &str = "org.fedoraproject.KojiNotify";
/// The key of the action that a click on the notification itself means (Desktop Notifications 1.2).
const DEFAULT_ACTION: &str = "default";

/// What a server can do, as far as it changes what we send.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Abilities {
    /// The body is read as markup.
    pub markup: bool,
    /// What stands between `<tt>` and `</tt>` is shown in letters of one width. The specification knows no such tag.
    pub monospace: bool,
    /// There may be buttons.
    pub actions: bool,
    /// The action of a click on the notification has a button too, so that another one for it would be seen twice.
    pub default_is_button: bool,
    /// What takes the place of something on screen has no buttons: it must come as something new.
    pub drops_buttons: bool,
}

/// The servers that make a button of the default action, by the name they tell (xfce4-notifyd 0.7.3).
const WITH_DEFAULT_BUTTON: [&str; 1] = ["Xfce Notify Daemon"];

/// The servers that were seen to read `<tt>`, by the name they tell (dunst 1.9.0, mako 1.7.1, xfce4-notifyd 0.7.3). GNOME
/// Shell 43 and swaync 0.7 show the tag itself; Plasma 5.27 leaves it out.
const WITH_MONOSPACE: [&str; 3] = ["dunst", "mako", "Xfce Notify Daemon"];

/// Up to this version GNOME Shell draws what has changed on screen before it takes up its buttons, and draws it no more
/// (seen with 43.9; later ones say that a button has come).
const DROPS_BUTTONS_UNTIL: u32 = 45;

impl Abilities {
    /// Reads the answers to `GetServerInformation` (name and version) and `GetCapabilities`. What is not known here is not
    /// needed here.
    pub fn of(name: &str, version: &str, capabilities: &[String]) -> Self {
        let major = version.split('.').next().and_then(|it| it.parse::<u32>().ok());
        let has = |name: &str| capabilities.iter().any(|it| it == name);
        Self {
            markup: has("body-markup"),
            monospace: has("body-markup") && WITH_MONOSPACE.contains(&name),
            actions: has("actions"),
            default_is_button: WITH_DEFAULT_BUTTON.contains(&name),
            drops_buttons: name == "gnome-shell" && major.is_some_and(|it| it <= DROPS_BUTTONS_UNTIL),
        }
    }
}

/// Returns the notification for a card. `app_icon` is an absolute path or the name of an icon.
pub fn compose(card: &Card, abilities: Abilities, app_icon: &str) -> Notification {
    let mut letter = Notification::new();
    letter.appname(APP_NAME).icon(app_icon).summary(&card.title);
    if abilities.markup {
        letter.body(&markup(card, abilities.monospace));
    } else {
        letter.body(&card.body);
    }
    letter
        .urgency(match card.urgency {
            Urgency::Low => notify_rust::Urgency::Low,
            Urgency::Normal => notify_rust::Urgency::Normal,
            Urgency::Critical => notify_rust::Urgency::Critical,
        })
        .timeout(if card.expires { Timeout::Default } else { Timeout::Never })
        .hint(Hint::DesktopEntry(DESKTOP_ENTRY.to_owned()))
        .hint(Hint::Category(card.category.to_owned()))
        .hint(match card.sound {
            Some(name) => Hint::SoundName(name.to_owned()),
            None => Hint::SuppressSound(true),
        });
    // Servers differ in which of the icon and the image they prefer. A path means the same in both; a name does not.
    if app_icon.starts_with('/') {
        letter.hint(Hint::ImagePath(app_icon.to_owned()));
    }
    if abilities.actions {
        let (click, buttons): (Vec<_>, Vec<_>) = card.actions.iter().partition(|it| it.key == DEFAULT_ACTION);
        let is_click = |request: &Request| click.iter().any(|it: &&Action| it.request == *request);
        for Action { key, label, request } in click.iter().chain(&buttons) {
            let is_twice = abilities.default_is_button && *key != DEFAULT_ACTION && is_click(request);
            if !is_twice {
                letter.action(key, label);
            }
        }
    }
    letter
}

/// Returns the body as markup; the lines that are quoted in letters of one width, where that may be said.
fn markup(card: &Card, monospace: bool) -> String {
    let line = |(n, line): (usize, &str)| {
        let line = escape(line);
        if monospace && card.quoted.contains(&n) {
            format!("<tt>{line}</tt>")
        } else {
            line
        }
    };
    let lines: Vec<_> = card.body.split('\n').enumerate().map(line).collect();
    lines.join("\n")
}

/// Returns the text as markup that shows exactly the text. GNOME Shell knows these five entities and no numeric ones.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&apos;"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn abilities_are_read_by_their_exact_names() {
        let read = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(|&it| it.to_owned()).collect();
            Abilities::of("server", "1", &names)
        };
        let (markup, actions) = (true, true);
        assert_eq!(
            read(&["body", "body-markup", "actions", "x-kde"]),
            Abilities {
                markup,
                monospace: false,
                actions,
                default_is_button: false,
                drops_buttons: false,
            }
        );
        assert_eq!(
            read(&["body", "action-icons", "body-markup-ish", ""]),
            Abilities::default()
        );
    }

    #[test]
    fn a_button_is_not_seen_twice_where_the_click_has_one_too() {
        let open = |key| Action {
            key,
            label: "Open build".to_owned(),
            request: Request::Open {
                about: None,
                link: "https://koji.example.com/1".to_owned(),
                token: None,
            },
        };
        let card = Card {
            notice: crate::watch::NoticeId(1),
            replaces: false,
            title: String::new(),
            body: String::new(),
            quoted: 0..0,
            urgency: Urgency::Normal,
            category: "transfer",
            sound: None,
            expires: true,
            actions: vec![open("default"), open("open")],
        };
        let keys = |server: &str| {
            let abilities = Abilities::of(server, "1", &["actions".to_owned()]);
            let actions = compose(&card, abilities, "icon").actions;
            actions.into_iter().step_by(2).collect::<Vec<_>>()
        };
        assert_eq!(keys("gnome-shell"), ["default", "open"]);
        assert_eq!(keys("Xfce Notify Daemon"), ["default"]);
    }

    #[test]
    fn quoted_lines_are_monospaced_only_where_that_was_seen_to_work() {
        let card = Card {
            notice: crate::watch::NoticeId(1),
            replaces: false,
            title: "bash failed".to_owned(),
            body: "aarch64 failed\na.c:1: error: <tt>'x'</tt>\n&b\nrawhide".to_owned(),
            quoted: 1..3,
            urgency: Urgency::Normal,
            category: "transfer.error",
            sound: None,
            expires: false,
            actions: Vec::new(),
        };
        let body = |server: &str, can: &str| {
            let abilities = Abilities::of(server, "1", &[can.to_owned()]);
            compose(&card, abilities, "icon").body
        };
        assert_eq!(
            body("dunst", "body-markup"),
            "aarch64 failed\n<tt>a.c:1: error: &lt;tt&gt;&apos;x&apos;&lt;/tt&gt;</tt>\n<tt>&amp;b</tt>\nrawhide"
        );
        assert_eq!(
            body("gnome-shell", "body-markup"),
            "aarch64 failed\na.c:1: error: &lt;tt&gt;&apos;x&apos;&lt;/tt&gt;\n&amp;b\nrawhide"
        );
        assert_eq!(body("dunst", "body"), card.body);
    }

    proptest! {
        #[test]
        fn escaped_text_holds_no_markup_and_reads_as_the_text(text in any::<String>()) {
            let escaped = escape(&text);
            prop_assert!(!escaped.contains(['<', '>', '"', '\'']));
            let read = escaped
                .replace("&lt;", "<")
                .replace("&gt;", ">")
                .replace("&quot;", "\"")
                .replace("&apos;", "'")
                .replace("&amp;", "&");
            prop_assert_eq!(read, text);
        }
    }
}
