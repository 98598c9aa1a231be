//! Smaller programs that still do what is wanted.

use std::collections::HashSet;

use super::make::settle;
use crate::program::{
    Arg, Call, Program, Properties, Source, Value, Var, default_arg, each_arg, each_arg_mut,
    write_call,
};
use crate::types::{Content, Count, Kind, Target as Types};

/// What a smaller program is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// Coverage of one call.
    Coverage,
    /// A crash.
    Crash,
}

/// Removes a call; what it made becomes a special value for those that took it.
pub fn remove_call(types: &Types, program: &mut Program, index: usize) {
    if index >= program.calls.len() {
        return;
    }
    let call = program.calls.remove(index);
    let gone = defined(&call);
    reset(types, program, &gone);
}

/// Variables that a call sets.
fn defined(call: &Call) -> HashSet<Var> {
    let mut found: HashSet<Var> = call.result.into_iter().collect();
    for arg in &call.arguments {
        each_arg(arg, &mut |arg| {
            if let Value::Resource(_, Some(var)) = arg.value {
                found.insert(var);
            }
        });
    }
    found
}

/// Gives special values to what took variables that are gone.
fn reset(types: &Types, program: &mut Program, gone: &HashSet<Var>) {
    for arg in program.calls.iter_mut().flat_map(|call| &mut call.arguments) {
        each_arg_mut(arg, &mut |arg| {
            if let (Value::Resource(source @ Source::Var(..), _), Kind::Resource(_, kind)) =
                (&mut arg.value, &types.get(arg.kind).kind)
                && matches!(source, Source::Var(var, ..) if gone.contains(var))
            {
                *source = Source::Number(types.resource(*kind).special[0]);
            }
        });
    }
}

/// Gives special values to what takes variables that no call before sets.
fn reset_lost(types: &Types, program: &mut Program) {
    let mut known: HashSet<Var> = HashSet::new();
    let mut lost: HashSet<Var> = HashSet::new();
    for call in &program.calls {
        let own = defined(call);
        for arg in &call.arguments {
            each_arg(arg, &mut |arg| {
                if let Value::Resource(Source::Var(var, ..), _) = arg.value
                    && !known.contains(&var)
                    && !own.contains(&var)
                {
                    lost.insert(var);
                }
            });
        }
        known.extend(own);
    }
    if !lost.is_empty() {
        reset(types, program, &lost);
    }
}

/// The smallest program found for which `holds` says yes, and where the call of interest stands in it. `holds` is not
/// asked for the program given. In the result no single call but that of interest can go, as `holds` said.
pub fn minimise(
    types: &Types,
    program: &Program,
    call: Option<usize>,
    target: Target,
    holds: &mut dyn FnMut(&Program, Option<usize>) -> bool,
) -> (Program, Option<usize>) {
    let mut search =
        Search { types, best: program.clone(), call, target, seen: HashSet::new(), holds };
    search.drop_tail();
    search.drop_halves();
    search.drop_calls();
    search.drop_properties();
    let mut changed = true;
    while changed {
        changed = search.shrink_arguments();
        // What is smaller may need fewer calls.
        changed &= search.drop_calls();
    }
    search.drop_calls();
    (search.best, search.call)
}

struct Search<'a> {
    types: &'a Types,
    best: Program,
    call: Option<usize>,
    target: Target,
    /// Texts that were tried and did not hold.
    seen: HashSet<String>,
    holds: &'a mut dyn FnMut(&Program, Option<usize>) -> bool,
}

impl Search<'_> {
    /// Takes a candidate if it holds.
    fn try_it(&mut self, mut candidate: Program, call: Option<usize>) -> bool {
        reset_lost(self.types, &mut candidate);
        let text = format!("{call:?}{}", write_call(self.types, &candidate).join("\n"));
        if !self.seen.insert(text) {
            return false;
        }
        if !(self.holds)(&candidate, call) {
            return false;
        }
        self.best = candidate;
        self.call = call;
        true
    }

    fn drop_tail(&mut self) {
        if let Some(call) = self.call
            && call + 1 < self.best.calls.len()
        {
            let mut candidate = self.best.clone();
            candidate.calls.truncate(call + 1);
            self.try_it(candidate, self.call);
        }
    }

    /// Drops runs of calls, long ones first.
    fn drop_halves(&mut self) {
        let mut size = self.best.calls.len() / 2;
        while size > 1 {
            let mut begin = 0;
            while begin + size <= self.best.calls.len() {
                let end = begin + size;
                let holds_call = self.call.is_some_and(|call| (begin..end).contains(&call));
                let mut candidate = self.best.clone();
                candidate.calls.drain(begin..end);
                let call = self.call.map(|call| if call >= end { call - size } else { call });
                if holds_call || !self.try_it(candidate, call) {
                    begin += size;
                }
            }
            size /= 2;
        }
    }

    /// Drops single calls, last first, until none can go. Whether some went.
    fn drop_calls(&mut self) -> bool {
        let mut any = false;
        loop {
            let mut again = false;
            for index in (0..self.best.calls.len()).rev() {
                if self.call == Some(index) || index >= self.best.calls.len() {
                    continue;
                }
                let mut candidate = self.best.clone();
                remove_call(self.types, &mut candidate, index);
                let call = self.call.map(|call| if call > index { call - 1 } else { call });
                again |= self.try_it(candidate, call);
            }
            any |= again;
            if !again {
                return any;
            }
        }
    }

    fn drop_properties(&mut self) {
        for index in 0..self.best.calls.len() {
            if self.best.calls[index].properties == Properties::default() {
                continue;
            }
            let mut candidate = self.best.clone();
            candidate.calls[index].properties = Properties::default();
            self.try_it(candidate, self.call);
        }
    }

    /// Makes values simpler, each at most once. Whether some became so.
    fn shrink_arguments(&mut self) -> bool {
        let mut any = false;
        for index in (0..self.best.calls.len()).rev() {
            if self.types.call(self.best.calls[index].kind).attributes.no_minimize {
                continue;
            }
            let mut number = 0;
            loop {
                let count = count(&self.best.calls[index]);
                if number >= count {
                    break;
                }
                any |= self.shrink(index, number);
                number += 1;
            }
        }
        any
    }

    /// Makes one value simpler.
    fn shrink(&mut self, index: usize, number: usize) -> bool {
        let mut any = false;
        let mut step = 0;
        loop {
            let mut candidate = self.best.clone();
            let mut more = false;
            let call = &mut candidate.calls[index];
            let (types, target) = (self.types, self.target);
            let mut current = 0;
            for arg in &mut call.arguments {
                each_arg_mut(arg, &mut |arg| {
                    if current == number {
                        more = simpler(types, arg, target, step);
                    }
                    current += 1;
                });
            }
            if !more {
                return any;
            }
            settle(types, call);
            if self.try_it(candidate, self.call) {
                any = true;
                // The same step may go on: the value is another now.
            } else {
                step += 1;
            }
            if step > 64 {
                return any;
            }
        }
    }
}

fn count(call: &Call) -> usize {
    let mut count = 0;
    for arg in &call.arguments {
        each_arg(arg, &mut |_| count += 1);
    }
    count
}

/// Makes a value simpler in the given step's way. Whether there is such a way.
fn simpler(types: &Types, arg: &mut Arg, target: Target, step: usize) -> bool {
    let kind = types.get(arg.kind);
    match (&mut arg.value, &kind.kind) {
        (Value::Pointer(..), Kind::Pointer(..)) if step == 0 => {
            arg.value = Value::Special(0);
            true
        }
        (Value::Group(elements), Kind::Array(_, count)) => {
            let low = match count {
                Count::Between(low, _) => usize::try_from(*low).unwrap_or(0),
                Count::Any => 0,
            };
            if elements.len() <= low {
                return false;
            }
            if step == 0 {
                elements.truncate(low);
                return true;
            }
            // In crash mode single elements cost more runs than they are worth.
            if target == Target::Crash || step > elements.len() {
                return false;
            }
            elements.remove(elements.len() - step);
            true
        }
        (Value::Data(bytes), Kind::Buffer(Content::Blob(count))) if kind.size.is_none() => {
            let low = match count {
                Count::Between(low, _) => usize::try_from(*low).unwrap_or(0),
                Count::Any => 0,
            };
            let cut = (bytes.len().saturating_sub(low)) >> step;
            if cut == 0 || target == Target::Crash && step > 3 {
                return false;
            }
            bytes.truncate(bytes.len() - cut);
            true
        }
        (Value::Resource(source @ Source::Var(..), None), Kind::Resource(_, resource))
            if step == 0 =>
        {
            *source = Source::Number(types.resource(*resource).special[0]);
            true
        }
        (Value::Union(..), Kind::Union(body)) if step == 0 && !types.body(*body).conditional => {
            let new = default_arg(types, arg.kind, arg.direction);
            if new.value == arg.value {
                return false;
            }
            arg.value = new.value;
            true
        }
        _ => false,
    }
}
