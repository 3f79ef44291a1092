//! Serving Docker: started and stopped by people and by systemd.

use std::fs;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use nix::sys::signal::Signal;
use testhost::host;

use crate::common::{clean, command, ctl, ended, signal, wait_until, CTL};

const SOCKET: &str = "/run/docker/plugins/netns.sock";

/// What the server on a socket says that it implements.
fn activated(socket: &str) -> Option<String> {
    let mut stream = UnixStream::connect(socket).ok()?;
    stream.write_all(b"POST /Plugin.Activate HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n").ok()?;
    let mut text = String::new();
    stream.read_to_string(&mut text).ok()?;
    Some(text.split("\r\n\r\n").nth(1)?.to_owned())
}

fn implements(socket: &str) -> bool {
    activated(socket).as_deref() == Some(r#"{"Implements":["NetworkDriver","IpamDriver"]}"#)
}

fn ends_well(mut child: Child, with: Signal) {
    signal(&child, with);
    assert!(ended(&mut child).success());
}

#[test]
fn docker_is_served_until_somebody_ends_it() {
    host(|host| {
        ctl(&["network", "ls"]).well();
        let before = host.dump();
        for (args, socket, with) in [
            (&["serve", "docker"][..], SOCKET, Signal::SIGTERM),
            (&["serve", "docker", "--name", "other"], "/run/docker/plugins/other.sock", Signal::SIGINT),
            (&["serve", "docker", "--socket", "/run/my.sock"], "/run/my.sock", Signal::SIGHUP),
        ] {
            let child = command(args).spawn().unwrap();
            wait_until("the server", || implements(socket));
            assert_eq!(fs::metadata(socket).unwrap().permissions().mode() & 0o777, 0o600);
            let again = ctl(args);
            assert!(again.code == Some(4) && again.stderr.contains("another server"), "{again:?}");
            assert!(implements(socket));
            ends_well(child, with);
            assert!(!Path::new(socket).exists());
        }
        for directory in ["/run/docker/plugins", "/run/docker"] {
            fs::remove_dir(directory).unwrap();
        }
        host.assert_returns_to(&before, "servers that came and went");
        for wrong in [&["serve", "docker", "--name", "../x"][..], &["serve", "docker", "--socket", "x"]] {
            assert_eq!(ctl(wrong).code, Some(2), "{wrong:?}");
        }
        fs::write("/run/my.sock", "precious").unwrap();
        assert_eq!(ctl(&["serve", "docker", "--socket", "/run/my.sock"]).code, Some(4));
        assert_eq!(fs::read_to_string("/run/my.sock").unwrap(), "precious");
    });
}

/// The program as systemd starts it, with a socket as descriptor 3 and what the environment says of it.
fn handed(listener: &UnixListener, environment: &str) -> Command {
    let mut shell = Command::new("sh");
    clean(&mut shell);
    let script = format!("{environment} exec {CTL} serve docker 3<&0 </dev/null");
    shell.args(["-c", &script]).stdin(OwnedFd::from(listener.try_clone().unwrap()));
    shell
}

#[test]
fn a_socket_of_systemds_is_used_and_systemd_hears_how_things_are() {
    host(|_| {
        let listener = UnixListener::bind("/run/handed.sock").unwrap();
        let notified = UnixDatagram::bind("/run/notify.sock").unwrap();
        notified.set_read_timeout(Some(crate::common::PATIENCE)).unwrap();
        let said = || {
            let mut buffer = [0; 100];
            let length = notified.recv(&mut buffer).unwrap();
            String::from_utf8(buffer[..length].to_vec()).unwrap()
        };
        let mut activation = handed(&listener, "export LISTEN_PID=$$ LISTEN_FDS=1;");
        let child = activation.env("NOTIFY_SOCKET", "/run/notify.sock").spawn().unwrap();
        assert_eq!(said(), "READY=1");
        assert!(implements("/run/handed.sock") && !Path::new(SOCKET).exists());
        signal(&child, Signal::SIGTERM);
        assert_eq!(said(), "STOPPING=1");
        ends_well(child, Signal::SIGTERM);
        // It is systemd's.
        assert!(Path::new("/run/handed.sock").exists());
        // What is said to another process is none of its business.
        let mut other = handed(&listener, "export LISTEN_PID=1 LISTEN_FDS=1;");
        let child = other.spawn().unwrap();
        wait_until("the server", || implements(SOCKET));
        ends_well(child, Signal::SIGTERM);
        let mut several = handed(&listener, "export LISTEN_PID=$$ LISTEN_FDS=2;");
        let refused = several.stderr(Stdio::piped()).spawn().unwrap().wait_with_output().unwrap();
        let text = String::from_utf8(refused.stderr).unwrap();
        assert!(refused.status.code() == Some(2) && text.contains("there are 2"), "{text}");
    });
}
