//! The tray icon: a `StatusNotifierItem` and its menu, as the newest [`Tray`] says.
//!
//! Whoever hosts the tray may be absent, late, or gone and back again; the item is there for it whenever it comes, and
//! nothing waits for it. A host is told only of what has changed: an equal value makes no sound on the bus.
//!
//! The bus side is ksni's, on a connection of its own. This module only translates: it words nothing, and a click
//! changes nothing here. What follows from it comes back through the model.

use std::time::Duration;

use futures_util::StreamExt;
use ksni::menu::{CheckmarkItem, RadioGroup, RadioItem, StandardItem, SubMenu};
use ksni::{Category, Handle, MenuItem, OfflineReason, Status, ToolTip, TrayMethods};
use tokio::sync::mpsc;
use tracing::{debug, warn};
use zbus::fdo::DBusProxy;
use zbus::names::BusName;

use super::icons::{self, DataDirs, Found, Picture};
use crate::clock;
use crate::view::{Badge, Icon, Item, Tray};
use crate::watch::{Event, Request};

/// The one that tray items make themselves known to; the panel, or a service of the desktop.
const WATCHER: &str = "org.kde.StatusNotifierWatcher";

/// How often the item is made again because a watcher came while it was being made.
const RETRIES: u32 = 3;

/// How long the item's end is waited for: a host that is frozen may keep it from ending.
const FAREWELL: Duration = Duration::from_secs(1);

/// Shows the newest value in the tray until the model's sender is gone; then the item is gone from the bus.
///
/// A click is reported as [`Event::Asked`], a tray host that comes or goes as [`Event::TrayChanged`]. Where there is
/// no session bus it says so once and returns.
pub async fn run(mut model: tokio::sync::watch::Receiver<Tray>, inbox: mpsc::Sender<Event>) {
    let mut end = model.clone();
    let mut reporter = Reporter { inbox, told: None };
    let live = tokio::select! {
        biased;
        () = gone(&mut end) => None,
        live = make(&model, &mut reporter) => live,
    };
    let Some(mut live) = live else {
        return;
    };
    tokio::select! {
        biased;
        () = gone(&mut end) => {}
        () = live.follow(&mut model, &mut reporter) => {}
    }
    live.end().await;
}

/// Makes an item that hosts can find. Returns `None` if there is no bus to put it on.
async fn make(model: &tokio::sync::watch::Receiver<Tray>, reporter: &mut Reporter) -> Option<Live> {
    let mut retries = RETRIES;
    loop {
        let (presence, hosted) = tokio::sync::watch::channel(true);
        let item = TrayItem {
            shown: model.borrow().clone(),
            found: DataDirs::of_this_session().find_tray_icons(),
            inbox: reporter.inbox.clone(),
            presence,
        };
        match item.assume_sni_available(true).spawn().await {
            Ok(handle) => {
                let live = Live { handle, hosted };
                // ksni asks for the watcher first and listens for its coming second, so one that comes in between
                // stays unknown. At the start of a session that is when it comes.
                if retries > 0 && live.has_missed_the_watcher().await {
                    debug!("a tray host came while the item was being made; making it again");
                    retries -= 1;
                    live.end().await;
                    continue;
                }
                return Some(live);
            }
            Err(problem) => {
                warn!(%problem, "there is no tray icon for now");
                reporter.host_changed(false).await;
                if let Err(problem) = next_watcher().await {
                    warn!(%problem, "there will be no tray icon");
                    return None;
                }
            }
        }
    }
}

/// Returns when the model's sender is gone.
async fn gone(model: &mut tokio::sync::watch::Receiver<Tray>) {
    model.wait_for(|_| false).await.ok();
}

/// Returns whether there is a watcher at this moment.
async fn watcher_is_there() -> zbus::Result<bool> {
    let connection = zbus::Connection::session().await?;
    let bus = DBusProxy::new(&connection).await?;
    Ok(bus.name_has_owner(BusName::try_from(WATCHER)?).await?)
}

/// Returns when a watcher appears, or another one takes over.
async fn next_watcher() -> zbus::Result<()> {
    let connection = zbus::Connection::session().await?;
    let bus = DBusProxy::new(&connection).await?;
    let mut changes = bus.receive_name_owner_changed_with_args(&[(0, WATCHER)]).await?;
    while let Some(change) = changes.next().await {
        if change.args()?.new_owner().is_some() {
            return Ok(());
        }
    }
    Err(zbus::Error::InputOutput(std::sync::Arc::new(
        std::io::ErrorKind::ConnectionAborted.into(),
    )))
}

/// Tells the inbox about the tray host, once for each change.
struct Reporter {
    inbox: mpsc::Sender<Event>,
    told: Option<bool>,
}

impl Reporter {
    async fn host_changed(&mut self, there: bool) {
        if self.told != Some(there) {
            self.told = Some(there);
            self.inbox.send(Event::TrayChanged(there)).await.ok();
        }
    }
}

/// An item on the bus. It ends when this is dropped; [`Live::end`] waits for it.
struct Live {
    handle: Handle<TrayItem>,
    /// Whether the item knows of a watcher.
    hosted: tokio::sync::watch::Receiver<bool>,
}

impl Live {
    /// Keeps the item as the model says. Returns only if the item has ended by itself.
    async fn follow(&mut self, model: &mut tokio::sync::watch::Receiver<Tray>, reporter: &mut Reporter) {
        loop {
            let there = *self.hosted.borrow_and_update();
            reporter.host_changed(there).await;
            let newest = model.borrow_and_update().clone();
            let update = |item: &mut TrayItem| item.shown = newest;
            // ksni compares each property and each line of the menu, and signals what differs.
            if self.handle.update(update).await.is_none() {
                break;
            }
            let shown = model.borrow().clone();
            tokio::select! {
                changed = model.wait_for(|newest| *newest != shown) => if changed.is_err() { break },
                changed = self.hosted.changed() => if changed.is_err() { break },
            }
        }
        reporter.host_changed(false).await;
    }

    async fn has_missed_the_watcher(&self) -> bool {
        let is_hosted = || *self.hosted.borrow();
        let there = !is_hosted() && watcher_is_there().await.unwrap_or(false);
        there && !is_hosted()
    }

    async fn end(self) {
        tokio::select! {
            () = self.handle.shutdown() => {}
            () = clock::pass(FAREWELL) => debug!("the tray item does not end; leaving it"),
        }
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        // The request is on its way when this returns; that is all that can be done without waiting.
        drop(self.handle.shutdown());
    }
}

/// What ksni asks and tells.
struct TrayItem {
    shown: Tray,
    found: Found,
    inbox: mpsc::Sender<Event>,
    presence: tokio::sync::watch::Sender<bool>,
}

impl TrayItem {
    /// Passes on what a click asks for. The bus must not wait, so a click is lost when the inbox is full.
    fn ask(&self, request: &Request) {
        let mut request = request.clone();
        if let Some(token) = request.token_mut() {
            *token = token.take().or_else(ksni::current_xdg_activation_token);
        }
        if let Err(problem) = self.inbox.try_send(Event::Asked(request)) {
            warn!(%problem, "a click in the tray is lost");
        }
    }
}

impl ksni::Tray for TrayItem {
    fn id(&self) -> String {
        icons::APP.to_owned()
    }

    fn category(&self) -> Category {
        Category::ApplicationStatus
    }

    /// Always `Active`: a passive item is hidden, and one that needs attention blinks in some hosts until it is
    /// clicked. The icon says that something failed.
    fn status(&self) -> Status {
        Status::Active
    }

    fn title(&self) -> String {
        self.shown.title.clone()
    }

    fn tool_tip(&self) -> ToolTip {
        ToolTip {
            title: self.shown.title.clone(),
            description: escaped(&self.shown.text),
            ..ToolTip::default()
        }
    }

    fn icon_name(&self) -> String {
        match self.found {
            Found::InTheme | Found::Beside(_) => self.shown.icon.name(self.shown.badge),
            Found::Nowhere => String::new(),
        }
    }

    fn icon_theme_path(&self) -> String {
        match &self.found {
            Found::Beside(dir) => dir.to_string_lossy().into_owned(),
            Found::InTheme | Found::Nowhere => String::new(),
        }
    }

    fn icon_pixmap(&self) -> Vec<ksni::Icon> {
        match self.found {
            Found::InTheme | Found::Beside(_) => Vec::new(),
            Found::Nowhere => pixmaps(self.shown.icon, self.shown.badge),
        }
    }

    fn activate(&mut self, _x: i32, _y: i32) {
        if let Some(request) = &self.shown.activate {
            self.ask(request);
        }
    }

    fn secondary_activate(&mut self, _x: i32, _y: i32) {
        if let Some(request) = &self.shown.secondary {
            self.ask(request);
        }
    }

    fn menu(&self) -> Vec<MenuItem<Self>> {
        translated(&self.shown.menu.items)
    }

    /// What it says of time may be old by now. Whether it was opened is nothing to wait for.
    fn menu_about_to_show(&mut self) {
        self.inbox.try_send(Event::MenuOpened).ok();
    }

    fn watcher_online(&self) {
        self.presence.send_replace(true);
    }

    fn watcher_offline(&self, reason: OfflineReason) -> bool {
        debug!(?reason, "no tray host");
        self.presence.send_replace(false);
        true
    }
}

fn translated(items: &[Item]) -> Vec<MenuItem<TrayItem>> {
    items.iter().map(line).collect()
}

fn line(item: &Item) -> MenuItem<TrayItem> {
    match item {
        Item::Separator => MenuItem::Separator,
        Item::Text(text) => StandardItem {
            label: label(text),
            enabled: false,
            ..StandardItem::default()
        }
        .into(),
        Item::Entry { label: text, request } => StandardItem {
            label: label(text),
            activate: asking(request),
            ..StandardItem::default()
        }
        .into(),
        Item::Check {
            label: text,
            on,
            request,
        } => CheckmarkItem {
            label: label(text),
            checked: *on,
            activate: asking(request),
            ..CheckmarkItem::default()
        }
        .into(),
        Item::Radio { selected, options } => radio(*selected, options).into(),
        Item::Submenu { label: text, items } => SubMenu {
            label: label(text),
            submenu: translated(items),
            ..SubMenu::default()
        }
        .into(),
    }
}

fn radio(selected: Option<usize>, options: &[(String, Request)]) -> RadioGroup<TrayItem> {
    let (labels, requests): (Vec<_>, Vec<_>) = options.iter().cloned().unzip();
    let option = |text: String| RadioItem {
        label: label(&text),
        ..RadioItem::default()
    };
    RadioGroup {
        // There is no such option, so none is marked.
        selected: selected.unwrap_or(usize::MAX),
        select: Box::new(move |item: &mut TrayItem, chosen| {
            if let Some(request) = requests.get(chosen) {
                item.ask(request);
            }
        }),
        options: labels.into_iter().map(option).collect(),
    }
}

fn asking(request: &Request) -> Box<dyn Fn(&mut TrayItem) + Send> {
    let request = request.clone();
    Box::new(move |item| item.ask(&request))
}

/// Returns a label in which no character is taken for a mnemonic (com.canonical.dbusmenu, `label`).
fn label(text: &str) -> String {
    text.replace('_', "__")
}

/// Returns text as a tooltip's description, which is markup (StatusNotifierItem, `ToolTip`).
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn pixmaps(icon: Icon, badge: Option<Badge>) -> Vec<ksni::Icon> {
    let pixmap = |Picture { side, argb }| ksni::Icon {
        width: i32::from(side),
        height: i32::from(side),
        data: argb,
    };
    icons::pictures(icon, badge).into_iter().map(pixmap).collect()
}
