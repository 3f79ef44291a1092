//! What a program that was compiled yesterday relies on: `ffi/abi.txt` is a record of it, one fact a line.

mod common;

use std::collections::BTreeSet;
use std::fmt::Write;

use common::parse::{Function, Header, Variable};
use common::Way;

const FILE: &str = "ffi/abi.txt";

const RULES: &str = "\
Programs that were compiled against the header as it was rely on these facts. What may change: a struct grows
at its end, and 0 there means what it meant before; functions, types and numbers are added. What may not: a
number or a flag is never used for anything else, nor used again; a field neither moves nor changes its type; a
function keeps its prototype. Whatever is taken away or changed needs another soname.
When that was thought about, NETNS_WRITE_ABI=1 writes the file anew; commit it with the change.";

const HEAD: &str = "\
# What programs that were compiled against netns.h rely on, on x86_64. Written by ffi/tests/abi.rs with
# NETNS_WRITE_ABI=1; its rules are there. NETNS_VERSION is not here: it is meant to change.
";

#[test]
fn the_abi_is_the_one_that_is_written_down() {
    const TEST: &str = "the_abi_is_the_one_that_is_written_down";
    if cfg!(not(all(target_arch = "x86_64", target_pointer_width = "64"))) {
        return testhost::skip(TEST, "the record is of x86_64");
    }
    let found = facts(&Header::parse(&common::read("include/netns.h")));
    if std::env::var_os("NETNS_WRITE_ABI").is_some() {
        let text = found.iter().fold(HEAD.to_owned(), |text, fact| text + fact + "\n");
        common::write(&common::root().join(FILE), &text);
    }
    let text = common::read(FILE);
    let written: BTreeSet<_> =
        text.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect();
    let mut changes = String::new();
    for fact in written.symmetric_difference(&found) {
        let _ = writeln!(changes, "{} {fact}", if found.contains(fact) { '+' } else { '-' });
    }
    assert!(changes.is_empty(), "{FILE} says otherwise:\n{changes}\n{RULES}");
}

#[test]
fn no_enumeration_uses_a_number_twice() {
    let header = Header::parse(&common::read("include/netns.h"));
    let numbers = numbers("twice", &header);
    for (name, constants) in &header.enums {
        let of = |constant: &str| numbers.iter().find(|(name, _)| name == constant).expect("it is listed").1;
        let used: BTreeSet<_> = constants.iter().map(|constant| of(constant)).collect();
        assert_eq!(used.len(), constants.len(), "{name}");
        assert!(!constants.is_empty(), "{name}");
    }
}

/// All that the header fixes, sorted: text by its words, sizes and numbers by the compiler.
fn facts(header: &Header) -> BTreeSet<String> {
    let mut facts: BTreeSet<_> = layout(header).lines().map(str::to_owned).collect();
    facts.extend(
        numbers("numbers", header).into_iter().map(|(name, number)| format!("number {name} = {number}")),
    );
    facts.extend(header.functions.iter().map(|function| format!("function {}", prototype(function))));
    facts.extend(header.callbacks.values().map(|callback| format!("callback {}", prototype(callback))));
    facts.extend(header.opaque.iter().map(|object| format!("object {object}")));
    facts
}

/// `NAME(TYPE NAME, …) -> TYPE`, so that it is sorted by its name.
fn prototype(function: &Function) -> String {
    let params: Vec<_> = function.params.iter().map(declared).collect();
    format!("{}({}) -> {}", function.name, params.join(", "), function.returns)
}

fn declared(of: &Variable) -> String {
    if of.ctype.contains("(*)") {
        return of.ctype.replace("(*)", &format!("(*{})", of.name));
    }
    format!("{}{}{}", of.ctype, if of.ctype.ends_with('*') { "" } else { " " }, of.name)
}

/// The structs: how long each is, and where in it each field begins and how long that is.
fn layout(header: &Header) -> String {
    let mut body = String::new();
    for (name, of) in &header.structs {
        let _ = writeln!(body, "    printf(\"struct {name}: %zu bytes\\n\", sizeof({name}));");
        for field in &of.fields {
            let field_name = &field.name;
            let _ = writeln!(
                body,
                "    printf(\"struct {name}, %03zu: %s, %zu bytes\\n\", offsetof({name}, {field_name}), \"{}\", \
                 sizeof((({name} *)0)->{field_name}));",
                declared(field)
            );
        }
    }
    said_by("layout", &body)
}

/// What the names of enumerations and macros stand for.
fn numbers(program: &str, header: &Header) -> Vec<(String, i128)> {
    let macros = header.macros.keys().filter(|name| *name != "NETNS_VERSION");
    let mut body = String::new();
    for name in header.enums.values().flatten().chain(macros) {
        // A flag is unsigned, a status is less than 0: whichever the compiler takes it for.
        let _ = writeln!(
            body,
            "    printf(\"{name} %s%llu\\n\", {name} < 0 ? \"-\" : \"\", \
             (unsigned long long)({name} < 0 ? -(long long){name} : (long long){name}));"
        );
    }
    let said = said_by(program, &body);
    let pairs = said.lines().filter_map(|line| line.split_once(' '));
    pairs.map(|(name, number)| (name.to_owned(), number.parse().expect("a number"))).collect()
}

/// What a C program prints whose `main` is `body`.
fn said_by(name: &str, body: &str) -> String {
    let source = common::directory().join(format!("{name}.c"));
    let text =
        format!("#include <netns.h>\n#include <stdio.h>\n\nint main(void)\n{{\n{body}    return 0;\n}}\n");
    common::write(&source, &text);
    // Only the header is needed: a library that is not there is no reason to fail here.
    let flags = [format!("-I{}", common::root().join("include").display()), "-Wno-type-limits".to_owned()];
    let program = common::program_with(name, &[source], Way::Plain, &flags);
    common::succeed(&mut std::process::Command::new(program.path()))
}
