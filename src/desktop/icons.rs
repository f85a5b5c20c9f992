//! The pictures of the program, and whether the desktop can find them by name.
//!
//! A tray host that recolours symbolic icons needs a name; a host that is given a name it cannot find shows nothing
//! at all (xfce4-panel). So a name is given only where the file is in place, and else the picture itself.
//!
//! It deliberately knows no D-Bus, and nothing of what a state means.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::view::{Badge, Icon};

/// The application's id, which is also the name of its icon.
pub const APP: &str = "org.fedoraproject.KojiNotify";

/// The sides of the pictures in pixels: 16, 22 and 24 in the panels of today, 32 and 48 in thick ones, and each of them at
/// doubled scale.
pub const SIZES: [u16; 8] = [16, 22, 24, 32, 44, 48, 64, 96];

/// The bytes of one icon's mask in all [`SIZES`].
const MASK: usize = 16 * 16 + 22 * 22 + 24 * 24 + 32 * 32 + 44 * 44 + 48 * 48 + 64 * 64 + 96 * 96;

/// How pictures are filled, as red, green and blue. A panel may be dark or light, and does not say: this brown has a
/// contrast of more than 3 to 1 against either (WCAG 2.2, 1.4.11), and it is no blue, which the tray of waybar is unless it
/// is told otherwise. The icons' files have it too, for hosts that draw symbolic icons as they are (lxqt-panel, waybar).
pub const FILL: [u8; 3] = [0xa6, 0x80, 0x4e];

/// A square picture, four bytes a pixel: alpha, red, green, blue, as a StatusNotifierItem carries it.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Picture {
    pub side: u16,
    pub argb: Vec<u8>,
}

/// Where a tray host finds our icons.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Found {
    /// In the icon theme, by their names.
    InTheme,
    /// By their names, if the host looks into this folder too.
    Beside(PathBuf),
    /// Nowhere: it needs the pictures.
    Nowhere,
}

/// The folders that data is looked for in, the most important first.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct DataDirs {
    /// Those of the XDG Base Directory Specification, where every program of the session looks.
    pub shared: Vec<PathBuf>,
    /// The one beside the program, when it was installed into a place of its own.
    pub own: Option<PathBuf>,
}

impl DataDirs {
    /// Returns the folders of this session and this program.
    pub fn of_this_session() -> Self {
        let own = env::current_exe().ok().and_then(|exe| {
            let prefix = exe.parent()?.parent()?;
            Some(prefix.join("share"))
        });
        Self::new(&|name| env::var_os(name), own)
    }

    /// Returns the folders that these variables of the environment name. What is relative does not count.
    fn new(variable: &dyn Fn(&str) -> Option<OsString>, own: Option<PathBuf>) -> Self {
        let set = |name| variable(name).filter(|it| !it.is_empty());
        let home = set("XDG_DATA_HOME")
            .map(PathBuf::from)
            .or_else(|| Some(PathBuf::from(set("HOME")?).join(".local/share")));
        let others = set("XDG_DATA_DIRS").unwrap_or_else(|| "/usr/local/share:/usr/share".into());
        let shared = home.into_iter().chain(env::split_paths(&others));
        Self {
            shared: shared.filter(|it| it.is_absolute()).collect(),
            own,
        }
    }

    /// Returns where a tray host finds the icons of all states. Half a set is none: an icon must not vanish when
    /// the state changes.
    pub fn find_tray_icons(&self) -> Found {
        let complete = |dir: &Path| names().all(|name| symbolic(dir, &name).is_file());
        if self.shared.iter().any(|dir| complete(dir)) {
            return Found::InTheme;
        }
        match &self.own {
            Some(dir) if complete(dir) => Found::Beside(dir.join("icons")),
            Some(_) | None => Found::Nowhere,
        }
    }

    /// Returns the absolute path of the application's icon, as every notification server understands it; its bare
    /// name if there is no such file.
    pub fn app_icon(&self) -> String {
        let file = |dir: &PathBuf| dir.join("icons/hicolor/scalable/apps").join(format!("{APP}.svg"));
        let mut files = self.shared.iter().chain(&self.own).map(file);
        let found = files.find(|it| it.is_file());
        let path = found.and_then(|it| it.into_os_string().into_string().ok());
        path.unwrap_or_else(|| APP.to_owned())
    }
}

/// Returns what notifications name as the application's icon, in this session.
pub fn app_icon() -> String {
    DataDirs::of_this_session().app_icon()
}

/// Returns the names of all of the tray's icons.
pub fn names() -> impl Iterator<Item = String> {
    let badges = |icon: Icon| icon.badges().iter().copied().map(Some);
    let each = Icon::ALL.into_iter();
    each.flat_map(move |icon| badges(icon).chain([None]).map(move |it| icon.name(it)))
}

/// Returns an icon's pictures in all [`SIZES`].
pub fn pictures(icon: Icon, badge: Option<Badge>) -> Vec<Picture> {
    let mut rest = mask(icon, badge);
    let mut pictures = Vec::with_capacity(SIZES.len());
    for side in SIZES {
        let area = usize::from(side) * usize::from(side);
        let Some((alpha, more)) = rest.split_at_checked(area) else {
            break;
        };
        rest = more;
        let [red, green, blue] = FILL;
        let argb = alpha.iter().flat_map(|&alpha| [alpha, red, green, blue]).collect();
        pictures.push(Picture { side, argb });
    }
    pictures
}

/// Returns an icon's alpha masks, drawn from its file by `data/icons/render-masks`. A number that it is not drawn with is
/// left out.
fn mask(icon: Icon, badge: Option<Badge>) -> &'static [u8] {
    let place = badge.and_then(|badge| icon.badges().iter().position(|it| *it == badge));
    let counted = |masks: &'static [u8]| place.and_then(|it| masks.chunks_exact(MASK).nth(it));
    let building: &[u8] = include_bytes!("../../data/icons/masks/building.mask");
    let failed: &[u8] = include_bytes!("../../data/icons/masks/failed.mask");
    match icon {
        Icon::Idle => include_bytes!("../../data/icons/masks/idle.mask"),
        Icon::Building => counted(include_bytes!("../../data/icons/masks/building-counts.mask")).unwrap_or(building),
        Icon::Failed => counted(include_bytes!("../../data/icons/masks/failed-counts.mask")).unwrap_or(failed),
        Icon::Paused => include_bytes!("../../data/icons/masks/paused.mask"),
        Icon::Offline => include_bytes!("../../data/icons/masks/offline.mask"),
    }
}

fn symbolic(dir: &Path, name: &str) -> PathBuf {
    dir.join("icons/hicolor/symbolic/apps").join(format!("{name}.svg"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;

    use super::*;

    #[test]
    fn every_state_has_a_picture_of_its_own_in_every_size() {
        let badges = |icon: Icon| icon.badges().iter().copied().map(Some).chain([None]);
        let each = Icon::ALL.into_iter();
        let all: Vec<_> = each
            .flat_map(|icon| badges(icon).map(move |it| pictures(icon, it)))
            .collect();
        assert_eq!(all.len(), names().count());
        for pictures in &all {
            let sides: Vec<_> = pictures.iter().map(|it| it.side).collect();
            assert_eq!(sides, SIZES);
            for picture in pictures {
                assert_eq!(picture.argb.len(), 4 * usize::from(picture.side).pow(2));
            }
        }
        for size in 0..SIZES.len() {
            let distinct: BTreeSet<_> = all.iter().map(|it| &it[size].argb).collect();
            assert_eq!(distinct.len(), all.len(), "{} pixels", SIZES[size]);
        }
    }

    #[test]
    fn the_fill_stands_out_on_dark_and_on_light_panels() {
        for panel in [[0xff; 3], [0xee; 3], [0x2d; 3], [0; 3]] {
            let contrast = contrast(FILL, panel);
            assert!(contrast >= 3.0, "{contrast:.2} against {panel:x?}");
        }
    }

    #[test]
    fn the_files_have_the_fill_for_hosts_that_do_not_recolour() {
        let colour = FILL.iter().map(|it| format!("{it:02x}")).collect::<String>();
        for name in names() {
            let file = symbolic(&data(), &name);
            let text = fs::read_to_string(&file).unwrap();
            assert!(text.contains(&format!("color: #{colour} ")), "{}", file.display());
            assert!(
                !text.contains("stroke"),
                "{}: GTK 3 does not recolour strokes",
                file.display()
            );
        }
    }

    #[test]
    fn icons_are_found_where_the_desktop_looks() {
        let dir = tempfile::tempdir().unwrap();
        let [shared, own] = ["shared", "own"].map(|it| dir.path().join(it));
        let dirs = DataDirs {
            shared: vec![dir.path().join("nothing"), shared.clone()],
            own: Some(own.clone()),
        };
        assert_eq!(dirs.find_tray_icons(), Found::Nowhere);
        assert_eq!(dirs.app_icon(), APP);

        install(&own);
        assert_eq!(dirs.find_tray_icons(), Found::Beside(own.join("icons")));
        assert_eq!(
            Path::new(&dirs.app_icon()),
            own.join("icons/hicolor/scalable/apps").join(format!("{APP}.svg"))
        );

        install(&shared);
        assert_eq!(dirs.find_tray_icons(), Found::InTheme);
        assert!(Path::new(&dirs.app_icon()).starts_with(&shared));
    }

    #[test]
    fn half_a_set_of_icons_is_none() {
        let dir = tempfile::tempdir().unwrap();
        install(dir.path());
        fs::remove_file(symbolic(dir.path(), &Icon::Failed.name(Some(Badge::Many)))).unwrap();
        let dirs = DataDirs {
            shared: vec![dir.path().to_owned()],
            own: None,
        };
        assert_eq!(dirs.find_tray_icons(), Found::Nowhere);
    }

    #[test]
    fn folders_are_those_of_the_base_directory_specification() {
        let check = |variables: &[(&str, &str)], expected: &[&str]| {
            let variable = |name: &str| {
                let found = variables.iter().find(|(it, _)| *it == name);
                found.map(|(_, value)| OsString::from(value))
            };
            let expected: Vec<_> = expected.iter().map(PathBuf::from).collect();
            assert_eq!(DataDirs::new(&variable, None).shared, expected, "{variables:?}");
        };
        check(
            &[("HOME", "/h")],
            &["/h/.local/share", "/usr/local/share", "/usr/share"],
        );
        check(
            &[("HOME", "/h"), ("XDG_DATA_HOME", "/d"), ("XDG_DATA_DIRS", "/a:b:/c")],
            &["/d", "/a", "/c"],
        );
        check(
            &[("XDG_DATA_HOME", ""), ("XDG_DATA_DIRS", "")],
            &["/usr/local/share", "/usr/share"],
        );
    }

    /// Puts our icons where an installation puts them.
    fn install(dir: &Path) {
        let files = names().map(|name| symbolic(Path::new(""), &name));
        let app = Path::new("icons/hicolor/scalable/apps").join(format!("{APP}.svg"));
        for file in files.chain([app]) {
            let target = dir.join(&file);
            fs::create_dir_all(target.parent().unwrap()).unwrap();
            fs::copy(data().join(&file), target).unwrap();
        }
    }

    fn data() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("data")
    }

    /// Returns the contrast of two colours (WCAG 2.2, "contrast ratio").
    fn contrast(one: [u8; 3], other: [u8; 3]) -> f64 {
        let [one, other] = [one, other].map(luminance);
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    }

    fn luminance(colour: [u8; 3]) -> f64 {
        let linear = |channel: u8| {
            let channel = f64::from(channel) / 255.0;
            if channel <= 0.04045 {
                channel / 12.92
            } else {
                ((channel + 0.055) / 1.055).powf(2.4)
            }
        };
        let [red, green, blue] = colour.map(linear);
        0.2126 * red + 0.7152 * green + 0.0722 * blue
    }
}
