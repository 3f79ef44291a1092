//! What the header says, as far as cbindgen's way to write it goes.

/// The header.
pub(crate) struct Header {
    /// What it is, in a line.
    pub(crate) brief: String,
    /// The rules: paragraphs.
    pub(crate) rules: Vec<String>,
    /// In the order of their names.
    pub(crate) groups: Vec<Group>,
}

/// An object with its functions, types and constants.
pub(crate) struct Group {
    /// "`netns_sandbox`".
    pub(crate) name: String,
    /// "Sandboxes".
    pub(crate) title: String,
    pub(crate) items: Vec<Item>,
}

impl Group {
    pub(crate) fn functions(&self) -> impl Iterator<Item = &Item> {
        self.items.iter().filter(|item| matches!(item.kind, Kind::Function))
    }
}

/// A declaration.
pub(crate) struct Item {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) comment: Comment,
    /// As it is in the header, without comments.
    pub(crate) code: Vec<String>,
}

pub(crate) enum Kind {
    Callback,
    Constant,
    Function,
    /// A struct or an enum, with its members: declaration and comment.
    Type(Vec<(String, Comment)>),
}

/// A comment.
#[derive(Default)]
pub(crate) struct Comment {
    pub(crate) paragraphs: Vec<String>,
    /// Names and what is said of them.
    pub(crate) parameters: Vec<(String, String)>,
    pub(crate) returns: Option<String>,
    /// What it belongs to, or what it begins.
    group: Option<String>,
    title: Option<String>,
    marks: Marks,
}

#[derive(Default, PartialEq)]
enum Marks {
    Begin,
    End,
    #[default]
    Nothing,
}

impl Header {
    /// Reads the header.
    ///
    /// # Errors
    /// A declaration that is in no group.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut lines = text.lines();
        let mut header = Self { brief: String::new(), rules: Vec::new(), groups: Vec::new() };
        let mut open = None;
        let mut last = None;
        while let Some(line) = lines.next() {
            if !line.starts_with("/**") {
                if let Some(comment) = last.take() {
                    let item = item(line, &mut lines, comment);
                    let group = item.comment.group.as_ref().or(open.as_ref());
                    let group = group.ok_or_else(|| format!("{} is in no group", item.name))?.clone();
                    header.group(&group).items.push(item);
                }
                continue;
            }
            let comment = Comment::read(line, &mut lines);
            match comment.marks {
                Marks::Begin => {
                    if let (Some(name), Some(title)) = (&comment.group, comment.title) {
                        header.group(name).title = title;
                    }
                    open = comment.group;
                }
                Marks::End => open = None,
                Marks::Nothing if header.brief.is_empty() => {
                    header.brief = comment.title.unwrap_or_default();
                    header.rules = comment.paragraphs;
                }
                Marks::Nothing => last = Some(comment),
            }
        }
        header.groups.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(header)
    }

    fn group(&mut self, name: &str) -> &mut Group {
        let at = self.groups.iter().position(|group| group.name == name).unwrap_or_else(|| {
            self.groups.push(Group { name: name.to_owned(), title: name.to_owned(), items: Vec::new() });
            self.groups.len() - 1
        });
        &mut self.groups[at]
    }
}

fn item<'a>(first: &str, lines: &mut impl Iterator<Item = &'a str>, comment: Comment) -> Item {
    let mut code = vec![first.to_owned()];
    let kind = if first.starts_with('#') {
        Kind::Constant
    } else if first.ends_with('{') {
        Kind::Type(members(lines, &mut code))
    } else {
        until_semicolon(lines, &mut code);
        match first {
            _ if first.contains("(*netns_") => Kind::Callback,
            _ if first.starts_with("typedef") => Kind::Type(Vec::new()),
            _ => Kind::Function,
        }
    };
    let before = match kind {
        Kind::Callback => first.split_once("(*").map_or(first, |(_, name)| name),
        Kind::Function => {
            let before = first.split('(').next().unwrap_or(first);
            before.rsplit([' ', '*']).next().unwrap_or(before)
        }
        Kind::Constant => first.trim_start_matches("#define "),
        Kind::Type(_) => first.split(' ').find(|word| word.starts_with("netns_")).unwrap_or(first),
    };
    let name = before.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next().unwrap_or(before);
    Item { name: name.to_owned(), kind, comment, code }
}

fn until_semicolon<'a>(lines: &mut impl Iterator<Item = &'a str>, code: &mut Vec<String>) {
    while !code.last().is_some_and(|line| line.ends_with(';')) {
        let Some(line) = lines.next() else { break };
        code.push(line.to_owned());
    }
}

/// The members of a struct or an enum, to its end, which go to `code` without their comments.
fn members<'a>(lines: &mut impl Iterator<Item = &'a str>, code: &mut Vec<String>) -> Vec<(String, Comment)> {
    let mut members: Vec<(String, Comment)> = Vec::new();
    while let Some(line) = lines.next() {
        if line.trim_start().starts_with("/**") {
            members.push((String::new(), Comment::read(line, lines)));
            continue;
        }
        code.push(line.to_owned());
        if line.starts_with('}') {
            break;
        }
        if let Some((declaration, _)) = members.last_mut() {
            let gap = if declaration.is_empty() { "" } else { " " };
            *declaration += &format!("{gap}{}", line.trim());
        }
    }
    members
}

impl Comment {
    fn read<'a>(first: &str, lines: &mut impl Iterator<Item = &'a str>) -> Self {
        let mut text = vec![first.to_owned()];
        while !text.last().is_some_and(|line| line.contains("*/")) {
            let Some(line) = lines.next() else { break };
            text.push(line.to_owned());
        }
        let mut comment = Self::default();
        let mut into = Into::Nothing;
        for line in &text {
            let line = line.trim().trim_start_matches("/**").trim_end_matches("*/");
            let line = line.strip_prefix('*').unwrap_or(line).trim();
            into = comment.take(line, into);
        }
        comment
    }

    fn take(&mut self, line: &str, into: Into) -> Into {
        let Some(tagged) = line.strip_prefix('@') else {
            return self.go_on(line, into);
        };
        let (tag, rest) = tagged.split_once(' ').unwrap_or((tagged, ""));
        let (name, text) = rest.split_once(' ').unwrap_or((rest, ""));
        let text = text.trim().to_owned();
        match tag {
            "{" => self.marks = Marks::Begin,
            "}" => self.marks = Marks::End,
            "addtogroup" | "ingroup" => self.group = Some(name.to_owned()),
            "brief" => self.title = Some(rest.to_owned()),
            "defgroup" => (self.group, self.title) = (Some(name.to_owned()), Some(text)),
            "param" => {
                self.parameters.push((name.to_owned(), text));
                return Into::Parameter;
            }
            "return" => {
                self.returns = Some(rest.trim().to_owned());
                return Into::Returns;
            }
            _ => {}
        }
        Into::Nothing
    }

    fn go_on(&mut self, line: &str, into: Into) -> Into {
        if line.is_empty() {
            return Into::Nothing;
        }
        let text = match into {
            Into::Nothing => {
                self.paragraphs.push(line.to_owned());
                return Into::Paragraph;
            }
            Into::Paragraph => self.paragraphs.last_mut(),
            Into::Parameter => self.parameters.last_mut().map(|(_, text)| text),
            Into::Returns => self.returns.as_mut(),
        };
        if let Some(text) = text {
            *text += " ";
            *text += line;
        }
        into
    }
}

/// Where a line without a tag goes.
enum Into {
    Nothing,
    Paragraph,
    Parameter,
    Returns,
}
