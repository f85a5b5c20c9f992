//! The history in a window: what runs, what has become of the others, why, and the settings.
//!
//! Why this toolkit. GTK 4 with libadwaita 1.2 is in every distribution since Debian 12 and Fedora 37, so nothing is
//! shipped with us; it looks as the desktop does, light or dark. Screen readers (AT-SPI) and the keyboard work without
//! code of ours, where egui and slint bring half of it by AccessKit and iced none. Its D-Bus is gio's: no second zbus.
//!
//! It reads the journal beside the program that writes it, and reads and changes the configuration. What is shown is
//! made in [`rows`], in [`settings`] and in the library's `view::entry` as plain values; the other modules put those
//! into widgets. It dials no broker and asks no hub: the program does, by `koji-notify check` and `koji-notify setup`.

mod arguments;
mod chart;
mod details;
mod list;
mod live;
mod past;
mod preferences;
mod rows;
mod settings;
mod setup;
mod window;

use adw::prelude::*;
use gtk::{gio, glib};
use koji_notify::i18n::{self, tr};

use arguments::Arguments;
use window::Window;

/// The application's id: that of the program itself, and what it is.
const ID: &str = "org.fedoraproject.KojiNotify.Window";

fn main() -> glib::ExitCode {
    i18n::init();
    let arguments = arguments::of_this_program();
    if arguments.print_rows {
        return match past::print(&arguments) {
            Ok(()) => glib::ExitCode::SUCCESS,
            Err(error) => {
                complain(&error);
                glib::ExitCode::FAILURE
            }
        };
    }
    glib::set_prgname(Some("koji-notify-window"));
    glib::set_application_name(&tr("Koji Builds"));
    let mut flags = gio::ApplicationFlags::HANDLES_COMMAND_LINE;
    if arguments.config.is_some() {
        // What is open may show another configuration.
        flags |= gio::ApplicationFlags::NON_UNIQUE;
    }
    let application = adw::Application::builder().application_id(ID).flags(flags).build();
    application.connect_command_line(|application, line| {
        // The line may come from a second start; what it says was understood there already.
        let Some(arguments) = Arguments::parse(line.arguments()) else {
            return 2.into();
        };
        Window::present(application, &arguments);
        0.into()
    });
    application.run()
}

/// Says what went wrong, with a line for each cause.
#[expect(clippy::print_stderr, reason = "it was asked for on a terminal")]
fn complain(error: &anyhow::Error) {
    eprintln!("koji-notify-window: {error}");
    for cause in error.chain().skip(1) {
        eprintln!("  because {cause}");
    }
}
