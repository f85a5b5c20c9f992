//! All that is known of one build or task.

use adw::prelude::*;
use gtk::{gdk, glib, pango};
use koji_notify::i18n::tr;
use koji_notify::view::entry::{Course, Facts, Link, Part};

use crate::chart::Chart;
use crate::list::{colour, icon};

/// How wide it becomes, however wide the window is.
const WIDTH: i32 = 720;

/// The page. It is filled anew for each build or task, and where something has changed.
pub(crate) struct Details {
    pub(crate) all: gtk::Stack,
    content: gtk::Box,
    scrolled: gtk::ScrolledWindow,
    nothing: gtk::Box,
}

impl Details {
    pub(crate) fn new() -> Self {
        let content = gtk::Box::builder()
            .orientation(gtk::Orientation::Vertical)
            .spacing(24)
            .margin_top(24)
            .margin_bottom(24)
            .margin_start(12)
            .margin_end(12)
            .build();
        let clamp = adw::Clamp::builder().maximum_size(WIDTH).child(&content).build();
        let scrolled = gtk::ScrolledWindow::builder()
            .hscrollbar_policy(gtk::PolicyType::Never)
            .vexpand(true)
            .child(&clamp)
            .build();
        // Nothing is selected where there is nothing to select, which the list says.
        let nothing = column(0);
        let all = gtk::Stack::builder().hexpand(true).build();
        all.add_child(&nothing);
        all.add_child(&scrolled);
        Self {
            all,
            content,
            scrolled,
            nothing,
        }
    }

    /// Shows these facts; `is_new` says that they are of another build than before.
    pub(crate) fn show(&self, facts: Option<(Facts, Course)>, is_new: bool) {
        let Some((facts, course)) = facts else {
            self.all.set_visible_child(&self.nothing);
            return;
        };
        while let Some(child) = self.content.first_child() {
            self.content.remove(&child);
        }
        self.content.append(&heading(&facts));
        if !facts.links.is_empty() {
            self.content.append(&buttons(&facts));
        }
        if facts.why.is_some() || !facts.evidence.is_empty() {
            self.content.append(&why(&facts));
        }
        if !facts.parts.is_empty() {
            self.content.append(&parts(&facts.parts));
        }
        if course.points.len() > 1 {
            self.content.append(&chart(course));
        }
        self.content.append(&facts_group(&tr("Details"), &facts.rows));
        if !facts.states.is_empty() {
            // Translators: the heading of a list of states and when a build came into them.
            self.content.append(&facts_group(&tr("What happened"), &facts.states));
        }
        self.all.set_visible_child(&self.scrolled);
        if is_new {
            self.scrolled.vadjustment().set_value(0.0);
        }
    }
}

/// Opens a page in the browser.
pub(crate) fn open(address: &str, near: &impl IsA<gtk::Widget>) {
    let window = near.root().and_downcast::<gtk::Window>();
    gtk::show_uri(window.as_ref(), address, gdk::CURRENT_TIME);
}

fn heading(facts: &Facts) -> gtk::Box {
    let image = gtk::Image::builder()
        .icon_name(icon(facts.shape))
        .pixel_size(32)
        .css_classes([colour(facts.shape)])
        .valign(gtk::Align::Start)
        .build();
    let name = label(&facts.name, &["title-2"]);
    let sentence = label(&facts.sentence, &["dim-label"]);
    let words = column(3);
    words.append(&name);
    words.append(&sentence);
    let all = gtk::Box::builder().spacing(12).build();
    all.append(&image);
    all.append(&words);
    all
}

fn buttons(facts: &Facts) -> gtk::Box {
    let all = gtk::Box::builder().spacing(6).build();
    for (at, link) in facts.links.iter().enumerate() {
        let button = link_button(link);
        if at == 0 {
            button.add_css_class("suggested-action");
        }
        all.append(&button);
    }
    let copy = gtk::Button::builder().label(tr("Copy name")).build();
    let name = facts.name.clone();
    copy.connect_clicked(move |it| it.clipboard().set_text(&name));
    all.append(&copy);
    all
}

fn link_button(link: &Link) -> gtk::Button {
    let button = gtk::Button::builder()
        .label(&link.label)
        .tooltip_text(&link.address)
        .build();
    let address = link.address.clone();
    button.connect_clicked(move |it| open(&address, it));
    button
}

fn why(facts: &Facts) -> adw::PreferencesGroup {
    // Translators: the heading above the reason why a build failed.
    let group = adw::PreferencesGroup::builder().title(tr("Why")).build();
    let inside = column(12);
    if let Some(why) = &facts.why {
        inside.append(&label(why, &[]));
    }
    if !facts.evidence.is_empty() {
        // A label is as high as its lines, however narrow it is.
        let lines = gtk::Label::builder()
            .label(facts.evidence.join("\n"))
            .selectable(true)
            .wrap(true)
            .wrap_mode(pango::WrapMode::WordChar)
            .xalign(0.0)
            .margin_top(12)
            .margin_bottom(12)
            .margin_start(12)
            .margin_end(12)
            .css_classes(["monospace"])
            .build();
        // Translators: what a screen reader calls the lines of a log that say why a build failed.
        lines.update_property(&[gtk::accessible::Property::Description(&tr("Lines of the log"))]);
        let card = column(0);
        card.add_css_class("card");
        card.append(&lines);
        inside.append(&card);
    }
    group.add(&inside);
    group
}

fn parts(parts: &[Part]) -> adw::PreferencesGroup {
    let group = adw::PreferencesGroup::builder().title(tr("Tasks")).build();
    for part in parts {
        let row = adw::ActionRow::builder()
            .title(glib::markup_escape_text(&part.name))
            .build();
        let image = gtk::Image::builder()
            .icon_name(icon(part.shape))
            .css_classes([colour(part.shape)])
            .build();
        row.add_prefix(&image);
        let state = label(&part.state, &["dim-label"]);
        state.set_wrap(false);
        row.add_suffix(&state);
        if let Some(log) = &part.log {
            let button = gtk::Button::builder()
                .icon_name("text-x-generic-symbolic")
                .tooltip_text(tr("Open log"))
                .valign(gtk::Align::Center)
                .css_classes(["flat"])
                .build();
            let address = log.clone();
            button.connect_clicked(move |it| open(&address, it));
            row.add_suffix(&button);
            row.set_activatable_widget(Some(&button));
        }
        group.add(&row);
    }
    group
}

fn chart(course: Course) -> adw::PreferencesGroup {
    let group = adw::PreferencesGroup::builder().title(tr("How long it took")).build();
    let inside = column(6);
    inside.append(&label(&course.longest, &["caption", "dim-label", "numeric"]));
    let chart = Chart::new();
    inside.append(chart.widget());
    inside.append(&label(&course.text, &["caption", "dim-label"]));
    chart.show(course);
    group.add(&inside);
    group
}

fn facts_group(title: &str, rows: &[(String, String)]) -> adw::PreferencesGroup {
    let group = adw::PreferencesGroup::builder().title(title).build();
    for (name, value) in rows {
        let row = adw::ActionRow::builder().title(glib::markup_escape_text(name)).build();
        let value = gtk::Label::builder()
            .label(value)
            .selectable(true)
            .wrap(true)
            .wrap_mode(pango::WrapMode::WordChar)
            .xalign(1.0)
            .hexpand(true)
            .css_classes(["dim-label"])
            .build();
        row.add_suffix(&value);
        group.add(&row);
    }
    group
}

fn column(spacing: i32) -> gtk::Box {
    gtk::Box::builder()
        .orientation(gtk::Orientation::Vertical)
        .spacing(spacing)
        .hexpand(true)
        .build()
}

fn label(text: &str, classes: &[&str]) -> gtk::Label {
    gtk::Label::builder()
        .label(text)
        .xalign(0.0)
        .wrap(true)
        .wrap_mode(pango::WrapMode::WordChar)
        .css_classes(classes.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>())
        .build()
}
