//! Running the program, and what is around it.

use std::io::Write;
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{kill, Signal};
use nix::unistd::Pid;
use serde_json::Value;
use testhost::{Host, State};

pub(crate) const CTL: &str = env!("CARGO_BIN_EXE_netnsctl");
/// How long something may take that is waited for.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// How an invocation ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        // As it is for users who may not use bpf.
        let is_of_interest =
            |line: &&str| !line.starts_with("netnsctl: warning: interfaces are not metered: ");
        let stderr = text(output.stderr).split_inclusive('\n').filter(is_of_interest).collect();
        Self { code: output.status.code(), stdout: text(output.stdout), stderr }
    }
}

/// The program with these arguments, and nothing of the environment that it minds.
pub(crate) fn command(args: &[&str]) -> Command {
    let mut command = Command::new(CTL);
    clean(&mut command);
    command.args(args);
    command
}

/// Takes out of the environment what the program minds.
pub(crate) fn clean(command: &mut Command) {
    let minded = ["NETNS_NETWORKS_DIR", "NETNS_RUN_DIR", "NETNS_SANDBOX_DIR", "NETNS_METER_DIR", "NO_COLOR"];
    for name in minded {
        command.env_remove(name);
    }
}

/// Runs the program to its end.
pub(crate) fn ctl(args: &[&str]) -> Ended {
    command(args).stdin(Stdio::null()).output().unwrap().into()
}

/// Runs the program with `input` on its standard input.
pub(crate) fn ctl_with(args: &[&str], input: &str) -> Ended {
    let mut child =
        command(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap().into()
}

/// What the program prints with `--json`.
#[track_caller]
pub(crate) fn json(args: &[&str]) -> Value {
    parse(&ctl(&[&["--json"], args].concat()).well())
}

#[track_caller]
pub(crate) fn parse(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

impl Ended {
    /// What it printed: it did what it was asked to, and complains of nothing.
    #[track_caller]
    pub(crate) fn well(self) -> String {
        assert_eq!((self.code, self.stderr.as_str()), (Some(0), ""), "{self:?}");
        self.stdout
    }

    /// It did what it was asked to, and has nothing to say.
    #[track_caller]
    pub(crate) fn silent(self) {
        assert_eq!(self.well(), "");
    }

    /// It failed with `code` and one line that has all `words`.
    #[track_caller]
    pub(crate) fn refused(self, code: i32, words: &[&str]) {
        assert_eq!((self.code, self.stdout.as_str()), (Some(code), ""), "{self:?}");
        assert_eq!(self.stderr.matches('\n').count(), 1, "{self:?}");
        self.complains(words);
    }

    /// All that it says on standard error is fit for a terminal, and has all `words`.
    #[track_caller]
    pub(crate) fn complains(&self, words: &[&str]) {
        assert!(self.stderr.starts_with("netnsctl: ") && self.stderr.ends_with('\n'), "{self:?}");
        assert!(is_fit(&self.stderr), "{self:?}");
        for word in words {
            assert!(self.stderr.contains(word), "no {word:?} in {:?}", self.stderr);
        }
    }
}

/// Whether a terminal can be shown this.
pub(crate) fn is_fit(text: &str) -> bool {
    text.chars().all(|c| c == '\n' || !c.is_control())
}

/// The host after a first use: with the directories that last.
pub(crate) fn settled(host: &Host) -> State {
    ctl(&["network", "create", "first", "--subnet", "10.250.0.0/24"]).well();
    ctl(&["sandbox", "create", "first"]).well();
    ctl(&["connect", "first", "first"]).well();
    ctl(&["sandbox", "rm", "first"]).silent();
    ctl(&["network", "rm", "first"]).silent();
    // The kernel takes the links along when it gets to it.
    wait_until("the end of all links", || host.ip(&["link", "show"]).as_array().unwrap().len() == 1);
    host.dump()
}

/// The network `blue` with the sandboxes of these names connected to it, by IPv4 alone.
pub(crate) fn blue(sandboxes: &[&str]) {
    ctl(&["network", "create", "blue", "--subnet", "10.1.0.0/24"]).well();
    for sandbox in sandboxes {
        ctl(&["sandbox", "create", sandbox]).well();
        ctl(&["connect", "blue", sandbox]).well();
    }
}

/// The addresses of a link that are not link-local, as `ip` has them; sorted.
pub(crate) fn addresses(links: &Value) -> Vec<String> {
    let own = links[0]["addr_info"].as_array().into_iter().flatten();
    let global = own.filter(|address| address["scope"] == "global");
    let mut all: Vec<_> = global
        .map(|address| format!("{}/{}", address["local"].as_str().unwrap(), address["prefixlen"]))
        .collect();
    all.sort();
    all
}

#[track_caller]
pub(crate) fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        thread::sleep(Duration::from_millis(2));
    }
}

pub(crate) fn signal(child: &Child, signal: Signal) {
    kill(Pid::from_raw(child.id().cast_signed()), signal).unwrap();
}

/// The status with which a process ends, which must come.
#[track_caller]
pub(crate) fn ended(child: &mut Child) -> std::process::ExitStatus {
    let mut status = None;
    wait_until("the end of a process", || {
        status = child.try_wait().unwrap();
        status.is_some()
    });
    status.unwrap()
}

/// All commands, each by its words, as the help lists them.
pub(crate) fn commands() -> Vec<Vec<String>> {
    let mut all = vec![vec![]];
    let mut next = 0;
    while let Some(words) = all.get(next).cloned() {
        next += 1;
        all.extend(below(&words).into_iter().map(|word| [words.as_slice(), &[word]].concat()));
    }
    all
}

/// The commands of which the help of `words` tells.
fn below(words: &[String]) -> Vec<String> {
    let args: Vec<_> = words.iter().map(String::as_str).chain(["--help"]).collect();
    let help = ctl(&args).well();
    let Some((_, rest)) = help.split_once("\nCommands:\n") else { return Vec::new() };
    let lines = rest.lines().take_while(|line| !line.is_empty());
    // What a command is for may take more lines, further in.
    let names = lines.filter_map(|line| {
        line.strip_prefix("  ")?.split_whitespace().next().filter(|_| !line.starts_with("   "))
    });
    names.filter(|name| *name != "help").map(str::to_owned).collect()
}
