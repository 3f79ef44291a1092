//! The header's groups: a page of the documentation for each object, with its functions, types and constants.

use std::collections::HashSet;
use std::fmt::Write;

/// The word after `netns_` in a name, and the group where that is another word.
const ELSEWHERE: [(&str, &str); 34] = [
    ("address", "ipam"),
    ("birth", "driver"),
    ("collect", "controller"),
    ("collected", "controller"),
    ("counters", "meter"),
    ("discovery", "driver"),
    ("endpoints", "endpoint"),
    ("event", "events"),
    ("finding", "controller"),
    ("gateway", "firewall"),
    ("hook", "config"),
    ("info", "sandbox"),
    ("interfaces", "interface"),
    ("isolate", "firewall"),
    ("join", "driver"),
    ("metering", "meter"),
    ("names", "values"),
    ("neighbour", "interface"),
    ("pair", "values"),
    ("plugin", "controller"),
    ("plugins", "controller"),
    ("pool", "ipam"),
    ("reading", "meter"),
    ("release", "values"),
    ("route", "interface"),
    ("run", "sandbox"),
    ("scope", "driver"),
    ("slot", "meter"),
    ("stats", "meter"),
    ("status", "error"),
    ("subnet", "network"),
    ("subscription", "events"),
    ("table", "driver"),
    ("text", "values"),
];

/// What the groups are called.
const TITLES: [(&str, &str); 21] = [
    ("bridge", "Bridge networks without a controller"),
    ("config", "Configs of containers, namespaces and hooks"),
    ("controller", "Controllers"),
    ("driver", "Drivers"),
    ("endpoint", "Endpoints"),
    ("error", "Errors"),
    ("events", "Events"),
    ("firewall", "Firewall"),
    ("interface", "Interfaces, routes and neighbours"),
    ("ipam", "Address management"),
    ("link", "Links"),
    ("log", "Log"),
    ("meter", "Counters"),
    ("namespace", "Namespaces"),
    ("network", "Networks"),
    ("plan", "Plans"),
    ("sandbox", "Sandboxes"),
    ("setup", "Networks of containers, as configs have them"),
    ("strategy", "Networks of containers, by strategies"),
    ("values", "Names, pairs and texts"),
    ("version", "Version"),
];

/// The header with its functions in groups, and with a line in the comment of each type and constant that says
/// which group it belongs to.
pub(crate) fn grouped(header: &str) -> String {
    let mut out = String::new();
    let mut comment = Vec::new();
    let mut open: Option<String> = None;
    let mut defined = HashSet::new();
    for line in header.lines() {
        if line == "/**" || !comment.is_empty() && !comment.contains(&" */") {
            comment.push(line);
            continue;
        }
        let declared = if comment.is_empty() { None } else { declared(line) };
        match &declared {
            Some((name, Kind::Function)) => enter(&mut out, &mut open, &mut defined, &group_of(name)),
            Some((name, Kind::Other)) => {
                let last = comment.len() - 1;
                write_lines(&mut out, &comment[..last]);
                let _ = writeln!(out, " *\n * @ingroup netns_{}", group_of(name));
                comment.drain(..last);
            }
            None if line.starts_with("#ifdef __cplusplus") => leave(&mut out, &mut open),
            None => {}
        }
        write_lines(&mut out, &comment);
        comment.clear();
        let _ = writeln!(out, "{line}");
    }
    out
}

enum Kind {
    Function,
    Other,
}

/// What a line at the beginning of a declaration declares.
fn declared(line: &str) -> Option<(String, Kind)> {
    let words = line.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let name = words.into_iter().find(|word| word.to_ascii_lowercase().starts_with("netns_"));
    if line.starts_with("typedef ") || line.starts_with("#define ") {
        return Some((name?.to_owned(), Kind::Other));
    }
    let (before, _) = line.split_once('(')?;
    let name = before.rsplit([' ', '*']).next()?;
    name.starts_with("netns_").then(|| (name.to_owned(), Kind::Function))
}

fn group_of(name: &str) -> String {
    let name = name.to_ascii_lowercase();
    let word = name.split('_').nth(1).unwrap_or_default();
    let found = ELSEWHERE.iter().find(|(from, _)| *from == word);
    found.map_or(word, |(_, group)| group).to_owned()
}

fn enter(out: &mut String, open: &mut Option<String>, defined: &mut HashSet<String>, group: &str) {
    if open.as_deref() == Some(group) {
        return;
    }
    leave(out, open);
    if defined.insert(group.to_owned()) {
        let title = TITLES.iter().find(|(known, _)| *known == group);
        let title = title.map_or_else(|| capitalised(group), |(_, title)| (*title).to_owned());
        let _ = writeln!(out, "/**\n * @defgroup netns_{group} {title}\n * @{{\n */\n");
    } else {
        let _ = writeln!(out, "/**\n * @addtogroup netns_{group}\n * @{{\n */\n");
    }
    *open = Some(group.to_owned());
}

fn leave(out: &mut String, open: &mut Option<String>) {
    if open.take().is_some() {
        out.push_str("/** @} */\n\n");
    }
}

fn capitalised(word: &str) -> String {
    let (first, rest) = word.split_at(word.len().min(1));
    first.to_ascii_uppercase() + rest
}

fn write_lines(out: &mut String, lines: &[&str]) {
    for line in lines {
        let _ = writeln!(out, "{line}");
    }
}
