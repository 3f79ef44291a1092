//! What a program of a hook gets.

use netns::libcontainer::configs::{Command, State};
use testhost::{host, inside};

use super::{left, script, shell, state};

#[test]
fn a_program_gets_the_state_and_exactly_its_arguments_and_environment() {
    host(|_| {
        let mut hook = shell(
            "cat >/run/state; cat /proc/$$/cmdline >/run/args; cat /proc/$$/environ >/run/env; pwd >/run/dir",
        );
        hook.args.splice(0..1, ["own name".to_owned()]);
        hook.args.extend(["$0".to_owned(), String::new(), "a b".to_owned()]);
        hook.env = vec!["B=1=2".into(), "PATH=/usr/bin:/bin".into(), "EMPTY=".into()];
        hook.dir = "/run".into();
        hook.run(&state()).unwrap();
        assert_eq!(left("state"), state().to_json().unwrap());
        assert_eq!(State::from_json(&left("state")).unwrap(), state());
        let args: Vec<_> = hook.args.iter().map(|arg| format!("{arg}\0")).collect();
        assert_eq!(left("args"), args.concat());
        let environment = left("env");
        let mut environment: Vec<_> = environment.split_terminator('\0').collect();
        environment.sort_unstable();
        assert_eq!(environment, ["B=1=2", "EMPTY=", "PATH=/usr/bin:/bin"]);
        assert_eq!(left("dir"), "/run\n");
    });
}

#[test]
fn a_program_without_arguments_is_called_by_its_path_and_has_no_environment() {
    host(|_| {
        let text = "#!/bin/sh\n/bin/cat /proc/$$/environ >/run/env\nshift $#\n/bin/cat /proc/$$/cmdline >/run/args\n";
        script("/run/script", text);
        Command::new("/run/script").run(&state()).unwrap();
        assert_eq!(left("args"), "/bin/sh\0/run/script\0");
        assert_eq!(left("env"), "");
    });
}

#[test]
fn a_program_may_not_read_the_state_however_long_it_is() {
    let mut long = state();
    long.annotations.insert("long".to_owned(), "x".repeat(2 << 20));
    shell("exit 0").run(&long).unwrap();
    shell("exec <&-; exit 0").run(&long).unwrap();
    shell("head -c 10 >/dev/null").run(&long).unwrap();
    host(|_| {
        shell("cat >/run/state").run(&long).unwrap();
        assert_eq!(left("state"), long.to_json().unwrap());
        // By its name, too, and again from the beginning.
        shell("cat /dev/stdin >/run/state").run(&state()).unwrap();
        assert_eq!(left("state"), state().to_json().unwrap());
    });
}

#[test]
fn a_program_may_write_by_the_names_of_its_outputs() {
    shell("echo said >/dev/stdout; echo said >/dev/stderr").run(&state()).unwrap();
}

#[test]
fn a_program_runs_in_the_namespaces_of_the_calling_thread() {
    host(|host| {
        host.ip(&["netns", "add", "web"]);
        host.ip_in("web", &["link", "add", "inside0", "type", "bridge"]);
        inside("web", || shell("ip -br link show inside0 >/run/links").run(&state()).unwrap());
        assert!(left("links").contains("inside0"));
        let error = shell("ip link show inside0").run(&state()).unwrap_err();
        assert!(error.to_string().contains("inside0"), "{error}");
    });
}

#[test]
fn a_program_has_a_process_group_of_its_own() {
    host(|_| {
        shell("cut -d' ' -f1,5 /proc/$$/stat >/run/group").run(&state()).unwrap();
        let numbers = left("group");
        let (pid, group) = numbers.trim().split_once(' ').unwrap();
        assert_eq!(pid, group);
    });
}
