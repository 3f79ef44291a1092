//! The library as a C program gets it: built, laid out as an installation, compiled and linked against.
//!
//! ```ignore
//! mod common;
//! for way in common::ways("a_sandbox_is_made") {
//!     let program = common::program("sandbox", &[common::c("sandbox.c")], way);
//!     testhost::host(|host| program.run(host, &[]).must_pass());
//! }
//! ```

#![allow(dead_code, reason = "each test binary uses a part of it")]

pub(crate) mod parse;

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use serde_json::Value;
use testhost::{Host, Output, State};

/// A program that hangs is ended after so many seconds: a test that waits for ever says nothing.
const PATIENCE: &str = "240";

/// What valgrind exits with when it found something; no program here does.
const FOUND: &str = "97";

/// How a program is built and run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// As its user would.
    Plain,
    /// With the address, leak and undefined-behaviour sanitizers of the compiler. The library itself is not
    /// instrumented, but all that it allocates is watched.
    Sanitized,
    /// Under valgrind, which also watches what the library reads and writes.
    Valgrind,
}

/// A program that was built.
#[derive(Debug)]
pub(crate) struct Program {
    path: PathBuf,
    way: Way,
}

/// What a run of a program left behind.
#[derive(Debug)]
pub(crate) struct Run {
    /// The command, for messages.
    pub(crate) command: String,
    /// Its status, standard output and standard error.
    pub(crate) output: Output,
}

impl Program {
    /// Runs it in the namespaces of the calling thread, which is one that belongs to `host`.
    #[track_caller]
    pub(crate) fn run(&self, host: &Host, args: &[&str]) -> Run {
        self.run_with(host, &[], args)
    }

    /// As [`Program::run`], with variables such as `NAME=value` in its environment.
    #[track_caller]
    pub(crate) fn run_with(&self, host: &Host, variables: &[&str], args: &[&str]) -> Run {
        let libraries = format!("LD_LIBRARY_PATH={}", shown(&prefix().join("lib")));
        let mut words = vec!["--kill-after=5", PATIENCE, "env", &libraries];
        // Undefined behaviour is fatal by the way it is compiled; this says where it was.
        words.extend(["UBSAN_OPTIONS=print_stacktrace=1", "ASAN_OPTIONS=detect_stack_use_after_return=1"]);
        words.extend(variables);
        let (found, suppressions) =
            (format!("--error-exitcode={FOUND}"), format!("--suppressions={}", shown(&c("valgrind.supp"))));
        if self.way == Way::Valgrind {
            words.extend(["valgrind", "--quiet", "--leak-check=full", "--num-callers=30"]);
            words.extend(["--show-leak-kinds=definite,indirect,possible"]);
            words.extend(["--errors-for-leak-kinds=definite,indirect,possible"]);
            words.extend(["--fair-sched=yes", &found, &suppressions]);
        }
        let path = shown(&self.path);
        words.push(&path);
        words.extend(args);
        let command = format!("{:?}: {} {}", self.way, path, args.join(" "));
        Run { command, output: host.run("timeout", &words) }
    }

    /// The file.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// How it was built.
    pub(crate) fn way(&self) -> Way {
        self.way
    }
}

impl Run {
    /// Its standard output.
    ///
    /// # Panics
    /// When it did not exit with 0, with all that it said; a sanitizer's or valgrind's finding is such an
    /// exit.
    #[track_caller]
    pub(crate) fn must_pass(self) -> String {
        let Output { success, stdout, stderr } = self.output;
        assert!(success, "{}\n-- stdout --\n{stdout}\n-- stderr --\n{stderr}", self.command);
        stdout
    }
}

/// The ways in which this machine can run programs; what it cannot do is listed for `test` as not run.
pub(crate) fn ways(test: &str) -> Vec<Way> {
    let mut ways = vec![Way::Plain];
    for (way, missing) in [(Way::Sanitized, missing_sanitizers()), (Way::Valgrind, missing_valgrind())] {
        match missing {
            None => ways.push(way),
            Some(reason) => testhost::skip(&format!("{test}, {way:?}"), reason),
        }
    }
    ways
}

fn missing_sanitizers() -> Option<&'static str> {
    static MISSING: OnceLock<Option<String>> = OnceLock::new();
    let missing = MISSING.get_or_init(|| {
        // It is run, too: the leak sanitizer traces its own process, which some containers forbid.
        let at = directory().join("sanitizers");
        let source = at.with_extension("c");
        write(&source, "int main(void) { return 0; }\n");
        let mut cc = Command::new("cc");
        cc.args(sanitizers()).arg(&source).arg("-o").arg(&at);
        let works = outcome(&mut cc).and_then(|_| outcome(&mut Command::new(&at)));
        works.err().map(|why| format!("no sanitizers: {}", why.lines().next().unwrap_or_default()))
    });
    missing.as_deref()
}

fn missing_valgrind() -> Option<&'static str> {
    static MISSING: OnceLock<bool> = OnceLock::new();
    let missing = *MISSING.get_or_init(|| !has("valgrind"));
    missing.then_some("valgrind is not installed")
}

fn sanitizers() -> [&'static str; 3] {
    ["-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer"]
}

/// Whether a command is there to be run.
pub(crate) fn has(command: &str) -> bool {
    // Not all have a version to tell; all that are there can be started.
    Command::new(command).arg("--version").output().is_ok()
}

/// A file under `ffi/tests/c`.
pub(crate) fn c(name: &str) -> PathBuf {
    root().join("ffi/tests/c").join(name)
}

/// The top of the source tree.
pub(crate) fn root() -> PathBuf {
    let ffi = Path::new(env!("CARGO_MANIFEST_DIR"));
    ffi.parent().expect("a crate of the workspace").to_owned()
}

/// Where this test binary may write; `cargo clean` removes it.
pub(crate) fn directory() -> PathBuf {
    let at = Path::new(env!("CARGO_TARGET_TMPDIR")).join(env!("CARGO_CRATE_NAME"));
    fs::create_dir_all(&at).unwrap_or_else(|error| panic!("{}: {error}", at.display()));
    at
}

/// Builds a program of these C files against the installation, by the strictest reading of the standard.
///
/// # Panics
/// With what the compiler said, when it warns.
#[track_caller]
pub(crate) fn program(name: &str, sources: &[PathBuf], way: Way) -> Program {
    program_with(name, sources, way, &flags())
}

/// As [`program`], with other flags for the library than [`flags`].
#[track_caller]
pub(crate) fn program_with(name: &str, sources: &[PathBuf], way: Way, flags: &[String]) -> Program {
    let path = directory().join(format!("{name}-{way:?}").to_lowercase());
    let mut cc = Command::new("cc");
    cc.args(["-std=c99", "-Wall", "-Wextra", "-pedantic", "-Werror", "-g", "-O1", "-pthread"]);
    if way == Way::Sanitized {
        cc.args(sanitizers());
    }
    cc.arg("-I").arg(c("")).args(sources).arg("-o").arg(&path).args(flags);
    succeed(&mut cc);
    Program { path, way }
}

/// What a compiler needs to find the library.
pub(crate) fn flags() -> Vec<String> {
    let prefix = prefix();
    let path = |letter: &str, directory: &str| format!("-{letter}{}", shown(&prefix.join(directory)));
    vec![path("I", "include"), path("L", "lib"), "-lnetns".to_owned()]
}

/// What pkg-config says that a compiler needs; none without pkg-config.
pub(crate) fn flags_of_pkg_config() -> Option<Vec<String>> {
    if !has("pkg-config") {
        return None;
    }
    let mut ask = Command::new("pkg-config");
    ask.env("PKG_CONFIG_PATH", prefix().join("lib/pkgconfig")).args(["--cflags", "--libs", "libnetns"]);
    Some(succeed(&mut ask).split_whitespace().map(str::to_owned).collect())
}

/// The installation: `include/netns.h`, `lib/libnetns.so` and so on, of the library as the sources are now,
/// in the profile that this test was built in, linked as a release is. Made once.
pub(crate) fn prefix() -> &'static Path {
    static PREFIX: OnceLock<PathBuf> = OnceLock::new();
    PREFIX.get_or_init(|| {
        let prefix = directory().join("prefix");
        // What an earlier run put there must not be found in place of what is missing now.
        let _ = fs::remove_dir_all(&prefix);
        let built = built();
        let (profile, target) = profile(&built);
        let mut install = Command::new(root().join("scripts/install"));
        for variable in ["BINDIR", "DESTDIR", "INCLUDEDIR", "LIBDIR", "MANDIR", "SYSTEMDUNITDIR"] {
            install.env_remove(variable);
        }
        install.env("CARGO_TARGET_DIR", target);
        succeed(install.env("NETNS_PROFILE", profile).env("PREFIX", &prefix));
        prefix
    })
}

/// Where cargo puts what it builds: this test is in `deps` there.
fn built() -> PathBuf {
    let test = std::env::current_exe().expect("a test knows its own path");
    test.ancestors().nth(2).expect("target/profile/deps/test").to_owned()
}

/// The profile of cargo's that this test was built in, and its target directory.
fn profile(built: &Path) -> (&str, &Path) {
    let profile = match built.file_name().and_then(OsStr::to_str) {
        Some("debug") | None => "dev",
        Some(profile) => profile,
    };
    (profile, built.parent().expect("target/profile"))
}

/// What `cargo COMMAND --package PACKAGE -- ARGS` prints, in the profile and the directory of this test.
#[track_caller]
pub(crate) fn cargo(command: &str, package: &str, args: &[&str]) -> String {
    let built = built();
    let (profile, target) = profile(&built);
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(root()).args([command, "--quiet", "--package", package, "--profile", profile]);
    cargo.arg("--target-dir").arg(target);
    if !args.is_empty() {
        cargo.arg("--").args(args);
    }
    succeed(&mut cargo)
}

/// Runs a command and returns its standard output.
///
/// # Panics
/// With what it said, when it fails.
#[track_caller]
pub(crate) fn succeed(command: &mut Command) -> String {
    outcome(command).unwrap_or_else(|why| panic!("{command:?}: {why}"))
}

fn outcome(command: &mut Command) -> Result<String, String> {
    let output = command.output().map_err(|error| error.to_string())?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() {
        Ok(text(&output.stdout))
    } else {
        Err(format!("{}{} ({})", text(&output.stderr), text(&output.stdout), output.status))
    }
}

/// Reads a file of the source tree.
#[track_caller]
pub(crate) fn read(path: &str) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Writes a file, such as a generated source.
#[track_caller]
pub(crate) fn write(path: &Path, text: &str) {
    fs::write(path, text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

/// The host without links of the library's, which a destroyed sandbox takes along later than itself.
#[track_caller]
pub(crate) fn settled(host: &Host) -> State {
    for _ in 0..100 {
        let links = host.ip(&["link", "show"]);
        let is_ours =
            |link: &Value| link["ifalias"].as_str().is_some_and(|alias| alias.starts_with("libnetns"));
        if !links.as_array().is_some_and(|links| links.iter().any(is_ours)) {
            return host.dump();
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    panic!("links of the library stay: {}", host.ip(&["link", "show"]));
}
