//! Declarations of many files as one table of names, and the mistakes that only the whole shows.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;

use parse_syzlang::{Body, Call, Declaration, Expression, File, Kind, Position, Value};

use crate::constants::Constants;
use crate::mistake::{Mistake, Wrong};

/// What the language declares by itself, in its own words.
const PRELUDE: &str = "type bool8 int8[0:1]\ntype bool16 int16[0:1]\ntype bool32 int32[0:1]\ntype bool64 int64[0:1]\ntype boolptr intptr[0:1]\n\
    type filename string[filename]\ntype fileoff[BASE] BASE\ntype buffer[DIR] ptr[DIR, array[int8]]\ntype optional[T] [\n\tval\tT\n\tvoid\tvoid\n] [varlen]\n";

/// Types of the language.
const TYPES: [&str; 31] = [
    "int8",
    "int16",
    "int32",
    "int64",
    "intptr",
    "int16be",
    "int32be",
    "int64be",
    "const",
    "flags",
    "proc",
    "csum",
    "ptr",
    "ptr64",
    "array",
    "string",
    "stringnoz",
    "glob",
    "fmt",
    "vma",
    "vma64",
    "text",
    "compressed_image",
    "void",
    "len",
    "bytesize",
    "bytesize2",
    "bytesize4",
    "bytesize8",
    "fileoff",
    "buffer",
];
/// Types whose options are a path to another field.
const LENGTHS: [&str; 8] =
    ["len", "bytesize", "bytesize2", "bytesize4", "bytesize8", "bitsize", "offsetof", "value"];
/// Words that stand as options of types.
const WORDS: [&str; 21] = [
    "in", "out", "inout", "opt", "dec", "hex", "oct", "inet", "pseudo", "parent", "filename",
    "target", "x86_real", "x86_16", "x86_32", "x86_64", "arm64", "ppc64", "riscv64", "bitsize",
    "offsetof",
];

/// How much is declared.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Calls, each variant.
    pub calls: usize,
    /// Names that the kernel knows: without what follows `$`.
    pub names: usize,
    /// Structs that are no templates.
    pub structs: usize,
    /// Unions that are no templates.
    pub unions: usize,
    /// Aliases and bodies with parameters.
    pub templates: usize,
    /// Aliases without parameters.
    pub aliases: usize,
    /// Resources.
    pub resources: usize,
    /// Flags of numbers.
    pub flags: usize,
    /// Flags of strings.
    pub strings: usize,
    /// Lists named `_`, which only ask for constants.
    pub requests: usize,
}

type Place = (usize, usize);

/// All declarations.
#[derive(Debug, Default)]
pub struct Descriptions {
    files: Vec<(String, File)>,
    types: HashMap<String, Place>,
    flags: HashMap<String, Place>,
    calls: HashMap<String, Place>,
    /// By template, which of its parameters stand for paths to fields only.
    paths: HashMap<String, Vec<bool>>,
}

impl Descriptions {
    /// Joins files, each with its name. Gives the names that are declared twice too.
    #[must_use]
    pub fn new(mut files: Vec<(String, File)>) -> (Self, Vec<Mistake>) {
        files.insert(
            0,
            ("predefined".to_owned(), parse_syzlang::parse(PRELUDE).unwrap_or_default()),
        );
        let mut all = Self::default();
        let mut mistakes = Vec::new();
        for ((_, content), number) in files.iter_mut().zip(0..) {
            content.number(number);
        }
        for (file, (path, content)) in files.iter().enumerate() {
            for (index, declaration) in content.declarations.iter().enumerate() {
                let table = match &declaration.kind {
                    Kind::Call(_) => &mut all.calls,
                    Kind::Flags(_) if declaration.name == "_" => continue,
                    Kind::Flags(_) => &mut all.flags,
                    Kind::Resource(..) | Kind::Alias(..) | Kind::Template(..) | Kind::Body(_) => {
                        &mut all.types
                    }
                    Kind::Include | Kind::IncludeDirectory | Kind::Define | Kind::Meta(_) => {
                        continue;
                    }
                };
                if table.insert(declaration.name.clone(), (file, index)).is_some() {
                    mistakes.push(mistake(path, declaration, Wrong::Twice));
                }
            }
        }
        all.files = files;
        while all.learn_paths() {}
        (all, mistakes)
    }

    /// Finds parameters that stand for paths only, given those found before. Whether there were new ones.
    fn learn_paths(&mut self) -> bool {
        let mut found = HashMap::new();
        for declaration in self.files.iter().flat_map(|(_, file)| &file.declarations) {
            let parameters = parameters(&declaration.kind);
            if parameters.is_empty() {
                continue;
            }
            let (mut names, mut all) = (Vec::new(), Vec::new());
            for expression in expressions(&declaration.kind) {
                self.references(expression, &mut names);
                mentions(expression, &mut all);
            }
            let path = |parameter: &String| {
                all.contains(&parameter.as_str()) && names.iter().all(|(name, _)| name != parameter)
            };
            found.insert(declaration.name.clone(), parameters.iter().map(path).collect());
        }
        let new = found != self.paths;
        self.paths = found;
        new
    }

    /// The type, struct, union or resource of a name.
    #[must_use]
    pub fn declared(&self, name: &str) -> Option<&Declaration> {
        let (file, index) = self.types.get(name)?;
        self.files.get(*file)?.1.declarations.get(*index)
    }

    /// The values of flags of numbers or texts.
    #[must_use]
    pub fn flags(&self, name: &str) -> Option<&[Expression]> {
        let (file, index) = self.flags.get(name)?;
        match &self.files.get(*file)?.1.declarations.get(*index)?.kind {
            Kind::Flags(values) => Some(values),
            _ => None,
        }
    }

    /// Path of the file that a position's number names.
    #[must_use]
    pub fn path(&self, at: Position) -> &str {
        self.files.get(at.file as usize).map_or("", |(path, _)| path)
    }

    /// All declarations but those of the language, each with its file's name.
    pub fn declarations(&self) -> impl Iterator<Item = (&str, &Declaration)> {
        self.files.iter().skip(1).flat_map(|(path, file)| {
            file.declarations.iter().map(move |declaration| (path.as_str(), declaration))
        })
    }

    /// All calls with the file that declares them, in order.
    pub fn calls(&self) -> impl Iterator<Item = (&File, &str, &Call)> {
        self.files.iter().flat_map(|(_, file)| {
            file.declarations.iter().filter_map(move |declaration| match &declaration.kind {
                Kind::Call(call) => Some((file, declaration.name.as_str(), call)),
                _ => None,
            })
        })
    }

    /// Whether a name is a type, flags or a word of the language, so no constant.
    #[must_use]
    pub fn is_name(&self, name: &str) -> bool {
        self.types.contains_key(name)
            || self.flags.contains_key(name)
            || TYPES.contains(&name)
            || WORDS.contains(&name)
    }

    /// The kinds of a resource, from itself to its root.
    #[must_use]
    pub fn ancestry(&self, name: &str) -> Vec<String> {
        let mut chain: Vec<String> = Vec::new();
        let mut next = Some(name.to_owned());
        while let Some(kind) = next.take() {
            let Some(Kind::Resource(base, _)) = self.declared(&kind).map(|found| &found.kind)
            else {
                break;
            };
            if chain.contains(&kind) {
                break;
            }
            next = base.name().map(str::to_owned);
            chain.push(kind);
        }
        chain
    }

    /// How much is declared, without what the language declares by itself.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        let mut names = HashSet::new();
        for declaration in self.files.iter().skip(1).flat_map(|(_, file)| &file.declarations) {
            match &declaration.kind {
                Kind::Call(_) => {
                    counts.calls += 1;
                    names.insert(Call::kernel_name(&declaration.name));
                }
                Kind::Body(body) if body.union => counts.unions += 1,
                Kind::Body(_) => counts.structs += 1,
                Kind::Alias(parameters, _) if parameters.is_empty() => counts.aliases += 1,
                Kind::Alias(..) | Kind::Template(..) => counts.templates += 1,
                Kind::Resource(..) => counts.resources += 1,
                Kind::Flags(_) if declaration.name == "_" => counts.requests += 1,
                Kind::Flags(values)
                    if matches!(values[0].value, Value::Text(_) | Value::Bytes(_)) =>
                {
                    counts.strings += 1;
                }
                Kind::Flags(_) => counts.flags += 1,
                Kind::Include | Kind::IncludeDirectory | Kind::Define | Kind::Meta(_) => {}
            }
        }
        counts.names = names.len();
        counts
    }

    /// The mistakes of the whole: unknown names, wrong numbers of parameters, what nothing uses.
    #[must_use]
    pub fn mistakes(&self, constants: &Constants) -> Vec<Mistake> {
        let mut used = HashSet::new();
        let mut found = Vec::new();
        for (path, file) in &self.files {
            for declaration in &file.declarations {
                let parameters = parameters(&declaration.kind);
                let (mut names, mut mentioned) = (Vec::new(), Vec::new());
                for expression in expressions(&declaration.kind) {
                    self.references(expression, &mut names);
                    mentions(expression, &mut mentioned);
                }
                for parameter in
                    parameters.iter().filter(|name| !mentioned.contains(&name.as_str()))
                {
                    found.push(Mistake {
                        path: path.clone(),
                        at: declaration.at,
                        name: parameter.clone(),
                        wrong: Wrong::UnusedParameter,
                    });
                }
                for (name, expression) in names {
                    used.insert(name);
                    let wrong = if parameters.iter().any(|parameter| parameter == name) {
                        None
                    } else if self.is_name(name) {
                        self.wrong_options(expression)
                    } else {
                        (!constants.knows(name)).then_some(Wrong::Unknown)
                    };
                    if let Some(wrong) = wrong {
                        found.push(Mistake {
                            path: path.clone(),
                            at: expression.at,
                            name: name.to_owned(),
                            wrong,
                        });
                    }
                }
            }
        }
        for table in [&self.types, &self.flags] {
            for (name, (file, index)) in
                table.iter().filter(|(name, (file, _))| *file > 0 && !used.contains(name.as_str()))
            {
                let (path, content) = &self.files[*file];
                found.push(Mistake {
                    name: name.clone(),
                    ..mistake(path, &content.declarations[*index], Wrong::Unused)
                });
            }
        }
        for (name, (file, index)) in self.flags.iter().filter(|(name, _)| constants.knows(name)) {
            let (path, content) = &self.files[*file];
            found.push(Mistake {
                name: name.clone(),
                ..mistake(path, &content.declarations[*index], Wrong::LikeFlags)
            });
        }
        found.sort_by(|one, other| {
            (&one.path, one.at, &one.name).cmp(&(&other.path, other.at, &other.name))
        });
        found
    }

    fn wrong_options(&self, expression: &Expression) -> Option<Wrong> {
        let declaration = self.declared(expression.name()?)?;
        if !matches!(declaration.kind, Kind::Alias(..) | Kind::Template(..)) {
            return None;
        }
        let parameters = parameters(&declaration.kind);
        let mut given = expression.options.len();
        if given > parameters.len()
            && expression.options.last().and_then(Expression::name) == Some("opt")
        {
            given -= 1;
        }
        let base = parameters.last().is_some_and(|last| last == "BASE");
        (given != parameters.len() && !(base && given + 1 == parameters.len()))
            .then_some(Wrong::Parameters)
    }

    /// The names that an expression refers to; those of paths to fields are left out.
    pub(crate) fn references<'a>(
        &self,
        expression: &'a Expression,
        found: &mut Vec<(&'a str, &'a Expression)>,
    ) {
        if let Value::Binary(_, sides) = &expression.value {
            self.references(&sides.0, found);
            self.references(&sides.1, found);
        }
        let name = expression.name().unwrap_or_default();
        if !name.is_empty() && name != "value" {
            found.push((name, expression));
        }
        let length = LENGTHS.contains(&name) || name == "csum";
        let paths = self.paths.get(name);
        for (index, inner) in expression.options.iter().enumerate() {
            let path = paths.and_then(|paths| paths.get(index)).copied().unwrap_or(false);
            if !(path || length && index == 0) {
                self.references(inner, found);
            }
        }
        for inner in &expression.colon {
            self.references(inner, found);
        }
    }
}

/// The parameters of a template.
fn parameters(kind: &Kind) -> &[String] {
    match kind {
        Kind::Alias(parameters, _) | Kind::Template(parameters, _) => parameters,
        _ => &[],
    }
}

/// All names in an expression, those of paths too.
fn mentions<'a>(expression: &'a Expression, found: &mut Vec<&'a str>) {
    if let Value::Binary(_, sides) = &expression.value {
        mentions(&sides.0, found);
        mentions(&sides.1, found);
    }
    found.extend(expression.name());
    for inner in expression.options.iter().chain(&expression.colon) {
        mentions(inner, found);
    }
}

fn mistake(path: &str, declaration: &Declaration, wrong: Wrong) -> Mistake {
    Mistake { path: path.to_owned(), at: declaration.at, name: declaration.name.clone(), wrong }
}

/// The types and values of a declaration, and what its conditions and sizes name.
fn expressions(kind: &Kind) -> Vec<&Expression> {
    match kind {
        Kind::Call(call) => {
            call.arguments.iter().map(|argument| &argument.kind).chain(&call.result).collect()
        }
        Kind::Body(body) | Kind::Template(_, body) => {
            let attributes =
                body.fields.iter().flat_map(|field| &field.attributes).chain(&body.attributes);
            let valued = attributes
                .filter(|attribute| matches!(attribute.name(), Some("if" | "size" | "align")));
            body.fields
                .iter()
                .map(|field| &field.kind)
                .chain(valued.flat_map(|attribute| &attribute.options))
                .collect()
        }
        Kind::Alias(_, kind) => vec![kind],
        Kind::Resource(base, values) => std::iter::once(base).chain(values).collect(),
        Kind::Flags(values) => values.iter().collect(),
        Kind::Include | Kind::IncludeDirectory | Kind::Define | Kind::Meta(_) => Vec::new(),
    }
}

/// Puts arguments in the places of a template's parameters.
pub(crate) fn substitute(
    expression: &Expression,
    arguments: &HashMap<&str, &Expression>,
) -> Expression {
    let all = |list: &[Expression]| {
        list.iter().map(|inner| substitute(inner, arguments)).collect::<Vec<_>>()
    };
    let (options, colon) = (all(&expression.options), all(&expression.colon));
    if let Value::Binary(operator, sides) = &expression.value {
        let sides = (substitute(&sides.0, arguments), substitute(&sides.1, arguments));
        let value = Value::Binary(operator, Box::new(sides));
        return Expression { at: expression.at, value, options, colon };
    }
    match expression.name().and_then(|name| arguments.get(name)) {
        Some(given) => {
            let mut given = (*given).clone();
            given.options.extend(options);
            given.colon.extend(colon);
            given
        }
        None => Expression { at: expression.at, value: expression.value.clone(), options, colon },
    }
}

/// A body with its parameters filled.
pub(crate) fn instance(body: &Body, arguments: &HashMap<&str, &Expression>) -> Body {
    let mut body = body.clone();
    for field in &mut body.fields {
        field.kind = substitute(&field.kind, arguments);
        each(&mut field.attributes, arguments);
    }
    each(&mut body.attributes, arguments);
    body
}

fn each(attributes: &mut [Expression], arguments: &HashMap<&str, &Expression>) {
    for option in attributes.iter_mut().flat_map(|attribute| &mut attribute.options) {
        *option = substitute(option, arguments);
    }
}

/// What is given for each parameter.
pub(crate) fn arguments<'a>(
    parameters: &'a [String],
    kind: &'a Expression,
) -> HashMap<&'a str, &'a Expression> {
    parameters.iter().map(String::as_str).zip(&kind.options).collect()
}

/// An expression as it is written.
pub(crate) fn text(expression: &Expression) -> String {
    let mut out = String::new();
    write_text(expression, &mut out);
    out
}

fn write_text(expression: &Expression, out: &mut String) {
    // Writing to a string cannot fail.
    let _ = match &expression.value {
        Value::Name(name) => write!(out, "{name}"),
        Value::Number(value) => write!(out, "{value}"),
        Value::Text(text) => write!(out, "\"{text}\""),
        Value::Bytes(bytes) => {
            out.push('`');
            for byte in bytes {
                let _ = write!(out, "{byte:02x}");
            }
            write!(out, "`")
        }
        Value::Binary(operator, sides) => {
            out.push('(');
            write_text(&sides.0, out);
            let _ = write!(out, " {operator} ");
            write_text(&sides.1, out);
            write!(out, ")")
        }
    };
    if !expression.options.is_empty() {
        out.push('[');
        for (index, option) in expression.options.iter().enumerate() {
            out.push_str(if index > 0 { ", " } else { "" });
            write_text(option, out);
        }
        out.push(']');
    }
    for step in &expression.colon {
        out.push(':');
        write_text(step, out);
    }
}
