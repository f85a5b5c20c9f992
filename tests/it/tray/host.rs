//! A tray host, and the menu of an item as it sees it.

use std::collections::HashMap;
use std::future::Future;
use std::sync::Mutex;
use std::time::Duration;

use futures_util::StreamExt;
use tokio::sync::mpsc;
use zbus::fdo::{self, RequestNameFlags};
use zbus::zvariant::{OwnedValue, Structure, Value};
use zbus::{Connection, MatchRule, MessageStream, Proxy};

use super::ITEM;
use crate::end_to_end::desk::PATIENCE;
use crate::session_bus::SessionBus;

const WATCHER: &str = "org.kde.StatusNotifierWatcher";
const MENU: &str = "com.canonical.dbusmenu";

/// The menu of an item.
pub(crate) struct ItemMenu {
    connection: Connection,
    item: String,
}

impl ItemMenu {
    pub(crate) fn of(connection: &Connection, item: &str) -> Self {
        Self {
            connection: connection.clone(),
            item: item.to_owned(),
        }
    }

    pub(crate) async fn lines(&self) -> Vec<Line> {
        self.try_lines().await.unwrap()
    }

    async fn try_lines(&self) -> zbus::Result<Vec<Line>> {
        let nothing: [&str; 0] = [];
        let proxy = self.proxy().await;
        let (_revision, root): (u32, Node) = proxy.call("GetLayout", &(0, -1, nothing.as_slice())).await?;
        let mut lines = Vec::new();
        flatten(root, 0, &mut lines);
        Ok(lines)
    }

    /// Waits until the labels of its lines are fine, and returns them.
    pub(crate) async fn labels_when(&self, fine: impl Fn(&[String]) -> bool) -> Vec<String> {
        let mut changes = self.changes().await;
        loop {
            let labels: Vec<_> = self.lines().await.iter().map(Line::label).collect();
            if fine(&labels) {
                return labels;
            }
            let change = timely(&format!("another menu than {labels:?}"), changes.next()).await;
            change.unwrap().unwrap();
        }
    }

    /// Clicks the first line with this label.
    /// Opens the menu, as a host says it does.
    pub(super) async fn open(&self) {
        let menu = self.proxy().await;
        let _needs_update: bool = menu.call("AboutToShow", &0_i32).await.unwrap();
    }

    pub(crate) async fn click(&self, label: &str) {
        self.try_click(label).await.expect("the line is there").unwrap();
    }

    /// Waits until there is a line with this label, and clicks the first. Where the menu has changed since it was read, its
    /// lines have other numbers: then it is read again, as by a host that hears of it.
    pub(crate) async fn click_when_there(&self, label: &str) {
        let mut changes = self.changes().await;
        loop {
            match self.try_click(label).await {
                Some(Ok(())) => return,
                Some(Err(zbus::Error::MethodError(name, ..))) if name.ends_with(".InvalidArgs") => {}
                Some(Err(error)) => panic!("{error}"),
                None => _ = timely("a change of the menu", changes.next()).await.unwrap().unwrap(),
            }
        }
    }

    /// Clicks the first line with this label, if there is one.
    async fn try_click(&self, label: &str) -> Option<zbus::Result<()>> {
        let lines = self.lines().await;
        let line = lines.iter().find(|it| it.label() == label)?;
        let event = (line.id, "clicked", Value::from(""), 0_u32);
        let clicked = self.proxy().await.call_method("Event", &event).await;
        Some(clicked.map(|_| ()))
    }

    async fn changes(&self) -> MessageStream {
        let rule = MatchRule::builder().interface(MENU).unwrap().build();
        let changes = MessageStream::for_match_rule(rule, &self.connection, None).await;
        changes.unwrap()
    }

    async fn proxy(&self) -> Proxy<'_> {
        zbus::proxy::Builder::new(&self.connection)
            .destination(&*self.item)
            .unwrap()
            .path("/MenuBar")
            .unwrap()
            .interface(MENU)
            .unwrap()
            .cache_properties(zbus::proxy::CacheProperties::No)
            .build()
            .await
            .unwrap()
    }
}

/// Returns the menu of the item that the daemon has on this connection's bus, once it is there and fine.
pub(crate) async fn menu_when(connection: &Connection, fine: impl Fn(&str) -> bool) -> String {
    let of_menus = MatchRule::builder().interface(MENU).unwrap().build();
    let of_names = MatchRule::builder().member("NameOwnerChanged").unwrap().build();
    let of_menus = MessageStream::for_match_rule(of_menus, connection, None).await.unwrap();
    let of_names = MessageStream::for_match_rule(of_names, connection, None).await.unwrap();
    let mut changes = futures_util::stream::select(of_menus, of_names);
    let bus = fdo::DBusProxy::new(connection).await.unwrap();
    let last = Mutex::new(String::new());
    let wait = async {
        loop {
            let names = bus.list_names().await.unwrap();
            let item = names.iter().find(|it| it.starts_with(&format!("{ITEM}-")));
            if let Some(item) = item
                && let Ok(lines) = ItemMenu::of(connection, item.as_str()).try_lines().await
            {
                let menu = text(&lines);
                if fine(&menu) {
                    return menu;
                }
                *last.lock().unwrap() = menu;
            }
            changes.next().await.unwrap().unwrap();
        }
    };
    match tokio::time::timeout(PATIENCE, wait).await {
        Ok(menu) => menu,
        Err(_) => panic!("the menu did not come to that; last:\n{}", last.lock().unwrap()),
    }
}

pub(super) fn text(lines: &[Line]) -> String {
    lines.iter().map(|it| format!("{}\n", it.text())).collect()
}

/// A line of the menu as com.canonical.dbusmenu has it.
pub(crate) struct Line {
    pub(super) id: i32,
    depth: usize,
    properties: HashMap<String, OwnedValue>,
}

type Node = (i32, HashMap<String, OwnedValue>, Vec<OwnedValue>);

impl Line {
    pub(crate) fn label(&self) -> String {
        self.word("label").unwrap_or_default()
    }

    fn word(&self, property: &str) -> Option<String> {
        let value = self.properties.get(property)?.try_clone().unwrap();
        value.try_into().ok()
    }

    pub(super) fn text(&self) -> String {
        if self.word("type").as_deref() == Some("separator") {
            return "--".to_owned();
        }
        let on = self.properties.get("toggle-state") == Some(&OwnedValue::from(1));
        let mark = match (self.word("toggle-type").as_deref(), on) {
            (Some("checkmark"), true) => "[x] ",
            (Some("checkmark"), false) => "[ ] ",
            (Some("radio"), true) => "(x) ",
            (Some("radio"), false) => "( ) ",
            _ => "",
        };
        let disabled = self.properties.get("enabled") == Some(&OwnedValue::from(false));
        let note = match (self.word("children-display").is_some(), disabled) {
            (true, _) => " >",
            (_, true) => " (disabled)",
            _ => "",
        };
        format!("{}{mark}{}{note}", "    ".repeat(self.depth), self.label())
    }
}

fn flatten((_, _, children): Node, depth: usize, lines: &mut Vec<Line>) {
    for child in children {
        let child: Structure<'_> = child.try_into().unwrap();
        let (id, properties, below): Node = child.try_into().unwrap();
        lines.push(Line { id, depth, properties });
        flatten((id, HashMap::new(), below), depth + 1, lines);
    }
}

/// A tray host that is its own watcher, as in xfce4-panel.
pub(crate) struct Host {
    pub(super) connection: Connection,
    pub(super) registrations: mpsc::UnboundedReceiver<String>,
}

/// How a watcher answers an item that makes itself known.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Manners {
    Welcoming,
    /// As if it were not there yet at the first call.
    ComingIn,
    Refusing,
}

impl Host {
    pub(crate) async fn start(bus: &SessionBus, manners: Manners) -> Self {
        let connection = bus.connect().await;
        let (registered, registrations) = mpsc::unbounded_channel();
        let watcher = Watcher { manners, registered };
        connection
            .object_server()
            .at("/StatusNotifierWatcher", watcher)
            .await
            .unwrap();
        let flags = RequestNameFlags::DoNotQueue.into();
        connection.request_name_with_flags(WATCHER, flags).await.unwrap();
        Self {
            connection,
            registrations,
        }
    }

    /// Returns the name of the next item that makes itself known.
    pub(crate) async fn registered(&mut self) -> String {
        timely("an item", self.registrations.recv()).await.unwrap()
    }
}

struct Watcher {
    manners: Manners,
    registered: mpsc::UnboundedSender<String>,
}

#[zbus::interface(name = "org.kde.StatusNotifierWatcher")]
impl Watcher {
    fn register_status_notifier_item(&mut self, service: String) -> fdo::Result<()> {
        match self.manners {
            Manners::Welcoming => self.registered.send(service).unwrap(),
            Manners::ComingIn => {
                self.manners = Manners::Welcoming;
                return Err(fdo::Error::ServiceUnknown("nobody here yet".to_owned()));
            }
            Manners::Refusing => return Err(fdo::Error::Failed("no trays today".to_owned())),
        }
        Ok(())
    }

    #[zbus(property)]
    fn is_status_notifier_host_registered(&self) -> bool {
        true
    }
}

pub(super) async fn timely<T>(what: &str, waited_for: impl Future<Output = T>) -> T {
    let limit = Duration::from_secs(20);
    let waited = tokio::time::timeout(limit, waited_for).await;
    waited.unwrap_or_else(|_| panic!("{what} did not come within {limit:?}"))
}
