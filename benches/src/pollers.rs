//! The ways to read counters that there were before: files of sysfs, and `/proc/net/dev`.

use std::fs;
use std::path::PathBuf;

use nix::mount::{mount, umount2, MntFlags, MsFlags};

const PLACE: &str = "/run/sysfs";
const DEV: &str = "/proc/thread-self/net/dev";
/// What libcontainer reads of an interface.
const FILES: [&str; 8] = [
    "rx_bytes",
    "rx_packets",
    "rx_errors",
    "rx_dropped",
    "tx_bytes",
    "tx_packets",
    "tx_errors",
    "tx_dropped",
];
/// The columns of `/proc/net/dev` that say the same.
const COLUMNS: [usize; 8] = [0, 1, 2, 3, 8, 9, 10, 11];

/// Bytes, packets, errors and drops received, then the same sent, as the link sees it.
pub type Readings = [u64; 8];

/// A sysfs that shows the links of the calling thread's namespace: the machine's `/sys` shows the machine's own.
#[derive(Debug)]
pub struct Sysfs(PathBuf);

impl Sysfs {
    /// Mounts it, until it is dropped.
    ///
    /// # Panics
    /// When that fails.
    pub fn mount() -> Self {
        fs::create_dir_all(PLACE).expect("a directory");
        mount(Some("sysfs"), PLACE, Some("sysfs"), MsFlags::MS_RDONLY, None::<&str>).expect("a sysfs");
        Self(PathBuf::from(PLACE).join("class/net"))
    }

    /// As libcontainer reads a link's counters: each file opened, read to its end and parsed.
    ///
    /// # Panics
    /// When there is no such link.
    pub fn read(&self, link: &str) -> Readings {
        let directory = self.0.join(link).join("statistics");
        let read = |file| fs::read_to_string(directory.join(file)).expect("a file of sysfs");
        FILES.map(|file| read(file).trim().parse().expect("a number"))
    }
}

impl Drop for Sysfs {
    fn drop(&mut self) {
        let _ = umount2(PLACE, MntFlags::MNT_DETACH);
    }
}

/// All links of the calling thread's namespace, as `/proc/net/dev` has them.
///
/// # Panics
/// When it cannot be read.
pub fn proc_net_dev() -> Vec<(String, Readings)> {
    let text = fs::read_to_string(DEV).expect("a file of proc");
    // Two lines are headings.
    text.lines().skip(2).filter_map(line).collect()
}

fn line(line: &str) -> Option<(String, Readings)> {
    let (name, numbers) = line.split_once(':')?;
    let numbers: Vec<u64> = numbers.split_ascii_whitespace().map_while(|word| word.parse().ok()).collect();
    let mut readings = Readings::default();
    for (reading, column) in readings.iter_mut().zip(COLUMNS) {
        *reading = *numbers.get(column)?;
    }
    Some((name.trim().to_owned(), readings))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_proc_net_dev_is_read_by_its_columns() {
        let text = "  eth0: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16";
        assert_eq!(line(text), Some(("eth0".to_owned(), [1, 2, 3, 4, 9, 10, 11, 12])));
        assert_eq!(line("Inter-|   Receive"), None);
        assert_eq!(line("eth0: 1 2"), None);
    }
}
