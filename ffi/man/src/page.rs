//! What is on which page.

use std::collections::BTreeMap;

use crate::header::{Comment, Group, Header, Item, Kind};
use crate::roff::Roff;

/// `libnetns.3`: the rules, and which pages there are.
pub(crate) fn overview(header: &Header, date: &str) -> String {
    let mut page = Roff::new("libnetns", date);
    page.section("NAME");
    page.text(&format!("libnetns - {}", lower(header.brief.trim_end_matches('.'))));
    page.section("SYNOPSIS");
    page.code(["#include <netns.h>", "", "cc program.c $(pkg-config --cflags --libs libnetns)"]);
    page.section("DESCRIPTION");
    for rule in &header.rules {
        page.paragraph(rule);
    }
    page.section("PAGES");
    for group in &header.groups {
        page.term(&format!("{}(3)", group.name), &group.title);
    }
    page.section("SEE ALSO");
    page.text("network_namespaces(7), netlink(7), rtnetlink(7), ip-netns(8)");
    page.end()
}

/// The page of an object.
pub(crate) fn of_group(header: &Header, group: &Group, date: &str) -> String {
    let mut page = Roff::new(&group.name, date);
    page.section("NAME");
    let mut names: Vec<&str> = group.functions().map(|function| function.name.as_str()).collect();
    if !names.contains(&group.name.as_str()) {
        names.insert(0, &group.name);
    }
    page.text(&format!("{} - {}", names.join(", "), lower(&group.title)));
    page.section("SYNOPSIS");
    page.code(["#include <netns.h>"]);
    for function in group.functions() {
        page.code(function.code.iter().map(String::as_str));
    }
    page.section("DESCRIPTION");
    page.text(
        "The rules that all functions keep, of arguments, results, threads and forks, are in libnetns(3).",
    );
    for function in group.functions() {
        page.subsection(&format!("{}()", function.name));
        said(&mut page, &function.comment);
    }
    if group.items.iter().any(|item| !matches!(item.kind, Kind::Function)) {
        page.section("TYPES AND CONSTANTS");
    }
    for item in &group.items {
        of_type(&mut page, item);
    }
    results(&mut page, group);
    page.section("SEE ALSO");
    let others = header.groups.iter().filter(|other| other.name != group.name);
    let others: Vec<String> = others.map(|other| format!("{}(3)", other.name)).collect();
    page.text(&format!("libnetns(3), {}", others.join(", ")));
    page.end()
}

fn said(page: &mut Roff, comment: &Comment) {
    for (at, paragraph) in comment.paragraphs.iter().enumerate() {
        if at == 0 {
            page.text(paragraph);
        } else {
            page.paragraph(paragraph);
        }
    }
    for (name, text) in &comment.parameters {
        page.term(name, text);
    }
}

fn of_type(page: &mut Roff, item: &Item) {
    match &item.kind {
        Kind::Function => {}
        Kind::Constant => {
            page.subsection(&item.name);
            said(page, &item.comment);
        }
        Kind::Callback => {
            page.subsection(&item.name);
            said(page, &item.comment);
            page.code(item.code.iter().map(String::as_str));
        }
        Kind::Type(members) => {
            page.subsection(&item.name);
            said(page, &item.comment);
            page.code(item.code.iter().map(String::as_str));
            for (declaration, comment) in members {
                page.term(declaration.trim_end_matches([',', ';']), &comment.paragraphs.join(" "));
            }
        }
    }
}

/// RETURN VALUE, and ERRORS by status.
fn results(page: &mut Roff, group: &Group) {
    page.section("RETURN VALUE");
    page.text(
        "Functions that can fail, whose last parameter is ret_error, return 0, or the negative number of a \
         netns_status.",
    );
    let mut errors: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for function in group.functions() {
        let Some(returns) = &function.comment.returns else { continue };
        let mut rest = Vec::new();
        for part in returns.split("; ") {
            match part.strip_prefix("NETNS_STATUS_") {
                Some(status) => {
                    let (status, when) = status.split_once(' ').unwrap_or((status, "when it happens"));
                    let line = format!("{}(): {when}", function.name);
                    errors.entry(status.trim_end_matches(',').to_owned()).or_default().push(line);
                }
                None => rest.push(part),
            }
        }
        let rest = rest.join("; ");
        if !rest.is_empty() && rest != "0" {
            page.term(&format!("{}()", function.name), &rest);
        }
    }
    if errors.is_empty() {
        return;
    }
    page.section("ERRORS");
    page.text("Besides these, any function can fail with what its arguments and the kernel have to say.");
    for (status, lines) in errors {
        let (first, more) = lines.split_first().map_or(("", &[][..]), |(first, more)| (first.as_str(), more));
        page.term(&format!("NETNS_STATUS_{status}"), first);
        for line in more {
            page.again(line);
        }
    }
}

/// A title within a sentence.
fn lower(title: &str) -> String {
    let mut letters = title.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}
