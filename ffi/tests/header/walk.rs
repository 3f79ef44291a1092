//! Writes the program that calls every function of the header wrongly, in each way that there is.

use std::fmt::Write;

use crate::common::parse::{Function, Header, Struct, Variable};

/// The program, and how many functions it calls.
pub(crate) struct Walk {
    pub(crate) source: String,
    pub(crate) functions: usize,
}

/// The walk through `header` with the values of `samples`.
///
/// # Panics
/// With all that `samples` does not know yet.
pub(crate) fn write(header: &Header, samples: &str) -> Walk {
    let mut writer = Writer { header, samples, out: String::new(), unknown: Vec::new(), done: Vec::new() };
    writer.line("/* Written by the test of the header. */");
    writer.line("#define _GNU_SOURCE\n#include \"walker.h\"\n#include \"samples.h\"\n");
    let functions: Vec<_> = header.functions.iter().filter(|function| header.is_for_all(function)).collect();
    for function in &functions {
        writer.function(function);
    }
    writer.main(&functions);
    let unknown = &writer.unknown;
    assert!(unknown.is_empty(), "teach ffi/tests/c/samples.h about:\n  {}", unknown.join("\n  "));
    Walk { source: writer.out, functions: functions.len() }
}

struct Writer<'a> {
    header: &'a Header,
    samples: &'a str,
    out: String,
    unknown: Vec<String>,
    /// Structs whose fields were walked.
    done: Vec<String>,
}

/// A struct of the caller's on the way to the field that is made wrong.
struct Place<'a> {
    of: &'a Struct,
    /// What C calls the copy: "s0".
    name: String,
    /// What puts copies in place of the samples, from the argument inwards.
    setup: String,
    /// What an error may call it by.
    called: String,
}

impl Writer<'_> {
    fn line(&mut self, text: &str) {
        self.out.push_str(text);
        self.out.push('\n');
    }

    fn has(&self, name: &str) -> bool {
        self.samples.contains(&format!("{name}(struct world *"))
    }

    /// Whether an output is a struct that the caller has room for.
    fn is_plain(&self, held: &str) -> bool {
        self.header.structs.contains_key(held)
    }

    fn function(&mut self, function: &Function) {
        self.declare(function);
        let name = &function.name;
        let _ = writeln!(self.out, "static void walk_{name}(struct world *w)\n{{");
        if function.frees() {
            // What it frees otherwise is freed everywhere here.
            let _ = writeln!(self.out, "    (void)w;\n    before(\"{name}\", \"NULL, twice\");");
            let _ = writeln!(self.out, "    {name}(NULL);\n    {name}(NULL);\n    after();\n}}\n");
            return;
        }
        let _ = writeln!(self.out, "    struct {name}_args a;\n    clear(w);");
        if function.can_fail() {
            self.walk_of_one_that_can_fail(function);
        } else {
            self.walk_of_one_that_cannot_fail(function);
        }
        self.line("}\n");
    }

    /// The arguments as a struct, how they are filled in, the call, and what is looked at afterwards.
    fn declare(&mut self, function: &Function) {
        if function.frees() {
            return;
        }
        let name = &function.name;
        let _ = writeln!(self.out, "struct {name}_args {{\n    netns_error *ret_error;");
        for param in without_error(function) {
            let _ = writeln!(self.out, "    {};", declared(&param.ctype, &param.name));
            if param.is_output() {
                let held = param.ctype.strip_suffix('*').expect("an output is a pointer").trim();
                let _ = writeln!(self.out, "    {};", declared(held, &format!("{}_held", param.name)));
            }
        }
        self.line("};\n");

        let _ = writeln!(self.out, "static void fill_{name}(struct world *w, struct {name}_args *a)\n{{");
        self.line("    (void)w;\n    a->ret_error = (netns_error *)UNTOUCHED;");
        if self.has(&format!("prepare_{name}")) {
            let _ = writeln!(self.out, "    prepare_{name}(w);");
        }
        for param in without_error(function) {
            if param.is_output() {
                let held = param.ctype.strip_suffix('*').expect("an output is a pointer").trim();
                let (at, param) = (format!("{}_held", param.name), &param.name);
                let _ = match self.is_plain(held) {
                    true => writeln!(self.out, "    memset(&a->{at}, UNWRITTEN, sizeof a->{at});"),
                    false => writeln!(self.out, "    a->{at} = ({held})UNTOUCHED;"),
                };
                let _ = writeln!(self.out, "    a->{param} = &a->{at};");
            } else if let Some(sample) = self.sample(function, param) {
                let _ = writeln!(self.out, "    a->{} = {sample}(w);", param.name);
            }
        }
        self.line("}\n");

        if function.can_fail() {
            let _ = writeln!(self.out, "static int32_t call_{name}(struct {name}_args *a)\n{{");
            let arguments: Vec<_> =
                without_error(function).map(|param| format!("a->{}", param.name)).collect();
            let _ = writeln!(self.out, "    return {name}({}, &a->ret_error);\n}}\n", arguments.join(", "));
            self.declare_release(function);
        }
    }

    /// After a call: what it returned is there and freed, or was not touched.
    fn declare_release(&mut self, function: &Function) {
        let name = &function.name;
        let _ = writeln!(
            self.out,
            "static void end_{name}(struct world *w, struct {name}_args *a, int32_t status)\n{{\n    (void)w;"
        );
        self.line("    (void)a;\n    (void)status;");
        for param in without_error(function).filter(|param| param.is_output()) {
            let held = param.ctype.strip_suffix('*').expect("an output is a pointer").trim();
            let at = format!("a->{}_held", param.name);
            let param = &param.name;
            let _ = match self.is_plain(held) {
                true => writeln!(self.out, "    if (is_written(&{at}, sizeof {at})) {{"),
                false => writeln!(self.out, "    if ({at} != ({held})UNTOUCHED) {{"),
            };
            let _ = writeln!(
                self.out,
                "        if (status != NETNS_STATUS_OK)\n            wrong(\"it failed and wrote %s\", \"{param}\");"
            );
            // What is const belongs to the object that it was read from.
            let made = held.strip_suffix('*').filter(|object| !object.starts_with("const "));
            if let Some(object) = made.map(str::trim) {
                let free = if object == "char" { "netns_text" } else { object };
                match self.header.freed_by(free) {
                    None => self.unknown.push(format!("{name}: nothing frees a {object}")),
                    Some(free) => {
                        let discard = format!("discard_{object}");
                        if self.has(&discard) {
                            let _ = writeln!(
                                self.out,
                                "        if ({at} != NULL)\n            {discard}(w, {at});"
                            );
                        }
                        let _ = writeln!(self.out, "        {}({at});", free.name);
                    }
                }
            } else if param == "ret_fd" {
                let _ = writeln!(self.out, "        close({at});");
            }
            let _ = writeln!(
                self.out,
                "    }} else if (status == NETNS_STATUS_OK && a->{param} != NULL) {{\n        \
                 wrong(\"it succeeded and did not write %s\", \"{param}\");\n    }}"
            );
        }
        self.line("    if (status == NETNS_STATUS_OK)\n        clear(w);\n}\n");
    }

    fn walk_of_one_that_can_fail(&mut self, function: &Function) {
        let name = &function.name;
        self.case(function, "all is well", "", "must_succeed(status, a.ret_error)");
        // Without an error to write to.
        let arguments: Vec<_> = without_error(function).map(|param| format!("a.{}", param.name)).collect();
        let arguments = arguments.join(", ");
        let _ = writeln!(
            self.out,
            "    {{\n        int32_t status;\n        fill_{name}(w, &a);\n        before(\"{name}\", \"ret_error NULL\");\n        \
             status = {name}({arguments}, NULL);\n        must_succeed(status, a.ret_error);\n        end_{name}(w, &a, status);\n    }}"
        );
        for param in without_error(function) {
            self.parameter(function, param);
        }
    }

    fn parameter(&mut self, function: &Function, param: &Variable) {
        let name = &param.name;
        let wrong = |value: &str| format!("        a.{name} = {value};");
        let refused = format!("must_be_refused(status, a.ret_error, \"{name}\")");
        if self.header.is_pointer(&param.ctype) {
            let after = if param.may_be_null() { "must_succeed(status, a.ret_error)" } else { &refused };
            self.case(function, &format!("{name} NULL"), &wrong("NULL"), after);
        }
        if param.ctype == "const char *const *" {
            self.texts(function, name);
        } else if param.ctype == "const char *" {
            self.case(function, &format!("{name} no UTF-8"), &wrong("NOT_UTF8"), &refused);
            let after = after_bad_name(param, name);
            self.case(function, &format!("{name} empty"), &wrong("EMPTY"), &after);
            self.case(function, &format!("{name} endless"), &wrong("huge"), &after);
        } else if param.ctype == "uint64_t" && name == "flags" {
            self.case(function, "an unknown flag", &wrong("(uint64_t)1 << 63"), &refused);
        } else if param.ctype == "int32_t" && is_enumerated(param) {
            self.case(function, &format!("{name} unknown"), &wrong("12345"), &refused);
            self.case(function, &format!("{name} negative"), &wrong("-12345"), &refused);
        } else if matches!(param.ctype.as_str(), "int32_t" | "uint32_t") && name != "timeout_ms" {
            let setup = wrong(&format!("({})-1", param.ctype));
            self.case(function, &format!("{name} of all ones"), &setup, "must_be_clean(status, a.ret_error)");
        } else if let Some(of) = self.header.sized(&param.ctype) {
            let setup = format!("        {} s0 = *a.{name};\n        a.{name} = &s0;\n", of.name);
            let place = Place { of, name: "s0".to_owned(), setup, called: name.clone() };
            self.sizes(function, &place, &format!("a.{name}"));
            // All functions read it in the same way.
            if !self.done.contains(&of.name) {
                self.done.push(of.name.clone());
                self.fields(function, &place);
            }
        }
    }

    /// An array of texts that is another parameter's size long, as "ports" is "port_count".
    fn texts(&mut self, function: &Function, name: &str) {
        let count = format!("{}_count", name.trim_end_matches('s'));
        if !function.params.iter().any(|param| param.name == count) {
            return self.unknown.push(format!("{}, {name}: there is no {count}", function.name));
        }
        let refused = format!("must_be_refused(status, a.ret_error, \"{name}\")");
        let none = format!("        a.{name} = NULL;\n        a.{count} = 0;");
        self.case(function, &format!("{name} none"), &none, "must_succeed(status, a.ret_error)");
        let long = format!("        a.{count} = SIZE_MAX;");
        self.case(function, &format!("{count} huge"), &long, &refused);
        for (what, text) in
            [("of NULL", "NULL"), ("no UTF-8", "NOT_UTF8"), ("empty", "EMPTY"), ("endless", "huge")]
        {
            let one = format!(
                "        const char *elements[1];\n        elements[0] = {text};\n        a.{name} = elements;\n        a.{count} = 1;"
            );
            self.case(function, &format!("{name} {what}"), &one, &refused);
        }
    }

    /// A struct of every size: openat2(2)'s rule.
    fn sizes(&mut self, function: &Function, place: &Place<'_>, pointer: &str) {
        let (s, ctype) = (&place.name, &place.of.name);
        let refused = format!("must_be_refused(status, a.ret_error, \"{}\")", place.called);
        for (what, size) in [("0", "0"), ("of the size alone", "sizeof(size_t)"), ("of a MiB", "1 << 20")] {
            let setup = format!("{}        {s}.size = {size};", place.setup);
            self.case(function, &format!("{ctype} {what}"), &setup, &refused);
        }
        let newer = |last: u8| {
            format!(
                "{}        struct {{ {ctype} known; unsigned char more[64]; }} newer;\n        memset(&newer, 0, sizeof newer);\n        \
                 newer.known = {s};\n        newer.known.size = sizeof newer;\n        newer.more[63] = {last};\n        {pointer} = &newer.known;",
                place.setup
            )
        };
        self.case(function, &format!("a newer {ctype}"), &newer(0), "must_succeed(status, a.ret_error)");
        self.case(function, &format!("a newer {ctype} that says more"), &newer(1), &refused);
    }

    fn fields(&mut self, function: &Function, place: &Place<'_>) {
        for field in &place.of.fields {
            if field.name != "size" && !field.name.ends_with("count") {
                self.field(function, place, field);
            }
        }
    }

    fn field(&mut self, function: &Function, place: &Place<'_>, field: &Variable) {
        let (s, name, of) = (&place.name, &field.name, &place.of.name);
        let case = |what: &str| format!("{of}.{name} {what}");
        let setup = |value: &str| format!("{}        {s}.{name} = {value};", place.setup);
        // Fields of a pair are called by what they are pairs of.
        let called = if place.of.is_sized() { name } else { &place.called };
        let refused = format!("must_be_refused(status, a.ret_error, \"{called}\")");
        let Some(about) = &field.about else {
            return self.unknown.push(format!("{of}.{name}: it has no comment"));
        };
        let says_null = about.contains("NULL");
        match field.ctype.as_str() {
            "const char *" => {
                let after = if says_null { "must_be_clean(status, a.ret_error)" } else { &refused };
                self.case(function, &case("NULL"), &setup("NULL"), after);
                self.case(function, &case("no UTF-8"), &setup("NOT_UTF8"), &refused);
                let after = after_bad_name(field, called);
                self.case(function, &case("empty"), &setup("EMPTY"), &after);
                self.case(function, &case("endless"), &setup("huge"), &after);
            }
            "uint64_t" if name == "flags" => {
                self.case(function, &case("unknown"), &setup("(uint64_t)1 << 63"), &refused);
            }
            "uint32_t" if name == "reserved" => {
                self.case(function, &case("not 0"), &setup("1"), &refused);
            }
            "int32_t" if is_enumerated(field) => {
                self.case(function, &case("unknown"), &setup("12345"), &refused);
            }
            "uint32_t" | "int32_t" | "uint64_t" | "size_t" => {
                for value in ["-1", "1"] {
                    let setup = setup(&format!("({}){value}", field.ctype));
                    self.case(function, &case(value), &setup, "must_be_clean(status, a.ret_error)");
                }
            }
            "void *" if name == "user" => {}
            ctype if ctype.contains("(*)") || self.header.callbacks.contains_key(ctype) => {
                let after = if says_null { "must_succeed(status, a.ret_error)" } else { &refused };
                self.case(function, &case("NULL"), &setup("NULL"), after);
            }
            "const char *const *" => drop(self.array_field(function, place, field, "const char *")),
            _ => self.struct_field(function, place, field, says_null),
        }
    }

    fn struct_field(&mut self, function: &Function, place: &Place<'_>, field: &Variable, says_null: bool) {
        let (s, name, ctype) = (&place.name, &field.name, &field.ctype);
        let inner = format!("{s}_{name}");
        let header = self.header;
        if let Some(of) = header.array_of_sized(ctype) {
            let count = self.array_field(function, place, field, &format!("const {} *", of.name));
            let setup = format!(
                "{}{}        {of} {inner} = *{s}.{name}[0];\n        const {of} *{inner}_array[] = {{&{inner}}};\n        \
                 {s}.{name} = {inner}_array;\n        {s}.{count} = 1;\n",
                place.setup,
                must_have(&format!("{s}.{name} != NULL")),
                of = of.name
            );
            let at = Place { of, name: inner.clone(), setup, called: name.clone() };
            self.nested(function, &at, &format!("{inner}_array[0]"));
        } else if let Some(of) = header.sized(ctype) {
            let null = format!("{}        {s}.{name} = NULL;", place.setup);
            let refused = format!("must_be_refused(status, a.ret_error, \"{name}\")");
            let after = if says_null { "must_be_clean(status, a.ret_error)" } else { &refused };
            self.case(function, &format!("{}.{name} NULL", place.of.name), &null, after);
            let setup = format!(
                "{}{}        {} {inner} = *{s}.{name};\n        {s}.{name} = &{inner};\n",
                place.setup,
                must_have(&format!("{s}.{name} != NULL")),
                of.name
            );
            let at = Place { of, name: inner, setup, called: name.clone() };
            self.nested(function, &at, &format!("{s}.{name}"));
        } else if ctype == "const netns_pair *" {
            let count = self.array_field(function, place, field, "netns_pair");
            let of = &header.structs["netns_pair"];
            let setup = format!(
                "{}{}        netns_pair {inner} = *{s}.{name};\n        {s}.{name} = &{inner};\n        {s}.{count} = 1;\n",
                place.setup,
                must_have(&format!("{s}.{name} != NULL"))
            );
            let at = Place { of, name: inner, setup, called: name.clone() };
            self.fields(function, &at);
        } else {
            let field = format!("{}.{name}", place.of.name);
            self.unknown.push(format!("{field}: the walk has nothing for fields of type {ctype}"));
        }
    }

    fn nested(&mut self, function: &Function, place: &Place<'_>, pointer: &str) {
        let key = format!("{}.{}", function.name, place.of.name);
        if !self.done.contains(&key) {
            self.done.push(key);
            self.sizes(function, place, pointer);
            self.fields(function, place);
        }
    }

    /// An array that is not there, or not as long as it says; returns what counts it.
    fn array_field(
        &mut self,
        function: &Function,
        place: &Place<'_>,
        field: &Variable,
        element: &str,
    ) -> String {
        let (s, name, of) = (&place.name, &field.name, &place.of.name);
        let Some(count) = place.of.count_of(field) else {
            self.unknown.push(format!("{of}.{name}: nothing counts it"));
            return String::new();
        };
        let refused = format!("must_be_refused(status, a.ret_error, \"{name}\")");
        let setup = |text: &str| format!("{}{text}", place.setup);
        let null = format!("        {s}.{name} = NULL;\n        {s}.{count} = ");
        self.case(
            function,
            &format!("{of}.{name} none"),
            &setup(&format!("{null}0;")),
            "must_be_clean(status, a.ret_error)",
        );
        self.case(function, &format!("{of}.{name} NULL"), &setup(&format!("{null}1;")), &refused);
        self.case(
            function,
            &format!("{of}.{count} huge"),
            &setup(&format!("        {s}.{count} = SIZE_MAX;")),
            &refused,
        );
        if element.ends_with('*') {
            let elements = |value: &str| {
                setup(&format!(
                    "        {element}const elements[] = {{{value}}};\n        {s}.{name} = elements;\n        {s}.{count} = 1;"
                ))
            };
            self.case(function, &format!("{of}.{name} of NULL"), &elements("NULL"), &refused);
            if element == "const char *" {
                self.case(function, &format!("{of}.{name} no UTF-8"), &elements("NOT_UTF8"), &refused);
                let clean = "must_be_clean(status, a.ret_error)";
                self.case(function, &format!("{of}.{name} empty"), &elements("EMPTY"), clean);
                let long = setup(&format!(
                    "        const char *elements[1];\n        elements[0] = huge;\n        {s}.{name} = elements;\n        {s}.{count} = 1;"
                ));
                self.case(function, &format!("{of}.{name} endless"), &long, clean);
            }
        }
        count.to_owned()
    }

    fn walk_of_one_that_cannot_fail(&mut self, function: &Function) {
        self.case_that_cannot_fail(function, "all is well", None);
        for param in &function.params {
            if self.header.is_pointer(&param.ctype) {
                self.case_that_cannot_fail(function, &format!("{} NULL", param.name), Some((param, "NULL")));
            }
            if param.ctype == "const char *" {
                for (what, value) in [("no UTF-8", "NOT_UTF8"), ("empty", "EMPTY"), ("endless", "huge")] {
                    let what = format!("{} {what}", param.name);
                    self.case_that_cannot_fail(function, &what, Some((param, value)));
                }
            }
            if matches!(param.ctype.as_str(), "int32_t" | "size_t") {
                let what = format!("{} of all ones", param.name);
                self.case_that_cannot_fail(function, &what, Some((param, "-1")));
            }
        }
        self.line("    (void)a;");
    }

    fn case_that_cannot_fail(&mut self, function: &Function, what: &str, wrong: Option<(&Variable, &str)>) {
        let (name, returns) = (&function.name, &function.returns);
        let arguments: Vec<_> = function.params.iter().map(|param| format!("a.{}", param.name)).collect();
        let call = format!("{name}({})", arguments.join(", "));
        let _ = writeln!(self.out, "    fill_{name}(w, &a);\n    before(\"{name}\", \"{what}\");");
        if let Some((param, value)) = wrong {
            let _ = writeln!(self.out, "    a.{} = {value};", param.name);
        }
        let is_null = wrong.is_some_and(|(param, value)| value == "NULL" && !is_text(param));
        if let Some(object) = returns.strip_suffix(" *").filter(|object| !object.starts_with("const ")) {
            // What it makes is the caller's.
            let free = self.header.freed_by(object).map_or("free", |free| &free.name);
            let _ = writeln!(self.out, "    {free}({call});");
        } else if is_null && returns != "void" {
            let _ = writeln!(
                self.out,
                "    if ({call} != 0)\n        wrong(\"asked of NULL it does not answer with %s\", \"NULL or 0\");"
            );
        } else {
            let _ = writeln!(self.out, "    (void){call};");
        }
        self.line("    after();");
    }

    /// One call: `setup` makes it wrong, `after` says what has to come of it.
    fn case(&mut self, function: &Function, what: &str, setup: &str, after: &str) {
        let name = &function.name;
        let _ = writeln!(
            self.out,
            "    fill_{name}(w, &a);\n    {{\n        int32_t status;\n{setup}\n        before(\"{name}\", \"{what}\");\n        \
             status = call_{name}(&a);\n        {after};\n        end_{name}(w, &a, status);\n    }}"
        );
    }

    fn sample(&mut self, function: &Function, param: &Variable) -> Option<String> {
        let ctype = param.ctype.trim_start_matches("const ").trim_end_matches([' ', '*']);
        // A struct or a handle is known by its type: there are many called "config".
        let by_type = ctype.starts_with("netns_");
        let object = function.name.splitn(3, '_').take(2).collect::<Vec<_>>().join("_");
        let mut candidates = vec![format!("sample_{}_{}", function.name, param.name)];
        if by_type {
            candidates.push(format!("sample_{ctype}"));
        } else {
            candidates.push(format!("sample_{object}_{}", param.name));
            candidates.push(format!("sample_{}", param.name));
        }
        let found = candidates.iter().find(|name| self.has(name)).cloned();
        if found.is_none() {
            let unknown = format!("{}, a {}", candidates.join(" or "), param.ctype);
            if !self.unknown.contains(&unknown) {
                self.unknown.push(unknown);
            }
        }
        found
    }

    fn main(&mut self, functions: &[&Function]) {
        self.line("int main(int argc, char **argv)\n{\n    static struct world world;\n    struct world *w = &world;");
        self.line("    size_t length = argc > 1 ? strtoul(argv[1], NULL, 10) : 0;");
        self.line("    make_directories(w);");
        self.line("    if (length == 0) {\n        netns_controller_close(w->controller);\n        return 0;\n    }");
        self.line(
            "    huge = malloc(length + 1);\n    memset(huge, 'a', length);\n    huge[length] = '\\0';",
        );
        for function in functions {
            let _ = writeln!(self.out, "    walk_{}(w);", function.name);
        }
        self.line("    clear(w);\n    netns_controller_close(w->controller);\n    free(huge);");
        self.line(
            "    printf(\"%lu calls, %lu failures\\n\", calls, failures);\n    return failures != 0;\n}",
        );
    }
}

fn without_error(function: &Function) -> impl Iterator<Item = &Variable> {
    function.params.iter().filter(|param| param.name != "ret_error")
}

fn declared(ctype: &str, name: &str) -> String {
    format!("{ctype}{}{name}", if ctype.ends_with('*') { "" } else { " " })
}

fn is_text(param: &Variable) -> bool {
    param.ctype == "const char *" || param.ctype == "void *"
}

/// It is one of an enumeration's numbers, says its comment.
fn is_enumerated(of: &Variable) -> bool {
    of.about.as_ref().is_some_and(|about| about.to_lowercase().starts_with("a netns_"))
}

/// A name that is empty or endless is refused; what other text may be is its reader's business.
fn after_bad_name(of: &Variable, called: &str) -> String {
    if of.name == "name" || of.name.ends_with("_name") {
        "must_be_refused(status, a.ret_error, NULL)".to_owned()
    } else {
        let _ = called;
        "must_be_clean(status, a.ret_error)".to_owned()
    }
}

fn must_have(condition: &str) -> String {
    format!("        CHECK({condition}); /* else: teach samples.h */\n")
}
