//! Options and fields that are there under a condition.

use super::default::default_arg;
use super::lengths::{Level, find};
use super::value::{Arg, Call, Source, Value};
use super::visit::each_arg_mut;
use crate::types::{Body, Condition, Kind, Target};

/// The option that a union with conditions must have, given what is around it.
fn wanted_option(target: &Target, body: &Body, stack: &[Level<'_>]) -> usize {
    let holds = |condition: &Condition| evaluate(target, condition, stack) != Some(0);
    let found = body.fields.iter().position(|field| field.condition.as_ref().is_none_or(holds));
    found.unwrap_or(body.fields.len() - 1)
}

/// The value of a condition; unknown where a path leads nowhere.
fn evaluate(target: &Target, condition: &Condition, stack: &[Level<'_>]) -> Option<u64> {
    match condition {
        Condition::Value(value) => Some(*value),
        Condition::Field(path) => match &find(target, path, stack)?.value {
            Value::Number(value) | Value::Resource(Source::Number(value), _) => Some(*value),
            _ => None,
        },
        Condition::Binary(operator, sides) => {
            let (left, right) =
                (evaluate(target, &sides.0, stack)?, evaluate(target, &sides.1, stack)?);
            Some(match *operator {
                "&" => left & right,
                "==" => u64::from(left == right),
                "!=" => u64::from(left != right),
                _ => u64::from(left != 0 || right != 0),
            })
        }
    }
}

/// Gives each union with conditions the option that its conditions want, with its default where that changes it.
/// Whether something changed.
pub fn fix_conditions(target: &Target, call: &mut Call) -> bool {
    let mut changed = false;
    // A changed option may hold what other conditions look at.
    for _ in 0..8 {
        let wanted = collect(target, call);
        let mut next = wanted.iter();
        let mut again = false;
        for arg in &mut call.arguments {
            each_arg_mut(arg, &mut |arg| {
                let Kind::Union(id) = &target.get(arg.kind).kind else { return };
                let body = target.body(*id);
                if !body.conditional || again {
                    return;
                }
                let (Some(wanted), Value::Union(index, _)) = (next.next(), &arg.value) else {
                    return;
                };
                if wanted != index {
                    let inner = default_arg(target, body.fields[*wanted].kind, arg.direction);
                    arg.value = Value::Union(*wanted, Box::new(inner));
                    again = true;
                }
            });
        }
        changed |= again;
        if !again {
            break;
        }
    }
    changed
}

/// The options wanted, in the order of the walk.
fn collect(target: &Target, call: &Call) -> Vec<usize> {
    let mut wanted = Vec::new();
    let mut stack = vec![Level::Call(call)];
    for arg in &call.arguments {
        gather(target, arg, &mut stack, &mut wanted);
    }
    wanted
}

fn gather<'a>(target: &Target, arg: &'a Arg, stack: &mut Vec<Level<'a>>, wanted: &mut Vec<usize>) {
    let mut pushed = false;
    match &target.get(arg.kind).kind {
        Kind::Union(id) => {
            let body = target.body(*id);
            if !body.name.is_empty() {
                stack.push(Level::Arg(arg));
                pushed = true;
            }
            if body.conditional {
                wanted.push(wanted_option(target, body, stack));
            }
        }
        Kind::Struct(_) => {
            stack.push(Level::Arg(arg));
            pushed = true;
        }
        _ => {}
    }
    match &arg.value {
        Value::Pointer(_, to) => gather(target, to, stack, wanted),
        Value::Union(_, inner) => gather(target, inner, stack, wanted),
        Value::Group(inner) => inner.iter().for_each(|inner| gather(target, inner, stack, wanted)),
        _ => {}
    }
    if pushed {
        stack.pop();
    }
}
