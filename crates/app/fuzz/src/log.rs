//! Programs in the log of somebody's fuzzer.

use analysis_fuzz::{Program, Reading, Target, read_program};
use parse_syzlang::{CallText, Execution, ProgramText, executions, parse_call};

/// Longest line that can be a call.
const LONGEST: usize = 16 << 20;
/// Most programs of a log; of longer logs the last ones.
const MOST: usize = 4000;

/// The programs of a log in the order in which they began. Console lines between their calls are left out, and so are calls
/// that the descriptions do not have; a program of which nothing is left is not there.
#[must_use]
pub fn programs_of_log(target: &Target, log: &str) -> Vec<(Execution, Program)> {
    let lines: Vec<&str> = log.lines().collect();
    let found = executions(log);
    let skip = found.len().saturating_sub(MOST);
    found
        .into_iter()
        .skip(skip)
        .filter_map(|execution| {
            let body = lines.get(execution.body.clone())?;
            let program = program(target, body)?;
            Some((execution, program))
        })
        .map(|(execution, mut program)| {
            if let Some((call, nth)) = execution.fault
                && let Some(call) =
                    usize::try_from(call).ok().and_then(|call| program.calls.get_mut(call))
            {
                call.properties.fail_nth = nth + 1;
            }
            (execution, program)
        })
        .collect()
}

fn program(target: &Target, lines: &[&str]) -> Option<Program> {
    let mut calls: Vec<CallText> = Vec::new();
    for (line, number) in lines.iter().zip(1..) {
        // A call is a name and a bracket; anything else is not worth being read.
        let starts = line.starts_with(|one: char| one.is_ascii_lowercase());
        if !starts || line.len() > LONGEST || !line.contains('(') {
            continue;
        }
        let Ok(call) = parse_call(line.trim_end(), number) else { continue };
        let base = call.name.split('$').next().unwrap_or_default();
        if target.named(&call.name).or_else(|| target.named(base)).is_some() {
            calls.push(call);
        }
    }
    if calls.is_empty() {
        return None;
    }
    read_program(target, &ProgramText { calls, tail: Vec::new() }, Reading::Lenient).ok()
}
