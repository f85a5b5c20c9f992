//! The settings on a page, with what the doctor says beside each.

use std::cell::RefCell;
use std::rc::Rc;

use adw::prelude::*;
use gtk::glib::clone;
use gtk::{gio, glib};
use koji_notify::config::{self, Places};
use koji_notify::i18n::tr;

use crate::details;
use crate::settings::{self, Finding, Page, State, Switch};

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
    let places = places.clone();
    glib::spawn_future_local(clone!(
        #[weak]
        window,
        async move {
            let read = places.clone();
            let Ok(page) = gio::spawn_blocking(move || Page::read(&read)).await else {
                return;
            };
            let rows = fill(&window, &body, &page, &places);
            let found = ask(&places).await;
            let found = found.unwrap_or_else(|error| {
                rows.waiting.set_description(Some(&format!("{error:#}")));
                Vec::new()
            });
            rows.show(&page, &found);
        }
    ));
}

/// Asks the doctor.
async fn ask(places: &Places) -> anyhow::Result<Vec<Finding>> {
    let words = settings::doctor(places);
    let words: Vec<&std::ffi::OsStr> = words.iter().map(std::ffi::OsString::as_os_str).collect();
    let doctor = gio::Subprocess::newv(&words, gio::SubprocessFlags::STDOUT_PIPE)?;
    let (printed, _) = doctor.communicate_utf8_future(None).await?;
    settings::findings(printed.as_deref().unwrap_or_default())
}

/// Where what the doctor says belongs.
struct Rows {
    /// A row for each setting, group by group.
    fields: Vec<Vec<adw::ActionRow>>,
    /// The group for the rest.
    waiting: adw::PreferencesGroup,
}

impl Rows {
    fn show(&self, page: &Page, found: &[Finding]) {
        for (group, rows) in page.groups.iter().zip(&self.fields) {
            for (field, row) in group.fields.iter().zip(rows) {
                let findings = field.findings(found);
                let mut lines = vec![field.value.clone()];
                lines.extend(findings.iter().flat_map(|it| words(it)));
                row.set_subtitle(&glib::markup_escape_text(&lines.join("\n")));
                if let Some(worst) = findings.iter().map(|it| it.state).max() {
                    row.add_suffix(&mark(worst));
                }
            }
        }
        if !found.is_empty() {
            self.waiting.set_description(None);
        }
        for (what, finding) in page.rest(found) {
            let row = row(&what, &words(finding).join("\n"));
            row.add_suffix(&mark(finding.state));
            self.waiting.add(&row);
        }
    }
}

/// Returns what the doctor says, without what only repeats how good it is.
fn words(finding: &Finding) -> Vec<String> {
    let mut words = vec![finding.text.clone()];
    words.extend(finding.advice.clone());
    words
}

fn fill(window: &adw::PreferencesWindow, body: &adw::PreferencesPage, page: &Page, places: &Places) -> Rows {
    let file = adw::PreferencesGroup::new();
    let path = places.config_file().display().to_string();
    let about = page.trouble.as_deref().unwrap_or(&path);
    let row = row(&tr("Configuration file"), about);
    if page.trouble.is_some() {
        row.add_suffix(&mark(State::Bad));
    }
    row.add_suffix(&open_button(places));
    file.add(&row);
    if !page.switches.is_empty() {
        let group = adw::PreferencesGroup::builder().title(tr("Notify me of")).build();
        let last = Last::default();
        for switch in &page.switches {
            group.add(&switch_row(window, switch, places, &last));
        }
        body.add(&group);
    }
    let mut fields = Vec::new();
    for group in &page.groups {
        let widget = adw::PreferencesGroup::builder()
            .title(glib::markup_escape_text(&group.title))
            .build();
        let rows: Vec<_> = group.fields.iter().map(|it| self::row(&it.name, &it.value)).collect();
        for row in &rows {
            widget.add(row);
        }
        body.add(&widget);
        fields.push(rows);
    }
    body.add(&file);
    let waiting = adw::PreferencesGroup::builder()
        // Translators: the heading of a list of what was looked at, and whether it works.
        .title(tr("Checks"))
        .description(tr("Looking…"))
        .build();
    body.add(&waiting);
    Rows { fields, waiting }
}

fn row(title: &str, subtitle: &str) -> adw::ActionRow {
    adw::ActionRow::builder()
        .title(glib::markup_escape_text(title))
        .subtitle(glib::markup_escape_text(subtitle))
        .build()
}

fn mark(state: State) -> gtk::Image {
    let (icon, colour, word) = match state {
        State::Good => ("emblem-ok-symbolic", "success", tr("It works")),
        State::Note => ("dialog-warning-symbolic", "warning", tr("Worth a look")),
        State::Bad => ("dialog-error-symbolic", "error", tr("It does not work")),
    };
    let image = gtk::Image::builder()
        .icon_name(icon)
        .css_classes([colour])
        .tooltip_text(&word)
        .accessible_role(gtk::AccessibleRole::Img)
        .build();
    image.update_property(&[gtk::accessible::Property::Label(&word)]);
    image
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

/// The last change of the file: there is one at a time, in the order of the clicks.
type Last = Rc<RefCell<Option<glib::JoinHandle<()>>>>;

fn switch_row(window: &adw::PreferencesWindow, switch: &Switch, places: &Places, last: &Last) -> adw::ActionRow {
    let widget = gtk::Switch::builder()
        .active(switch.on)
        .valign(gtk::Align::Center)
        .build();
    let row = adw::ActionRow::builder()
        .title(glib::markup_escape_text(&switch.label))
        .activatable_widget(&widget)
        .build();
    row.add_suffix(&widget);
    let (toggle, places) = (switch.toggle, places.clone());
    let last = Rc::clone(last);
    let window = window.downgrade();
    widget.connect_active_notify(move |it| {
        let (on, places, window) = (it.is_active(), places.clone(), window.clone());
        let before = last.take();
        let next = glib::spawn_future_local(async move {
            if let Some(before) = before {
                _ = before.await;
            }
            let saved = gio::spawn_blocking(move || config::edit::switch(&places, toggle, on)).await;
            if let Ok(Err(error)) = saved
                && let Some(window) = window.upgrade()
            {
                window.add_toast(adw::Toast::new(&glib::markup_escape_text(&error.to_string())));
            }
        });
        *last.borrow_mut() = Some(next);
    });
    row
}
