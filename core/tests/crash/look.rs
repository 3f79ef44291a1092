//! A cheap look at a host, for after each of a thousand kills: three programs are run, and no more.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags};
use testhost::{settings, Host};

/// How long the kernel may take to make a destroyed namespace's links disappear.
const SETTLE: Duration = Duration::from_secs(5);

/// Our links, proxies, routes, files, mounts, settings, the firewall, and what the store has: endpoints and
/// leases; sorted lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Look(Vec<String>);

impl Look {
    #[track_caller]
    pub(crate) fn of(host: &Host) -> Self {
        let mut lines = Vec::new();
        for link in host.ip(&["link", "show", "group", "20051"]).as_array().unwrap() {
            if link.get("ifname").is_some() {
                lines.push(format!("link {} {} {}", link["ifname"], link["ifindex"], link["ifalias"]));
            }
        }
        for proxy in host.ip(&["neighbour", "show", "proxy"]).as_array().unwrap() {
            lines.push(format!("proxy {} on {}", proxy["dst"], proxy["dev"]));
        }
        routes(&mut lines);
        for mount in read("/proc/thread-self/mountinfo").lines() {
            lines.push(format!("mount {}", mount.splitn(3, ' ').last().unwrap()));
        }
        for directory in ["/run", "/etc/libnetns"] {
            files(Path::new(directory), &mut lines);
        }
        lines.extend(settings());
        firewall(host, &mut lines);
        rows(&mut lines);
        lines.sort();
        Self(lines)
    }

    /// Waits until the host looks again as it did, for five seconds.
    ///
    /// # Panics
    /// With the difference, when it stays.
    #[track_caller]
    pub(crate) fn assert_returns(&self, host: &Host, context: impl Fn() -> String) {
        let deadline = Instant::now() + SETTLE;
        loop {
            let now = Self::of(host);
            if now == *self {
                return;
            }
            if Instant::now() >= deadline {
                let gone = self.0.iter().filter(|line| !now.0.contains(line)).map(|line| format!("- {line}"));
                let come = now.0.iter().filter(|line| !self.0.contains(line)).map(|line| format!("+ {line}"));
                let lines: Vec<_> = gone.chain(come).collect();
                panic!("{}: the host is not as it was before\n{}", context(), lines.join("\n"));
            }
            thread::sleep(Duration::from_millis(2));
        }
    }
}

fn routes(lines: &mut Vec<String>) {
    for route in read("/proc/thread-self/net/route").lines().skip(1) {
        let words: Vec<_> = route.split_ascii_whitespace().collect();
        lines.push(format!("route {} {} {} dev {}", words[1], words[7], words[2], words[0]));
    }
    for route in read("/proc/thread-self/net/ipv6_route").lines() {
        let words: Vec<_> = route.split_ascii_whitespace().collect();
        // RTF_LOCAL and RTF_ANYCAST follow an address, some time after it.
        let follows = u32::from_str_radix(words[8], 16).unwrap() & 0x8010_0000 != 0;
        if !follows && !words[0].starts_with("fe80") && !words[0].starts_with("ff00") {
            lines.push(format!("route {}/{} {} dev {}", words[0], words[1], words[4], words[9]));
        }
    }
}

fn files(directory: &Path, lines: &mut Vec<String>) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let path = entry.path();
        // SQLite's own come and go with who has the store open.
        if path.to_string_lossy().contains("state.db-") {
            continue;
        }
        let target =
            fs::read_link(&path).map_or_else(|_| String::new(), |to| format!(" -> {}", to.display()));
        lines.push(format!("file {}{target}", path.display()));
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            files(&path, lines);
        }
    }
}

/// As `nft` lists it, where it is installed.
fn firewall(host: &Host, lines: &mut Vec<String>) {
    if Path::new("/usr/sbin/nft").exists() {
        let listed = host.run("nft", &["-s", "list", "ruleset"]).stdout;
        lines.extend(listed.lines().map(|line| format!("firewall {line}")));
    }
}

fn rows(lines: &mut Vec<String>) {
    let store = Connection::open_with_flags("/run/libnetns/state.db", OpenFlags::SQLITE_OPEN_READ_ONLY);
    let Ok(store) = store else { return };
    for of in [
        "SELECT 'lease ' || pool || ' ' || hex(first) || ' ' || hex(last) FROM taken WHERE pool NOT LIKE '% %'",
        "SELECT 'endpoint ' || record FROM endpoint",
    ] {
        let mut rows = store.prepare(of).unwrap();
        let rows = rows.query_map([], |row| row.get::<_, String>(0)).unwrap();
        lines.extend(rows.map(Result::unwrap));
    }
}

fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{path}: {error}"))
}
