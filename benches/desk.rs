//! A desktop that notes when what arrives: a notification server and a tray host, as small as they can be.
//!
//! Both live in the process that publishes, so that one clock (`Instant` is CLOCK_MONOTONIC) tells both ends.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use tokio::sync::mpsc;
use zbus::fdo::{DBusProxy, PropertiesProxy, RequestNameFlags};
use zbus::message::Header;
use zbus::zvariant::OwnedValue;
use zbus::{Connection, fdo};

use crate::session_bus::SessionBus;

const NOTIFICATIONS: &str = "org.freedesktop.Notifications";
const WATCHER: &str = "org.kde.StatusNotifierWatcher";
const OUR_NAME: &str = "org.fedoraproject.KojiNotify";

/// Time enough for anything that happens at all.
const GENEROUS: Duration = Duration::from_secs(120);

/// The desktop.
pub(crate) struct Desk {
    connection: Connection,
    arrivals: mpsc::UnboundedReceiver<Arrival>,
    names: tokio::task::JoinHandle<()>,
}

/// Something has come over the bus.
#[derive(Debug)]
pub(crate) struct Arrival {
    pub(crate) at: Instant,
    pub(crate) what: What,
}

#[derive(Debug)]
pub(crate) enum What {
    /// `Notify` was called.
    Notice { app: String, title: String },
    /// koji-notify has its name.
    Name,
    /// A tray item has made itself known, under this name of the bus.
    Item(String),
}

impl Desk {
    pub(crate) async fn open(bus: &SessionBus) -> Self {
        let (tell, arrivals) = mpsc::unbounded_channel();
        let connection = bus.connect().await;
        let objects = connection.object_server();
        let server = Server {
            tell: tell.clone(),
            last_id: 0,
        };
        objects.at("/org/freedesktop/Notifications", server).await.unwrap();
        let watcher = Watcher { tell: tell.clone() };
        objects.at("/StatusNotifierWatcher", watcher).await.unwrap();
        for name in [NOTIFICATIONS, WATCHER] {
            let flags = RequestNameFlags::DoNotQueue.into();
            connection.request_name_with_flags(name, flags).await.unwrap();
        }
        let proxy = DBusProxy::new(&connection).await.unwrap();
        let mut changes = proxy
            .receive_name_owner_changed_with_args(&[(0, OUR_NAME)])
            .await
            .unwrap();
        let names = tokio::spawn(async move {
            while let Some(change) = changes.next().await {
                let at = Instant::now();
                if change.args().unwrap().new_owner().is_some() {
                    _ = tell.send(Arrival { at, what: What::Name });
                }
            }
        });
        Self {
            connection,
            arrivals,
            names,
        }
    }

    /// Waits for the arrival that `wanted` makes something of; others are dropped.
    pub(crate) async fn next<T>(&mut self, mut wanted: impl FnMut(&What) -> Option<T>) -> (Instant, T) {
        let found = tokio::time::timeout(GENEROUS, async {
            loop {
                let arrival = self.arrivals.recv().await.unwrap();
                if let Some(found) = wanted(&arrival.what) {
                    return (arrival.at, found);
                }
            }
        });
        found.await.expect("what is waited for comes")
    }

    /// Waits until a program tells of this build.
    pub(crate) async fn notice(&mut self, app: &str, build: &str) -> Instant {
        let is_it = |what: &What| match what {
            What::Notice { app: by, title } => (by == app && title.contains(build)).then_some(()),
            What::Name | What::Item(_) => None,
        };
        self.next(is_it).await.0
    }

    /// Waits until koji-notify has its name and its tray item; returns when the later of the two came, and the item.
    pub(crate) async fn settled_in(&mut self) -> (Instant, String) {
        let (mut named, mut item) = (false, None);
        self.next(|what| {
            match what {
                What::Name => named = true,
                What::Item(name) => item = Some(name.clone()),
                What::Notice { .. } => {}
            }
            item.clone().filter(|_| named)
        })
        .await
    }

    /// Reads a tray item and its whole menu once, as a panel does.
    pub(crate) async fn look_at(&self, item: &str) {
        let properties = PropertiesProxy::builder(&self.connection)
            .destination(item)
            .unwrap()
            .path("/StatusNotifierItem")
            .unwrap()
            .build()
            .await
            .unwrap();
        let all = properties
            .get_all("org.kde.StatusNotifierItem".try_into().unwrap())
            .await
            .unwrap();
        assert!(all.contains_key("Id"), "{all:?}");
        let layout = self
            .connection
            .call_method(
                Some(item),
                "/MenuBar",
                Some("com.canonical.dbusmenu"),
                "GetLayout",
                &(0_i32, -1_i32, Vec::<String>::new()),
            )
            .await
            .unwrap();
        assert!(layout.body().len() > 100);
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        self.names.abort();
    }
}

struct Server {
    tell: mpsc::UnboundedSender<Arrival>,
    last_id: u32,
}

#[zbus::interface(name = "org.freedesktop.Notifications")]
impl Server {
    fn get_capabilities(&self) -> Vec<String> {
        ["body", "body-markup", "actions", "persistence"]
            .map(str::to_owned)
            .into()
    }

    fn get_server_information(&self) -> (&str, &str, &str, &str) {
        ("desk", "koji-notify", "1", "1.2")
    }

    #[expect(clippy::too_many_arguments, reason = "the specification has them")]
    fn notify(
        &mut self,
        app: String,
        replaces: u32,
        _icon: String,
        title: String,
        _body: String,
        _actions: Vec<String>,
        _hints: HashMap<String, OwnedValue>,
        _timeout: i32,
    ) -> u32 {
        let at = Instant::now();
        let what = What::Notice { app, title };
        _ = self.tell.send(Arrival { at, what });
        if replaces != 0 {
            return replaces;
        }
        self.last_id += 1;
        self.last_id
    }

    fn close_notification(&self, _id: u32) {}
}

struct Watcher {
    tell: mpsc::UnboundedSender<Arrival>,
}

#[zbus::interface(name = "org.kde.StatusNotifierWatcher")]
impl Watcher {
    fn register_status_notifier_item(&self, #[zbus(header)] header: Header<'_>, service: String) -> fdo::Result<()> {
        let at = Instant::now();
        // An item may give its path only; whoever sends is where it is.
        let name = match header.sender() {
            Some(sender) if service.starts_with('/') => sender.to_string(),
            Some(_) | None => service,
        };
        let what = What::Item(name);
        _ = self.tell.send(Arrival { at, what });
        Ok(())
    }

    #[zbus(property)]
    fn is_status_notifier_host_registered(&self) -> bool {
        true
    }

    #[zbus(property)]
    fn protocol_version(&self) -> i32 {
        0
    }

    #[zbus(property)]
    fn registered_status_notifier_items(&self) -> Vec<String> {
        Vec::new()
    }
}
