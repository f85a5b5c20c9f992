//! The first page, where nothing is configured yet: what was found, whether the login works, and a button that writes.
//!
//! It is the face of `koji-notify setup --json`, which looks, tries and writes as it does in a terminal. Whatever is
//! chosen here, that is asked anew what would come of it; nothing is written before the button is pressed.

mod said;

use std::cell::{Cell, RefCell};
use std::ffi::OsStr;
use std::rc::Rc;

use adw::prelude::*;
use gtk::glib::clone;
use gtk::{gio, glib};
use koji_notify::config::{Places, autostart, found};
use koji_notify::desktop::service;
use koji_notify::i18n::{fill, tr};
use koji_notify::journal;

use self::said::Line;
use crate::preferences::mark;
use crate::settings::{self, Finding, State};

/// The page.
pub(crate) struct Setup {
    pub(crate) all: gtk::Box,
    places: Places,
    found: adw::PreferencesGroup,
    /// What can be configured, by name.
    choices: RefCell<Vec<(String, gtk::CheckButton)>>,
    you: adw::PreferencesGroup,
    user: adw::EntryRow,
    tried: adw::PreferencesGroup,
    /// What was found by the last try.
    findings: RefCell<Vec<adw::ActionRow>>,
    spinner: gtk::Spinner,
    would: adw::ExpanderRow,
    text: gtk::Label,
    starts: gtk::Switch,
    write: gtk::Button,
    /// What is below the tries. Without a choice there is nothing.
    end: adw::PreferencesGroup,
    problem: gtk::Label,
    running: RefCell<Option<gio::Subprocess>>,
    /// How often it was asked; the answer to the last question counts.
    round: Cell<u32>,
    /// The answer has said what comes of it.
    is_answered: Cell<bool>,
    done: Box<dyn Fn(Option<String>)>,
}

/// Returns whether somebody should see this page first.
pub(crate) fn is_first(places: &Places) -> bool {
    is_possible(places) && !places.state_folder().join(journal::FILE).exists()
}

/// Returns whether there is no configuration yet, so that one can be written.
pub(crate) fn is_possible(places: &Places) -> bool {
    places.config_file().symlink_metadata().is_err()
}

impl Setup {
    /// Returns the page. `done` is called when somebody leaves it, with what was written.
    pub(crate) fn new(places: &Places, done: impl Fn(Option<String>) + 'static) -> Rc<Self> {
        let text = gtk::Label::builder()
            .selectable(true)
            .wrap(true)
            .xalign(0.0)
            .margin_top(9)
            .margin_bottom(9)
            .margin_start(12)
            .margin_end(12)
            .css_classes(["monospace", "caption"])
            .build();
        let would = adw::ExpanderRow::builder()
            .title(tr("What would be written"))
            .visible(false)
            .build();
        let row = gtk::ListBoxRow::builder().activatable(false).child(&text).build();
        would.add_row(&row);
        let it = Rc::new(Self {
            all: gtk::Box::new(gtk::Orientation::Vertical, 0),
            places: places.clone(),
            found: adw::PreferencesGroup::builder()
                .title(tr("Found on this computer"))
                .build(),
            choices: RefCell::default(),
            you: adw::PreferencesGroup::builder().visible(false).build(),
            user: adw::EntryRow::builder()
                .title(tr("Your user name"))
                .show_apply_button(true)
                .build(),
            tried: adw::PreferencesGroup::builder().title(tr("Does it work?")).build(),
            findings: RefCell::default(),
            spinner: gtk::Spinner::new(),
            would,
            text,
            starts: gtk::Switch::builder().active(true).valign(gtk::Align::Center).build(),
            write: gtk::Button::builder()
                // Translators: the button that writes the configuration.
                .label(tr("Write"))
                .halign(gtk::Align::Center)
                .css_classes(["pill", "suggested-action"])
                .sensitive(false)
                .visible(false)
                .build(),
            end: adw::PreferencesGroup::builder().visible(false).build(),
            problem: gtk::Label::builder()
                .wrap(true)
                .visible(false)
                .css_classes(["error"])
                .build(),
            running: RefCell::default(),
            round: Cell::new(0),
            is_answered: Cell::new(false),
            done: Box::new(done),
        });
        it.put_together();
        it
    }

    fn put_together(self: &Rc<Self>) {
        let later = gtk::Button::with_label(&tr("Not now"));
        later.connect_clicked(clone!(
            #[weak(rename_to = it)]
            self,
            move |_| it.leave(None)
        ));
        let header = adw::HeaderBar::new();
        header.pack_start(&later);
        self.user.connect_apply(clone!(
            #[weak(rename_to = it)]
            self,
            move |user| {
                if found::is_user(user.text().trim()) {
                    it.look();
                } else {
                    it.complain(&tr("A user name is one word"));
                }
            }
        ));
        if let Some(inner) = self.user.delegate() {
            inner.update_property(&[gtk::accessible::Property::Label(&tr("Your user name"))]);
        }
        self.write.connect_clicked(clone!(
            #[weak(rename_to = it)]
            self,
            move |_| it.save()
        ));
        self.you.add(&self.user);
        self.tried.set_header_suffix(Some(&self.spinner));
        self.end.add(&self.would);
        if self.can_start() {
            let row = adw::ActionRow::builder()
                .title(tr("Start at login"))
                .activatable_widget(&self.starts)
                .build();
            row.add_suffix(&self.starts);
            self.end.add(&row);
        }
        let body = gtk::Box::builder()
            .orientation(gtk::Orientation::Vertical)
            .spacing(24)
            .margin_top(24)
            .margin_bottom(24)
            .margin_start(12)
            .margin_end(12)
            .build();
        let title = gtk::Label::builder()
            .label(tr("Which builds are yours?"))
            .wrap(true)
            .css_classes(["title-1"])
            .build();
        let about = gtk::Label::builder()
            .label(tr(
                "Nothing is configured yet. This is what can be found out; nothing is written before you say so.",
            ))
            .wrap(true)
            .justify(gtk::Justification::Center)
            .css_classes(["dim-label"])
            .build();
        let head = gtk::Box::new(gtk::Orientation::Vertical, 6);
        head.append(&title);
        head.append(&about);
        for part in [
            head.upcast_ref::<gtk::Widget>(),
            self.found.upcast_ref(),
            self.you.upcast_ref(),
            self.tried.upcast_ref(),
            self.end.upcast_ref(),
            self.problem.upcast_ref(),
            self.write.upcast_ref(),
        ] {
            body.append(part);
        }
        let clamp = adw::Clamp::builder().maximum_size(560).child(&body).build();
        let scrolled = gtk::ScrolledWindow::builder()
            .hscrollbar_policy(gtk::PolicyType::Never)
            .vexpand(true)
            .child(&clamp)
            .build();
        self.all.append(&header);
        self.all.append(&scrolled);
    }

    /// The session would start it with the usual configuration.
    fn can_start(&self) -> bool {
        self.places.file.is_none() && !autostart::is_on(&self.places)
    }

    /// Asks what is there, and what would come of what is chosen.
    pub(crate) fn look(self: &Rc<Self>) {
        for row in self.findings.take() {
            self.tried.remove(&row);
        }
        self.tried
            .set_description(Some(&tr("Trying it, which can take half a minute")));
        self.tried.set_visible(true);
        self.spinner.start();
        self.write.set_sensitive(false);
        self.would.set_visible(false);
        self.problem.set_visible(false);
        self.ask(&["--dry-run"]);
    }

    fn save(self: &Rc<Self>) {
        self.write.set_sensitive(false);
        self.ask(if self.can_start() && !self.starts.is_active() {
            &["--no-check", "--no-autostart"]
        } else {
            &["--no-check"]
        });
    }

    /// Asks the program, and hears what it says until something else is asked.
    fn ask(self: &Rc<Self>, words: &[&str]) {
        let round = self.round.get().wrapping_add(1);
        self.round.set(round);
        self.is_answered.set(false);
        if let Some(before) = self.running.take() {
            before.force_exit();
        }
        let command = self.command(words);
        let command: Vec<&OsStr> = command.iter().map(std::ffi::OsString::as_os_str).collect();
        let started = gio::Subprocess::newv(&command, gio::SubprocessFlags::STDOUT_PIPE);
        let (program, output) = match started.map(|it| (it.clone(), it.stdout_pipe())) {
            Ok((program, Some(output))) => (program, gio::DataInputStream::new(&output)),
            Ok((_, None)) => return,
            Err(error) => return self.complain(error.message()),
        };
        *self.running.borrow_mut() = Some(program);
        let it = Rc::downgrade(self);
        glib::spawn_future_local(async move {
            while let Ok(Some(line)) = output.read_line_utf8_future(glib::Priority::DEFAULT).await {
                match it.upgrade() {
                    Some(it) if it.round.get() == round => it.hear(&line),
                    Some(_) | None => return,
                }
            }
            if let Some(it) = it.upgrade().filter(|it| it.round.get() == round) {
                it.spinner.stop();
                if !it.is_answered.get() {
                    it.tried.set_visible(false);
                    it.complain(&tr(
                        "This did not work. `koji-notify setup` in a terminal may say more.",
                    ));
                }
            }
        });
    }

    fn command(&self, words: &[&str]) -> Vec<std::ffi::OsString> {
        let mut all = vec!["setup", "--json"];
        all.extend(words);
        let choices = self.choices.borrow();
        let chosen = choices.iter().filter(|(_, it)| it.is_active());
        let chosen: Vec<&str> = chosen.map(|(name, _)| name.as_str()).collect();
        let chosen = chosen.join(",");
        if !chosen.is_empty() {
            all.extend(["--instance", &chosen]);
        }
        let user = self.user.text();
        let user = user.trim();
        if !user.is_empty() {
            all.extend(["--user", user]);
        }
        settings::command(&self.places, &all)
    }

    fn hear(self: &Rc<Self>, line: &str) {
        let line = match said::line(line) {
            Ok(line) => line,
            Err(error) => return self.complain(&format!("{error:#}")),
        };
        let is_answer = matches!(
            line,
            Line::Nobody(_) | Line::Would { .. } | Line::Written(_) | Line::Says(_)
        );
        self.is_answered.set(self.is_answered.get() || is_answer);
        match line {
            Line::Unusable(text) => {
                if self.round.get() == 1 {
                    let row = row(&text, "");
                    row.add_suffix(&mark(State::Note));
                    self.found.add(&row);
                }
            }
            Line::Choice { name, text, taken } => self.offer(name, &text, taken),
            Line::Nobody(instance) => {
                self.you.set_visible(true);
                let sentence = tr("Nobody on this computer knows who you are on {instance}");
                self.you
                    .set_description(Some(&fill(&sentence, &[("instance", &instance)])));
                self.tried.set_visible(false);
                self.user.grab_focus();
            }
            Line::Finding(finding) => self.find(&finding),
            Line::Works(works) => {
                self.tried.set_description(Some(&if works {
                    tr("It works")
                } else {
                    tr("Not all of it works. It can be written all the same, and mended later.")
                }));
            }
            Line::Would { file, text } => {
                let file = file.display().to_string();
                self.would.set_subtitle(&glib::markup_escape_text(&file));
                self.text.set_label(text.trim_end());
                self.would.set_visible(true);
                self.end.set_visible(true);
                self.write.set_sensitive(true);
                if !self.you.is_visible() {
                    self.write.grab_focus();
                }
            }
            Line::Written(file) => self.leave(Some(file.display().to_string())),
            Line::Says(text) => {
                if self.choices.borrow().is_empty() {
                    let mut lines = vec![self.found.description().unwrap_or_default().to_string()];
                    lines.extend(text.lines().map(|it| glib::markup_escape_text(it.trim()).to_string()));
                    self.found.set_description(Some(lines.join("\n").trim()));
                    self.tried.set_visible(false);
                }
            }
        }
    }

    fn offer(self: &Rc<Self>, name: String, text: &str, taken: bool) {
        if self.choices.borrow().iter().any(|(known, _)| *known == name) {
            return;
        }
        let button = gtk::CheckButton::builder()
            .active(taken)
            .valign(gtk::Align::Center)
            .build();
        let label = text.strip_prefix(&format!("{name}: ")).unwrap_or(text);
        let row = row(&name, label);
        row.add_prefix(&button);
        row.set_activatable_widget(Some(&button));
        button.update_property(&[gtk::accessible::Property::Label(&name)]);
        button.connect_toggled(clone!(
            #[weak(rename_to = it)]
            self,
            move |button| {
                let is_any = it.choices.borrow().iter().any(|(_, it)| it.is_active());
                if is_any {
                    it.look();
                } else {
                    // One there has to be.
                    button.set_active(true);
                }
            }
        ));
        self.found.add(&row);
        self.write.set_visible(true);
        self.choices.borrow_mut().push((name, button));
    }

    fn find(&self, finding: &Finding) {
        let mut lines = vec![finding.text.clone()];
        lines.extend(finding.advice.clone());
        let row = row(finding.label(), &lines.join("\n"));
        row.add_suffix(&mark(finding.state));
        self.tried.add(&row);
        self.findings.borrow_mut().push(row);
    }

    fn complain(&self, text: &str) {
        self.spinner.stop();
        self.problem.set_label(text);
        self.problem.set_visible(true);
    }

    fn leave(&self, written: Option<String>) {
        self.round.set(self.round.get().wrapping_add(1));
        if let Some(program) = self.running.take().filter(|_| written.is_none()) {
            program.force_exit();
        }
        if written.is_some() && self.places.file.is_none() {
            start();
        }
        (self.done)(written);
    }
}

/// Starts the program, where the session knows how. Elsewhere the list says that it is not running.
fn start() {
    let Ok(session) = gio::bus_get_sync(gio::BusType::Session, gio::Cancellable::NONE) else {
        return;
    };
    let bus = Some("org.freedesktop.DBus");
    let wish = (service::NAME, 0_u32).to_variant();
    let flags = gio::DBusCallFlags::NONE;
    session.call(
        bus,
        "/org/freedesktop/DBus",
        "org.freedesktop.DBus",
        "StartServiceByName",
        Some(&wish),
        None,
        flags,
        -1,
        gio::Cancellable::NONE,
        |_| (),
    );
}

fn row(title: &str, subtitle: &str) -> adw::ActionRow {
    adw::ActionRow::builder()
        .title(glib::markup_escape_text(title))
        .subtitle(glib::markup_escape_text(subtitle))
        .build()
}
