//! The whole program at a hub that knows us: the daemon between a broker, a notification server, a tray and a real
//! Apache, which lets people in to the small hub.

use koji_notify::view::Status;

use crate::apache::{Apache, Realm, Setup};
use crate::end_to_end::desk::{Daemon, Desk};
use crate::hub_stories::scene::{Clock, set};
use crate::notices::server::Call;
use crate::rabbit::{Client, Rabbit};
use crate::small_hub::{self, Login, SmallHub};
use crate::tray::host::{Host, ItemMenu, Manners};

/// All that is around the daemon.
pub(super) struct House {
    pub(super) desk: Desk<'static>,
    pub(super) hub: SmallHub,
    pub(super) clock: Clock,
    tray: Host,
    item: Option<String>,
    _apache: Apache,
}

impl House {
    /// Lays out everything for alice, who shows a certificate.
    pub(super) async fn by_certificate() -> Self {
        let hub = |it: &Apache| {
            let file = it.certs.client(Client::Alice).both;
            let login = format!("login = \"certificate\"\ncertificate = \"{}\"", file.display());
            (it.by_certificate(), login)
        };
        Self::new(None, hub).await
    }

    /// Lays out everything for somebody of a realm; `more` is what the configuration says beside `login`.
    pub(super) async fn by_ticket(realm: &Realm, more: &str) -> Self {
        let hub = |it: &Apache| (it.by_ticket(), format!("login = \"kerberos\"\n{more}"));
        Self::new(Some(realm), hub).await
    }

    async fn new(realm: Option<&Realm>, at: impl FnOnce(&Apache) -> (String, String)) -> Self {
        let mut desk = Desk::new(Rabbit::shared().await).await;
        let hub = SmallHub::start();
        hub.set_login(Login::AsApacheSays);
        let apache = Apache::start(Setup {
            realm,
            hub: Some(hub.port),
            ..Setup::default()
        })
        .await;
        let (server, login) = at(&apache);
        let ca = apache.certs.ca();
        let words = format!(
            "\n[instance.lab.hub]\nserver = \"{server}\"\nca-cert = \"{}\"\n{login}\n",
            ca.display()
        );
        let config = desk
            .home
            .config()
            .replace("https://kojipkgs.example.com", &hub.topurl());
        desk.home.write_config(&format!("{config}{words}"));
        let clock = Clock::set();
        desk.more = clock.environment();
        desk.more.extend(realm.map(Realm::environment).unwrap_or_default());
        Self {
            tray: Host::start(&desk.bus, Manners::Welcoming).await,
            item: None,
            desk,
            hub,
            clock,
            _apache: apache,
        }
    }

    /// Takes out of the configuration who alice is.
    pub(super) fn nobody_says_who_i_am(&self) {
        let config = self.desk.home.config();
        let line = "user = \"alice\"\n";
        assert!(config.contains(line));
        self.desk.home.write_config(&config.replace(line, ""));
    }

    /// Starts the daemon and returns when it hears the broker, is in the tray and knows how it is with the login.
    pub(super) async fn daemon(&mut self, fine: impl Fn(&Status) -> bool) -> Daemon {
        let daemon = self.desk.daemon().await;
        self.item = Some(self.tray.registered().await);
        self.desk.status_when(fine).await;
        daemon
    }

    /// As [`Self::daemon`], logged in.
    pub(super) async fn daemon_in_session(&mut self) -> Daemon {
        let daemon = self.daemon(|it| it.instances[0].hub == "answers").await;
        self.hub.wait_for_answers(1, Some("getLoggedInUser")).await;
        daemon
    }

    /// Has the daemon look at the hub now.
    pub(super) async fn looks(&self) {
        self.desk.remote().await.reload().await.unwrap();
    }

    /// A build of alice's fails at the hub, of which the bus says nothing, and is told.
    pub(super) async fn fails(&mut self, nvr: &str) {
        self.fails_for("alice", nvr).await;
    }

    /// As [`Self::fails`], somebody's.
    pub(super) async fn fails_for(&mut self, user: &str, nvr: &str) {
        set(&self.hub, self.clock.now());
        let task = self.hub.submit(user, nvr).task;
        self.hub.begin(task);
        self.hub.srpm_fails(task);
        self.looks().await;
        let name = nvr.split('-').next().unwrap();
        self.shown_with(&format!("{name} failed"), "Bad source").await;
    }

    /// Asks in the tray for the build to be submitted again, and says yes when asked back: twice, as an impatient person
    /// does. Returns what is told then.
    pub(super) async fn submits_again(&mut self, name: &str) -> Call {
        let item = self.item.as_deref().unwrap();
        let menu = ItemMenu::of(&self.desk.bus.connect().await, item);
        menu.click_when_there("Submit again").await;
        let question = self.desk.shown().await;
        assert_eq!(question.title, format!("Submit {name} again?"));
        assert_eq!(question.actions, ["confirm", "Submit again"]);
        for _ in 0..2 {
            self.desk.press(&question, "confirm").await;
        }
        self.desk.shown().await
    }

    /// Waits for a notification with this title that says this; those before it are of the same build.
    pub(super) async fn shown_with(&mut self, title: &str, said: &str) -> Call {
        loop {
            let call = self.desk.shown().await;
            assert_eq!(call.title, title, "{}", call.body);
            if call.body.contains(said) {
                return call;
            }
        }
    }

    /// Returns the calls of a method, alone or in a multicall, since the hub's log was last taken.
    pub(super) fn calls(&self, method: &str) -> Vec<small_hub::Call> {
        let mut calls = self.hub.calls();
        calls.retain(|it| it.method.as_deref() == Some(method) || it.parts.iter().any(|it| it == method));
        calls
    }

    /// Ends the daemon in order. The last that the hub hears of it is that it leaves.
    pub(super) async fn ends(&self, daemon: &mut Daemon) {
        daemon.signal("TERM");
        assert!(daemon.end().await.success());
        let last = self.hub.calls().pop().unwrap();
        let said = (last.method.as_deref(), last.session, last.status);
        assert_eq!(said, (Some("logout"), true, Some(200)));
    }

    /// Returns what `check` says of the login to the hub, with its advice.
    pub(super) async fn check(&self) -> String {
        let said = self.desk.run(&["check"]).await.output;
        let mut lines = said.lines().skip_while(|it| !it.contains("lab: login to the hub: "));
        let first = lines.next().unwrap_or_else(|| panic!("{said}")).to_owned();
        let advice = lines.take_while(|it| it.starts_with(' '));
        advice.fold(first, |said, line| format!("{said}\n{line}"))
    }
}

/// Returns the number of the task that was made, as it is told.
pub(super) fn new_task(told: &Call) -> u64 {
    let mut words = told.body.split([' ', ';']);
    let number = words.find_map(|it| it.parse().ok());
    number.unwrap_or_else(|| panic!("{}", told.body))
}
