//! From the text of a program to typed values.

use std::collections::HashMap;

use parse_syzlang::{CallText, Error, Node, Position, ProgramText, Written};

use super::address::Area;
use super::condition::fix_conditions;
use super::default::{default_arg, field_direction};
use super::lengths::{fix_lengths, has_one_value};
use super::size::size_of;
use super::value::{Arg, Call, Program, Properties, Source, Value, Var};
use super::visit::each_arg_mut;
use crate::types::{
    AREA, BASE, BodyId, CallId, Content, Count, Direction, Kind, PAGE, Target, TypeId,
};

/// How much is forgiven.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// Nothing: a program that was written for these descriptions.
    Strict,
    /// What other descriptions or versions wrote gets defaults.
    Lenient,
}

/// Address of values that get one when the whole program is read.
const LATER: u64 = u64::MAX;
/// Most calls of a program.
const CALLS: usize = 1 << 12;

/// Gives values their types.
///
/// # Errors
/// An unknown call; when strict, whatever does not fit its type.
pub fn read_program(
    target: &Target,
    text: &ProgramText,
    reading: Reading,
) -> Result<Program, Error> {
    let mut reader = Reader {
        target,
        strict: reading == Reading::Strict,
        names: HashMap::new(),
        program: Program { tail: text.tail.clone(), ..Program::default() },
    };
    if text.calls.len() > CALLS {
        return Err(error(
            text.calls[CALLS].at,
            format!("more than {CALLS} calls"),
            "split the program",
        ));
    }
    for call in &text.calls {
        let call = reader.call(call)?;
        reader.program.calls.push(call);
    }
    let mut program = reader.program;
    let mut area = Area::default();
    for call in &mut program.calls {
        if reading == Reading::Lenient {
            fix_conditions(target, call);
        }
        fix_lengths(target, call, false);
        area.note(target, call);
    }
    for call in &mut program.calls {
        for arg in &mut call.arguments {
            each_arg_mut(arg, &mut |arg| {
                if let Value::Pointer(address, to) = &mut arg.value
                    && *address == LATER
                {
                    *address = area.take(size_of(target, to));
                }
            });
        }
    }
    Ok(program)
}

fn error(at: Position, message: impl Into<String>, help: &str) -> Error {
    Error { at, message: message.into(), help: help.to_owned() }
}

struct Reader<'a> {
    target: &'a Target,
    strict: bool,
    names: HashMap<String, Var>,
    program: Program,
}

type Parsed<T> = Result<T, Error>;

impl Reader<'_> {
    /// An error when strict, else the default.
    fn wrong(
        &self,
        at: Position,
        kind: TypeId,
        direction: Direction,
        message: impl Into<String>,
    ) -> Parsed<Arg> {
        if self.strict {
            let name = &self.target.get(kind).name;
            return Err(error(at, message, &format!("a value of `{name}` belongs here")));
        }
        Ok(default_arg(self.target, kind, direction))
    }

    fn find(&self, written: &CallText) -> Parsed<CallId> {
        let found = self.target.named(&written.name).or_else(|| {
            // Variants come and go; the call itself stays.
            let base = parse_syzlang::Call::kernel_name(&written.name);
            if self.strict { None } else { self.target.named(base) }
        });
        found.ok_or_else(|| {
            error(
                written.at,
                format!("unknown call `{}` on {}", written.name, self.target.machine.name),
                "give the descriptions that have it with --descriptions",
            )
        })
    }

    fn call(&mut self, written: &CallText) -> Parsed<Call> {
        let kind = self.find(written)?;
        let call = self.target.call(kind);
        let given = written.arguments.len();
        let wanted = call.arguments.len();
        if self.strict && given != wanted {
            let at = written.arguments.get(wanted).map_or(written.at, |extra| extra.at);
            return Err(error(
                at,
                format!("`{}` takes {wanted} arguments, not {given}", call.name),
                "give each one",
            ));
        }
        let mut arguments = Vec::new();
        for (index, field) in call.arguments.iter().enumerate() {
            let direction = field.direction.unwrap_or(Direction::In);
            arguments.push(match written.arguments.get(index) {
                Some(value) => self.arg(value, field.kind, direction)?,
                None => default_arg(self.target, field.kind, direction),
            });
        }
        let result = match (&written.result, call.result) {
            (Some(name), Some(_)) => Some(self.define(name)),
            // Published programs name what returns nothing; whoever uses the name is told that it is not set.
            (_, Some(_)) => Some(self.program.variable()),
            _ => None,
        };
        Ok(Call {
            kind,
            arguments,
            result,
            properties: self.properties(written)?,
            before: written.before.clone(),
            comment: written.comment.clone(),
        })
    }

    fn properties(&self, written: &CallText) -> Parsed<Properties> {
        let mut properties = Properties::default();
        for (name, value) in &written.properties {
            match (name.as_str(), value) {
                ("fail_nth", Some(value)) => properties.fail_nth = *value,
                ("rerun", Some(value)) => properties.rerun = *value,
                ("async", None) => properties.asynchronous = true,
                _ if self.strict => {
                    return Err(error(
                        written.at,
                        format!("`{name}` is no property"),
                        "write fail_nth: N, rerun: N or async",
                    ));
                }
                _ => {}
            }
        }
        if properties.fail_nth > 0 && properties.rerun > 0 {
            if self.strict {
                return Err(error(
                    written.at,
                    "a fault and reruns of one call",
                    "take one of them",
                ));
            }
            properties.rerun = 0;
        }
        Ok(properties)
    }

    fn define(&mut self, name: &str) -> Var {
        let var = self.program.variable();
        self.names.insert(name.to_owned(), var);
        var
    }

    fn arg(&mut self, written: &Written, kind: TypeId, direction: Direction) -> Parsed<Arg> {
        let target = self.target;
        let arg = |value| Ok(Arg::new(kind, direction, value));
        if written.value == Node::Nil
            && !matches!(target.get(kind).kind, Kind::Pointer(..) | Kind::Vma(..))
        {
            return Ok(default_arg(target, kind, direction));
        }
        match (&target.get(kind).kind, &written.value) {
            (Kind::Const(_, value), Node::Auto) => arg(Value::Number(*value)),
            (Kind::Len { .. } | Kind::Csum(..), Node::Auto) => arg(Value::Auto),
            (
                Kind::Int(..)
                | Kind::Const(..)
                | Kind::Flags(..)
                | Kind::Len { .. }
                | Kind::Proc(..)
                | Kind::Csum(..),
                Node::Number(value),
            ) => arg(Value::Number(*value)),
            (Kind::Resource(..), _) => self.resource(written, kind, direction),
            (Kind::Pointer(to, inner), _) => self.pointer(written, kind, direction, *to, *inner),
            (Kind::Vma(low, high), _) => self.pages(written, kind, direction, (*low, *high)),
            (Kind::Buffer(content), _) => self.buffer(written, kind, direction, content),
            (Kind::Array(of, count), Node::Array(elements)) => {
                self.array(written, elements, kind, direction, *of, *count)
            }
            (Kind::Struct(body), Node::Struct(fields)) => {
                self.structure(fields, kind, direction, *body)
            }
            (Kind::Struct(_) | Kind::Union(_) | Kind::Array(..), Node::Auto) => {
                Ok(self.computed(kind, direction))
            }
            (Kind::Union(body), Node::Union(name, inner)) => {
                self.union(written, name, inner.as_deref(), kind, direction, *body)
            }
            _ => self.wrong(written.at, kind, direction, "a value of another kind"),
        }
    }

    /// The default, with all that can be computed left to be computed.
    fn computed(&self, kind: TypeId, direction: Direction) -> Arg {
        let mut arg = default_arg(self.target, kind, direction);
        each_arg_mut(&mut arg, &mut |arg| {
            if matches!(self.target.get(arg.kind).kind, Kind::Len { .. } | Kind::Csum(..)) {
                arg.value = Value::Auto;
            }
        });
        arg
    }

    fn resource(&mut self, written: &Written, kind: TypeId, direction: Direction) -> Parsed<Arg> {
        let (value, defines) = match &written.value {
            Node::Defines(name, value) => (&**value, Some(name)),
            _ => (written, None),
        };
        let source = match &value.value {
            Node::Number(value) => Source::Number(*value),
            Node::Result(name, divisor, addend) => match self.names.get(name) {
                Some(var) => Source::Var(*var, *divisor, *addend),
                None => {
                    let default = self.wrong(
                        value.at,
                        kind,
                        direction,
                        format!("variable `{name}` is not set before"),
                    )?;
                    match default.value {
                        Value::Resource(source, _) => source,
                        _ => Source::Number(0),
                    }
                }
            },
            _ => return self.wrong(written.at, kind, direction, "a value of another kind"),
        };
        let defines = defines.map(|name| self.define(name));
        Ok(Arg::new(kind, direction, Value::Resource(source, defines)))
    }

    fn special(&self, number: u64) -> usize {
        let count = self.target.machine.special.len();
        usize::try_from(number.wrapping_neg() % count as u64).unwrap_or(0)
    }

    /// The offset of a written address.
    fn offset(&self, at: Position, address: u64) -> Parsed<u64> {
        let offset = address.wrapping_sub(BASE);
        if offset < AREA {
            return Ok(offset);
        }
        if self.strict {
            let help = format!("the data area lies from {BASE:#x} to {:#x}", BASE + AREA);
            return Err(error(at, format!("address {address:#x} outside of the data area"), &help));
        }
        Ok(offset % AREA)
    }

    fn pointer(
        &mut self,
        written: &Written,
        kind: TypeId,
        direction: Direction,
        to: TypeId,
        inner: Direction,
    ) -> Parsed<Arg> {
        let value = match &written.value {
            Node::Nil => Value::Special(0),
            Node::Number(number) => Value::Special(self.special(*number)),
            Node::Pointer { address, to: pointee, squashed, .. } => {
                let address = match address {
                    Some(address) => self.offset(written.at, *address)?,
                    None => LATER,
                };
                let pieces = self.target.pieces();
                let pointee = match pointee {
                    None => default_arg(self.target, to, inner),
                    Some(pointee) if *squashed => self.arg(pointee, pieces, inner)?,
                    Some(pointee) => self.arg(pointee, to, inner)?,
                };
                Value::Pointer(address, Box::new(pointee))
            }
            _ => return self.wrong(written.at, kind, direction, "a value of another kind"),
        };
        Ok(Arg::new(kind, direction, value))
    }

    fn pages(
        &mut self,
        written: &Written,
        kind: TypeId,
        direction: Direction,
        range: (u64, u64),
    ) -> Parsed<Arg> {
        let value = match &written.value {
            Node::Nil => Value::Special(0),
            Node::Number(number) => Value::Special(self.special(*number)),
            Node::Pointer { address: Some(address), size, .. } => {
                let offset = self.offset(written.at, *address)?;
                let size = size.unwrap_or(PAGE * range.0.max(1));
                if self.strict && (offset % PAGE != 0 || size % PAGE != 0 || size > AREA) {
                    return self.wrong(
                        written.at,
                        kind,
                        direction,
                        "pages that do not begin and end at pages of the data area",
                    );
                }
                let offset = (offset / PAGE * PAGE).min(AREA - PAGE);
                let most = if self.strict { AREA } else { AREA - offset };
                let size = size.div_ceil(PAGE).saturating_mul(PAGE).max(PAGE).min(most);
                Value::Pages(offset, size)
            }
            _ => return self.wrong(written.at, kind, direction, "a value of another kind"),
        };
        Ok(Arg::new(kind, direction, value))
    }

    fn buffer(
        &mut self,
        written: &Written,
        kind: TypeId,
        direction: Direction,
        content: &Content,
    ) -> Parsed<Arg> {
        let (bytes, size) = match &written.value {
            Node::Data { bytes, size, .. } => (bytes, *size),
            Node::Auto if has_one_value(content) => {
                return Ok(default_arg(self.target, kind, direction));
            }
            _ => return self.wrong(written.at, kind, direction, "a value of another kind"),
        };
        let fixed = self.target.get(kind).size;
        let length = fixed.or(size).unwrap_or(bytes.len() as u64);
        if length > AREA || (self.strict && fixed.is_some() && bytes.len() as u64 > length) {
            return self.wrong(
                written.at,
                kind,
                direction,
                format!(
                    "data of {} bytes",
                    bytes.len().max(usize::try_from(length).unwrap_or(usize::MAX))
                ),
            );
        }
        if direction == Direction::Out {
            return Ok(Arg::new(kind, direction, Value::Space(length)));
        }
        let mut bytes = bytes.clone();
        bytes.resize(usize::try_from(length).unwrap_or(0), 0);
        if let Content::Text { values, .. } = content
            && !values.is_empty()
            && !values.contains(&bytes)
        {
            return self.wrong(written.at, kind, direction, "a text that its type does not have");
        }
        Ok(Arg::new(kind, direction, Value::Data(bytes)))
    }

    fn array(
        &mut self,
        written: &Written,
        elements: &[Written],
        kind: TypeId,
        direction: Direction,
        of: TypeId,
        count: Count,
    ) -> Parsed<Arg> {
        let fixed = match count {
            Count::Between(low, high) if low == high => usize::try_from(low).ok(),
            _ => None,
        };
        if self.strict && fixed.is_some_and(|fixed| elements.len() > fixed) {
            return self.wrong(
                written.at,
                kind,
                direction,
                format!("an array of {} elements", elements.len()),
            );
        }
        let mut values = Vec::new();
        for element in elements.iter().take(fixed.unwrap_or(usize::MAX)) {
            values.push(self.arg(element, of, direction)?);
        }
        while fixed.is_some_and(|fixed| values.len() < fixed) {
            values.push(default_arg(self.target, of, direction));
        }
        Ok(Arg::new(kind, direction, Value::Group(values)))
    }

    fn structure(
        &mut self,
        written: &[Written],
        kind: TypeId,
        direction: Direction,
        id: BodyId,
    ) -> Parsed<Arg> {
        let body = self.target.body(id);
        if let Some(extra) = written.get(body.fields.len())
            && self.strict
        {
            return Err(error(
                extra.at,
                format!("`{}` has {} fields", body.name, body.fields.len()),
                "remove this one",
            ));
        }
        let mut fields = Vec::new();
        for (index, field) in body.fields.iter().enumerate() {
            let direction = field_direction(body, index, direction);
            fields.push(match written.get(index) {
                Some(value) => self.arg(value, field.kind, direction)?,
                None => default_arg(self.target, field.kind, direction),
            });
        }
        Ok(Arg::new(kind, direction, Value::Group(fields)))
    }

    fn union(
        &mut self,
        written: &Written,
        name: &str,
        inner: Option<&Written>,
        kind: TypeId,
        direction: Direction,
        id: BodyId,
    ) -> Parsed<Arg> {
        let body = self.target.body(id);
        let Some(index) = body.fields.iter().position(|field| field.name == name) else {
            return self.wrong(
                written.at,
                kind,
                direction,
                format!("`{}` has no option `{name}`", body.name),
            );
        };
        let field = &body.fields[index];
        let inner_direction = field_direction(body, index, direction);
        let inner = match inner {
            Some(inner) => self.arg(inner, field.kind, inner_direction)?,
            None => default_arg(self.target, field.kind, inner_direction),
        };
        Ok(Arg::new(kind, direction, Value::Union(index, Box::new(inner))))
    }
}
