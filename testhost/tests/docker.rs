//! A daemon of Docker's, and what is left of it.

use std::fs;
use std::path::PathBuf;

use testhost::{host, output, skip, Docker};

/// The control groups of this process's daemons.
fn groups() -> Vec<PathBuf> {
    let prefix = format!("netns-docker-{}-", std::process::id());
    let hierarchies = fs::read_dir("/sys/fs/cgroup").into_iter().flatten().flatten();
    let groups = hierarchies.filter_map(|hierarchy| fs::read_dir(hierarchy.path()).ok());
    let names = groups.flatten().flatten().map(|group| group.path());
    names
        .filter(|path| path.file_name().is_some_and(|name| name.display().to_string().starts_with(&prefix)))
        .collect()
}

#[test]
fn a_daemon_that_was_killed_leaves_no_process_and_no_control_group() {
    const TEST: &str = "a_daemon_that_was_killed_leaves_no_process_and_no_control_group";
    host(|_| {
        let mut docker = match Docker::start(&[]) {
            Ok(docker) => docker,
            Err(why) => return skip(TEST, &why),
        };
        let run = ["run", "--detach", Docker::IMAGE, "sleep", "1000"];
        let container = output(&mut docker.client(&run)).unwrap();
        assert!(!groups().is_empty());
        let inspect = ["inspect", "--format", "{{.State.Pid}}", &container];
        let process = output(&mut docker.client(&inspect)).unwrap();
        docker.kill();
        assert_eq!(docker.process(), None);
        let comm = format!("/proc/{process}/comm");
        assert!(fs::exists(&comm).unwrap(), "it goes on");
        drop(docker);
        assert!(!fs::exists(&comm).unwrap());
        assert!(groups().is_empty());
    });
}
