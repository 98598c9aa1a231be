//! Values that follow from others: lengths and offsets.

use super::size::{each_field, size_of};
use super::value::{Arg, Call, Value};
use super::visit::each_arg_mut;
use crate::types::{Content, Kind, Target};

/// Something around a value.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Level<'a> {
    /// The call.
    Call(&'a Call),
    /// A struct or union.
    Arg(&'a Arg),
}

/// Computes lengths and offsets; with `all` those that are numbers already too.
pub fn fix_lengths(target: &Target, call: &mut Call, all: bool) {
    let mut values = Vec::new();
    let mut stack = vec![Level::Call(call)];
    for arg in &call.arguments {
        collect(target, arg, &mut stack, &mut values, all);
    }
    let mut next = values.into_iter();
    for arg in &mut call.arguments {
        each_arg_mut(arg, &mut |arg| {
            if wants(target, arg, all)
                && let Some(value) = next.next()
            {
                match value {
                    Some(value) => arg.value = Value::Number(value),
                    // What is counted is squashed: the number stays.
                    None if arg.value == Value::Auto => arg.value = Value::Number(0),
                    None => {}
                }
            }
        });
    }
}

/// Whether a value is to be computed.
fn wants(target: &Target, arg: &Arg, all: bool) -> bool {
    arg.value == Value::Auto || all && matches!(target.get(arg.kind).kind, Kind::Len { .. })
}

fn collect<'a>(
    target: &Target,
    arg: &'a Arg,
    stack: &mut Vec<Level<'a>>,
    values: &mut Vec<Option<u64>>,
    all: bool,
) {
    let kind = target.get(arg.kind);
    if wants(target, arg, all) {
        values.push(match &kind.kind {
            Kind::Len { unit, offset, path, .. } => length(target, path, *unit, *offset, stack),
            _ => Some(0),
        });
    }
    let pushed = match &kind.kind {
        Kind::Struct(_) => true,
        Kind::Union(body) => !target.body(*body).name.is_empty(),
        _ => false,
    };
    if pushed {
        stack.push(Level::Arg(arg));
    }
    match &arg.value {
        Value::Pointer(_, to) => collect(target, to, stack, values, all),
        Value::Union(_, inner) => collect(target, inner, stack, values, all),
        Value::Group(inner) => {
            inner.iter().for_each(|inner| collect(target, inner, stack, values, all));
        }
        _ => {}
    }
    if pushed {
        stack.pop();
    }
}

/// The value of a length: absent if what it counts is squashed.
fn length(
    target: &Target,
    path: &[String],
    unit: u64,
    offset: bool,
    stack: &[Level<'_>],
) -> Option<u64> {
    if offset {
        return Some(offset_of(target, path, stack).unwrap_or(0));
    }
    let Some(found) = find(target, path, stack) else { return Some(0) };
    let found = follow(target, found);
    if found.kind == target.pieces() {
        return None;
    }
    let bytes = match &found.value {
        Value::Pages(_, size) => *size,
        Value::Special(_) => 0,
        Value::Group(elements)
            if unit == 0 && matches!(target.get(found.kind).kind, Kind::Array(..)) =>
        {
            return Some(elements.len() as u64);
        }
        _ => size_of(target, found),
    };
    Some(bytes.saturating_mul(8).checked_div(unit).unwrap_or(bytes))
}

/// Through pointers and fields with conditions.
fn follow<'a>(target: &Target, mut arg: &'a Arg) -> &'a Arg {
    loop {
        match (&arg.value, &target.get(arg.kind).kind) {
            (Value::Pointer(_, to), _) => arg = to,
            (Value::Union(_, inner), Kind::Union(body)) if target.body(*body).name.is_empty() => {
                arg = inner;
            }
            _ => return arg,
        }
    }
}

/// The fields of a level with their values.
fn field<'a>(target: &Target, level: Level<'a>, name: &str) -> Option<&'a Arg> {
    match level {
        Level::Call(call) => {
            let index =
                target.call(call.kind).arguments.iter().position(|field| field.name == name)?;
            call.arguments.get(index)
        }
        Level::Arg(arg) => match (&arg.value, &target.get(arg.kind).kind) {
            (Value::Group(fields), Kind::Struct(body)) => {
                let index =
                    target.body(*body).fields.iter().position(|field| field.name == name)?;
                fields.get(index)
            }
            (Value::Union(index, inner), Kind::Union(body)) => {
                (target.body(*body).fields[*index].name == name).then_some(inner)
            }
            _ => None,
        },
    }
}

/// What a path leads to, seen from inside of the innermost level.
pub(crate) fn find<'a>(target: &Target, path: &[String], stack: &[Level<'a>]) -> Option<&'a Arg> {
    let (level, rest) = start(target, path, stack)?;
    descend(target, level, rest)
}

/// The level at which a path's names begin, and those that are left.
fn start<'a, 'p>(
    target: &Target,
    path: &'p [String],
    stack: &[Level<'a>],
) -> Option<(Level<'a>, &'p [String])> {
    let (first, mut rest) = path.split_first()?;
    let own = *stack.last()?;
    let siblings = match own {
        Level::Call(_) => true,
        Level::Arg(arg) => matches!(arg.value, Value::Group(_)),
    };
    if siblings && field(target, own, first).is_some() {
        return Some((own, path));
    }
    if first == "syscall" {
        return Some((stack[0], rest));
    }
    if first == "parent" {
        let mut depth = stack.len();
        while rest.first().is_some_and(|next| next == "parent") && depth > 1 {
            rest = &rest[1..];
            depth -= 1;
        }
        return Some((stack[depth - 1], rest));
    }
    let found = stack.iter().rev().find(|level| match level {
        Level::Arg(arg) => match &target.get(arg.kind).kind {
            Kind::Struct(body) | Kind::Union(body) => target.body(*body).name == *first,
            _ => false,
        },
        Level::Call(_) => false,
    })?;
    Some((*found, rest))
}

fn descend<'a>(target: &Target, mut level: Level<'a>, path: &[String]) -> Option<&'a Arg> {
    let mut found = match level {
        Level::Arg(arg) => Some(arg),
        Level::Call(_) => None,
    };
    for name in path {
        if let Some(arg) = found {
            level = Level::Arg(follow(target, arg));
        }
        found = Some(field(target, level, name)?);
    }
    found
}

/// Offset of the field at a path's end in the struct where the path begins.
fn offset_of(target: &Target, path: &[String], stack: &[Level<'_>]) -> Option<u64> {
    let (mut level, rest) = start(target, path, stack)?;
    let mut total = 0;
    for name in rest {
        let Level::Arg(arg) = level else { return None };
        match (&arg.value, &target.get(arg.kind).kind) {
            (Value::Group(fields), Kind::Struct(body)) => {
                let body = target.body(*body);
                let wanted = body.fields.iter().position(|field| field.name == *name)?;
                each_field(target, body, fields, &mut |index, offset| {
                    if index == wanted {
                        total += offset;
                    }
                });
                level = Level::Arg(fields.get(wanted)?);
            }
            _ => level = Level::Arg(field(target, level, name)?),
        }
    }
    Some(total)
}

/// Whether a buffer's bytes are chosen by its type alone.
#[must_use]
pub(crate) fn has_one_value(content: &Content) -> bool {
    matches!(content, Content::Text { values, .. } if values.len() == 1)
}
