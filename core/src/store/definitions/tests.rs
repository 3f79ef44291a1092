use std::collections::BTreeMap;
use std::fs::Permissions;
use std::io::Write;
use std::os::unix::fs::{symlink, PermissionsExt};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use nix::mount::{mount, MsFlags};
use nix::sys::resource::{setrlimit, Resource};
use testhost::host;

use super::*;

/// Private where testhost has it.
const DIRECTORY: &str = "/run/networks";
const ROLE: &str = "NETNS_TEST_ROLE";

type Value = BTreeMap<String, String>;

fn definitions() -> Definitions {
    Definitions::new(DIRECTORY.into())
}

fn name(name: &str) -> Name {
    Name::new(name).unwrap()
}

fn value(text: &str) -> Value {
    BTreeMap::from([("driver".to_owned(), text.to_owned())])
}

fn file(name: &str) -> String {
    format!("{DIRECTORY}/{name}")
}

/// All names in the directory, hidden ones too, sorted.
fn names() -> Vec<String> {
    let entries = fs::read_dir(DIRECTORY).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn mount_tmpfs(options: &str) {
    fs::create_dir_all(DIRECTORY).unwrap();
    mount(Some("tmpfs"), DIRECTORY, Some("tmpfs"), MsFlags::empty(), Some(options)).unwrap();
}

/// `test` of this binary in a process of its own, where [`ROLE`] is set.
fn child(test: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    let test = format!("store::definitions::tests::{test}");
    command.args(["--exact", &test, "--nocapture", "--test-threads=1"]).env(ROLE, "child");
    command
}

fn is_child() -> bool {
    std::env::var_os(ROLE).is_some()
}

#[test]
fn a_definition_comes_changes_and_goes() {
    host(|_| {
        let (definitions, web) = (definitions(), name("web"));
        assert_eq!(definitions.load::<Value>(&web).unwrap(), None);
        assert_eq!(definitions.stamp(&web).unwrap(), None);
        assert!(definitions.list::<Value>().unwrap().is_empty());
        assert!(!definitions.remove(&web).unwrap());
        assert_eq!(definitions.replace(&web, &value("a")).unwrap_err().kind(), ErrorKind::NotFound);

        definitions.create(&web, &value("bridge")).unwrap();
        assert_eq!(fs::read_to_string(file("web.json")).unwrap(), "{\n  \"driver\": \"bridge\"\n}\n");
        let (read, first) = definitions.load::<Value>(&web).unwrap().unwrap();
        assert_eq!(read, value("bridge"));
        assert_eq!(definitions.stamp(&web).unwrap(), Some(first));

        let error = definitions.create(&web, &value("other")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AlreadyExists);
        assert!(
            error.to_string().starts_with("create network definition /run/networks/web.json: "),
            "{error}"
        );

        definitions.replace(&web, &value("macvlan")).unwrap();
        let (read, second) = definitions.load::<Value>(&web).unwrap().unwrap();
        assert_eq!(read, value("macvlan"));
        assert_ne!(first, second);

        assert!(definitions.remove(&web).unwrap());
        assert!(!definitions.remove(&web).unwrap());
        assert!(names().is_empty());
    });
}

#[test]
fn a_file_has_the_mode_that_people_need() {
    host(|_| {
        let (definitions, web) = (definitions(), name("web"));
        let mode = || fs::metadata(file("web.json")).unwrap().permissions().mode() & 0o777;
        definitions.create(&web, &value("a")).unwrap();
        assert_eq!(mode(), 0o644);
        fs::set_permissions(file("web.json"), Permissions::from_mode(0o600)).unwrap();
        definitions.replace(&web, &value("b")).unwrap();
        assert_eq!(mode(), 0o600);
    });
}

#[test]
fn an_edit_in_place_has_another_stamp() {
    host(|_| {
        let (definitions, web) = (definitions(), name("web"));
        definitions.create(&web, &value("a")).unwrap();
        let before = definitions.stamp(&web).unwrap();
        // Longer than the tick of the clock that stamps files.
        thread::sleep(Duration::from_millis(20));
        fs::write(file("web.json"), r#"{"driver": "b"}"#).unwrap();
        assert_ne!(definitions.stamp(&web).unwrap(), before);
    });
}

#[test]
fn a_broken_file_leaves_the_others_alone() {
    host(|_| {
        let definitions = definitions();
        for good in ["b", "a"] {
            definitions.create(&name(good), &value(good)).unwrap();
        }
        fs::write(file("broken.json"), "{\n  \"driver\": \"x\"\n  \"more\": 1\n}").unwrap();
        for ignored in ["-no-name.json", ".hidden.json", "README", ".json", "web.json~", "web.json.tmp"] {
            fs::write(file(ignored), "{").unwrap();
        }
        drop(definitions.lock().unwrap());
        let list = definitions.list::<Value>().unwrap();
        let names: Vec<_> = list.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["a", "b", "broken"]);
        assert_eq!(list[1].1.as_ref().unwrap(), &value("b"));
        let error = list[2].1.as_ref().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BadRequest);
        let text =
            "read network definition /run/networks/broken.json: expected `,` or `}` at line 3 column 3";
        assert_eq!(error.to_string(), text);
    });
}

#[test]
fn what_is_no_regular_file_is_refused() {
    host(|host| {
        let definitions = definitions();
        definitions.create(&name("good"), &value("a")).unwrap();
        symlink(file("good.json"), file("link.json")).unwrap();
        symlink("nowhere", file("dangling.json")).unwrap();
        fs::create_dir(file("directory.json")).unwrap();
        assert!(host.run("mkfifo", &[&file("pipe.json")]).success);
        drop(std::os::unix::net::UnixListener::bind(file("socket.json")).unwrap());
        for refused in ["link", "dangling", "directory", "pipe", "socket"] {
            let error = definitions.load::<Value>(&name(refused)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Forbidden, "{error}");
            assert!(error.to_string().contains("must be a regular file"), "{error}");
            let error = definitions.create(&name(refused), &value("a")).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{error}");
            let error = definitions.replace(&name(refused), &value("a")).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Forbidden, "{error}");
        }
        assert_eq!(definitions.list::<Value>().unwrap().len(), 6);
    });
}

#[test]
fn a_huge_file_is_refused() {
    host(|_| {
        let definitions = definitions();
        definitions.create(&name("web"), &value("a")).unwrap();
        let padding = MAX_SIZE as usize - fs::metadata(file("web.json")).unwrap().len() as usize;
        let mut writer = OpenOptions::new().append(true).open(file("web.json")).unwrap();
        writer.write_all(&vec![b' '; padding]).unwrap();
        assert!(definitions.load::<Value>(&name("web")).is_ok());
        writer.write_all(b" ").unwrap();
        let error = definitions.load::<Value>(&name("web")).unwrap_err();
        assert!(error.to_string().ends_with("web.json: it is longer than 1 MiB"), "{error}");
        // And never written.
        let huge = value(&"a".repeat(MAX_SIZE as usize));
        for refused in [definitions.create(&name("huge"), &huge), definitions.replace(&name("web"), &huge)] {
            let error = refused.unwrap_err();
            assert!(error.to_string().ends_with(".json: it is longer than 1 MiB"), "{error}");
        }
        assert!(!fs::exists(file("huge.json")).unwrap());
    });
}

#[test]
fn a_read_only_directory_is_a_clear_error() {
    host(|_| {
        mount_tmpfs("mode=0755");
        let (definitions, web) = (definitions(), name("web"));
        definitions.create(&web, &value("a")).unwrap();
        let flags = MsFlags::MS_REMOUNT | MsFlags::MS_RDONLY;
        mount(None::<&str>, DIRECTORY, None::<&str>, flags, None::<&str>).unwrap();
        let errors = [
            definitions.create(&name("other"), &value("a")).unwrap_err(),
            definitions.replace(&web, &value("b")).unwrap_err(),
            definitions.remove(&web).unwrap_err(),
            definitions.lock().err().unwrap(),
        ];
        for error in errors {
            assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
            assert!(error.to_string().contains("Read-only file system"), "{error}");
        }
        assert_eq!(definitions.load::<Value>(&web).unwrap().unwrap().0, value("a"));
    });
}

#[test]
fn a_full_disk_leaves_nothing() {
    host(|_| {
        mount_tmpfs("size=64k");
        let (definitions, web) = (definitions(), name("web"));
        definitions.create(&web, &value("a")).unwrap();
        let long = value(&"x".repeat(80_000));
        let errors = [
            definitions.create(&name("other"), &long).unwrap_err(),
            definitions.replace(&web, &long).unwrap_err(),
        ];
        for error in errors {
            assert_eq!(error.kind(), ErrorKind::ResourceExhausted, "{error}");
            assert!(error.to_string().contains("No space left on device"), "{error}");
        }
        assert_eq!(names(), ["web.json"]);
        assert_eq!(definitions.load::<Value>(&web).unwrap().unwrap().0, value("a"));
    });
}

#[test]
fn one_of_many_threads_creates() {
    host(|_| {
        let create = |n: usize| definitions().create(&name("web"), &value(&n.to_string()));
        let results: Vec<_> = thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|n| scope.spawn(move || create(n))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert_one_created(
            &results.iter().map(|result| result.as_ref().err().map(Error::kind)).collect::<Vec<_>>(),
        );
        let winner = results.iter().position(Result::is_ok).unwrap();
        let (read, _) = definitions().load::<Value>(&name("web")).unwrap().unwrap();
        assert_eq!(read, value(&winner.to_string()));
    });
}

fn assert_one_created(results: &[Option<ErrorKind>]) {
    assert_eq!(results.iter().filter(|result| result.is_none()).count(), 1, "{results:?}");
    assert!(results.iter().flatten().all(|kind| *kind == ErrorKind::AlreadyExists), "{results:?}");
    assert_eq!(names(), ["web.json"]);
}

#[test]
fn one_of_many_processes_creates() {
    if is_child() {
        while !Path::new("/run/go").exists() {
            thread::yield_now();
        }
        let created = definitions().create(&name("web"), &value("a"));
        std::process::exit(match created.map_err(|error| error.kind()) {
            Ok(()) => 10,
            Err(ErrorKind::AlreadyExists) => 11,
            Err(_) => 12,
        });
    }
    host(|_| {
        let mut child = child("one_of_many_processes_creates");
        let mut children: Vec<_> = (0..4).map(|_| child.stdout(Stdio::null()).spawn().unwrap()).collect();
        thread::sleep(Duration::from_millis(50));
        fs::write("/run/go", "").unwrap();
        let codes: Vec<_> = children.iter_mut().map(|child| child.wait().unwrap().code()).collect();
        let kind = |code: &Option<i32>| match code {
            Some(10) => None,
            Some(11) => Some(ErrorKind::AlreadyExists),
            _ => Some(ErrorKind::System),
        };
        assert_one_created(&codes.iter().map(kind).collect::<Vec<_>>());
    });
}

#[test]
fn what_a_killed_process_left_is_found() {
    if is_child() {
        setrlimit(Resource::RLIMIT_CORE, 0, 0).unwrap();
        // The kernel kills who writes beyond: with a file that is half written.
        setrlimit(Resource::RLIMIT_FSIZE, 10, 10).unwrap();
        definitions().create(&name("web"), &value("a")).unwrap();
        return;
    }
    host(|_| {
        let definitions = definitions();
        assert!(definitions.stale().unwrap().is_empty());
        let killed = child("what_a_killed_process_left_is_found").stdout(Stdio::null()).status().unwrap();
        assert_eq!(killed.code(), None);

        assert!(definitions.list::<Value>().unwrap().is_empty());
        let stale = definitions.stale().unwrap();
        assert_eq!(stale.len(), 1, "{stale:?}");
        definitions.create(&name("web"), &value("a")).unwrap();
        assert_eq!(names().len(), 2);
        definitions.remove_stale(&stale[0]).unwrap();
        definitions.remove_stale(&stale[0]).unwrap();
        assert_eq!(names(), ["web.json"]);
    });
}

#[test]
fn what_is_not_stale_stays() {
    host(|_| {
        let definitions = definitions();
        definitions.create(&name("web"), &value("a")).unwrap();
        let mine = format!(".web.json.{}.tmp", crate::sys::Process::unique_word().unwrap());
        let others = [&mine, ".web.json.99999-1.tmp", ".web.swp", "web.json", ".-x.json.99999-1-0.tmp"];
        for other in others {
            fs::write(file(other), "").unwrap();
            let error = definitions.remove_stale(Path::new(&file(other))).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Forbidden);
        }
        assert!(definitions.stale().unwrap().is_empty());
        let elsewhere = Path::new("/run/.web.json.99999-1-0.tmp");
        assert_eq!(definitions.remove_stale(elsewhere).unwrap_err().kind(), ErrorKind::Forbidden);
    });
}

#[test]
fn one_at_a_time_decides() {
    host(|_| {
        let definitions = definitions();
        let soon = || Instant::now() + Duration::from_millis(50);
        let lock = definitions.lock().unwrap();
        assert_eq!(definitions.lock_until(soon()).err().unwrap().kind(), ErrorKind::Busy);
        drop(lock);
        drop(definitions.lock_until(soon()).unwrap());
        assert!(definitions.list::<Value>().unwrap().is_empty());
    });
}
