//! Which process something belongs to, beyond the reuse of its number.

use std::fmt;
use std::fs;
use std::str::FromStr;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

use super::{raw, PerProcess};
use crate::error::{Error, Result};

/// A process: its number, and when it started in clock ticks since boot (field 22 of
/// proc_pid_stat(5)), which tells it from a later one with its number.
///
/// As text, in JSON too, it is `PID-START`. Both mean something only within one PID namespace and one
/// time namespace: processes that share a run directory share those.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Process {
    pid: u32,
    start: u64,
}

impl Process {
    /// The calling process. The look at `/proc` is taken once a process, in a forked child again.
    ///
    /// # Errors
    /// NotFound when `/proc` is not mounted.
    pub(crate) fn current() -> Result<Self> {
        // 0 is none's that could call this.
        static START: PerProcess<AtomicU64> = PerProcess::new();

        let pid = std::process::id();
        let known = START.get();
        match known.load(Ordering::Relaxed) {
            0 => {}
            start => return Ok(Self { pid, start }),
        }
        let path = format!("/proc/{pid}/stat");
        let stat = fs::read(&path).map_err(|error| Error::from_io("read", path.clone(), error))?;
        let Stat { start, .. } =
            Stat::parse(&stat).ok_or_else(|| Error::bad_request("read", path, "it lacks fields"))?;
        known.store(start, Ordering::Relaxed);
        Ok(Self { pid, start })
    }

    /// Its number.
    #[cfg(test)]
    pub(crate) fn pid(&self) -> u32 {
        self.pid
    }

    /// Whether it runs. A zombie does not; a process of which nothing can be learnt does.
    pub(crate) fn is_alive(&self) -> bool {
        match fs::read(format!("/proc/{}/stat", self.pid)) {
            Ok(stat) => Stat::parse(&stat).is_none_or(|stat| stat.start == self.start && !stat.is_dead()),
            // `/proc` may be missing, or hide the processes of others (hidepid).
            Err(_) => raw::process_exists(self.pid),
        }
    }

    /// A word that no other process, and no other call of this one, makes: `PID-START-N`.
    ///
    /// # Errors
    /// As [`Process::current`].
    pub(crate) fn unique_word() -> Result<String> {
        static COUNT: AtomicU32 = AtomicU32::new(0);

        let process = Self::current()?;
        Ok(format!("{process}-{}", COUNT.fetch_add(1, Ordering::Relaxed)))
    }

    /// The process that made a [`Process::unique_word`]; `None` when it is none.
    pub(crate) fn of_unique_word(word: &str) -> Option<Self> {
        let (process, count) = word.rsplit_once('-')?;
        count.parse::<u32>().ok()?;
        process.parse().ok()
    }
}

/// What is of interest in `/proc/PID/stat`.
struct Stat {
    state: u8,
    threads: u32,
    start: u64,
}

impl Stat {
    fn parse(stat: &[u8]) -> Option<Self> {
        // The program's name is in parentheses, and may hold any byte.
        let end = stat.iter().rposition(|byte| *byte == b')')?;
        let fields: Vec<&str> =
            std::str::from_utf8(&stat[end + 1..]).ok()?.split_ascii_whitespace().collect();
        let field = |number: usize| fields.get(number - 3).copied();
        Some(Self {
            state: *field(3)?.as_bytes().first()?,
            threads: field(20)?.parse().ok()?,
            start: field(22)?.parse().ok()?,
        })
    }

    fn is_dead(&self) -> bool {
        // A main thread that ended before the others looks like a zombie.
        matches!(self.state, b'Z' | b'X' | b'x') && self.threads <= 1
    }
}

impl fmt::Display for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.pid, self.start)
    }
}

impl FromStr for Process {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        let parse = || {
            let (pid, start) = text.split_once('-')?;
            let pid = pid.parse::<u32>().ok().filter(|pid| *pid > 0 && i32::try_from(*pid).is_ok())?;
            Some(Self { pid, start: start.parse().ok()? })
        };
        parse().ok_or_else(|| Error::bad_request("read process", format!("{text:?}"), "it is no PID-START"))
    }
}

impl TryFrom<String> for Process {
    type Error = Error;
    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<Process> for String {
    fn from(process: Process) -> Self {
        process.to_string()
    }
}

#[cfg(test)]
mod tests {
    use std::process::{Child, Command};
    use std::time::{Duration, Instant};

    use super::*;

    fn process_of(child: &Child) -> Process {
        let stat = fs::read(format!("/proc/{}/stat", child.id())).unwrap();
        Process { pid: child.id(), start: Stat::parse(&stat).unwrap().start }
    }

    #[test]
    fn a_process_is_itself() {
        let process = Process::current().unwrap();
        assert_eq!(process, Process::current().unwrap());
        assert_eq!(process.pid(), std::process::id());
        assert!(process.is_alive());
        assert!(!Process { start: process.start + 1, ..process }.is_alive());
    }

    #[test]
    fn a_zombie_is_dead_and_so_is_who_was_reaped() {
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        let process = process_of(&child);
        assert!(process.is_alive());
        child.kill().unwrap();
        let begin = Instant::now();
        while process.is_alive() {
            assert!(begin.elapsed() < Duration::from_secs(5), "a zombie counts as alive");
            std::thread::sleep(Duration::from_millis(1));
        }
        child.wait().unwrap();
        assert!(!process.is_alive());
    }

    #[test]
    fn a_name_may_look_like_the_fields() {
        let numbers = (4..=24).map(|n| n.to_string()).collect::<Vec<_>>().join(" ");
        let stat = Stat::parse(format!("7 (a) S (b) Z {numbers}\n").as_bytes()).unwrap();
        assert_eq!((stat.state, stat.threads, stat.start), (b'Z', 20, 22));
        assert!(!stat.is_dead());
        assert!(Stat::parse(b"7 (a) S 1 2").is_none());
        assert!(Stat::parse(b"").is_none());
    }

    #[test]
    fn a_process_is_one_word() {
        let process = Process::current().unwrap();
        assert_eq!(process.to_string().parse::<Process>().unwrap(), process);
        let json = serde_json::to_string(&process).unwrap();
        assert_eq!(json, format!("\"{process}\""));
        assert_eq!(serde_json::from_str::<Process>(&json).unwrap(), process);
        for wrong in ["", "1", "1-", "-1", "0-1", "-1-1", "4294967295-1", "1-2-3", "a-b"] {
            assert!(wrong.parse::<Process>().is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_unique_word_names_its_process() {
        let [one, two] = [Process::unique_word().unwrap(), Process::unique_word().unwrap()];
        assert_ne!(one, two);
        assert_eq!(Process::of_unique_word(&one), Some(Process::current().unwrap()));
        assert_eq!(Process::of_unique_word("12-34"), None);
    }
}
