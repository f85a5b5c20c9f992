//! The list: a line for each build and task.
//!
//! Lines are changed in place, so that neither the view nor the selection jumps while something happens.

use std::cell::RefCell;

use adw::prelude::*;
use gtk::{gio, glib, pango};
use koji_notify::view::entry::Shape;

use crate::rows::{self, Row};

/// The list, and the lines that are in it.
pub(crate) struct List {
    pub(crate) view: gtk::ListView,
    selection: gtk::SingleSelection,
    store: gio::ListStore,
    rows: RefCell<Vec<Row>>,
}

impl List {
    pub(crate) fn new() -> Self {
        let store = gio::ListStore::new::<glib::BoxedAnyObject>();
        let selection = gtk::SingleSelection::builder()
            .model(&store)
            .autoselect(false)
            .can_unselect(true)
            .build();
        let view = gtk::ListView::builder()
            .model(&selection)
            .factory(&factory())
            .single_click_activate(false)
            .css_classes(["navigation-sidebar"])
            .build();
        Self {
            view,
            selection,
            store,
            rows: RefCell::default(),
        }
    }

    /// Calls this whenever another line is selected, or the selected one has changed.
    pub(crate) fn connect_selected(&self, then: impl Fn() + 'static) {
        self.selection.connect_selection_changed(move |_, _, _| then());
    }

    /// Returns the selected line.
    pub(crate) fn selected(&self) -> Option<Row> {
        let item = self.selection.selected_item()?;
        row(&item)
    }

    /// Returns the line at a place.
    pub(crate) fn at(&self, place: u32) -> Option<Row> {
        row(&self.store.item(place)?)
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.borrow().len()
    }

    /// Selects a line, or none.
    pub(crate) fn select(&self, place: Option<u32>) {
        self.selection.set_selected(place.unwrap_or(gtk::INVALID_LIST_POSITION));
    }

    /// Shows these lines from now on. What was selected stays so, if it is still there.
    pub(crate) fn show(&self, rows: Vec<Row>) {
        let Some(change) = rows::change(&self.rows.borrow(), &rows) else {
            return;
        };
        let selected = self.selected();
        let new = rows.iter().skip(change.at).take(change.added);
        let new: Vec<_> = new.map(|it| glib::BoxedAnyObject::new(it.clone())).collect();
        let (Ok(at), Ok(removed)) = (u32::try_from(change.at), u32::try_from(change.removed)) else {
            return;
        };
        self.store.splice(at, removed, &new);
        let place = selected.and_then(|old| rows.iter().position(|it| it.is_same(&old)));
        self.select(place.and_then(|it| u32::try_from(it).ok()));
        *self.rows.borrow_mut() = rows;
    }
}

fn row(item: &glib::Object) -> Option<Row> {
    let item = item.downcast_ref::<glib::BoxedAnyObject>()?;
    Some(item.borrow::<Row>().clone())
}

/// Returns the name of the icon for a shape. All are in the icon theme that GTK itself needs.
pub(crate) fn icon(shape: Shape) -> &'static str {
    match shape {
        Shape::Running => "emblem-synchronizing-symbolic",
        Shape::Failing => "dialog-warning-symbolic",
        Shape::Done => "emblem-ok-symbolic",
        Shape::Failed => "dialog-error-symbolic",
        Shape::Canceled => "action-unavailable-symbolic",
        Shape::Deleted => "user-trash-symbolic",
    }
}

/// Returns the class of style for a shape.
pub(crate) fn colour(shape: Shape) -> &'static str {
    match shape {
        Shape::Running => "accent",
        Shape::Failing => "warning",
        Shape::Done => "success",
        Shape::Failed => "error",
        Shape::Canceled | Shape::Deleted => "dim-label",
    }
}

/// The widgets of a line.
struct Line {
    all: gtk::Box,
    icon: gtk::Image,
    name: gtk::Label,
    text: gtk::Label,
    state: gtk::Label,
    age: gtk::Label,
}

impl Line {
    fn new() -> Self {
        let label = |classes: &[&str], ellipsize, xalign| {
            gtk::Label::builder()
                .xalign(xalign)
                .ellipsize(ellipsize)
                .css_classes(classes.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>())
                .build()
        };
        let name = label(&["heading"], pango::EllipsizeMode::Middle, 0.0);
        let text = label(&["caption", "dim-label"], pango::EllipsizeMode::End, 0.0);
        let state = label(&["caption"], pango::EllipsizeMode::None, 1.0);
        let age = label(&["caption", "dim-label"], pango::EllipsizeMode::None, 1.0);
        let column = |top: &gtk::Label, bottom: &gtk::Label, hexpand| {
            let column = gtk::Box::builder()
                .orientation(gtk::Orientation::Vertical)
                .spacing(3)
                .valign(gtk::Align::Center)
                .hexpand(hexpand)
                .build();
            column.append(top);
            column.append(bottom);
            column
        };
        let icon = gtk::Image::builder().pixel_size(16).build();
        let all = gtk::Box::builder().spacing(12).margin_top(6).margin_bottom(6).build();
        all.append(&icon);
        all.append(&column(&name, &text, true));
        all.append(&column(&state, &age, false));
        Self {
            all,
            icon,
            name,
            text,
            state,
            age,
        }
    }

    /// Returns the line that these widgets make.
    fn of(all: &gtk::Widget) -> Option<Self> {
        let all = all.downcast_ref::<gtk::Box>()?.clone();
        let icon = all.first_child()?;
        let left = icon.next_sibling()?;
        let right = left.next_sibling()?;
        let label = |it: Option<gtk::Widget>| it?.downcast::<gtk::Label>().ok();
        Some(Self {
            name: label(left.first_child())?,
            text: label(left.last_child())?,
            state: label(right.first_child())?,
            age: label(right.last_child())?,
            icon: icon.downcast().ok()?,
            all,
        })
    }

    fn show(&self, row: &Row) {
        let entry = &row.entry;
        self.icon.set_icon_name(Some(icon(entry.shape)));
        self.icon.set_css_classes(&[colour(entry.shape)]);
        self.name.set_label(&entry.name);
        self.text.set_label(&entry.text);
        self.text.set_visible(!entry.text.is_empty());
        self.state.set_label(&entry.state);
        self.age.set_label(&entry.age);
        // What has the focus is the list's own widget around ours: that is what a screen reader reads out.
        if let Some(item) = self.all.parent() {
            item.update_property(&[gtk::accessible::Property::Label(&row.spoken())]);
        }
    }
}

fn factory() -> gtk::SignalListItemFactory {
    let factory = gtk::SignalListItemFactory::new();
    factory.connect_setup(|_, item| {
        if let Some(item) = item.downcast_ref::<gtk::ListItem>() {
            item.set_child(Some(&Line::new().all));
        }
    });
    factory.connect_bind(|_, item| {
        let Some(item) = item.downcast_ref::<gtk::ListItem>() else {
            return;
        };
        let row = item.item().as_ref().and_then(row);
        if let Some(row) = row
            && let Some(line) = item.child().as_ref().and_then(Line::of)
        {
            line.show(&row);
        }
    });
    factory
}
