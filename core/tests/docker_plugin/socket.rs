//! The socket: whose it is, and what it replaces.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{symlink, MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use netns::docker::{Server, ServerOptions};
use netns::ErrorKind;
use serde_json::json;
use socket2::{Domain, SockAddr, Socket, Type};
use testhost::host;

use crate::common::refused;
use crate::control::{open, settled};
use crate::wire::Plugin;

const SOCKET: &str = ServerOptions::SOCKET;
const METHOD: &str = "IpamDriver.RequestPool";

fn start() -> netns::Result<Server> {
    Server::start(open().into(), ServerOptions::default())
}

#[test]
fn it_is_its_owners_alone_and_goes_with_the_server() {
    host(|host| {
        open();
        let before = host.dump();
        let server = start().unwrap();
        assert_eq!(server.socket(), Some(Path::new(SOCKET)));
        let metadata = fs::symlink_metadata(SOCKET).unwrap();
        assert_eq!((metadata.permissions().mode() & 0o7777, metadata.uid()), (0o600, 0));
        let directory = Path::new(SOCKET).parent().unwrap();
        assert_eq!(fs::read_dir(directory).unwrap().count(), 1);
        server.stop().unwrap();
        assert_eq!(fs::read_dir(directory).unwrap().count(), 0);
        for made in [directory, Path::new("/run/docker")] {
            assert_eq!(fs::metadata(made).unwrap().permissions().mode() & 0o7777, 0o700, "{made:?}");
        }
        // One was killed as it made its socket.
        fs::create_dir(directory.join(".1234567")).unwrap();
        drop(start().unwrap());
        assert_eq!(fs::read_dir(directory).unwrap().count(), 0);
        // Dropped is as good as stopped.
        drop(start().unwrap());
        host.run("rmdir", &["/run/docker/plugins", "/run/docker"]);
        host.assert_returns_to(&before, "a server that came and went");
    });
}

#[test]
fn what_is_not_a_stale_socket_stays_and_a_stale_one_is_replaced() {
    host(|_| {
        fs::create_dir_all("/run/docker/plugins").unwrap();
        let refuses = |word: &str| {
            let before = fs::symlink_metadata(SOCKET).map(|metadata| metadata.ino()).unwrap();
            refused(start(), ErrorKind::AlreadyExists, &[SOCKET, word]);
            assert_eq!(fs::symlink_metadata(SOCKET).unwrap().ino(), before);
            assert_eq!(fs::read_dir("/run/docker/plugins").unwrap().count(), 1);
        };
        fs::write(SOCKET, "precious").unwrap();
        refuses("no socket");
        assert_eq!(fs::read_to_string(SOCKET).unwrap(), "precious");
        fs::remove_file(SOCKET).unwrap();
        for target in ["/etc/passwd", "/nowhere"] {
            symlink(target, SOCKET).unwrap();
            refuses("no socket");
            fs::remove_file(SOCKET).unwrap();
        }
        fs::create_dir(SOCKET).unwrap();
        refuses("no socket");
        fs::remove_dir(SOCKET).unwrap();
        let server = start().unwrap();
        refuses("another server");
        // That one goes on.
        Plugin::elsewhere().good("Plugin.Activate", &json!({}));
        server.stop().unwrap();
        drop(UnixListener::bind(SOCKET).unwrap());
        let server = start().unwrap();
        Plugin::elsewhere().good("Plugin.Activate", &json!({}));
        server.stop().unwrap();
        for bad in ["relative.sock", "/", "/run/docker/plugins/.."] {
            refused(
                Server::start(open().into(), ServerOptions::default().with_socket(bad)),
                ErrorKind::BadRequest,
                &[bad],
            );
        }
    });
}

#[test]
fn a_server_that_answers_nobody_is_alive_and_keeps_nobody_waiting() {
    host(|_| {
        fs::create_dir_all("/run/docker/plugins").unwrap();
        let _listener = UnixListener::bind(SOCKET).unwrap();
        let mut waiting = Vec::new();
        while waiting.iter().all(Result::is_ok) {
            let socket = Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
            socket.set_nonblocking(true).unwrap();
            waiting.push(socket.connect(&SockAddr::unix(SOCKET).unwrap()).map(|()| socket));
        }
        let (said, heard) = std::sync::mpsc::channel();
        let controller = std::sync::Arc::new(open());
        thread::spawn(move || drop(said.send(Server::start(controller, ServerOptions::default()))));
        let answer = heard.recv_timeout(Duration::from_secs(30)).expect("it waits");
        refused(answer, ErrorKind::AlreadyExists, &[SOCKET, "another server"]);
    });
}

#[test]
fn a_server_is_stopped_in_time_whoever_is_still_waiting() {
    host(|host| {
        let (_, _) = settled(host);
        let plugin = Plugin::start();
        // A client that says nothing, and a call that waits for others for 10 seconds.
        let _silent = UnixStream::connect(SOCKET).unwrap();
        let lock = "/run/networks/.lock";
        let hold = format!("exec 9> {lock}; flock 9; touch /run/held; exec sleep 60");
        let mut holder = Command::new("sh").args(["-c", &hold]).spawn().unwrap();
        until("it is held", || Path::new("/run/held").exists());
        let held = fs::metadata(lock).unwrap();
        let body = json!({ "AddressSpace": "LocalDefault" }).to_string();
        let head = format!("POST /{METHOD} HTTP/1.1\r\nHost: p\r\nContent-Length: {}\r\n\r\n", body.len());
        let mut call = UnixStream::connect(SOCKET).unwrap();
        call.write_all(format!("{head}{body}").as_bytes()).unwrap();
        until("the call waits", || {
            let files = fs::read_dir("/proc/self/fd").unwrap().flatten();
            let files = files.filter_map(|file| fs::metadata(file.path()).ok());
            files.filter(|file| (file.dev(), file.ino()) == (held.dev(), held.ino())).count() == 1
        });
        let begin = Instant::now();
        plugin.stop();
        let elapsed = begin.elapsed();
        holder.kill().unwrap();
        holder.wait().unwrap();
        // One of 5 seconds after the other, or as long as the call waits, would be more.
        assert!(elapsed < Duration::from_secs(9), "{elapsed:?}");
    });
}

#[track_caller]
fn until(what: &str, is_so: impl Fn() -> bool) {
    let begin = Instant::now();
    while !is_so() {
        assert!(begin.elapsed() < Duration::from_secs(30), "{what}: not so");
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_socket_that_somebody_else_put_there_meanwhile_stays() {
    host(|_| {
        let server = start().unwrap();
        fs::remove_file(SOCKET).unwrap();
        let _other = UnixListener::bind(SOCKET).unwrap();
        server.stop().unwrap();
        assert!(Path::new(SOCKET).exists());
    });
}

#[test]
fn one_of_many_servers_at_once_gets_the_socket_and_keeps_it() {
    host(|_| {
        fs::create_dir_all("/run/docker/plugins").unwrap();
        drop(UnixListener::bind(SOCKET).unwrap());
        let controller = std::sync::Arc::new(open());
        let started: Vec<_> = std::thread::scope(|scope| {
            let start = || Server::start(std::sync::Arc::clone(&controller), ServerOptions::default());
            let all: Vec<_> = (0..10).map(|_| scope.spawn(start)).collect();
            all.into_iter().map(|one| one.join().unwrap()).collect()
        });
        let servers: Vec<_> = started.into_iter().flatten().collect();
        assert_eq!(servers.len(), 1);
        Plugin::elsewhere().good("Plugin.Activate", &json!({}));
    });
}

#[test]
fn a_socket_that_was_handed_over_is_used_and_not_removed() {
    host(|_| {
        let listener = UnixListener::bind("/run/handed.sock").unwrap();
        let options = ServerOptions::default().with_listener(listener.try_clone().unwrap());
        let server = Server::start(open().into(), options).unwrap();
        assert_eq!(server.socket(), Some(Path::new("/run/handed.sock")));
        let plugin = Plugin { socket: "/run/handed.sock".into(), server: Some(server) };
        plugin.good("Plugin.Activate", &json!({}));
        plugin.stop();
        assert!(Path::new("/run/handed.sock").exists() && !Path::new(SOCKET).exists());
    });
}
