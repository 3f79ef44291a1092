//! What fails, how that is told, and by which status.

use std::fs::{self, File};
use std::process::{Command, Stdio};

use testhost::host;

use crate::common::{blue, clean, command, ctl, Ended, CTL};

#[test]
fn the_status_says_of_which_kind_a_failure_is() {
    host(|host| {
        blue(&["web"]);
        let before = host.dump();
        for (args, status, words) in [
            (
                &["network", "create", "blue"][..],
                4,
                &["create network blue: ", "there is a network of that name"][..],
            ),
            (
                &["network", "create", "red", "--subnet", "10.1.0.0/16"],
                4,
                &["create network red", "10.1.0.0/16"],
            ),
            (&["network", "create", "red", "-t", "none"], 3, &["create network red", "none"]),
            (&["network", "create", "red", "-o", "colour=1"], 2, &["create network red", "colour"]),
            (
                &["network", "create", "red", "--gateway", "10.9.0.1"],
                2,
                &["use address 10.9.0.1", "--subnet"],
            ),
            (&["network", "create", "a/b"], 2, &["a/b"]),
            (&["network", "inspect", "none"], 3, &["inspect network none"]),
            (&["network", "rm", "blue"], 1, &["delete network blue", "web"]),
            (&["network", "rm", "none"], 3, &["delete network none"]),
            (&["sandbox", "create", "web"], 4, &["create sandbox /run/netns/web"]),
            (&["sandbox", "inspect", "none"], 3, &["/run/netns/none"]),
            (&["sandbox", "rm", "none"], 3, &["remove sandbox /run/netns/none"]),
            (&["endpoint", "create", "none", "web"], 3, &["create endpoint web of network none"]),
            (&["endpoint", "create", "blue", "web"], 4, &["create endpoint web of network blue"]),
            (&["endpoint", "create", "blue", "db", "-a", "10.2.0.1"], 2, &["db of network blue", "10.2.0.1"]),
            (&["endpoint", "create", "blue", "db", "-a", "10.1.0.2"], 4, &["db of network blue", "10.1.0.2"]),
            (
                &["endpoint", "create", "blue", "db", "-a", "10.1.0.8", "-a", "10.1.0.9"],
                2,
                &["use address 10.1.0.9"],
            ),
            (&["endpoint", "inspect", "blue", "db"], 3, &["find endpoint db of network blue"]),
            (&["endpoint", "rm", "blue", "db"], 3, &["find endpoint db of network blue"]),
            (
                &["endpoint", "rm", "blue", "web"],
                1,
                &["delete endpoint web of network blue", "/run/netns/web"],
            ),
            (&["endpoint", "ls", "none"], 3, &["none"]),
            (&["connect", "none", "web"], 3, &["connect /run/netns/web as web of network none"]),
            (&["connect", "blue", "none"], 3, &["open sandbox /run/netns/none"]),
            (&["connect", "blue", "web"], 4, &["connect /run/netns/web as web of network blue"]),
            (&["disconnect", "blue", "db"], 3, &["find endpoint db of network blue"]),
            (&["join", "blue", "db", "web"], 3, &["join /run/netns/web as db of network blue"]),
            (&["join", "blue", "web", "web"], 1, &["join /run/netns/web as web of network blue"]),
            (&["leave", "blue", "db"], 3, &["find endpoint db of network blue"]),
            (&["plan", "none", "web", "db"], 3, &["plan connection of /run/netns/web to none"]),
            (&["publish", "blue", "db", "80"], 3, &["publish ports db of network blue"]),
            (&["withdraw", "blue", "web", "80"], 3, &["withdraw ports web of network blue"]),
            (&["--run-dir", "run", "network", "ls"], 2, &["use directory run", "absolute"]),
        ] {
            ctl(args).refused(status, words);
        }
        before.assert_same(&host.dump(), "what was refused");
    });
}

#[test]
fn a_command_line_that_cannot_be_right_is_told_with_the_usage() {
    for (args, words) in [
        (&["netwrk"][..], &["netwrk", "network"][..]),
        (&["network"], &["Usage: netnsctl network"]),
        (&["network", "create"], &["<NETWORK>"]),
        (&["network", "create", "blue", "--subnet", "x"], &["--subnet", "'x'"]),
        (&["network", "create", "blue", "--firewall", "x"], &["required, optional, off"]),
        (&["network", "create", "blue", "--label", "x"], &["--label", "'='"]),
        (&["network", "create", "blue", "--label", "=x"], &["--label", "'='"]),
        (&["network", "create", "blue", "--reserve", "a=x"], &["--reserve", "address"]),
        (&["connect", "blue", "web", "--mac", "ff:ff:ff:ff:ff:ff"], &["--mac", "multicast"]),
        (&["connect", "blue", "web", "--mtu", "1"], &["--mtu", "68"]),
        (&["connect", "blue", "web", "-i", "a/b"], &["--interface", "a/b"]),
        (&["connect", "blue", "web", "-i", "a", "--prefix", "b"], &["--prefix"]),
        (&["connect", "blue", "web", "--route", "x=10.0.0.1"], &["--route", "prefix"]),
        (&["publish", "blue", "web", "80:x"], &["80:x"]),
        (&["--colour"], &["--colour"]),
        (&["completion", "none"], &["bash, elvish, fish, powershell, zsh"]),
    ] {
        let ended = ctl(args);
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""), "{args:?}: {ended:?}");
        let words_are_there = words.iter().all(|word| ended.stderr.contains(word));
        assert!(words_are_there, "{args:?}: {words:?} in {}", ended.stderr);
    }
    assert!(ctl(&[]).stderr.contains("Usage: netnsctl"));
    assert_eq!(ctl(&["--version"]).well(), format!("netnsctl {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn names_that_would_command_a_terminal_are_shown_by_their_numbers() {
    host(|_| {
        let evil = "\x1b]0;x\x07\u{9b}31m\r\n";
        for args in [
            &["network", "inspect", evil][..],
            &["network", "rm", evil],
            &["sandbox", "rm", evil],
            &["connect", "blue", evil],
            &["endpoint", "inspect", "blue", evil],
            &[evil],
            &["network", "create", "blue", "--subnet", evil],
            &["network", "create", "blue", "--config", evil],
        ] {
            let ended = ctl(args);
            assert!([2, 3].contains(&ended.code.unwrap()), "{ended:?}");
            ended.complains(&[]);
        }
    });
}

#[test]
fn without_the_privilege_it_says_which() {
    host(|_| {
        ctl(&["network", "ls"]).well();
        let mut lesser = Command::new("unshare");
        clean(&mut lesser);
        lesser.args(["--user", "--map-root-user", CTL, "sandbox", "create", "web"]);
        Ended::from(lesser.output().unwrap())
            .refused(5, &["create sandbox /run/netns/web: ", "CAP_SYS_ADMIN"]);
    });
}

#[test]
fn a_result_that_cannot_be_written_is_a_failure_and_one_that_nobody_reads_is_none() {
    host(|_| {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let output = command(&["network", "ls"]).stdout(full).output().unwrap();
        Ended::from(output).refused(1, &["write standard output: "]);
        for args in [&["network", "ls"][..], &["--help"], &["doctor", "--json"], &["completion", "bash"]] {
            let (reader, writer) = std::io::pipe().unwrap();
            drop(reader);
            let output = command(args).stdout(Stdio::from(writer)).output().unwrap();
            assert_eq!((output.status.code(), output.stderr), (Some(0), vec![]), "{args:?}");
        }
    });
}

#[test]
fn warnings_are_told_and_more_where_it_is_asked_for() {
    host(|host| {
        blue(&["web"]);
        fs::write("/run/libnetns/state.db", "no database").unwrap();
        let ended = ctl(&["network", "ls"]);
        assert_eq!(ended.code, Some(0));
        ended.complains(&["netnsctl: warning: "]);
        host.ip(&["netns", "delete", "web"]);
        let ended = ctl(&["-v", "network", "ls"]);
        assert_eq!(ended.code, Some(0));
        ended.complains(&["collect: "]);
    });
}
