//! The header as data. Its declarations have the regular form that cbindgen gives them; what does not is a
//! panic, so that nothing is passed over.

use std::collections::{BTreeMap, BTreeSet};

/// What the header declares.
#[derive(Debug, Default)]
pub(crate) struct Header {
    pub(crate) functions: Vec<Function>,
    /// Structs with fields, by name.
    pub(crate) structs: BTreeMap<String, Struct>,
    /// Structs that only the library sees into.
    pub(crate) opaque: BTreeSet<String>,
    /// Types of functions.
    pub(crate) callbacks: BTreeMap<String, Function>,
    /// The names of each enumeration's numbers.
    pub(crate) enums: BTreeMap<String, Vec<String>>,
    /// What the preprocessor replaces, with what.
    pub(crate) macros: BTreeMap<String, String>,
}

#[derive(Clone, Debug)]
pub(crate) struct Function {
    pub(crate) name: String,
    pub(crate) returns: String,
    pub(crate) params: Vec<Variable>,
    pub(crate) about: String,
}

#[derive(Clone, Debug)]
pub(crate) struct Struct {
    pub(crate) name: String,
    pub(crate) fields: Vec<Variable>,
    pub(crate) about: String,
}

/// A parameter or a field.
#[derive(Clone, Debug)]
pub(crate) struct Variable {
    pub(crate) name: String,
    /// Without `struct` and `enum`: "const netns_route *const *".
    pub(crate) ctype: String,
    /// A field's comment, or a parameter's `@param`.
    pub(crate) about: Option<String>,
}

impl Header {
    pub(crate) fn parse(text: &str) -> Self {
        let mut header = Self::default();
        let (_, body) = text.split_once("#include <stdint.h>").expect("the includes");
        let macros = body.lines().filter_map(|line| line.strip_prefix("#define "));
        header.macros = macros
            .filter_map(|of| of.split_once(' '))
            .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
            .collect();
        for (about, declaration) in declarations(body) {
            header.add(about, &declaration);
        }
        header
    }

    fn add(&mut self, about: String, declaration: &str) {
        let Some(rest) = declaration.strip_prefix("typedef ") else {
            return self.functions.push(function(about, declaration));
        };
        if let Some(rest) = rest.strip_prefix("enum ") {
            let (_, numbers) = rest.split_once('{').expect("an enumeration has numbers");
            self.enums.insert(first_word(rest), numbers_of(numbers));
        } else if let Some(rest) = rest.strip_prefix("struct ") {
            let name = first_word(rest);
            match rest.split_once('{') {
                None => drop(self.opaque.insert(name)),
                Some((_, fields)) => {
                    let (fields, _) = fields.rsplit_once('}').expect("a struct ends");
                    let fields = declarations(fields).into_iter().map(field).collect();
                    self.structs.insert(name.clone(), Struct { name, fields, about });
                }
            }
        } else if rest.contains("(*") {
            let typed = callback(about, rest);
            self.callbacks.insert(typed.name.clone(), typed);
        } else {
            panic!("what is this: {declaration}");
        }
    }

    /// The struct that `ctype` points to, when the caller fills it in and it may grow.
    pub(crate) fn sized(&self, ctype: &str) -> Option<&Struct> {
        let name = ctype.strip_prefix("const ")?.strip_suffix(" *")?;
        self.structs.get(name).filter(|found| found.is_sized())
    }

    /// The element type of an array of pointers to structs.
    pub(crate) fn array_of_sized(&self, ctype: &str) -> Option<&Struct> {
        let name = ctype.strip_prefix("const ")?.strip_suffix(" *const *")?;
        self.structs.get(name)
    }

    pub(crate) fn is_pointer(&self, ctype: &str) -> bool {
        ctype.ends_with('*') || ctype.contains("(*") || self.callbacks.contains_key(ctype)
    }

    /// Whether an object is lent to callbacks alone, by a type such as "netns_join *": nobody else has one.
    pub(crate) fn is_lent(&self, ctype: &str) -> bool {
        let object = first_word(ctype.trim_start_matches("const "));
        let fields = self.structs.values().flat_map(|of| &of.fields);
        let mut callbacks = fields.filter(|field| field.ctype.contains("(*)"));
        let is_argument = callbacks.any(|field| field.ctype.contains(&format!(" {object} *")));
        self.opaque.contains(&object) && is_argument && self.freed_by(&object).is_none()
    }

    /// Whether a function can be called outside of callbacks.
    pub(crate) fn is_for_all(&self, function: &Function) -> bool {
        !function.params.iter().any(|param| self.is_lent(&param.ctype))
    }

    /// What frees an object of this type.
    pub(crate) fn freed_by(&self, object: &str) -> Option<&Function> {
        let names = [format!("{object}_free"), format!("{object}_close")];
        names.iter().find_map(|name| self.functions.iter().find(|function| function.name == *name))
    }
}

impl Function {
    /// It tells by a status whether it succeeded.
    pub(crate) fn can_fail(&self) -> bool {
        self.params.last().is_some_and(|last| last.name == "ret_error")
    }

    /// It ends an object and does nothing else.
    pub(crate) fn frees(&self) -> bool {
        let named = self.name.ends_with("_free") || self.name.ends_with("_close");
        named && self.returns == "void" && self.params.len() == 1
    }
}

impl Struct {
    pub(crate) fn is_sized(&self) -> bool {
        self.fields.first().is_some_and(|first| first.name == "size" && first.ctype == "size_t")
    }

    /// The field that says how many there are of `field`.
    pub(crate) fn count_of(&self, field: &Variable) -> Option<&str> {
        let at = self.fields.iter().position(|other| other.name == field.name)?;
        let next = self.fields.get(at + 1)?;
        next.name.ends_with("count").then_some(next.name.as_str())
    }
}

impl Variable {
    pub(crate) fn is_output(&self) -> bool {
        self.name.starts_with("ret_")
    }

    /// Its comment says what NULL means. Of a parameter it has to say so in these words; `user` belongs to
    /// the caller, and is never looked at.
    pub(crate) fn may_be_null(&self) -> bool {
        self.name == "user" || self.about.as_ref().is_some_and(|about| about.contains("may be NULL"))
    }
}

/// Splits into comments and what they are of, up to the semicolon outside braces.
fn declarations(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let (mut about, mut rest) = (String::new(), text.trim_start());
    while !rest.is_empty() {
        if let Some(comment) = rest.strip_prefix("/*") {
            let (comment, after) = comment.split_once("*/").expect("a comment ends");
            if let Some(doc) = comment.strip_prefix('*') {
                about = words_of(doc);
            }
            rest = after.trim_start();
        } else if rest.starts_with('#') || rest.starts_with("extern \"C\" {") || rest.starts_with("}  //") {
            rest = rest.split_once('\n').map_or("", |(_, after)| after).trim_start();
        } else {
            let end = end_of(rest);
            let declaration = rest[..end].trim().to_owned();
            found.push((std::mem::take(&mut about), declaration));
            rest = rest[end + 1..].trim_start();
        }
    }
    found
}

/// Where the semicolon is that ends a declaration.
fn end_of(text: &str) -> usize {
    let (mut depth, mut in_comment) = (0, false);
    for (at, character) in text.char_indices() {
        match character {
            '/' if text[at..].starts_with("/*") => in_comment = true,
            '/' if at > 0 && text[..at].ends_with('*') => in_comment = false,
            _ if in_comment => {}
            '{' => depth += 1,
            '}' => depth -= 1,
            ';' if depth == 0 => return at,
            _ => {}
        }
    }
    panic!("a declaration does not end: {text}");
}

/// A comment without its stars; its lines stay.
fn words_of(comment: &str) -> String {
    let lines = comment.lines().map(|line| {
        let line = line.trim_start();
        line.strip_prefix("* ").or_else(|| line.strip_prefix('*')).unwrap_or(line)
    });
    lines.collect::<Vec<_>>().join("\n").trim().to_owned()
}

/// The names in "/** about it */ ONE = 1, … } name", where no comment has an equals sign at a line's end.
fn numbers_of(text: &str) -> Vec<String> {
    let lines = text.lines().map(str::trim).filter(|line| !line.starts_with(['*', '/', '}']));
    lines.filter_map(|line| line.split_once(" = ")).map(|(name, _)| name.to_owned()).collect()
}

fn function(about: String, declaration: &str) -> Function {
    let (head, params) = declaration.split_once('(').expect("a function has parameters");
    let params = params.strip_suffix(')').unwrap_or_else(|| panic!("what is this: {declaration}"));
    let head = variable(head, None);
    let params = parameters(params, &about);
    Function { name: head.name, returns: head.ctype, params, about }
}

fn callback(about: String, declaration: &str) -> Function {
    let (returns, rest) = declaration.split_once("(*").expect("a function's type");
    let (name, params) = rest.split_once(")(").expect("a function's type has parameters");
    let params = parameters(params.strip_suffix(')').expect("parameters end"), &about);
    Function { name: name.to_owned(), returns: plain(returns), params, about }
}

fn parameters(text: &str, about: &str) -> Vec<Variable> {
    if text.trim() == "void" {
        return Vec::new();
    }
    let named = text.split(',').map(|param| {
        let param = variable(param, None);
        let about = param_of(about, &param.name);
        Variable { about, ..param }
    });
    named.collect()
}

/// What a comment says of a parameter.
fn param_of(about: &str, name: &str) -> Option<String> {
    let mut said: Option<String> = None;
    for line in about.lines() {
        if let Some(rest) = line.strip_prefix("@param ") {
            if said.is_some() {
                break;
            }
            let (param, text) = rest.trim_start().split_once(' ').unwrap_or((rest, ""));
            said = (param == name).then(|| text.trim().to_owned());
        } else if line.starts_with('@') {
            if said.is_some() {
                break;
            }
        } else if let Some(said) = &mut said {
            said.push(' ');
            said.push_str(line.trim());
        }
    }
    said
}

fn field((about, declaration): (String, String)) -> Variable {
    let about = Some(about).filter(|about| !about.is_empty());
    match declaration.split_once("(*") {
        None => variable(&declaration, about),
        Some((returns, rest)) => {
            let (name, params) = rest.split_once(')').expect("a function's type");
            Variable {
                name: name.to_owned(),
                ctype: format!("{} (*){}", plain(returns), plain(params)),
                about,
            }
        }
    }
}

fn variable(text: &str, about: Option<String>) -> Variable {
    let text = plain(text);
    let at = text.rfind([' ', '*']).unwrap_or_else(|| panic!("what is this: {text}"));
    let (ctype, name) = (text[..=at].trim(), &text[at + 1..]);
    assert!(!name.contains('['), "arrays are not expected: {text}");
    Variable { name: name.to_owned(), ctype: ctype.to_owned(), about }
}

/// A type on one line, without the words that C wants and nobody reads.
fn plain(text: &str) -> String {
    let words = text.split_whitespace().filter(|word| !matches!(*word, "struct" | "enum"));
    words.collect::<Vec<_>>().join(" ")
}

fn first_word(text: &str) -> String {
    text.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default().to_owned()
}
