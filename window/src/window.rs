//! The window: the list with its search at the left, all about the selected one at the right.
//!
//! Reading is done elsewhere and comes back as one value; until then what was known stays on show. In a narrow window
//! the two stand behind each other.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use adw::prelude::*;
use gtk::glib::clone;
use gtk::{gdk, gio, glib};
use jiff::tz::TimeZone;
use koji_notify::clock;
use koji_notify::config::Places;
use koji_notify::i18n::{fill, tr, tr_n};

use crate::arguments::Arguments;
use crate::details::{self, Details};
use crate::list::List;
use crate::live::{self, Live};
use crate::past::Book;
use crate::preferences;
use crate::rows::{Filter, Row, Which};
use crate::setup::{self, Setup};

/// How often what is said of time is said anew, in seconds, while somebody may look.
const MINUTE: u32 = 60;

/// The name of the page with the list and the facts.
const BUILDS: &str = "builds";

/// The window and what it shows.
pub(crate) struct Window {
    window: adw::ApplicationWindow,
    /// The builds, and the page that sets things up, if it was needed.
    pages: gtk::Stack,
    setup: RefCell<Option<Rc<Setup>>>,
    toasts: adw::ToastOverlay,
    leaflet: adw::Leaflet,
    search: gtk::SearchEntry,
    list: List,
    details: Details,
    /// Instead of the list, where there is nothing in it.
    stack: gtk::Stack,
    empty: adw::StatusPage,
    count: gtk::Label,
    notes: Notes,
    filter: RefCell<Filter>,
    book: RefCell<Book>,
    /// What the details are of.
    shown: RefCell<Option<Row>>,
    places: Places,
    zone: TimeZone,
    /// A reading is under way; whether another is wanted after it.
    reading: Cell<Option<bool>>,
    live: RefCell<Option<Live>>,
}

/// What is to be known before one believes the list.
struct Notes {
    all: gtk::Box,
    absent: gtk::Label,
    trouble: gtk::Label,
}

impl Window {
    /// Shows the window: the one that is there, or a new one.
    pub(crate) fn present(application: &adw::Application, arguments: &Arguments) {
        if let Some(window) = application.active_window() {
            if let Some(text) = &arguments.filter {
                // The window has its search under this name.
                _ = window.activate_action("win.seek", Some(&text.to_variant()));
            }
            window.present();
            return;
        }
        let places = match Places::of_this_session(arguments.config.clone()) {
            Ok(places) => places,
            Err(error) => {
                crate::complain(&error.into());
                return;
            }
        };
        let it = Self::new(application, places);
        it.connect();
        if let Some(text) = &arguments.filter {
            it.search.set_text(text);
        }
        if setup::is_first(&it.places) {
            it.set_up();
        }
        it.window.present();
        it.look();
    }

    fn new(application: &adw::Application, places: Places) -> Rc<Self> {
        let search = gtk::SearchEntry::builder()
            .placeholder_text(tr("Search builds"))
            .hexpand(true)
            .build();
        search.update_property(&[gtk::accessible::Property::Label(&tr("Search builds"))]);
        let list = List::new();
        list.view
            .update_property(&[gtk::accessible::Property::Label(&tr("Builds and tasks"))]);
        let scrolled = gtk::ScrolledWindow::builder()
            .hscrollbar_policy(gtk::PolicyType::Never)
            .vexpand(true)
            .child(&list.view)
            .build();
        let empty = adw::StatusPage::builder()
            .vexpand(true)
            .css_classes(["compact"])
            .build();
        let stack = gtk::Stack::new();
        stack.add_named(&scrolled, Some("list"));
        stack.add_named(&empty, Some("empty"));
        let details = Details::new();
        let leaflet = adw::Leaflet::builder().can_navigate_back(true).build();
        let pages = gtk::Stack::new();
        pages.add_named(&leaflet, Some(BUILDS));
        let toasts = adw::ToastOverlay::new();
        toasts.set_child(Some(&pages));
        let window = adw::ApplicationWindow::builder()
            .application(application)
            .title(tr("Koji Builds"))
            .icon_name("org.fedoraproject.KojiNotify")
            .default_width(1000)
            .default_height(680)
            .content(&toasts)
            .build();
        let count = gtk::Label::builder()
            .css_classes(["caption", "dim-label"])
            .margin_top(6)
            .margin_bottom(6)
            .build();
        Rc::new(Self {
            window,
            pages,
            setup: RefCell::default(),
            toasts,
            leaflet,
            search,
            list,
            details,
            stack,
            empty,
            count,
            notes: Notes::new(),
            filter: RefCell::default(),
            book: RefCell::default(),
            shown: RefCell::default(),
            places,
            zone: TimeZone::system(),
            reading: Cell::new(None),
            live: RefCell::default(),
        })
    }

    /// Puts the parts together, and says what happens when.
    fn connect(self: &Rc<Self>) {
        self.leaflet.append(&self.left());
        let line = gtk::Separator::new(gtk::Orientation::Vertical);
        self.leaflet.append(&line).set_navigatable(false);
        self.leaflet.append(&self.right());
        self.search.set_key_capture_widget(Some(&self.leaflet));
        self.search.connect_search_changed(clone!(
            #[weak(rename_to = it)]
            self,
            move |search| {
                it.filter.borrow_mut().seek(&search.text());
                it.draw();
            }
        ));
        // From the search down into the list, and right to the first that was found.
        self.search.connect_activate(clone!(
            #[weak(rename_to = it)]
            self,
            move |_| it.go_to_list()
        ));
        self.search.connect_stop_search(|search| search.set_text(""));
        let keys = gtk::EventControllerKey::new();
        keys.connect_key_pressed(clone!(
            #[weak(rename_to = it)]
            self,
            #[upgrade_or]
            glib::Propagation::Proceed,
            move |_, key, _, _| {
                if key == gdk::Key::Down {
                    it.go_to_list();
                    return glib::Propagation::Stop;
                }
                glib::Propagation::Proceed
            }
        ));
        self.search.add_controller(keys);
        self.list.connect_selected(clone!(
            #[weak(rename_to = it)]
            self,
            move || it.selected()
        ));
        self.list.view.connect_activate(clone!(
            #[weak(rename_to = it)]
            self,
            move |_, place| it.activated(place)
        ));
        self.connect_actions();
        let live = live::listen(
            &self.places.state_folder(),
            clone!(
                #[weak(rename_to = it)]
                self,
                move || it.look()
            ),
            clone!(
                #[weak(rename_to = it)]
                self,
                move |runs| it.notes.absent(!runs)
            ),
        );
        *self.live.borrow_mut() = Some(live);
        glib::timeout_add_seconds_local(
            MINUTE,
            clone!(
                #[weak(rename_to = it)]
                self,
                #[upgrade_or]
                glib::ControlFlow::Break,
                move || {
                    if it.window.is_active() {
                        it.draw();
                    }
                    glib::ControlFlow::Continue
                }
            ),
        );
        // The window owns what it shows, for as long as it is there.
        let held = RefCell::new(Some(Rc::clone(self)));
        self.window.connect_destroy(move |_| drop(held.take()));
    }

    fn connect_actions(self: &Rc<Self>) {
        let action = |name: &str, then: fn(&Rc<Self>)| {
            let action = gio::SimpleAction::new(name, None);
            action.connect_activate(clone!(
                #[weak(rename_to = it)]
                self,
                move |_, _| then(&it)
            ));
            self.window.add_action(&action);
        };
        action("close", |it| it.window.close());
        action("search", |it| {
            it.leaflet.navigate(adw::NavigationDirection::Back);
            it.search.grab_focus();
        });
        action("back", |it| {
            it.leaflet.navigate(adw::NavigationDirection::Back);
        });
        action("again", Self::look);
        action("preferences", |it| preferences::present(&it.window, &it.places));
        action("setup", Self::set_up);
        action("about", Self::about);
        let seek = gio::SimpleAction::new("seek", Some(glib::VariantTy::STRING));
        seek.connect_activate(clone!(
            #[weak(rename_to = it)]
            self,
            move |_, text| {
                if let Some(text) = text.and_then(glib::Variant::str) {
                    it.search.set_text(text);
                }
            }
        ));
        self.window.add_action(&seek);
        let Some(application) = self.window.application() else {
            return;
        };
        for (action, keys) in [
            ("win.search", ["<Control>f", "<Control>k"]),
            ("win.close", ["<Control>w", "<Control>q"]),
            ("win.again", ["<Control>r", "F5"]),
            ("win.back", ["<Alt>Left", "Back"]),
            ("win.preferences", ["<Control>comma", "<Alt>p"]),
        ] {
            application.set_accels_for_action(action, &keys);
        }
    }

    /// Shows the page that writes a configuration, in the place of the builds.
    fn set_up(self: &Rc<Self>) {
        if self.setup.borrow().is_some() || !setup::is_possible(&self.places) {
            return;
        }
        let it = Rc::downgrade(self);
        let page = Setup::new(&self.places, move |written| {
            let Some(it) = it.upgrade() else { return };
            it.pages.set_visible_child_name(BUILDS);
            if let Some(page) = it.setup.take() {
                it.pages.remove(&page.all);
            }
            if let Some(file) = written {
                let sentence = fill(&tr("Written: {file}"), &[("file", &file)]);
                it.toasts
                    .add_toast(adw::Toast::new(&glib::markup_escape_text(&sentence)));
            }
            it.search.grab_focus();
            it.look();
        });
        self.pages.add_child(&page.all);
        self.pages.set_visible_child(&page.all);
        page.look();
        *self.setup.borrow_mut() = Some(page);
    }

    fn left(self: &Rc<Self>) -> gtk::Box {
        let menu = gio::Menu::new();
        menu.append(Some(&tr("Preferences…")), Some("win.preferences"));
        if setup::is_possible(&self.places) {
            menu.append(Some(&tr("Set Up…")), Some("win.setup"));
        }
        menu.append(Some(&tr("About koji-notify")), Some("win.about"));
        let button = gtk::MenuButton::builder()
            .icon_name("open-menu-symbolic")
            .menu_model(&menu)
            .primary(true)
            .tooltip_text(tr("Main menu"))
            .build();
        let header = adw::HeaderBar::new();
        header.pack_end(&button);
        self.leaflet
            .bind_property("folded", &header, "show-end-title-buttons")
            .sync_create()
            .build();
        let which: Vec<String> = Which::ALL.into_iter().map(Which::label).collect();
        let which: Vec<&str> = which.iter().map(String::as_str).collect();
        let states = gtk::DropDown::from_strings(&which);
        states.set_hexpand(true);
        states.update_property(&[gtk::accessible::Property::Label(&tr("Which builds are shown"))]);
        states.connect_selected_notify(clone!(
            #[weak(rename_to = it)]
            self,
            move |states| {
                let which = usize::try_from(states.selected()).ok();
                let which = which.and_then(|at| Which::ALL.get(at)).copied();
                it.filter.borrow_mut().which = which.unwrap_or_default();
                it.draw();
            }
        ));
        // Translators: a button that shows only my own builds in a list.
        let mine = gtk::ToggleButton::builder().label(tr("Only mine")).build();
        mine.connect_toggled(clone!(
            #[weak(rename_to = it)]
            self,
            move |mine| {
                it.filter.borrow_mut().mine = mine.is_active();
                it.draw();
            }
        ));
        let choices = gtk::Box::builder().spacing(6).build();
        choices.append(&states);
        choices.append(&mine);
        let tools = gtk::Box::builder()
            .orientation(gtk::Orientation::Vertical)
            .spacing(6)
            .margin_top(6)
            .margin_bottom(6)
            .margin_start(12)
            .margin_end(12)
            .build();
        tools.append(&self.search);
        tools.append(&choices);
        let all = gtk::Box::builder()
            .orientation(gtk::Orientation::Vertical)
            .width_request(360)
            // What it holds would have it grow; the facts need the room more.
            .hexpand(false)
            .hexpand_set(true)
            .build();
        all.append(&header);
        all.append(&tools);
        all.append(&self.notes.all);
        all.append(&self.stack);
        all.append(&self.count);
        all
    }

    fn right(&self) -> gtk::Box {
        let header = adw::HeaderBar::builder()
            .title_widget(&adw::WindowTitle::new("", ""))
            .build();
        let back = gtk::Button::builder()
            .icon_name("go-previous-symbolic")
            .tooltip_text(tr("Back to the list"))
            .action_name("win.back")
            .build();
        header.pack_start(&back);
        for (what, of) in [
            ("visible", back.upcast_ref::<gtk::Widget>()),
            ("show-start-title-buttons", header.upcast_ref()),
        ] {
            self.leaflet.bind_property("folded", of, what).sync_create().build();
        }
        let all = gtk::Box::builder()
            .orientation(gtk::Orientation::Vertical)
            .hexpand(true)
            .width_request(360)
            .build();
        all.append(&header);
        all.append(&self.details.all);
        all
    }

    /// Reads everything anew, behind the window's back. While it is being read, one more wish is kept.
    fn look(self: &Rc<Self>) {
        if self.reading.replace(Some(true)).is_some() {
            return;
        }
        self.reading.set(Some(false));
        let places = self.places.clone();
        glib::spawn_future_local(clone!(
            #[weak(rename_to = it)]
            self,
            async move {
                let book = gio::spawn_blocking(move || Book::read(&places)).await;
                if let Ok(book) = book {
                    *it.book.borrow_mut() = book;
                    it.draw();
                }
                if it.reading.take() == Some(true) {
                    it.look();
                }
            }
        ));
    }

    /// Shows what is known, where it differs from what is shown.
    fn draw(&self) {
        let now = clock::now();
        let (rows, all) = {
            let book = self.book.borrow();
            self.notes
                .trouble(book.trouble.as_ref().or(book.configuration.as_ref()));
            (book.rows(&self.filter.borrow(), &self.zone, now), book.pasts.len())
        };
        let found = rows.len();
        self.list.show(rows);
        let sentence = tr_n(
            "{n} of {all} build or task",
            "{n} of {all} builds and tasks",
            all as u64,
        );
        let values = [("n", &*found.to_string()), ("all", &all.to_string())];
        self.count.set_label(&fill(&sentence, &values));
        self.count.set_visible(all > 0);
        let is_empty = self.list.len() == 0;
        if is_empty {
            let (icon, title, text) = if all == 0 {
                let text = tr("Builds appear here when koji-notify has heard of them.");
                ("document-open-recent-symbolic", tr("There is no history yet"), text)
            } else {
                let text = tr("Try other words, or show all builds.");
                ("edit-find-symbolic", tr("Nothing was found"), text)
            };
            self.empty.set_icon_name(Some(icon));
            self.empty.set_title(&title);
            self.empty.set_description(Some(&text));
        }
        self.stack
            .set_visible_child_name(if is_empty { "empty" } else { "list" });
        if self.list.selected().is_none() && !self.leaflet.is_folded() {
            self.list.select(Some(0));
        }
        self.selected();
    }

    /// Shows the facts of what is selected.
    fn selected(&self) {
        let selected = self.list.selected();
        let facts = selected
            .as_ref()
            .and_then(|it| self.book.borrow().facts(it, &self.zone, clock::now()));
        let before = self.shown.replace(selected.clone());
        let is_new = match (&before, &selected) {
            (Some(before), Some(now)) => !before.is_same(now),
            (None, None) => return,
            (None, Some(_)) | (Some(_), None) => true,
        };
        // What has the focus in it, or is selected in it, stays as long as nothing has changed.
        if is_new || before != selected {
            self.details.show(facts, is_new);
        }
    }

    /// Opens the page of a line; in a narrow window, what is known of it first.
    fn activated(&self, place: u32) {
        if self.leaflet.is_folded() {
            self.leaflet.navigate(adw::NavigationDirection::Forward);
            return;
        }
        let Some(row) = self.list.at(place) else { return };
        let facts = self.book.borrow().facts(&row, &self.zone, clock::now());
        if let Some(link) = facts.and_then(|(facts, _)| facts.links.into_iter().next()) {
            details::open(&link.address, &self.window);
        }
    }

    fn go_to_list(&self) {
        if self.list.len() == 0 {
            return;
        }
        if self.list.selected().is_none() {
            self.list.select(Some(0));
        }
        self.list.view.grab_focus();
    }

    fn about(self: &Rc<Self>) {
        let about = adw::AboutWindow::builder()
            .transient_for(&self.window)
            .application_name(tr("Koji Builds"))
            .application_icon("org.fedoraproject.KojiNotify")
            .version(env!("CARGO_PKG_VERSION"))
            .comments(tr("Tells you how your Koji builds are doing"))
            .license_type(gtk::License::Gpl30)
            .build();
        about.present();
    }
}

impl Notes {
    fn new() -> Self {
        let all = gtk::Box::builder()
            .orientation(gtk::Orientation::Vertical)
            .spacing(6)
            .margin_start(12)
            .margin_end(12)
            .build();
        let note = || {
            let label = gtk::Label::builder()
                .wrap(true)
                .xalign(0.0)
                .visible(false)
                .css_classes(["caption", "warning"])
                .build();
            all.append(&label);
            label
        };
        let (absent, trouble) = (note(), note());
        absent.set_label(&tr("koji-notify is not running: this is what it knew last."));
        Self { all, absent, trouble }
    }

    fn absent(&self, is_so: bool) {
        self.absent.set_visible(is_so);
    }

    fn trouble(&self, trouble: Option<&String>) {
        self.trouble.set_label(trouble.map_or("", String::as_str));
        self.trouble.set_visible(trouble.is_some());
    }
}
