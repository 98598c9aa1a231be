//! Changes of programs.

use std::collections::HashMap;

use fastrand::Rng;

use super::catalog::Catalog;
use super::make::{CALLS, Maker, settle};
use super::numbers;
use super::numbers::one_of;
use super::reduce::remove_call;
use super::squash::squash_some;
use crate::program::{
    Arg, Call, Program, Source, Value, Var, default_arg, each_arg, each_arg_mut, field_direction,
    size_of,
};
use crate::types::{CallId, Content, Count, Direction, Kind, Target};

/// Longest blob that grows.
const LARGEST: usize = 64 << 10;
/// Most elements that an array grows to.
const ELEMENTS: usize = 64;

/// Changes a program at least once; the corpus lends whole programs.
pub fn mutate(
    target: &Target,
    catalog: &Catalog,
    rng: &mut Rng,
    program: &mut Program,
    corpus: &[&Program],
) {
    for _ in 0..64 {
        let changed = match rng.u32(0..460) {
            0..200 => {
                !corpus.is_empty() && {
                    let other = corpus[rng.usize(0..corpus.len())];
                    insert_corpus(program, other, rng)
                }
            }
            200..300 => insert(target, catalog, rng, program),
            300..400 => change(target, catalog, rng, program),
            400..450 => squash_some(target, rng, program),
            _ => {
                program.calls.len() > 1 && {
                    let index = rng.usize(0..program.calls.len());
                    remove_call(target, program, index);
                    true
                }
            }
        };
        if changed && one_of(rng, 5) {
            break;
        }
    }
    while program.calls.len() > CALLS {
        remove_call(target, program, program.calls.len() - 1);
    }
}

/// Puts another program into one, with variables of its own. Whether it did.
pub fn insert_corpus(program: &mut Program, other: &Program, rng: &mut Rng) -> bool {
    if other.calls.is_empty() || program.calls.len() >= CALLS {
        return false;
    }
    let first = program.next;
    let mut calls = other.calls.clone();
    for call in &mut calls {
        let shift = |var: &mut Var| var.0 += first;
        call.result.iter_mut().for_each(shift);
        for arg in &mut call.arguments {
            each_arg_mut(arg, &mut |arg| {
                if let Value::Resource(source, defines) = &mut arg.value {
                    defines.iter_mut().for_each(shift);
                    if let Source::Var(var, ..) = source {
                        shift(var);
                    }
                }
            });
        }
    }
    program.next += other.next;
    let place = rng.usize(0..=program.calls.len());
    program.calls.splice(place..place, calls);
    true
}

/// Inserts a new call, late rather than early.
fn insert(target: &Target, catalog: &Catalog, rng: &mut Rng, program: &mut Program) -> bool {
    if program.calls.len() >= CALLS {
        return false;
    }
    let length = program.calls.len();
    let place = rng.usize(0..=length).max(rng.usize(0..=length));
    let before: Vec<CallId> = program.calls[..place].iter().map(|call| call.kind).collect();
    let Some(kind) = catalog.choose(target, rng, &before) else { return false };
    let mut maker = Maker::new(target, catalog, rng, program, place);
    let call = maker.call(kind);
    let new = maker.finish(call);
    program.calls.splice(place..place, new);
    true
}

/// How worth a value is of being changed.
fn weight(target: &Target, arg: &Arg) -> u64 {
    let kind = target.get(arg.kind);
    let input = arg.direction != Direction::Out;
    match &kind.kind {
        Kind::Const(..) | Kind::Len { .. } | Kind::Csum(..) => 0,
        Kind::Union(body) if target.body(*body).conditional => 0,
        Kind::Union(body) if target.body(*body).fields.len() < 2 => 0,
        Kind::Array(_, Count::Between(low, high)) if low == high => 0,
        Kind::Array(..) | Kind::Union(_) => 10,
        Kind::Buffer(Content::Text { values, .. }) if values.len() == 1 => 0,
        Kind::Buffer(_) if kind.size == Some(0) => 0,
        Kind::Buffer(_) if !input => {
            if kind.size.is_none() {
                1
            } else {
                0
            }
        }
        Kind::Buffer(Content::Image) => 0,
        Kind::Buffer(_) => 8,
        Kind::Int(..) | Kind::Flags(..) | Kind::Proc(..) if !input => 0,
        Kind::Int(number, None) => 1 + u64::from(number.width().ilog2()),
        Kind::Int(_, Some(range)) => match range.high.wrapping_sub(range.low) {
            0 => 0,
            1..=15 => 4,
            16..=255 => 7,
            _ => 10,
        },
        Kind::Flags(_, values, mask) => (4 + values.len() as u64 / 3).min(9) + u64::from(*mask),
        Kind::Resource(..) if input => 5,
        Kind::Resource(..) => 0,
        Kind::Proc(..) | Kind::Vma(..) => 5,
        Kind::Pointer(..) => 3,
        Kind::Struct(_) => 0,
    }
}

/// Changes some values of a call.
fn change(target: &Target, catalog: &Catalog, rng: &mut Rng, program: &mut Program) -> bool {
    let mutable = |call: &Call| !target.call(call.kind).attributes.no_minimize;
    let candidates: Vec<usize> =
        (0..program.calls.len()).filter(|index| mutable(&program.calls[*index])).collect();
    if candidates.is_empty() {
        return false;
    }
    let mut place = candidates[rng.usize(0..candidates.len())];
    let mut any = false;
    for _ in 0..16 {
        let mut weights = Vec::new();
        for arg in &program.calls[place].arguments {
            each_arg(arg, &mut |arg| weights.push(weight(target, arg)));
        }
        let total: u64 = weights.iter().sum();
        if total == 0 {
            return any;
        }
        let mut chosen = rng.u64(0..total);
        let index = weights.iter().position(|weight| {
            let here = chosen < *weight;
            chosen = chosen.saturating_sub(*weight);
            here
        });
        let Some(index) = index else { return any };
        let mut call = program.calls.remove(place);
        let sizes = pointee_sizes(target, &call);
        let mut maker = Maker::new(target, catalog, rng, program, place);
        let mut number = 0;
        for arg in &mut call.arguments {
            each_arg_mut(arg, &mut |arg| {
                if number == index {
                    change_arg(&mut maker, arg);
                }
                number += 1;
            });
        }
        settle(target, &mut call);
        move_grown(&mut maker, &mut call, &sizes);
        let new = maker.finish(call);
        let count = new.len();
        program.calls.splice(place..place, new);
        place += count - 1;
        any = true;
        if one_of(rng, 3) {
            break;
        }
    }
    any
}

/// Bytes behind each address that a call uses.
fn pointee_sizes(target: &Target, call: &Call) -> HashMap<u64, u64> {
    let mut sizes = HashMap::new();
    for arg in &call.arguments {
        each_arg(arg, &mut |arg| {
            if let Value::Pointer(address, to) = &arg.value {
                sizes.insert(*address, size_of(target, to));
            }
        });
    }
    sizes
}

/// Gives pointers whose pointees grew a place with room.
fn move_grown(maker: &mut Maker<'_>, call: &mut Call, sizes: &HashMap<u64, u64>) {
    let target = maker.target;
    for arg in &mut call.arguments {
        each_arg_mut(arg, &mut |arg| {
            let Value::Pointer(address, to) = &arg.value else { return };
            if sizes.get(address).is_some_and(|before| size_of(target, to) > *before) {
                let inner = std::mem::replace(&mut arg.value, Value::Special(0));
                if let Value::Pointer(_, to) = inner {
                    arg.value = Value::Pointer(maker.place(size_of(target, &to)), to);
                }
            }
        });
    }
}

fn change_arg(maker: &mut Maker<'_>, arg: &mut Arg) {
    let target = maker.target;
    let kind = target.get(arg.kind);
    match (&mut arg.value, &kind.kind) {
        (Value::Number(value), Kind::Int(number, range)) if maker.rng.bool() => {
            let new = numbers::changed(maker.rng, *value, number.width());
            *value = match range {
                Some(range) if !one_of(maker.rng, 100) => {
                    numbers::in_range(maker.rng, *range, number.width())
                }
                _ => new,
            };
        }
        (Value::Number(value), Kind::Flags(number, values, mask)) => {
            let new = numbers::flags(maker.rng, values, *mask, number.width());
            *value = if *mask && maker.rng.bool() { *value ^ new } else { new };
        }
        (Value::Data(bytes), Kind::Buffer(Content::Blob(_) | Content::Code(_))) => {
            let most = match &kind.kind {
                Kind::Buffer(Content::Blob(Count::Between(_, high))) => {
                    usize::try_from(*high).unwrap_or(LARGEST)
                }
                _ => LARGEST,
            };
            let fixed = kind.size.is_some();
            let least = match &kind.kind {
                Kind::Buffer(Content::Blob(Count::Between(low, _))) => {
                    usize::try_from(*low).unwrap_or(0)
                }
                _ => 0,
            };
            numbers::mutate_bytes(maker.rng, bytes, fixed, most);
            if bytes.len() < least {
                bytes.resize(least, 0);
            }
        }
        (Value::Group(elements), Kind::Array(of, count)) => {
            let (low, high) = match count {
                Count::Between(low, high) => {
                    (usize::try_from(*low).unwrap_or(0), usize::try_from(*high).unwrap_or(ELEMENTS))
                }
                Count::Any => (0, ELEMENTS),
            };
            let grow = elements.is_empty() || maker.rng.bool();
            if grow && elements.len() < high {
                let new = maker.arg(*of, arg.direction, 4);
                let at = maker.rng.usize(0..=elements.len());
                elements.insert(at, new);
            } else if elements.len() > low {
                let at = maker.rng.usize(0..elements.len());
                elements.remove(at);
            }
        }
        (Value::Union(index, inner), Kind::Union(body)) => {
            let body = target.body(*body);
            let mut new = maker.rng.usize(0..body.fields.len() - 1);
            if new >= *index {
                new += 1;
            }
            let direction = field_direction(body, new, arg.direction);
            *index = new;
            **inner = maker.arg(body.fields[new].kind, direction, 4);
        }
        (Value::Pointer(address, to), Kind::Pointer(..)) => {
            if kind.optional && one_of(maker.rng, 5) {
                arg.value = Value::Special(0);
            } else {
                *address = maker.place(size_of(target, to));
            }
        }
        (Value::Special(_), Kind::Pointer(to, inner)) => {
            let inner = default_arg(target, *to, *inner);
            let mut new = Value::Pointer(0, Box::new(inner));
            std::mem::swap(&mut arg.value, &mut new);
            maker.replace(arg);
        }
        (Value::Resource(_, None), _)
        | (
            Value::Number(_)
            | Value::Data(_)
            | Value::Space(_)
            | Value::Pages(..)
            | Value::Special(_),
            _,
        ) => {
            let defines = arg.direction;
            let new = maker.arg(arg.kind, defines, 4);
            arg.value = new.value;
        }
        _ => {}
    }
}
