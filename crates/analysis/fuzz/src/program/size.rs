//! How many bytes values take.

use super::value::{Arg, Value};
use crate::layout::round_up;
use crate::types::{Body, Kind, Target};

/// Bytes of a value in memory.
#[must_use]
pub fn size_of(target: &Target, arg: &Arg) -> u64 {
    let kind = target.get(arg.kind);
    if let Some(size) = kind.size {
        return size;
    }
    match (&arg.value, &kind.kind) {
        (Value::Data(bytes), _) => bytes.len() as u64,
        (Value::Space(size), _) => *size,
        (Value::Union(_, inner), _) => size_of(target, inner),
        (Value::Group(fields), Kind::Struct(body)) => {
            each_field(target, target.body(*body), fields, &mut |_, _| ())
        }
        (Value::Group(elements), _) => elements.iter().map(|inner| size_of(target, inner)).sum(),
        _ => 0,
    }
}

/// Calls `f` with index and offset of each field of a struct. Gives its size.
pub fn each_field(
    target: &Target,
    body: &Body,
    fields: &[Arg],
    f: &mut impl FnMut(usize, u64),
) -> u64 {
    let (mut cursor, mut end) = (0, 0);
    for (index, (field, arg)) in body.fields.iter().zip(fields).enumerate() {
        if body.overlay == Some(index) {
            end = cursor;
            cursor = 0;
        }
        cursor += field.gap;
        f(index, cursor);
        cursor += field.advance.unwrap_or_else(|| size_of(target, arg));
    }
    let size = cursor.max(end);
    body.size.unwrap_or_else(|| body.align.map_or(size, |align| round_up(size, align)))
}
