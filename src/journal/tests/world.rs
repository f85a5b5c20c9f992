//! What the world does to the file: damage, full disks, other programs, other versions.

use std::fs;
use std::path::Path;

use super::super::schema;
use super::*;

fn one() -> [Keep; 1] {
    [Keep::Story(Box::new(filed(1, 0)))]
}

fn names(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = names.map(|it| it.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_broken_file_is_set_aside_with_a_date_and_never_over_another() {
    let folder = tempfile::tempdir().unwrap();
    for (n, garbage) in [
        "not a database, but longer than a header of one".repeat(100),
        "short".to_owned(),
    ]
    .iter()
    .enumerate()
    {
        fs::write(folder.path().join(FILE), garbage).unwrap();
        fs::write(folder.path().join("journal.sqlite-wal"), "of it").unwrap();
        let opened = open(folder.path(), now());
        let aside = opened.aside.unwrap();
        assert_eq!(aside.error.kind(), Kind::Broken);
        let name = [
            "journal.sqlite.broken-20261120T174000Z",
            "journal.sqlite.broken-20261120T174000Z-2",
        ][n];
        assert_eq!(aside.file, folder.path().join(name));
        assert_eq!(fs::read_to_string(&aside.file).unwrap(), *garbage);
        assert_eq!(
            fs::read_to_string(folder.path().join(format!("{name}-wal"))).unwrap(),
            "of it"
        );
        assert_eq!(opened.resumed, Resumed::default());
        opened.journal.unwrap().write(&one(), now()).unwrap();
    }
    assert_eq!(
        open(folder.path(), now()).resumed.stories,
        [filed(1, 0)],
        "the new one is in use"
    );
}

#[test]
fn damage_inside_is_found_after_a_stop_that_was_not_clean() {
    for is_clean in [true, false] {
        let folder = tempfile::tempdir().unwrap();
        let mut journal = open(folder.path(), now()).journal.unwrap();
        let keeps: Vec<_> = (0..300).map(|n| Keep::Story(Box::new(filed(n, 0)))).collect();
        journal.write(&keeps, now()).unwrap();
        journal.close().unwrap();
        if !is_clean {
            schema::note_unclean(&database(folder.path())).unwrap();
        }
        // A page of an index that nobody reads at a start.
        let index = "SELECT rootpage FROM sqlite_schema WHERE name = 'stories_of_package'";
        let page: u32 = database(folder.path()).query_row(index, (), |row| row.get(0)).unwrap();
        let mut bytes = fs::read(folder.path().join(FILE)).unwrap();
        let start = (usize::try_from(page).unwrap() - 1) * 4096;
        bytes[start..start + 4096].fill(0xa5);
        fs::write(folder.path().join(FILE), bytes).unwrap();
        let opened = open(folder.path(), now());
        assert_eq!(opened.aside.is_some(), !is_clean);
        assert!(opened.journal.is_ok());
    }
}

#[test]
fn a_log_without_its_file_is_set_aside_and_not_deleted() {
    for has_empty_file in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        if has_empty_file {
            fs::write(folder.path().join(FILE), "").unwrap();
        }
        fs::write(folder.path().join("journal.sqlite-wal"), "dear").unwrap();
        let opened = open(folder.path(), now());
        assert_eq!(opened.aside.unwrap().error.kind(), Kind::Broken);
        let kept = folder.path().join("journal.sqlite.broken-20261120T174000Z-wal");
        assert_eq!(fs::read_to_string(kept).unwrap(), "dear");
        assert!(opened.journal.is_ok());
    }
}

#[test]
fn tables_of_another_program_are_set_aside() {
    let folder = tempfile::tempdir().unwrap();
    database(folder.path())
        .execute_batch("CREATE TABLE pictures (name TEXT)")
        .unwrap();
    let opened = open(folder.path(), now());
    assert!(opened.aside.is_some() && opened.journal.is_ok());
}

#[test]
fn a_file_of_a_newer_version_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    write_and_close(folder.path(), &one());
    database(folder.path()).pragma_update(None, "user_version", 99).unwrap();
    let before = fs::read(folder.path().join(FILE)).unwrap();
    let opened = open(folder.path(), now());
    assert!(opened.aside.is_none());
    assert_eq!(opened.journal.unwrap_err().kind(), Kind::Newer(99));
    assert_eq!(opened.resumed, Resumed::default());
    assert_eq!(fs::read(folder.path().join(FILE)).unwrap(), before);
}

#[test]
fn two_never_write_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let first = open(folder.path(), now()).journal.unwrap();
    let second = open(folder.path(), now());
    assert_eq!(second.journal.unwrap_err().kind(), Kind::Busy);
    assert!(second.aside.is_none());
    first.close().unwrap();
    assert!(open(folder.path(), now()).journal.is_ok());
}

#[test]
fn a_full_disk_loses_nothing_that_was_written_and_the_batch_can_be_written_later() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = open(folder.path(), now()).journal.unwrap();
    journal.write(&one(), now()).unwrap();
    let pages = |journal: &Journal, most: i64| {
        let set = |_: &rusqlite::Row<'_>| Ok(());
        journal
            .connection
            .pragma_update_and_check(None, "max_page_count", most, set)
            .unwrap();
    };
    pages(&journal, 1);
    let batch: Vec<_> = (2..500).map(|n| Keep::Story(Box::new(filed(n, 0)))).collect();
    let error = journal.write(&batch, now()).unwrap_err();
    assert_eq!(error.kind(), Kind::Full);
    assert_eq!(
        read(folder.path()).stories,
        [filed(1, 0)],
        "nothing of the batch is there"
    );
    pages(&journal, i64::from(u32::MAX) - 1);
    journal.write(&batch, now()).unwrap();
    journal.close().unwrap();
    assert_eq!(open(folder.path(), now()).resumed.stories.len(), 499);
}

#[test]
fn where_the_folder_is_no_folder_the_caller_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("koji-notify");
    fs::write(&state, "a file").unwrap();
    let opened = open(&state, now());
    let error = opened.journal.unwrap_err();
    assert_eq!(error.kind(), Kind::NotPermitted);
    assert_eq!(opened.resumed, Resumed::default());
    assert_eq!(fs::read_to_string(&state).unwrap(), "a file");
    let said = error.to_string();
    assert!(
        said.ends_with("koji-notify/journal.sqlite: it cannot be opened or written here"),
        "{said}"
    );
}

#[test]
fn where_nothing_can_be_written_what_was_kept_is_known_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    write_and_close(folder.path(), &one());
    // Nobody, root included, can make a file under a name that a folder has.
    fs::remove_file(folder.path().join("journal.lock")).unwrap();
    fs::create_dir(folder.path().join("journal.lock")).unwrap();
    let opened = open(folder.path(), now());
    assert_eq!(opened.journal.unwrap_err().kind(), Kind::NotPermitted);
    assert_eq!(opened.resumed.stories, [filed(1, 0)]);
    assert!(opened.aside.is_none());
}

#[test]
fn without_the_index_of_its_log_a_file_is_read_where_nothing_can_be_made() {
    let folder = tempfile::tempdir().unwrap();
    let odd = folder.path().join("100% ?#");
    write_and_close(&odd, &one());
    fs::create_dir(odd.join("journal.sqlite-shm")).unwrap();
    let connection = file::connect_to_read(&odd.join(FILE)).unwrap();
    assert_eq!(resume::read(&connection, now()).unwrap().0.stories, [filed(1, 0)]);
}

#[test]
fn a_folder_in_the_place_of_the_file_stays() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join(FILE)).unwrap();
    let opened = open(folder.path(), now());
    assert_eq!(opened.journal.unwrap_err().kind(), Kind::NotPermitted);
    assert_eq!(names(folder.path()), ["journal.lock", "journal.sqlite"]);
}

#[test]
fn a_reader_beside_sees_what_is_written_and_holds_nobody_up() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = open(folder.path(), now()).journal.unwrap();
    journal.write(&one(), now()).unwrap();
    let connection = file::connect_to_read(&folder.path().join(FILE)).unwrap();
    let mut reading = connection.prepare("SELECT number FROM stories").unwrap();
    let mut rows = reading.query(()).unwrap();
    assert!(rows.next().unwrap().is_some());
    journal.write(&[Keep::Story(Box::new(filed(2, 0)))], now()).unwrap();
    assert!(rows.next().unwrap().is_none(), "it reads what was there when it began");
    assert_eq!(read(folder.path()).stories.len(), 2);
    let written = connection.execute("DELETE FROM stories", ());
    assert!(written.is_err(), "it only reads");
}

fn read(folder: &Path) -> Resumed {
    let connection = file::connect_to_read(&folder.join(FILE)).unwrap();
    resume::read(&connection, now()).unwrap().0
}
