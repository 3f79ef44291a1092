//! Containers of a real runtime: bundles with busybox for a root filesystem and the program as their hook.
#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::fs::{self, File};
use std::os::unix::fs::{symlink, PermissionsExt};
use std::process::{Child, Command, Stdio};

use serde_json::{json, Value};
use testhost::{host, skip, Host, Output};

use crate::common::{write, HOOK};

const ROOT: &str = "/run/rootfs";
const PROGRAMS: [&str; 2] = ["/bin/busybox", "/usr/bin/busybox"];

/// A runtime, and the options that it needs here.
#[derive(Clone, Copy)]
pub(crate) struct Runtime {
    name: &'static str,
    options: &'static [&'static str],
}

impl Runtime {
    /// How it is called in a shell.
    pub(crate) fn command_line(self) -> String {
        [&[self.name], self.options].concat().join(" ")
    }
}

/// Control groups are not what is tested, and not everywhere to be had.
const RUNTIMES: [Runtime; 2] = [
    Runtime { name: "runc", options: &[] },
    Runtime { name: "crun", options: &["--cgroup-manager=disabled"] },
];

/// Runs `f` with each runtime on a host of its own; says so where one cannot run containers at all.
pub(crate) fn with_each(what: &str, f: impl Fn(&Host, Runtime) + Send + Sync) {
    for runtime in RUNTIMES {
        host(|host| match prepare(host, runtime) {
            Ok(()) => f(host, runtime),
            Err(why) => skip(what, &format!("{}: {why}", runtime.name)),
        });
    }
}

/// Makes the root filesystem, and runs a container without a hook.
fn prepare(host: &Host, runtime: Runtime) -> Result<(), String> {
    let as_text = |error: std::io::Error| error.to_string();
    let busybox = PROGRAMS.iter().find(|path| fs::exists(path).unwrap_or(false));
    let busybox = busybox.ok_or("busybox is not installed")?;
    Command::new(runtime.name).arg("--version").output().map_err(|error| format!("{error}"))?;
    for directory in ["bin", "dev", "proc", "sys"] {
        fs::create_dir_all(format!("{ROOT}/{directory}")).map_err(as_text)?;
    }
    fs::copy(busybox, format!("{ROOT}/bin/busybox")).map_err(as_text)?;
    fs::set_permissions(format!("{ROOT}/bin/busybox"), fs::Permissions::from_mode(0o755)).map_err(as_text)?;
    for applet in ["ip", "ping", "sh", "sleep", "true"] {
        symlink("busybox", format!("{ROOT}/bin/{applet}")).map_err(as_text)?;
    }
    leave_hybrid_groups(host);
    let output = Bundle::new(runtime, "probe", &["true"]).run();
    match output.success {
        true => Ok(()),
        false => Err(format!("it runs no containers here: {}", output.stderr.trim())),
    }
}

/// In a user namespace runc does without control groups as long as none are asked for.
fn may_make_groups() -> bool {
    let map = fs::read_to_string("/proc/self/uid_map").unwrap_or_default();
    map.split_whitespace().eq(["0", "0", "4294967295"])
}

/// crun refuses a host that has both versions of control groups with controllers in the second: in this
/// host's own mounts the second is hidden.
fn leave_hybrid_groups(host: &Host) {
    let unified = "/sys/fs/cgroup/unified";
    if fs::exists(format!("{unified}/cgroup.controllers")).unwrap_or(false) {
        host.run("mount", &["-t", "tmpfs", "tmpfs", unified]);
    }
}

/// A container and its bundle, deleted when it is dropped.
pub(crate) struct Bundle {
    runtime: Runtime,
    id: String,
    config: Value,
}

impl Bundle {
    /// One without hooks that runs `args`.
    pub(crate) fn new(runtime: Runtime, id: &str, args: &[&str]) -> Self {
        let directory = format!("/run/bundles/{id}");
        fs::create_dir_all(&directory).unwrap();
        fs::create_dir_all(format!("/run/state/{}", runtime.name)).unwrap();
        let _ = fs::remove_file(format!("{directory}/config.json"));
        let spec = Command::new(runtime.name).arg("spec").current_dir(&directory).output().unwrap();
        assert!(spec.status.success(), "{spec:?}");
        let text = fs::read_to_string(format!("{directory}/config.json")).unwrap();
        let mut config: Value = serde_json::from_str(&text).unwrap();
        config["root"] = json!({ "path": ROOT, "readonly": true });
        config["process"]["terminal"] = false.into();
        config["process"]["args"] = args.into();
        // Of the others some cannot be had in a user namespace.
        let mounts = config["mounts"].as_array_mut().unwrap();
        mounts.retain(|mount| ["/proc", "/dev"].iter().any(|needed| mount["destination"] == *needed));
        for capabilities in config["process"]["capabilities"].as_object_mut().unwrap().values_mut() {
            capabilities.as_array_mut().unwrap().push("CAP_NET_RAW".into());
        }
        if may_make_groups() {
            // One of its own, as others on the machine may have containers of this name.
            config["linux"]["cgroupsPath"] = format!("/netns-hook-test-{}-{id}", std::process::id()).into();
        }
        let bundle = Self { runtime, id: id.to_owned(), config };
        bundle.save();
        bundle.empty_logs();
        bundle
    }

    /// The same with the program for a hook.
    pub(crate) fn arguments(mut self, arguments: &[&str]) -> Self {
        let hook = |name: &str| {
            let args = [&["netns-hook", name], arguments].concat();
            json!([{ "path": HOOK, "args": args }])
        };
        self.config["hooks"] =
            json!({ "createRuntime": hook("createRuntime"), "poststop": hook("poststop") });
        // runc says what a hook says, crun writes it to a file.
        self.config["annotations"] = json!({ "run.oci.hooks.stderr": self.hook_log_path() });
        self.save();
        self
    }

    /// The same with the program for a hook, and networks in a file that it is told.
    pub(crate) fn networks(self, networks: &Value) -> Self {
        let path = self.networks_path();
        write(&path, networks);
        self.arguments(&["--config", &path])
    }

    /// The same in another network namespace: the host's, or that of the path.
    pub(crate) fn namespace(mut self, path: Option<&str>) -> Self {
        let namespaces = self.config["linux"]["namespaces"].as_array_mut().unwrap();
        namespaces.retain(|namespace| namespace["type"] != "network");
        namespaces.extend(path.map(|path| json!({ "type": "network", "path": path })));
        self.save();
        self
    }

    pub(crate) fn networks_path(&self) -> String {
        format!("{}/networks.json", self.directory())
    }

    pub(crate) fn directory(&self) -> String {
        format!("/run/bundles/{}", self.id)
    }

    pub(crate) fn state_directory(&self) -> String {
        format!("/run/state/{}", self.runtime.name)
    }

    fn hook_log_path(&self) -> String {
        format!("{}/hooks", self.directory())
    }

    fn log_path(&self) -> String {
        format!("{}/log", self.directory())
    }

    fn save(&self) {
        write(&format!("{}/config.json", self.directory()), &self.config);
    }

    /// What the runtime and its hooks wrote to standard error since the last command.
    pub(crate) fn log(&self) -> String {
        [self.log_path(), self.hook_log_path()].map(|path| fs::read_to_string(path).unwrap()).concat()
    }

    fn empty_logs(&self) {
        for path in [self.log_path(), self.hook_log_path()] {
            File::create(path).unwrap();
        }
    }

    /// Starts the runtime; what it leaves running keeps no pipe open.
    pub(crate) fn spawn(&self, args: &[&str]) -> Child {
        self.empty_logs();
        let mut command = self.prepared(args);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(File::create(self.log_path()).unwrap());
        command.spawn().unwrap()
    }

    /// `runtime [options] VERB [--bundle] [flags] ID [words]`
    fn prepared(&self, args: &[&str]) -> Command {
        let (flags, words): (Vec<&str>, Vec<&str>) = args[1..].iter().partition(|arg| arg.starts_with('-'));
        let mut command = Command::new(self.runtime.name);
        command.args(["--root", &self.state_directory()]).args(self.runtime.options).arg(args[0]).args(flags);
        if matches!(args[0], "create" | "run") {
            command.args(["--bundle", &self.directory()]);
        }
        command.arg(&self.id).args(words);
        command
    }

    /// Runs the runtime to its end.
    pub(crate) fn command(&self, args: &[&str]) -> Output {
        let success = self.spawn(args).wait().unwrap().success();
        Output { success, stdout: String::new(), stderr: self.log() }
    }

    #[track_caller]
    pub(crate) fn must(&self, args: &[&str]) {
        let output = self.command(args);
        assert!(output.success, "{} {args:?}: {}", self.runtime.name, output.stderr);
    }

    /// Runs the container to its end.
    pub(crate) fn run(&self) -> Output {
        let output = self.prepared(&["run"]).stdin(Stdio::null()).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Output {
            success: output.status.success(),
            stdout: text(&output.stdout),
            stderr: text(&output.stderr),
        }
    }

    fn state(&self) -> Value {
        let output = self.prepared(&["state"]).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        serde_json::from_slice(&output.stdout).unwrap()
    }

    pub(crate) fn status(&self) -> String {
        self.state()["status"].as_str().unwrap().to_owned()
    }

    pub(crate) fn pid(&self) -> u32 {
        self.state()["pid"].as_u64().and_then(|pid| u32::try_from(pid).ok()).unwrap()
    }
}

impl Drop for Bundle {
    /// A test that failed leaves no container.
    fn drop(&mut self) {
        let is_there = fs::exists(format!("{}/{}", self.state_directory(), self.id)).unwrap_or(false);
        if is_there {
            self.command(&["delete", "--force"]);
        }
    }
}
