//! What the header promises, of every function in it.

#[path = "../common/mod.rs"]
mod common;
mod walk;

use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread;

use common::parse::{Header, Variable};
use common::Way;
use testhost::host;
use walk::Walk;

fn header() -> Header {
    Header::parse(&common::read("include/netns.h"))
}

#[test]
fn the_smallest_program_is_told_the_version() {
    for way in common::ways("the_smallest_program_is_told_the_version") {
        let program = common::program("version", &[common::c("version.c")], way);
        let said = host(|host| program.run(host, &[]).must_pass());
        assert_eq!(said, format!("{}\n", env!("CARGO_PKG_VERSION")));
    }
}

/// Every pointer is NULL in turn, every string no text, every number unknown, every struct of every size.
#[test]
fn a_wrong_argument_is_refused_by_name_and_changes_nothing() {
    const TEST: &str = "a_wrong_argument_is_refused_by_name_and_changes_nothing";
    let walk = walk::write(&header(), &common::read("ffi/tests/c/samples.h"));
    let source = common::directory().join("walk.c");
    common::write(&source, &walk.source);
    let ways = common::ways(TEST);
    thread::scope(|scope| {
        for way in ways {
            let (walk, source) = (&walk, &source);
            scope.spawn(move || take(walk, source, way));
        }
    });
}

fn take(walk: &Walk, source: &Path, way: Way) {
    let program = common::program("walk", &[source.to_owned()], way);
    // Of the text that is longer than any may be; valgrind takes seconds for a MiB of it.
    let length = if way == Way::Valgrind { 16 << 10 } else { 1 << 20 };
    let calls = host(|host| {
        program.run(host, &[]).must_pass();
        let before = common::settled(host);
        let said = program.run(host, &[&length.to_string()]).must_pass();
        host.assert_returns_to(&before, "the walk through the header");
        said.split_whitespace().next().and_then(|calls| calls.parse::<usize>().ok()).expect("a number")
    });
    assert!(calls > 5 * walk.functions, "{calls} calls of {} functions", walk.functions);
    testhost::report(&format!("{calls} wrong calls: the C ABI, {way:?}"));
}

#[test]
fn everything_has_a_comment_that_says_what_may_be_null() {
    let header = header();
    let mut wrong = Vec::new();
    let mut must = |holds: bool, what: String| {
        if !holds {
            wrong.push(what);
        }
    };
    for function in header.functions.iter().chain(header.callbacks.values()) {
        let name = &function.name;
        must(!function.about.is_empty(), format!("{name} has no comment"));
        let params: Vec<_> = function.params.iter().map(|param| param.name.as_str()).collect();
        let described = function.about.lines().filter_map(|line| line.strip_prefix("@param "));
        for param in described.filter_map(|rest| rest.split_whitespace().next()) {
            must(params.contains(&param), format!("{name} has no parameter {param}, but a comment of it"));
        }
        if function.can_fail() {
            must(function.returns == "int32_t", format!("{name} returns no status"));
            must(function.about.contains("@return "), format!("{name} does not say what it returns"));
        }
        for param in &function.params {
            let place = format!("{name}, {}", param.name);
            if function.can_fail() {
                must(param.about.is_some(), format!("{place}: no @param"));
            }
            must(speaks_plainly(param), format!("{place}: of NULL it says \"may be NULL\" or nothing"));
            if param.name == "ret_error" {
                must(param.may_be_null(), format!("{place}: may be NULL"));
            }
            let writes = param.ctype.ends_with("**") || param.ctype == "int32_t *";
            must(writes <= param.is_output(), format!("{place}: an output is called ret_"));
        }
    }
    for of in header.structs.values() {
        must(!of.about.is_empty(), format!("{} has no comment", of.name));
        must(
            of.is_sized() || of.about.contains("It never grows"),
            format!("{} does not begin with its size", of.name),
        );
        for field in &of.fields {
            must(field.about.is_some(), format!("{}.{} has no comment", of.name, field.name));
        }
    }
    for object in &header.opaque {
        let ends = header.freed_by(object).is_some() || header.is_lent(object);
        must(ends, format!("nothing frees a {object}"));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A comment that speaks of NULL in other words would not be understood by the walk. An output's may also
/// say when NULL comes out.
fn speaks_plainly(param: &Variable) -> bool {
    param.is_output()
        || param.may_be_null()
        || !param.about.as_ref().is_some_and(|about| about.contains("NULL"))
}

#[test]
fn the_header_compiles_alone_in_every_language_that_reads_it() {
    const TEST: &str = "the_header_compiles_alone_in_every_language_that_reads_it";
    let strict = ["-Wall", "-Wextra", "-pedantic", "-Werror", "-fsyntax-only"];
    let include = common::prefix().join("include");
    // Twice, for its guard.
    let source = "#include <netns.h>\n#include <netns.h>\nint main(void) { return netns_version() == 0; }\n";
    let languages =
        [("cc", "c", "c99"), ("cc", "c", "c11"), ("c++", "cpp", "c++11"), ("c++", "cpp", "c++20")];
    for (compiler, extension, standard) in languages {
        if !common::has(compiler) {
            testhost::skip(&format!("{TEST}, {standard}"), &format!("{compiler} is not installed"));
            continue;
        }
        let at = common::directory().join(format!("alone.{extension}"));
        common::write(&at, source);
        let mut command = Command::new(compiler);
        command.arg(format!("-std={standard}")).args(strict).arg("-I").arg(&include).arg(&at);
        common::succeed(&mut command);
    }
}

#[test]
fn the_header_is_what_the_sources_say() {
    let at = common::prefix().join("include/netns.h");
    assert_eq!(fs::read_to_string(at).unwrap(), common::read("include/netns.h"), "another one is installed");
    common::cargo("run", "libnetns-header", &["--check"]);
}
