//! The values that need not be written.

use std::collections::HashSet;

use super::value::{Arg, Source, Value, Var};
use crate::types::{Body, Content, Count, Direction, Field, Kind, Target, TypeId};

/// Deepest nesting of defaults.
const DEPTH: usize = 100;

/// The default of a type.
#[must_use]
pub fn default_arg(target: &Target, kind: TypeId, direction: Direction) -> Arg {
    make(target, kind, direction, 0)
}

/// Direction of a field that lies in something with a direction.
pub(crate) fn field_direction(body: &Body, index: usize, outer: Direction) -> Direction {
    match body.overlay {
        Some(begin) if index < begin => Direction::In,
        Some(_) => Direction::Out,
        None => body.fields[index].direction.unwrap_or(outer),
    }
}

/// The option that a union has by default.
pub(super) fn default_option(body: &Body) -> usize {
    if body.conditional { body.fields.len().saturating_sub(1) } else { 0 }
}

fn make(target: &Target, id: TypeId, direction: Direction, depth: usize) -> Arg {
    let kind = target.get(id);
    let number = |value| Value::Number(value);
    let value = match &kind.kind {
        Kind::Int(..) | Kind::Flags(..) | Kind::Len { .. } | Kind::Csum(..) => number(0),
        Kind::Const(_, value) => number(*value),
        Kind::Proc(..) => number(u64::MAX),
        Kind::Resource(_, resource) => {
            Value::Resource(Source::Number(target.resource(*resource).special[0]), None)
        }
        Kind::Vma(..) => Value::Special(0),
        Kind::Pointer(to, inner) => {
            if kind.optional || depth > DEPTH {
                Value::Special(0)
            } else {
                Value::Pointer(0, Box::new(make(target, *to, *inner, depth + 1)))
            }
        }
        Kind::Buffer(content) => default_buffer(content, kind.size, direction),
        Kind::Array(of, count) => {
            let length = match count {
                Count::Between(low, high) if low == high && depth <= DEPTH => *low,
                _ => 0,
            };
            Value::Group((0..length).map(|_| make(target, *of, direction, depth + 1)).collect())
        }
        Kind::Struct(body) => {
            let body = target.body(*body);
            let field = |(index, field): (usize, &Field)| {
                make(target, field.kind, field_direction(body, index, direction), depth + 1)
            };
            Value::Group(body.fields.iter().enumerate().map(field).collect())
        }
        Kind::Union(body) => {
            let body = target.body(*body);
            let index = default_option(body);
            let inner = field_direction(body, index, direction);
            Value::Union(index, Box::new(make(target, body.fields[index].kind, inner, depth + 1)))
        }
    };
    Arg::new(id, direction, value)
}

fn default_buffer(content: &Content, size: Option<u64>, direction: Direction) -> Value {
    if direction == Direction::Out {
        return Value::Space(size.unwrap_or(0));
    }
    match content {
        Content::Text { values, .. } if values.len() == 1 => Value::Data(values[0].clone()),
        _ => Value::Data(vec![0; usize::try_from(size.unwrap_or(0)).unwrap_or(0)]),
    }
}

/// Whether a value is the default of its type. What is in `used` must stay.
#[must_use]
pub fn is_default(target: &Target, arg: &Arg, used: &HashSet<Var>) -> bool {
    let kind = target.get(arg.kind);
    match (&arg.value, &kind.kind) {
        (Value::Number(value), Kind::Const(_, default)) => value == default,
        (Value::Number(value), Kind::Proc(..)) => *value == u64::MAX,
        (Value::Number(value), _) => *value == 0,
        (Value::Resource(Source::Number(value), defines), Kind::Resource(_, resource)) => {
            *value == target.resource(*resource).special[0]
                && defines.is_none_or(|var| !used.contains(&var))
        }
        (Value::Special(index), Kind::Vma(..)) => *index == 0,
        (Value::Special(index), _) => *index == 0 && kind.optional,
        (Value::Pointer(address, to), Kind::Pointer(kind_of_to, _)) => {
            !kind.optional
                && *address == 0
                && to.kind == *kind_of_to
                && is_default(target, to, used)
        }
        (Value::Space(_) | Value::Data(_), Kind::Buffer(content)) => {
            arg.value == default_buffer(content, kind.size, arg.direction)
        }
        (Value::Group(elements), Kind::Array(_, count)) => {
            let length = match count {
                Count::Between(low, high) if low == high => *low,
                _ => 0,
            };
            elements.len() as u64 == length
                && elements.iter().all(|one| is_default(target, one, used))
        }
        (Value::Group(fields), _) => fields.iter().all(|one| is_default(target, one, used)),
        (Value::Union(index, inner), Kind::Union(body)) => {
            *index == default_option(target.body(*body)) && is_default(target, inner, used)
        }
        _ => false,
    }
}
