//! A setting as it is changed: a switch, a text, the days of a week, a list with a line for each.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};

use adw::prelude::*;
use gtk::glib;
use gtk::glib::clone;
use koji_notify::config::change::Change;
use koji_notify::i18n::{fill, tr};
use koji_notify::watch::quiet::Day;

use super::{Saved, Sheet};
use crate::settings::{Field, Holds, day, short_day};

/// The changes of a group that were refused. Each may only need another.
#[derive(Clone, Default)]
pub(super) struct Refused(Rc<RefCell<Vec<Kept>>>);

/// A text that was refused.
struct Kept {
    change: Change,
    entry: glib::WeakRef<adw::EntryRow>,
    wrong: Wrong,
}

impl Refused {
    /// Returns what may go with a change.
    pub(super) fn others(&self, change: &Change) -> Vec<Change> {
        let kept = self.0.borrow();
        let others = kept.iter().map(|it| &it.change).filter(|it| it.keys != change.keys);
        others.cloned().collect()
    }

    /// None of it is refused any more.
    fn settle(&self) {
        for it in self.0.take() {
            it.show(None);
        }
    }

    fn heard(&self, of: Kept, saved: Result<Saved, String>) {
        self.0.borrow_mut().retain(|it| it.change.keys != of.change.keys);
        of.show(saved.as_ref().err().map(String::as_str));
        match saved {
            Ok(Saved::All) => self.settle(),
            Ok(Saved::Alone) => {}
            Err(_) => self.0.borrow_mut().push(of),
        }
    }
}

impl Kept {
    fn show(&self, why: Option<&str>) {
        if let Some(entry) = self.entry.upgrade() {
            self.wrong.show(&entry, why);
        }
    }
}

/// Puts a setting below a row.
pub(super) fn put(sheet: &Rc<Sheet>, row: &adw::ExpanderRow, field: &Field, refused: &Refused) {
    if let Holds::List { items, add, one } = &field.holds {
        let list = Rc::new(List {
            sheet: Rc::downgrade(sheet),
            row: row.downgrade(),
            field: field.clone(),
            add: add.clone(),
            one: *one,
            items: RefCell::new(items.clone()),
            rows: RefCell::default(),
        });
        list.draw();
        sheet.lists.borrow_mut().push(list);
        return;
    }
    for it in rows(sheet, field, refused) {
        row.add_row(&it);
    }
}

/// Returns the rows of a setting that is no list.
pub(super) fn rows(sheet: &Rc<Sheet>, field: &Field, refused: &Refused) -> Vec<gtk::Widget> {
    match &field.holds {
        Holds::Switch(on) => vec![switch(sheet, field, *on, refused)],
        Holds::Text(words) => text(sheet, field, words, refused),
        Holds::Days(days) => vec![week(sheet, field, days.iter().copied().collect())],
        Holds::List { .. } => Vec::new(),
    }
}

fn switch(sheet: &Rc<Sheet>, field: &Field, on: bool, refused: &Refused) -> gtk::Widget {
    let widget = gtk::Switch::builder().active(on).valign(gtk::Align::Center).build();
    let row = adw::ActionRow::builder()
        .title(glib::markup_escape_text(&field.label))
        .activatable_widget(&widget)
        .build();
    row.add_suffix(&widget);
    let (field, refused) = (field.clone(), refused.clone());
    let is_put_back = Rc::new(Cell::new(false));
    widget.connect_active_notify(clone!(
        #[weak]
        sheet,
        move |it| {
            if is_put_back.replace(false) {
                return;
            }
            let on = it.is_active();
            let change = field.change(&Holds::Switch(on));
            let (it, is_put_back, toast) = (it.downgrade(), Rc::clone(&is_put_back), Rc::downgrade(&sheet));
            let after = refused.clone();
            sheet.save(change, &refused, move |saved| {
                if saved.as_ref().is_ok_and(|it| matches!(it, Saved::All)) {
                    after.settle();
                }
                let Err(why) = saved else { return };
                if let Some(sheet) = toast.upgrade() {
                    sheet.toast(&why);
                }
                if let Some(it) = it.upgrade() {
                    is_put_back.set(true);
                    it.set_active(!on);
                }
            });
        }
    ));
    row.upcast()
}

fn text(sheet: &Rc<Sheet>, field: &Field, words: &str, refused: &Refused) -> Vec<gtk::Widget> {
    let entry = entry(&field.label, words);
    let wrong = Wrong::new();
    entry.connect_apply(clone!(
        #[weak]
        sheet,
        #[strong(rename_to = field)]
        field.clone(),
        #[strong]
        wrong,
        #[strong]
        refused,
        move |entry| {
            let change = field.change(&Holds::Text(entry.text().trim().to_owned()));
            let kept = Kept {
                change: change.clone(),
                entry: entry.downgrade(),
                wrong: wrong.clone(),
            };
            let after = refused.clone();
            sheet.save(change, &refused, move |saved| after.heard(kept, saved));
        }
    ));
    vec![entry.upcast(), wrong.row.upcast()]
}

/// A button for each day. None is every day.
fn week(sheet: &Rc<Sheet>, field: &Field, days: Vec<Day>) -> gtk::Widget {
    let all = gtk::Box::builder()
        .homogeneous(true)
        .spacing(3)
        .margin_top(9)
        .margin_bottom(9)
        .margin_start(12)
        .margin_end(12)
        .build();
    let buttons: Vec<(Day, gtk::ToggleButton)> = Day::ALL
        .into_iter()
        .map(|it| {
            let button = gtk::ToggleButton::builder()
                .label(short_day(it))
                .tooltip_text(day(it))
                .active(days.contains(&it))
                .build();
            button.update_property(&[gtk::accessible::Property::Label(&day(it))]);
            all.append(&button);
            (it, button)
        })
        .collect();
    let widgets: Vec<_> = buttons.iter().map(|(day, it)| (*day, it.downgrade())).collect();
    let chosen = move || {
        let is_on = |it: &glib::WeakRef<gtk::ToggleButton>| it.upgrade().is_some_and(|it| it.is_active());
        let days = widgets.iter().filter(|(_, it)| is_on(it));
        days.map(|(day, _)| *day).collect()
    };
    let chosen = Rc::new(chosen);
    for (_, button) in &buttons {
        let (field, chosen) = (field.clone(), Rc::clone(&chosen));
        button.connect_toggled(clone!(
            #[weak]
            sheet,
            move |_| {
                let toast = Rc::downgrade(&sheet);
                let change = field.change(&Holds::Days(chosen()));
                sheet.save(change, &Refused::default(), move |saved| {
                    if let (Err(why), Some(sheet)) = (saved, toast.upgrade()) {
                        sheet.toast(&why);
                    }
                });
            }
        ));
    }
    // The buttons have the focus, and the row around them has not.
    gtk::ListBoxRow::builder()
        .activatable(false)
        .focusable(false)
        .child(&all)
        .build()
        .upcast()
}

/// A line for each of several, and one for another. It stands last in its row.
pub(super) struct List {
    sheet: Weak<Sheet>,
    row: glib::WeakRef<adw::ExpanderRow>,
    field: Field,
    add: String,
    one: bool,
    items: RefCell<Vec<String>>,
    rows: RefCell<Vec<gtk::Widget>>,
}

impl List {
    /// Returns the line for another.
    fn draw(self: &Rc<Self>) -> Option<adw::EntryRow> {
        let row = self.row.upgrade()?;
        for old in self.rows.take() {
            row.remove(&old);
        }
        let items = self.items.borrow().clone();
        for (at, item) in items.iter().enumerate() {
            let entry = entry(&self.field.label, item);
            let wrong = Wrong::new();
            let remove = gtk::Button::builder()
                .icon_name("user-trash-symbolic")
                .valign(gtk::Align::Center)
                .css_classes(["flat"])
                .tooltip_text(fill(&tr("Remove {name}"), &[("name", item)]))
                .build();
            entry.add_suffix(&remove);
            let to = clone!(
                #[weak(rename_to = list)]
                self,
                #[weak]
                entry,
                #[strong]
                wrong,
                move |text: Option<String>| {
                    let mut items = list.items.borrow().clone();
                    match text.filter(|it| !it.is_empty()) {
                        Some(text) => items.get_mut(at).into_iter().for_each(|it| it.clone_from(&text)),
                        None => drop(items.drain(at..=at)),
                    }
                    list.save(items, &entry, &wrong);
                }
            );
            remove.connect_clicked(clone!(
                #[strong]
                to,
                move |_| to(None)
            ));
            entry.connect_apply(move |entry| to(Some(entry.text().trim().to_owned())));
            self.put(&row, entry, wrong);
        }
        let another = entry(&self.add, "");
        let wrong = Wrong::new();
        another.connect_apply(clone!(
            #[weak(rename_to = list)]
            self,
            #[strong]
            wrong,
            move |entry| {
                let text = entry.text().trim().to_owned();
                let mut items = list.items.borrow().clone();
                if text.is_empty() || items.contains(&text) {
                    return;
                }
                items.push(text);
                list.save(items, entry, &wrong);
            }
        ));
        self.put(&row, another.clone(), wrong);
        Some(another)
    }

    fn put(&self, row: &adw::ExpanderRow, entry: adw::EntryRow, wrong: Wrong) {
        for it in [entry.upcast::<gtk::Widget>(), wrong.row.upcast()] {
            row.add_row(&it);
            self.rows.borrow_mut().push(it);
        }
    }

    fn save(self: &Rc<Self>, items: Vec<String>, entry: &adw::EntryRow, wrong: &Wrong) {
        let change = self.field.change(&Holds::List {
            items: items.clone(),
            add: self.add.clone(),
            one: self.one,
        });
        let (list, entry, wrong) = (Rc::clone(self), entry.downgrade(), wrong.clone());
        let Some(sheet) = self.sheet.upgrade() else { return };
        sheet.save(change, &Refused::default(), move |saved| match saved {
            Ok(_) => {
                *list.items.borrow_mut() = items;
                if let Some(another) = list.draw() {
                    another.grab_focus();
                }
            }
            Err(why) => {
                if let Some(entry) = entry.upgrade() {
                    wrong.show(&entry, Some(&why));
                }
            }
        });
    }
}

fn entry(label: &str, text: &str) -> adw::EntryRow {
    let entry = adw::EntryRow::builder()
        .title(glib::markup_escape_text(label))
        .text(text)
        .show_apply_button(true)
        .build();
    if let Some(inner) = entry.delegate() {
        inner.update_property(&[gtk::accessible::Property::Label(label)]);
    }
    entry
}

/// What is wrong with a text, below it.
#[derive(Clone)]
struct Wrong {
    row: gtk::ListBoxRow,
    label: gtk::Label,
}

impl Wrong {
    fn new() -> Self {
        let label = gtk::Label::builder()
            .wrap(true)
            .xalign(0.0)
            .margin_top(6)
            .margin_bottom(9)
            .margin_start(12)
            .margin_end(12)
            .css_classes(["caption", "error"])
            .build();
        let row = gtk::ListBoxRow::builder()
            .activatable(false)
            .selectable(false)
            .visible(false)
            .child(&label)
            .build();
        Self { row, label }
    }

    fn show(&self, entry: &adw::EntryRow, why: Option<&str>) {
        self.label.set_label(why.unwrap_or_default());
        self.row.set_visible(why.is_some());
        // Who cannot see it comes by it: Tab would stop at a row that nobody can get to.
        let label = gtk::accessible::Property::Label(why.unwrap_or_default());
        self.row.update_property(&[label]);
        match why {
            Some(_) => {
                entry.add_css_class("error");
                come_into_view(&self.row);
            }
            None => entry.remove_css_class("error"),
        }
    }
}

/// Scrolls to a row that was not there before, as soon as it has a place.
fn come_into_view(row: &gtk::ListBoxRow) {
    let frames = Cell::new(0);
    row.add_tick_callback(move |row, _| {
        if frames.replace(frames.get() + 1) == 0 {
            return glib::ControlFlow::Continue;
        }
        let scrolled = row.ancestor(gtk::ScrolledWindow::static_type());
        if let Some(scrolled) = scrolled.and_downcast::<gtk::ScrolledWindow>()
            && let Some(place) = row.compute_bounds(&scrolled)
        {
            let adjustment = scrolled.vadjustment();
            let top = adjustment.value() + f64::from(place.y());
            adjustment.clamp_page(top, top + f64::from(place.height()));
        }
        glib::ControlFlow::Break
    });
}
