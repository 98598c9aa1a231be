//! Programs as text.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;

use parse_syzlang::{ESCAPES, to_base64};

use super::default::is_default;
use super::value::{Arg, Call, Program, Source, Value, Var};
use super::visit::each_arg;
use crate::types::{BASE, Content, Count, Kind, Target};

/// Trailing zeros of data that are not worth a size behind it.
const KEPT: usize = 8;

/// A program as text, one call a line, with its comments.
#[must_use]
pub fn write_program(target: &Target, program: &Program) -> String {
    let mut writer = Writer::new(target, &program.calls);
    for call in &program.calls {
        for line in &call.before {
            writer.out.push_str(line);
            writer.out.push('\n');
        }
        writer.call(call);
        writer.out.push('\n');
    }
    for line in &program.tail {
        writer.out.push_str(line);
        writer.out.push('\n');
    }
    writer.out
}

/// Each call of a program as one line without its comment.
#[must_use]
pub fn write_call(target: &Target, program: &Program) -> Vec<String> {
    let mut writer = Writer::new(target, &program.calls);
    let line = |call: &Call| {
        writer.call(&Call { comment: None, ..call.clone() });
        std::mem::take(&mut writer.out)
    };
    program.calls.iter().map(line).collect()
}

struct Writer<'a> {
    target: &'a Target,
    /// Variables that somebody uses.
    used: HashSet<Var>,
    /// Numbers that variables got so far.
    numbers: HashMap<Var, usize>,
    out: String,
}

impl<'a> Writer<'a> {
    fn new(target: &'a Target, calls: &[Call]) -> Self {
        let mut used = HashSet::new();
        for arg in calls.iter().flat_map(|call| &call.arguments) {
            each_arg(arg, &mut |arg| {
                if let Value::Resource(Source::Var(var, ..), _) = arg.value {
                    used.insert(var);
                }
            });
        }
        Self { target, used, numbers: HashMap::new(), out: String::new() }
    }

    /// The number of a variable, a new one if it has none.
    fn number(&mut self, var: Var) -> usize {
        let next = self.numbers.len();
        *self.numbers.entry(var).or_insert(next)
    }

    fn put(&mut self, text: std::fmt::Arguments<'_>) {
        // Writing to a string cannot fail.
        let _ = self.out.write_fmt(text);
    }

    fn call(&mut self, call: &Call) {
        if let Some(var) = call.result
            && self.used.contains(&var)
        {
            let number = self.number(var);
            self.put(format_args!("r{number} = "));
        }
        let kind = self.target.call(call.kind);
        self.out.push_str(&kind.name);
        self.out.push('(');
        self.list(&call.arguments);
        self.out.push(')');
        let mut properties = Vec::new();
        if call.properties.fail_nth > 0 {
            properties.push(format!("fail_nth: {}", call.properties.fail_nth));
        }
        if call.properties.asynchronous {
            properties.push("async".to_owned());
        }
        if call.properties.rerun > 0 {
            properties.push(format!("rerun: {}", call.properties.rerun));
        }
        if !properties.is_empty() {
            self.put(format_args!(" ({})", properties.join(", ")));
        }
        if let Some(comment) = &call.comment {
            self.put(format_args!(" # {comment}"));
        }
    }

    fn list(&mut self, args: &[Arg]) {
        for (index, arg) in args.iter().enumerate() {
            self.out.push_str(if index > 0 { ", " } else { "" });
            self.arg(arg);
        }
    }

    /// The values up to the last that is no default.
    fn short_list(&mut self, args: &[Arg]) {
        let length = args.iter().rposition(|arg| !is_default(self.target, arg, &self.used));
        self.list(&args[..length.map_or(0, |last| last + 1)]);
    }

    fn arg(&mut self, arg: &Arg) {
        let kind = self.target.get(arg.kind);
        match &arg.value {
            Value::Number(value) => self.put(format_args!("{value:#x}")),
            Value::Auto => self.out.push_str("AUTO"),
            Value::Resource(source, defines) => self.resource(*source, *defines),
            Value::Pointer(address, to) => self.pointer(arg, *address, to),
            Value::Special(index) => {
                self.put(format_args!("{:#x}", (*index as u64).wrapping_neg()));
            }
            Value::Pages(address, size) => {
                self.put(format_args!("&({:#x}/{size:#x})=nil", BASE + address));
            }
            Value::Data(bytes) => self.data(arg, bytes),
            Value::Space(size) => self.put(format_args!("\"\"/{size}")),
            Value::Group(inner) => {
                let (open, close, short) = match &kind.kind {
                    Kind::Array(_, Count::Between(low, high)) => ('[', ']', low == high),
                    Kind::Array(..) => ('[', ']', false),
                    _ => ('{', '}', true),
                };
                self.out.push(open);
                if short {
                    self.short_list(inner);
                } else {
                    self.list(inner);
                }
                self.out.push(close);
            }
            Value::Union(index, inner) => {
                if let Kind::Union(body) = &kind.kind {
                    let name = &self.target.body(*body).fields[*index].name;
                    self.out.push('@');
                    self.out.push_str(name);
                }
                if !is_default(self.target, inner, &self.used) {
                    self.out.push('=');
                    self.arg(inner);
                }
            }
        }
    }

    fn resource(&mut self, source: Source, defines: Option<Var>) {
        if let Some(var) = defines
            && self.used.contains(&var)
        {
            let number = self.number(var);
            self.put(format_args!("<r{number}=>"));
        }
        match source {
            Source::Number(value) => self.put(format_args!("{value:#x}")),
            Source::Var(var, divisor, addend) => {
                let number = self.number(var);
                self.put(format_args!("r{number}"));
                if divisor != 0 {
                    self.put(format_args!("/{divisor}"));
                }
                if addend != 0 {
                    self.put(format_args!("+{addend}"));
                }
            }
        }
    }

    fn pointer(&mut self, arg: &Arg, address: u64, to: &Arg) {
        self.put(format_args!("&({:#x})", BASE + address));
        let squashed = to.kind == self.target.pieces()
            && !matches!(self.target.get(arg.kind).kind, Kind::Pointer(kind, _) if kind == to.kind);
        if squashed {
            self.out.push_str("=ANY=");
            self.arg(to);
        } else if !is_default(self.target, to, &self.used) {
            self.out.push('=');
            self.arg(to);
        }
    }

    fn data(&mut self, arg: &Arg, bytes: &[u8]) {
        let kind = self.target.get(arg.kind);
        let content = match &kind.kind {
            Kind::Buffer(content) => content,
            _ => &Content::Blob(Count::Any),
        };
        if *content == Content::Image {
            self.put(format_args!("\"${}\"", to_base64(bytes)));
            return;
        }
        let zeros = bytes.iter().rev().take_while(|byte| **byte == 0).count();
        let short = bytes.len() - zeros.saturating_sub(1);
        let sized = kind.size.is_none() && bytes.len() - short > KEPT;
        let shown = if sized || kind.size.is_some() { &bytes[..short] } else { bytes };
        let text = match content {
            Content::Text { .. } | Content::FileName { .. } | Content::Glob(_) => true,
            _ => !shown.is_empty() && shown.iter().all(|byte| is_readable(*byte)),
        };
        if text {
            write_text(&mut self.out, shown);
        } else {
            self.out.push('"');
            for byte in shown {
                let _ = write!(self.out, "{byte:02x}");
            }
            self.out.push('"');
        }
        if sized {
            self.put(format_args!("/{}", bytes.len()));
        }
    }
}

fn is_readable(byte: u8) -> bool {
    byte == 0 || (b' '..=b'~').contains(&byte) || (7..=13).contains(&byte)
}

fn write_text(out: &mut String, bytes: &[u8]) {
    out.push('\'');
    for byte in bytes {
        match ESCAPES.iter().find(|(_, value)| value == byte) {
            Some((letter, _)) => {
                out.push('\\');
                out.push(char::from(*letter));
            }
            None if (b' '..=b'~').contains(byte) => out.push(char::from(*byte)),
            None => {
                let _ = write!(out, "\\x{byte:02x}");
            }
        }
    }
    out.push('\'');
}
