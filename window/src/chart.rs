//! How the builds of a package went, drawn: a bar for each, as high as it took long.
//!
//! An outcome is told by shape as well as by colour: a bar that failed has a cross above it, a canceled one is hollow.
//! The one that is looked at has a line below. The same stands below the chart in words, which is also what a screen
//! reader says.

use std::cell::RefCell;
use std::rc::Rc;

use adw::prelude::*;
use gtk::{cairo, gdk};
use koji_notify::i18n::tr;
use koji_notify::view::entry::{Course, Point, Shape};

const HEIGHT: i32 = 110;
/// How wide a bar is with its space, at most.
const STEP: f64 = 22.0;
/// What is free above the bars for crosses, and below them for the mark.
const ABOVE: f64 = 14.0;
const BELOW: f64 = 7.0;

/// The chart.
#[derive(Clone)]
pub(crate) struct Chart {
    area: gtk::DrawingArea,
    course: Rc<RefCell<Course>>,
}

impl Chart {
    pub(crate) fn new() -> Self {
        let area = gtk::DrawingArea::builder()
            .content_height(HEIGHT)
            .hexpand(true)
            .accessible_role(gtk::AccessibleRole::Img)
            .build();
        let course = Rc::new(RefCell::new(Course::default()));
        let drawn = Rc::clone(&course);
        area.set_draw_func(move |area, cairo, width, height| {
            // What cannot be drawn is not drawn; the words are there.
            _ = draw(&drawn.borrow(), area, cairo, f64::from(width), f64::from(height));
        });
        Self { area, course }
    }

    pub(crate) fn widget(&self) -> &gtk::DrawingArea {
        &self.area
    }

    pub(crate) fn show(&self, course: Course) {
        let label = tr("Chart of how long the builds took");
        self.area.update_property(&[
            gtk::accessible::Property::Label(&label),
            gtk::accessible::Property::Description(&course.text),
        ]);
        *self.course.borrow_mut() = course;
        self.area.queue_draw();
    }
}

fn draw(
    course: &Course,
    area: &gtk::DrawingArea,
    cairo: &cairo::Context,
    width: f64,
    height: f64,
) -> Result<(), cairo::Error> {
    let longest = course.points.iter().map(|it| it.took.as_secs_f64()).fold(0.0, f64::max);
    if longest <= 0.0 {
        return Ok(());
    }
    let text = area.style_context().color();
    let number = course.points.len() as f64;
    let step = (width / number).min(STEP);
    let bar = (step * 0.7).max(1.0);
    // The newest stands at the right end of what is drawn, which begins at the left.
    let room = height - ABOVE - BELOW;
    for (at, point) in course.points.iter().enumerate() {
        let x = step * at as f64 + (step - bar) / 2.0;
        let tall = (room * point.took.as_secs_f64() / longest).max(2.0);
        let y = height - BELOW - tall;
        draw_bar(cairo, point, colour(area, point.shape, &text), (x, y, bar, tall))?;
        if point.is_this {
            source(cairo, &text);
            cairo.rectangle(x, height - 4.0, bar, 3.0);
            cairo.fill()?;
        }
    }
    source(cairo, &gdk::RGBA::new(text.red(), text.green(), text.blue(), 0.3));
    cairo.set_line_width(1.0);
    cairo.move_to(0.0, height - BELOW + 0.5);
    cairo.line_to(width, height - BELOW + 0.5);
    cairo.stroke()
}

fn draw_bar(
    cairo: &cairo::Context,
    point: &Point,
    colour: gdk::RGBA,
    (x, y, width, height): (f64, f64, f64, f64),
) -> Result<(), cairo::Error> {
    source(cairo, &colour);
    cairo.set_line_width(1.5);
    match point.shape {
        Shape::Canceled | Shape::Deleted => {
            cairo.rectangle(x + 0.75, y + 0.75, (width - 1.5).max(0.5), (height - 1.5).max(0.5));
            cairo.stroke()
        }
        Shape::Done | Shape::Running => {
            cairo.rectangle(x, y, width, height);
            cairo.fill()
        }
        Shape::Failed | Shape::Failing => {
            cairo.rectangle(x, y, width, height);
            cairo.fill()?;
            let (middle, arm) = (x + width / 2.0, (width / 2.0).min(4.0));
            let above = y - 3.0 - arm;
            cairo.move_to(middle - arm, above - arm);
            cairo.line_to(middle + arm, above + arm);
            cairo.move_to(middle - arm, above + arm);
            cairo.line_to(middle + arm, above - arm);
            cairo.stroke()
        }
    }
}

/// Returns the theme's colour for an outcome, which differs by light and dark.
fn colour(area: &gtk::DrawingArea, shape: Shape, text: &gdk::RGBA) -> gdk::RGBA {
    let name = match shape {
        Shape::Done => "success_color",
        Shape::Failed | Shape::Failing => "error_color",
        Shape::Running => "accent_color",
        Shape::Canceled | Shape::Deleted => return *text,
    };
    area.style_context().lookup_color(name).unwrap_or(*text)
}

fn source(cairo: &cairo::Context, colour: &gdk::RGBA) {
    cairo.set_source_rgba(
        colour.red().into(),
        colour.green().into(),
        colour.blue().into(),
        colour.alpha().into(),
    );
}
