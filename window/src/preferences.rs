//! The settings on a page, with what the doctor says beside each.
//!
//! A change is saved when it is made: a switch at once, a text when it is confirmed. One that is refused stays where it
//! was typed, with the reason below, and is tried again together with the next of its group: a certificate is nothing
//! without its key.

mod field;

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use adw::prelude::*;
use gtk::{gio, glib};
use koji_notify::config::change::Change;
use koji_notify::config::{self, Places};
use koji_notify::i18n::tr;

use self::field::{List, Refused};
use crate::details;
use crate::settings::{self, Finding, Group, Page, Part, State};

/// Shows the settings over a window. What is found out takes a while and is filled in when it is there.
pub(crate) fn present(over: &impl IsA<gtk::Window>, places: &Places) {
    let window = adw::PreferencesWindow::builder()
        .transient_for(over)
        .modal(true)
        .search_enabled(false)
        .title(tr("Preferences"))
        .default_width(620)
        .default_height(640)
        .build();
    let body = adw::PreferencesPage::new();
    window.add(&body);
    window.present();
    let sheet = Rc::new(Sheet {
        window: window.downgrade(),
        places: places.clone(),
        parts: RefCell::default(),
        waiting: adw::PreferencesGroup::builder()
            // Translators: the heading of a list of what was looked at, and whether it works.
            .title(tr("Checks"))
            .build(),
        rest: RefCell::default(),
        lists: RefCell::default(),
        last: Last::default(),
        round: Cell::new(0),
    });
    // The window owns what it shows, for as long as it is there.
    let held = RefCell::new(Some(Rc::clone(&sheet)));
    window.connect_destroy(move |_| drop(held.take()));
    glib::spawn_future_local(async move {
        let Some(page) = sheet.read().await else { return };
        sheet.fill(&body, &page);
        sheet.ask(&page).await;
    });
}

/// The page, and where the doctor's words belong.
struct Sheet {
    window: glib::WeakRef<adw::PreferencesWindow>,
    places: Places,
    /// A row for each part, group by group.
    parts: RefCell<Vec<Vec<PartRow>>>,
    /// The group for the rest.
    waiting: adw::PreferencesGroup,
    rest: RefCell<Vec<adw::ActionRow>>,
    /// What changes the rows that are lists, for as long as they are there.
    lists: RefCell<Vec<Rc<List>>>,
    last: Last,
    /// How often it was asked; the answer to the last question counts.
    round: Cell<u32>,
}

/// The last change of the file: there is one at a time, in the order of the clicks.
type Last = Rc<RefCell<Option<glib::JoinHandle<()>>>>;

/// What belongs together, and how it is.
struct PartRow {
    row: adw::PreferencesRow,
    mark: gtk::Image,
}

impl Sheet {
    async fn read(&self) -> Option<Page> {
        let places = self.places.clone();
        gio::spawn_blocking(move || Page::read(&places)).await.ok()
    }

    fn fill(self: &Rc<Self>, body: &adw::PreferencesPage, page: &Page) {
        for group in &page.groups {
            body.add(&self.group(group));
        }
        let file = adw::PreferencesGroup::new();
        let path = self.places.config_file().display().to_string();
        let row = row(&tr("Configuration file"), page.trouble.as_deref().unwrap_or(&path));
        if page.trouble.is_some() {
            row.add_suffix(&mark(State::Bad));
        }
        row.add_suffix(&open_button(&self.places));
        file.add(&row);
        body.add(&file);
        body.add(&self.waiting);
    }

    fn group(self: &Rc<Self>, group: &Group) -> adw::PreferencesGroup {
        let widget = adw::PreferencesGroup::builder()
            .title(glib::markup_escape_text(&group.title))
            .build();
        let refused = Refused::default();
        for field in &group.fields {
            for row in field::rows(self, field, &refused) {
                widget.add(&row);
            }
        }
        let rows = group.parts.iter().map(|it| self.part(it, &refused));
        let rows: Vec<PartRow> = rows.collect();
        for it in &rows {
            widget.add(&it.row);
        }
        self.parts.borrow_mut().push(rows);
        widget
    }

    fn part(self: &Rc<Self>, part: &Part, refused: &Refused) -> PartRow {
        let image = gtk::Image::builder()
            .visible(false)
            .accessible_role(gtk::AccessibleRole::Img)
            .build();
        if part.fields.is_empty() {
            let row = row(&part.name, &part.value);
            row.add_suffix(&image);
            let row = row.upcast();
            return PartRow { row, mark: image };
        }
        let row = adw::ExpanderRow::builder()
            .title(glib::markup_escape_text(&part.name))
            .subtitle(glib::markup_escape_text(&part.value))
            .build();
        row.add_action(&image);
        for field in &part.fields {
            field::put(self, &row, field, refused);
        }
        let row = row.upcast();
        PartRow { row, mark: image }
    }

    /// Saves a change, after those before it, and calls `then` with what came of it.
    fn save(self: &Rc<Self>, change: Change, refused: &Refused, then: impl FnOnce(Result<Saved, String>) + 'static) {
        let (it, refused) = (Rc::clone(self), refused.clone());
        let before = self.last.take();
        let next = glib::spawn_future_local(async move {
            if let Some(before) = before {
                _ = before.await;
            }
            let others = refused.others(&change);
            let saved = it.write(change, others).await;
            let is_saved = saved.is_ok();
            then(saved);
            if is_saved && let Some(page) = it.read().await {
                // The next change does not wait for what the doctor thinks of this one.
                glib::spawn_future_local(async move { it.ask(&page).await });
            }
        });
        *self.last.borrow_mut() = Some(next);
    }

    /// Writes a change together with others; if that is refused, alone.
    async fn write(&self, change: Change, others: Vec<Change>) -> Result<Saved, String> {
        let places = self.places.clone();
        let written = gio::spawn_blocking(move || {
            let mut all = others.clone();
            all.push(change.clone());
            let together = settings::save(&places, &all);
            match together {
                Ok(()) => Ok(Saved::All),
                Err(why) if others.is_empty() => Err(why),
                Err(why) => match settings::save(&places, &[change]) {
                    Ok(()) => Ok(Saved::Alone),
                    Err(_) => Err(why),
                },
            }
        });
        written.await.unwrap_or_else(|_| Err(String::new()))
    }

    /// Shows what is set now, asks the doctor, and shows what it says.
    async fn ask(&self, page: &Page) {
        let round = self.round.get().wrapping_add(1);
        self.round.set(round);
        self.show(page, &[]);
        self.waiting.set_description(Some(&tr("Looking…")));
        let found = ask(&self.places).await;
        if self.round.get() != round {
            return;
        }
        match found {
            Ok(found) => {
                self.waiting.set_description(None);
                self.show(page, &found);
            }
            Err(error) => {
                let said = format!("{error:#}");
                self.waiting.set_description(Some(&glib::markup_escape_text(&said)));
            }
        }
    }

    fn show(&self, page: &Page, found: &[Finding]) {
        for (group, rows) in page.groups.iter().zip(self.parts.borrow().iter()) {
            for (part, row) in group.parts.iter().zip(rows) {
                row.show(part, &part.findings(found));
            }
        }
        for row in self.rest.take() {
            self.waiting.remove(&row);
        }
        for finding in page.rest(found) {
            let row = row(finding.label(), &words(finding).join("\n"));
            row.add_suffix(&mark(finding.state));
            self.waiting.add(&row);
            self.rest.borrow_mut().push(row);
        }
    }

    fn toast(&self, text: &str) {
        if let Some(window) = self.window.upgrade() {
            window.add_toast(adw::Toast::new(&glib::markup_escape_text(text)));
        }
    }
}

/// What was saved.
#[derive(Clone, Copy)]
enum Saved {
    /// With all that was refused before.
    All,
    /// The others are still refused.
    Alone,
}

impl PartRow {
    fn show(&self, part: &Part, findings: &[&Finding]) {
        let mut lines = vec![part.value.clone()];
        for line in findings.iter().flat_map(|it| words(it)) {
            if !lines.contains(&line) {
                lines.push(line);
            }
        }
        let text = glib::markup_escape_text(&lines.join("\n"));
        if let Some(row) = self.row.downcast_ref::<adw::ExpanderRow>() {
            row.set_subtitle(&text);
        } else if let Some(row) = self.row.downcast_ref::<adw::ActionRow>() {
            row.set_subtitle(&text);
        }
        let worst = findings.iter().map(|it| it.state).max();
        self.mark.set_visible(worst.is_some());
        if let Some(worst) = worst {
            set_mark(&self.mark, worst);
        }
    }
}

/// Asks the doctor.
async fn ask(places: &Places) -> anyhow::Result<Vec<Finding>> {
    let words = settings::doctor(places);
    let words: Vec<&std::ffi::OsStr> = words.iter().map(std::ffi::OsString::as_os_str).collect();
    let doctor = gio::Subprocess::newv(&words, gio::SubprocessFlags::STDOUT_PIPE)?;
    let (printed, _) = doctor.communicate_utf8_future(None).await?;
    settings::findings(printed.as_deref().unwrap_or_default())
}

/// Returns what the doctor says, and what it advises.
fn words(finding: &Finding) -> Vec<String> {
    let mut words = vec![finding.text.clone()];
    words.extend(finding.advice.clone());
    words
}

fn row(title: &str, subtitle: &str) -> adw::ActionRow {
    adw::ActionRow::builder()
        .title(glib::markup_escape_text(title))
        .subtitle(glib::markup_escape_text(subtitle))
        .build()
}

/// Returns a sign for how something is.
pub(crate) fn mark(state: State) -> gtk::Image {
    let image = gtk::Image::builder().accessible_role(gtk::AccessibleRole::Img).build();
    set_mark(&image, state);
    image
}

fn set_mark(image: &gtk::Image, state: State) {
    let (icon, colour, word) = match state {
        State::Good => ("emblem-ok-symbolic", "success", tr("It works")),
        State::Note => ("dialog-warning-symbolic", "warning", tr("Worth a look")),
        State::Bad => ("dialog-error-symbolic", "error", tr("It does not work")),
    };
    image.set_icon_name(Some(icon));
    image.set_css_classes(&[colour]);
    image.set_tooltip_text(Some(&word));
    image.update_property(&[gtk::accessible::Property::Label(&word)]);
}

fn open_button(places: &Places) -> gtk::Button {
    let button = gtk::Button::builder()
        .label(tr("Open"))
        .valign(gtk::Align::Center)
        .build();
    let places = places.clone();
    button.connect_clicked(move |it| {
        if let Ok(file) = config::edit::file_to_edit(&places) {
            details::open(&gio::File::for_path(file).uri(), it);
        }
    });
    button
}
