//! Walks over all values of a call.

use super::value::{Arg, Value};

/// Calls `f` for a value and all in it, outer ones first.
pub fn each_arg<'a>(arg: &'a Arg, f: &mut impl FnMut(&'a Arg)) {
    f(arg);
    match &arg.value {
        Value::Pointer(_, to) => each_arg(to, f),
        Value::Union(_, inner) => each_arg(inner, f),
        Value::Group(inner) => inner.iter().for_each(|inner| each_arg(inner, f)),
        _ => {}
    }
}

/// Calls `f` for a value and all in it, outer ones first.
pub fn each_arg_mut(arg: &mut Arg, f: &mut impl FnMut(&mut Arg)) {
    f(arg);
    match &mut arg.value {
        Value::Pointer(_, to) => each_arg_mut(to, f),
        Value::Union(_, inner) => each_arg_mut(inner, f),
        Value::Group(inner) => inner.iter_mut().for_each(|inner| each_arg_mut(inner, f)),
        _ => {}
    }
}
