//! From declarations to the types of one architecture.

mod bodies;
mod buffers;
mod calls;
mod compiler;
mod numbers;
mod paths;
mod recursion;
mod resources;

use std::collections::{BTreeSet, HashMap};

use parse_syzlang::Error;

use crate::constants::Constants;
use crate::descriptions::Descriptions;
use crate::enabled::live;
use crate::layout::lay_out;
use crate::types::Target;
use compiler::Compiler;

/// The types of all calls that an architecture has, and what is wrong with them; each mistake stands at its file's number.
///
/// Where something is wrong the target is still whole, with numbers of a byte in the wrong places.
#[must_use]
pub fn compile(
    all: &Descriptions,
    constants: &Constants,
    architecture: &str,
) -> (Target, Vec<Error>) {
    let mut compiler = Compiler::new(all, constants, architecture);
    for (name, call) in live(all, constants, architecture) {
        compiler.call(name, call);
    }
    let pieces = compiler.pieces();
    compiler.drain();
    compiler.share_argument_sizes();
    compiler.check_recursion();
    let wrong = lay_out(&mut compiler.types, &mut compiler.bodies, &compiler.machine);
    for (body, problem) in wrong {
        compiler.misplaced(body, problem);
    }
    compiler.check_paths();
    let mut seen = BTreeSet::new();
    let mut errors = std::mem::take(&mut compiler.errors);
    errors.retain(|error| seen.insert((error.at, error.message.clone())));
    errors.sort_by_key(|error| error.at);
    let by_name: HashMap<_, _> = compiler
        .calls
        .iter()
        .zip(0..)
        .map(|(call, index)| (call.name.clone(), crate::types::CallId(index)))
        .collect();
    let target = Target {
        machine: compiler.machine,
        types: compiler.types,
        bodies: compiler.bodies,
        resources: compiler.resources,
        calls: compiler.calls,
        by_name,
        pieces,
    };
    (target, errors)
}
