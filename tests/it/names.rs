//! The names that were learned, shared by several processes: one after the other, at once, and with a file that is
//! not what it should be.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use jiff::Timestamp;

use koji_notify::hub::names::{KEPT_FOR, Names, Saved};

#[test]
fn what_was_learned_is_there_next_time() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("koji-notify/hub/fedora");
    let mut names = Names::open(&folder);
    assert_eq!(names.save(at(0)).unwrap(), Saved::Nothing);
    assert!(!folder.exists());
    names.users.learn("mona", 7, at(0));
    names.tags.learn("f43-candidate", 7, at(0));
    names.packages.learn("gtk4 \"quoted\\", 9, at(0));
    names.packages.learn_absent("gtk5", at(0));
    assert_eq!(names.save(at(0)).unwrap(), Saved::Written);
    assert_eq!(names.save(at(0)).unwrap(), Saved::Nothing);
    let again = Names::open(&folder);
    assert_eq!(again.users.id("mona", at(1)), Some(7));
    assert_eq!(again.tags.name(7, at(1)), Some("f43-candidate"));
    assert_eq!(again.packages.id("gtk4 \"quoted\\", at(1)), Some(9));
    // That there is none is not kept, and each kind is for itself.
    assert!(names.packages.is_absent("gtk5", at(1)) && !again.packages.is_absent("gtk5", at(1)));
    assert_eq!(again.users.id("f43-candidate", at(1)), None);
    // Names and ids and nothing else, for nobody else, and nothing is left behind.
    assert_eq!(
        fs::read_to_string(folder.join("names-1.json")).unwrap(),
        "{\"users\":[[\"mona\",7,1790000000]],\"tags\":[[\"f43-candidate\",7,1790000000]],\
         \"packages\":[[\"gtk4 \\\"quoted\\\\\",9,1790000000]]}"
    );
    assert_eq!(mode(&folder), 0o700);
    assert_eq!(mode(&folder.join("names-1.json")), 0o600);
    assert_eq!(files(&folder), ["names-1.json"]);
}

#[test]
fn two_that_take_turns_learn_from_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let mut one = Names::open(folder.path());
    let mut other = Names::open(folder.path());
    one.users.learn("mona", 7, at(0));
    other.users.learn("kim", 8, at(1));
    other.users.learn("lee", 9, at(1));
    one.save(at(2)).unwrap();
    other.save(at(2)).unwrap();
    // The second one has both now; the first one when it writes again.
    assert_eq!(other.users.id("mona", at(2)), Some(7));
    assert_eq!(one.users.id("kim", at(2)), None);
    // Kim is renamed, and the old name goes to another; each hears of one of it.
    one.users.learn("kim2", 8, at(3));
    other.users.learn("kim", 10, at(4));
    one.save(at(5)).unwrap();
    other.save(at(5)).unwrap();
    one.users.learn("zoe", 11, at(5));
    one.save(at(5)).unwrap();
    for names in [&one, &Names::open(folder.path())] {
        let ids = ["mona", "kim", "kim2", "lee", "zoe"].map(|it| names.users.id(it, at(5)));
        assert_eq!(ids, [Some(7), Some(10), Some(8), Some(9), Some(11)]);
    }
    // Lee is gone, and the other one, who saves later, knew it only from before.
    one.users.learn_absent("lee", at(6));
    one.save(at(6)).unwrap();
    assert_eq!(Names::open(folder.path()).users.id("lee", at(6)), None);
    // An older word does not go before a later one, whoever saves last.
    let mut late = Names::open(folder.path());
    late.users.learn("mona", 70, at(5));
    one.users.learn("mona", 77, at(8));
    one.save(at(8)).unwrap();
    late.save(at(9)).unwrap();
    assert_eq!(Names::open(folder.path()).users.id("mona", at(9)), Some(77));
}

#[test]
fn what_is_too_old_leaves_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let mut names = Names::open(folder.path());
    names.users.learn("mona", 7, at(0));
    // The clock was wrong by a year.
    names.users.learn("kim", 8, at(365 * 86400));
    names.save(at(1)).unwrap();
    let text = fs::read_to_string(folder.path().join("names-1.json")).unwrap();
    assert!(text.contains("mona") && !text.contains("kim"), "{text}");
    names.users.learn("lee", 9, at(KEPT_FOR.as_secs()));
    names.save(at(KEPT_FOR.as_secs())).unwrap();
    let text = fs::read_to_string(folder.path().join("names-1.json")).unwrap();
    assert!(text.contains("lee") && !text.contains("mona"), "{text}");
}

#[test]
fn a_spoilt_file_is_an_empty_one_and_is_mended_by_the_next_save() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("names-1.json");
    let good = br#"{"users":[["mona",7,1790000000]],"tags":[],"packages":[]}"#;
    let mut spoilt: Vec<Vec<u8>> = (0..good.len()).map(|it| good[..it].to_vec()).collect();
    spoilt.extend(
        [
            "[]",
            "null",
            "{}",
            "\u{0}\u{0}\u{0}",
            "{\"users\":{},\"tags\":[],\"packages\":[]}",
            "{\"users\":[[\"mona\",-7,0]],\"tags\":[],\"packages\":[]}",
            "{\"users\":[[\"mona\",7.5,0]],\"tags\":[],\"packages\":[]}",
            &"[".repeat(100_000),
        ]
        .map(|it| it.as_bytes().to_vec()),
    );
    spoilt.push(vec![0xff; 100]);
    for bytes in spoilt {
        fs::write(&file, &bytes).unwrap();
        let mut names = Names::open(folder.path());
        let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(80)]).into_owned();
        assert_eq!(names.users.id("mona", at(0)), None, "{shown}");
        names.users.learn("kim", 8, at(0));
        assert_eq!(names.save(at(0)).unwrap(), Saved::Written, "{shown}");
        assert_eq!(Names::open(folder.path()).users.id("kim", at(0)), Some(8), "{shown}");
    }
    // Stamps that are none, names that are none, and the same id twice.
    let odd = r#"{"users":[["a",1,9223372036854775807],["b",2,-9223372036854775808],["",3,1790000000],["c\n",4,1790000000],
        ["d",5,1790000000],["e",5,1790000000],["f",18446744073709551615,1790000000]],"tags":[],"packages":[]}"#;
    fs::write(&file, odd).unwrap();
    let mut names = Names::open(folder.path());
    let ids = ["a", "b", "", "c\n", "d", "e", "f"].map(|it| names.users.id(it, at(0)));
    assert_eq!(ids, [None, None, None, None, None, Some(5), Some(u64::MAX)]);
    names.users.learn("g", 6, at(0));
    assert_eq!(names.save(at(0)).unwrap(), Saved::Written);
    // Nothing is read without an end, and nothing that is not ours is written into.
    fs::remove_file(&file).unwrap();
    let target = folder.path().join("target");
    fs::write(&target, "another's").unwrap();
    for link in ["/dev/zero", target.to_str().unwrap()] {
        symlink(link, &file).unwrap();
        let mut names = Names::open(folder.path());
        names.users.learn("kim", 8, at(0));
        names.save(at(0)).unwrap();
        assert!(!file.is_symlink());
        fs::remove_file(&file).unwrap();
    }
    assert_eq!(fs::read_to_string(&target).unwrap(), "another's");
}

#[test]
fn a_folder_that_cannot_be_written_is_told_and_what_was_learned_stays() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a-file");
    fs::write(&file, "").unwrap();
    let mut names = Names::open(&file.join("names"));
    names.users.learn("mona", 7, at(0));
    assert!(names.save(at(0)).is_err());
    assert_eq!(names.users.id("mona", at(0)), Some(7));
    fs::remove_file(&file).unwrap();
    assert_eq!(names.save(at(0)).unwrap(), Saved::Written);
}

#[test]
fn who_writes_is_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let lock = fs::File::open(folder.path()).unwrap();
    lock.lock().unwrap();
    let mut names = Names::open(folder.path());
    names.users.learn("mona", 7, at(0));
    assert_eq!(names.save(at(0)).unwrap(), Saved::Busy);
    assert_eq!(files(folder.path()), [""; 0]);
    lock.unlock().unwrap();
    assert_eq!(names.save(at(0)).unwrap(), Saved::Written);
}

#[test]
fn many_at_once_lose_nothing_and_no_reader_sees_half_a_file() {
    const WRITERS: usize = 6;
    const EACH: usize = 60;
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let running = AtomicUsize::new(WRITERS);
    let busy = AtomicUsize::new(0);
    let seen = AtomicUsize::new(0);
    let known = |names: &Names| {
        let all = (0..WRITERS).flat_map(|writer| (0..EACH).map(move |number| (writer, number)));
        let ids = all.map(|(writer, number)| (names.users.id(&name(writer, number), at(0)), id(writer, number)));
        let known: Vec<_> = ids.filter(|(found, _)| found.is_some()).collect();
        for (found, expected) in &known {
            assert_eq!(*found, Some(*expected));
        }
        known.len()
    };
    std::thread::scope(|scope| {
        for writer in 0..WRITERS {
            let (running, busy) = (&running, &busy);
            scope.spawn(move || {
                let mut names = Names::open(folder);
                for number in 0..EACH {
                    names.users.learn(&name(writer, number), id(writer, number), at(0));
                    // Some are opened anew, as a command is.
                    while names.save(at(0)).unwrap() == Saved::Busy {
                        busy.fetch_add(1, Ordering::Relaxed);
                        std::thread::yield_now();
                    }
                    if number % 10 == 0 {
                        names = Names::open(folder);
                    }
                }
                running.fetch_sub(1, Ordering::Release);
            });
        }
        for _ in 0..2 {
            let (running, seen, known) = (&running, &seen, &known);
            scope.spawn(move || {
                let mut before = 0;
                while running.load(Ordering::Acquire) > 0 {
                    // What was once there stays: a half-written file would be an empty one.
                    let now = known(&Names::open(folder));
                    assert!(now >= before, "{now} after {before}");
                    seen.fetch_add(usize::from(now > before), Ordering::Relaxed);
                    before = now;
                }
            });
        }
    });
    println!("busy {busy:?} times; readers saw it grow {seen:?} times");
    assert_eq!(known(&Names::open(folder)), WRITERS * EACH);
    assert_eq!(files(folder), ["names-1.json"]);
}

fn name(writer: usize, number: usize) -> String {
    format!("user-{writer}-{number}")
}

fn id(writer: usize, number: usize) -> u64 {
    u64::try_from(writer * 1000 + number).unwrap()
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + seconds).unwrap()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn files(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    entries
        .map(|it| it.unwrap().file_name().into_string().unwrap())
        .collect()
}
