use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::Barrier;
use std::thread;

use rusqlite::{ffi, Connection};
use testhost::host;

use super::{Database, Opening};
use crate::error::{Error, ErrorKind, Result};

/// A directory of a test's own, gone with it.
struct Directory(PathBuf);

impl Directory {
    fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::SeqCst);
        let name = format!("netns-database-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn file(&self) -> PathBuf {
        self.0.join("state.db")
    }

    fn open(&self) -> (Database, Opening) {
        Database::open(&self.0).unwrap()
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn record(database: &Database, key: &str) -> Result<()> {
    database.write(|tx| {
        tx.execute("INSERT INTO taken VALUES(?1, x'00', x'00')", [key]).map_err(failed)?;
        Ok(())
    })
}

fn failed(error: rusqlite::Error) -> Error {
    super::store_error("test", "store", error)
}

fn records(database: &Database) -> Vec<String> {
    let read = |connection: &Connection| {
        let mut rows = connection.prepare("SELECT pool FROM taken ORDER BY pool").map_err(failed)?;
        let rows = rows.query_map([], |row| row.get(0)).map_err(failed)?;
        rows.collect::<Result<_, _>>().map_err(failed)
    };
    database.read(read).unwrap()
}

fn open_in_boot(directory: &Directory, boot: &str) -> Result<(Database, Opening)> {
    Database::open_in_boot(&directory.0, boot, |_, _| Ok(()))
}

#[track_caller]
fn error(opened: Result<(Database, Opening)>) -> Error {
    opened.map(|(_, opening)| opening).expect_err("it opened")
}

#[test]
fn a_store_is_made_where_there_is_none_and_found_again() {
    let directory = Directory::new();
    let below = directory.0.join("run/libnetns");
    let (database, opening) = Database::open(&below).unwrap();
    assert_eq!(opening, Opening::New);
    record(&database, "a").unwrap();
    let (second, opening) = Database::open(&below).unwrap();
    assert_eq!(opening, Opening::Existing);
    record(&second, "b").unwrap();
    assert_eq!(records(&database), ["a", "b"]);
    drop((database, second));
    let (database, opening) = Database::open(&below).unwrap();
    assert_eq!((records(&database), opening), (vec!["a".to_owned(), "b".to_owned()], Opening::Existing));
    assert_eq!(fs::metadata(&below).unwrap().permissions().mode() & 0o777, 0o700);
    let mode: String =
        database.read(|c| c.query_row("PRAGMA journal_mode", [], |row| row.get(0)).map_err(failed)).unwrap();
    assert_eq!(mode, "wal");
}

#[test]
fn an_empty_file_is_a_new_store() {
    let directory = Directory::new();
    fs::write(directory.file(), "").unwrap();
    let (database, opening) = directory.open();
    assert_eq!(opening, Opening::New);
    record(&database, "a").unwrap();
}

#[test]
fn garbage_is_moved_aside_and_kept() {
    let directory = Directory::new();
    for (number, garbage) in ["garbage".to_owned(), "garbage".repeat(10_000)].iter().enumerate() {
        fs::write(directory.file(), garbage).unwrap();
        for belongings in ["-wal", "-shm"] {
            fs::write(directory.0.join(format!("state.db{belongings}")), garbage).unwrap();
        }
        let (database, opening) = directory.open();
        let aside = directory.0.join(format!("state.db.broken-{}", number + 1));
        assert_eq!(opening, Opening::Replaced(aside.clone()));
        assert_eq!(&fs::read_to_string(aside).unwrap(), garbage);
        assert!(records(&database).is_empty());
        record(&database, "a").unwrap();
        assert_eq!(directory.open().1, Opening::Existing);
    }
}

#[test]
fn damage_in_the_middle_is_found() {
    let directory = Directory::new();
    let (database, _) = directory.open();
    for number in 0..2000 {
        record(&database, &format!("{number:0>32}")).unwrap();
    }
    drop(database);
    let mut bytes = fs::read(directory.file()).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..].fill(0xa5);
    fs::write(directory.file(), bytes).unwrap();
    assert!(matches!(directory.open().1, Opening::Replaced(_)));
}

#[test]
fn a_cut_off_file_is_found() {
    let directory = Directory::new();
    let (database, _) = directory.open();
    drop(database);
    let bytes = fs::read(directory.file()).unwrap();
    fs::write(directory.file(), &bytes[..bytes.len() / 2]).unwrap();
    assert!(matches!(directory.open().1, Opening::Replaced(_)));
}

#[test]
fn at_most_nine_broken_files_are_kept() {
    let directory = Directory::new();
    for _ in 0..11 {
        fs::write(directory.file(), "garbage").unwrap();
        directory.open();
    }
    let names = fs::read_dir(&directory.0).unwrap().map(|entry| entry.unwrap().file_name());
    assert_eq!(names.filter(|name| name.to_string_lossy().contains("broken")).count(), 9);
}

#[test]
fn somebody_elses_database_is_moved_aside_as_it_is() {
    let directory = Directory::new();
    let connection = Connection::open(directory.file()).unwrap();
    connection.execute_batch("CREATE TABLE songs(title TEXT); INSERT INTO songs VALUES('x')").unwrap();
    drop(connection);
    let bytes = fs::read(directory.file()).unwrap();
    let (_, Opening::Replaced(aside)) = directory.open() else { panic!("it was taken for ours") };
    assert_eq!(fs::read(aside).unwrap(), bytes);
}

#[test]
fn a_newer_version_is_refused_and_left_alone() {
    let directory = Directory::new();
    drop(directory.open());
    let connection = Connection::open(directory.file()).unwrap();
    connection.execute_batch("PRAGMA user_version = 3").unwrap();
    drop(connection);
    let bytes = fs::read(directory.file()).unwrap();
    let error = error(Database::open(&directory.0));
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    assert!(error.to_string().contains("version 3"), "{error}");
    assert_eq!(fs::read(directory.file()).unwrap(), bytes);
}

#[test]
fn a_store_of_the_first_version_goes_on_with_what_it_has() {
    for (boot, expected) in [("first", Opening::Existing), ("second", Opening::New)] {
        let directory = Directory::new();
        let (database, _) = open_in_boot(&directory, "first").unwrap();
        record(&database, "a").unwrap();
        let older = Connection::open(directory.file()).unwrap();
        older.execute_batch("DROP TABLE port; DROP TABLE mapping; PRAGMA user_version = 1").unwrap();
        let (upgraded, opening) = open_in_boot(&directory, boot).unwrap();
        assert_eq!(opening, expected);
        assert_eq!(records(&upgraded).len(), usize::from(opening == Opening::Existing));
        assert_eq!(open_in_boot(&directory, boot).unwrap().1, Opening::Existing);
        upgraded.write(|tx| tx.execute("DELETE FROM mapping", []).map_err(failed)).unwrap();
        // Who had it open before goes on.
        record(&database, "b").unwrap();
        older.execute("DELETE FROM taken", []).unwrap();
    }
}

#[test]
fn another_boot_begins_with_nothing() {
    let directory = Directory::new();
    let (database, opening) = open_in_boot(&directory, "first").unwrap();
    assert_eq!(opening, Opening::New);
    record(&database, "a").unwrap();
    assert_eq!(open_in_boot(&directory, "first").unwrap().1, Opening::Existing);
    let (database, opening) = open_in_boot(&directory, "second").unwrap();
    assert_eq!(opening, Opening::New);
    assert!(records(&database).is_empty());
    assert_eq!(open_in_boot(&directory, "second").unwrap().1, Opening::Existing);
}

#[test]
fn what_is_lost_is_recorded_anew_before_anyone_sees_the_store() {
    let directory = Directory::new();
    let rebuild = |tx: &rusqlite::Transaction<'_>, opening: &Opening| {
        tx.execute("INSERT INTO taken VALUES(?1, x'00', x'00')", [format!("{opening:?}")]).map_err(failed)?;
        Ok(())
    };
    let fail = |tx: &rusqlite::Transaction<'_>, opening: &Opening| {
        rebuild(tx, opening)?;
        Err(Error::bad_request("test", "it", "no"))
    };
    for _ in 0..2 {
        let error = error(Database::open_in_boot(&directory.0, "first", fail));
        assert_eq!(error.kind(), ErrorKind::BadRequest);
    }
    let first = |boot: &str, rebuild: fn(&rusqlite::Transaction<'_>, &Opening) -> Result<()>| {
        let (database, opening) = Database::open_in_boot(&directory.0, boot, rebuild).unwrap();
        (records(&database), opening)
    };
    assert_eq!(first("first", rebuild), (vec!["New".to_owned()], Opening::New));
    let never = |_: &rusqlite::Transaction<'_>, _: &Opening| panic!("nothing was lost");
    assert_eq!(first("first", never), (vec!["New".to_owned()], Opening::Existing));
    assert_eq!(first("second", rebuild), (vec!["New".to_owned()], Opening::New));
    fs::write(directory.file(), "garbage").unwrap();
    let (records, opening) = first("second", rebuild);
    assert_eq!(records, [format!("{opening:?}")]);
    assert!(matches!(opening, Opening::Replaced(_)));
}

#[test]
fn of_many_that_find_garbage_one_replaces_it_and_all_share_the_new_one() {
    let directory = Directory::new();
    fs::write(directory.file(), "garbage".repeat(1000)).unwrap();
    let start = Barrier::new(8);
    let open = |number: usize| {
        start.wait();
        let (database, opening) = directory.open();
        record(&database, &number.to_string()).unwrap();
        opening
    };
    let openings: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|number| scope.spawn(move || open(number))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let replaced = openings.iter().filter(|opening| matches!(opening, Opening::Replaced(_))).count();
    let existing = openings.iter().filter(|opening| **opening == Opening::Existing).count();
    assert_eq!((replaced, existing), (1, 7));
    assert_eq!(records(&directory.open().0).len(), 8);
}

#[test]
fn who_has_a_file_open_that_was_replaced_is_told() {
    let directory = Directory::new();
    let (database, _) = directory.open();
    record(&database, "a").unwrap();
    fs::rename(directory.file(), directory.0.join("elsewhere")).unwrap();
    for _ in 0..2 {
        let error = record(&database, "b").unwrap_err();
        assert!(error.to_string().contains("open the controller again"), "{error}");
        assert!(database.read(|_| Ok(())).is_err());
        drop(directory.open());
    }
}

#[test]
fn a_write_that_fails_or_panics_leaves_nothing() {
    let directory = Directory::new();
    let (database, _) = directory.open();
    let insert = |tx: &Connection| {
        tx.execute("INSERT INTO taken VALUES('a', x'00', x'00')", []).map(drop).map_err(failed)
    };
    let refused = database.write(|tx| {
        insert(tx)?;
        Err::<(), _>(Error::bad_request("test", "it", "no"))
    });
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::BadRequest);
    let panicking = || {
        database.write(|tx| {
            insert(tx)?;
            panic!("in the middle");
            #[allow(unreachable_code)]
            Ok(())
        })
    };
    assert!(catch_unwind(AssertUnwindSafe(panicking)).is_err());
    assert!(records(&database).is_empty());
    record(&database, "a").unwrap();
}

#[test]
fn what_a_read_writes_is_not_kept() {
    let directory = Directory::new();
    let (database, _) = directory.open();
    let write = |c: &Connection| c.execute("INSERT INTO taken VALUES('a', x'00', x'00')", []).map_err(failed);
    database.read(write).unwrap();
    assert!(records(&database).is_empty());
}

#[test]
fn each_write_can_be_made_to_fail_before_it_begins_and_where_it_commits() {
    let directory = Directory::new();
    let (database, _) = directory.open();
    for (n, expected) in [(1, [false, true, true]), (2, [false, true, true]), (4, [true, false, true])] {
        database.fail_write(n);
        let done = ["a", "b", "c"].map(|key| record(&database, &format!("{n}{key}")).is_ok());
        assert_eq!(done, expected);
    }
    let kept = ["1b", "1c", "2b", "2c", "4a", "4c"];
    assert_eq!(records(&database), kept);
    database.fail_write(1);
    database.fail_write(0);
    record(&database, "5").unwrap();
}

#[test]
fn a_reader_does_not_wait_for_a_writer() {
    let directory = Directory::new();
    let (writer, _) = directory.open();
    let (reader, _) = directory.open();
    writer
        .write(|tx| {
            tx.execute("INSERT INTO taken VALUES('a', x'00', x'00')", []).map_err(failed)?;
            assert!(records(&reader).is_empty());
            Ok(())
        })
        .unwrap();
    assert_eq!(records(&reader), ["a"]);
}

#[test]
fn a_full_disk_loses_nothing_and_room_cures_it() {
    host(|host| {
        fs::create_dir("/run/small").unwrap();
        mount(host, &["-t", "tmpfs", "-o", "size=256k", "tmpfs", "/run/small"]);
        let (database, _) = Database::open(Path::new("/run/small")).unwrap();
        record(&database, "before").unwrap();
        let filler = host.run("dd", &["if=/dev/zero", "of=/run/small/filler", "bs=4096"]);
        assert!(!filler.success);
        let long = "x".repeat(20_000);
        let error = record(&database, &long).unwrap_err();
        assert_eq!(
            (error.kind(), error.errno()),
            (ErrorKind::ResourceExhausted, Some(libc::ENOSPC)),
            "{error}"
        );
        assert_eq!(records(&database), ["before"]);
        fs::create_dir("/run/small/new").unwrap();
        let refused = self::error(Database::open(Path::new("/run/small/new")));
        assert_eq!(refused.kind(), ErrorKind::ResourceExhausted, "{refused}");
        fs::remove_file("/run/small/filler").unwrap();
        record(&database, "after").unwrap();
        assert_eq!(records(&database), ["after", "before"]);
        assert_eq!(Database::open(Path::new("/run/small/new")).unwrap().1, Opening::New);
    });
}

#[test]
fn a_read_only_directory_is_a_matter_of_permission() {
    host(|host| {
        let directory = Path::new("/run/libnetns");
        let (database, _) = Database::open(directory).unwrap();
        record(&database, "a").unwrap();
        drop(database);
        mount(host, &["--bind", "-r", "/run/libnetns", "/run/libnetns"]);
        for path in [directory, &directory.join("below")] {
            let error = error(Database::open(path));
            assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
            assert!(error.to_string().contains("read-only"), "{error}");
        }
        assert!(host.run("umount", &["/run/libnetns"]).success);
        assert_eq!(Database::open(directory).unwrap().1, Opening::Existing);
    });
}

#[test]
fn a_child_of_fork_is_told_to_open_it_anew() {
    let directory = Directory::new();
    let (mut database, _) = directory.open();
    database.process = database.process.next();
    for error in [record(&database, "a").unwrap_err(), database.read(|_| Ok(())).unwrap_err()] {
        assert!(error.to_string().contains("before a fork"), "{error}");
    }
}

#[test]
fn what_sqlite_says_becomes_a_kind_and_advice() {
    let said = [
        (ffi::SQLITE_BUSY, ErrorKind::Busy, "another process holds the store"),
        (ffi::SQLITE_CORRUPT, ErrorKind::System, "when the controller is opened next"),
        (ffi::SQLITE_FULL, ErrorKind::ResourceExhausted, "is full"),
        (ffi::SQLITE_IOERR_SHMSIZE, ErrorKind::ResourceExhausted, "is full"),
        (ffi::SQLITE_IOERR_WRITE, ErrorKind::System, "I/O"),
        (ffi::SQLITE_NOTADB, ErrorKind::System, "when the controller is opened next"),
        (ffi::SQLITE_READONLY, ErrorKind::PermissionDenied, "read-only"),
    ];
    for (code, kind, words) in said {
        let error = failed(rusqlite::Error::SqliteFailure(ffi::Error::new(code), None));
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().contains(words), "{error}");
    }
}

#[test]
fn a_directory_in_place_of_the_file_is_an_error() {
    let directory = Directory::new();
    fs::create_dir(directory.file()).unwrap();
    fs::set_permissions(directory.file(), Permissions::from_mode(0o700)).unwrap();
    let error = error(Database::open(&directory.0));
    assert_eq!(error.kind(), ErrorKind::System, "{error}");
}

#[track_caller]
fn mount(host: &testhost::Host, args: &[&str]) {
    let output = host.run("mount", args);
    assert!(output.success, "{}", output.stderr);
}
