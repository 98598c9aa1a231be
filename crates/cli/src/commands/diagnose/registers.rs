//! What registers, faults and code bytes of a log say, with the function and line in programs that the
//! user names.
//!
//! Invariant: reads the start of a log only, so memory stays bounded; what was left out is said.

use std::path::{Path, PathBuf};

use analysis_registers::UserFault;
use io_symbols::{Location, Place, places};
use model::{Claim, Grade, RuleName, Statement};

use crate::failure::Failure;

/// Bytes of a log whose registers are read.
pub(super) const READ_LIMIT: usize = 4 << 20;
/// Statements kept of one log.
const MOST_CLAIMS: usize = 200;

/// The statements about the registers of a log, in the order of their lines, the same one once.
pub(super) fn claims(log: &[u8], binaries: &[PathBuf]) -> Result<Vec<Claim>, Failure> {
    let lines: Vec<_> = parse_console::lines(log).collect();
    let statements = analysis_registers::statements(&lines);
    let mut claims: Vec<Claim> = statements.iter().map(claim).collect();
    if !binaries.is_empty() {
        for fault in analysis_registers::user_faults(&lines) {
            claims.extend(in_program(&fault, binaries)?);
        }
        claims.sort_by_key(|claim| claim.lines.first().copied());
    }
    claims.truncate(MOST_CLAIMS);
    Ok(claims)
}

/// A statement with its sentence.
fn claim(statement: &Statement) -> Claim {
    Claim {
        statement: render::sentence(statement.predicate()),
        grade: statement.grade(),
        rules: vec![RuleName(statement.rule().rule().name)],
        lines: statement.lines().to_vec(),
    }
}

/// Where the instruction lies in the program of that name, if the user gave it.
fn in_program(fault: &UserFault, binaries: &[PathBuf]) -> Result<Option<Claim>, Failure> {
    let Some(mapping) = &fault.mapping else { return Ok(None) };
    let named = |path: &&PathBuf| path.file_name().is_some_and(|name| *name == *mapping.file);
    let Some(path) = binaries.iter().find(named) else { return Ok(None) };
    let location = match (mapping.file_offset, fault.offset_in_mapping()) {
        (Some(offset), _) => Location::File(offset),
        (None, Some(offset)) => Location::Mapping { offset, length: mapping.length },
        (None, None) => return Ok(None),
    };
    let found = places(path, location).map_err(|error| {
        Failure::usage(error).hint("give the very program that ran, not a rebuilt one")
    })?;
    Ok((!found.is_empty()).then(|| Claim {
        statement: format!(
            "{}[{}] was in {} (of the {} given; only the very program that ran tells the truth)",
            fault.task,
            fault.pid,
            chain(&found),
            shown(path)
        ),
        grade: Grade::Inferred,
        rules: vec![RuleName("X08")],
        lines: vec![fault.lines],
    }))
}

fn chain(found: &[Place]) -> String {
    let each: Vec<String> = found
        .iter()
        .map(|place| {
            let function = if place.function.is_empty() { "?" } else { &place.function };
            match (&place.file, place.line) {
                (Some(file), Some(line)) => format!("{function}() at {file}:{line}"),
                _ => format!("{function}()"),
            }
        })
        .collect();
    each.join(", inlined into ")
}

fn shown(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_statement_is_made_once_and_other_programs_are_left_alone() {
        let line = "a.out[1]: segfault at 0 ip 0000000000401136 sp 00007ffe00000010 error 6 in a.out[401000+1000]\n";
        let log = format!("{line}{line}");
        let said = claims(log.as_bytes(), &[PathBuf::from("/nowhere/b.out")]).unwrap();
        let bits = |claim: &&Claim| claim.statement.contains("write, page not present, user mode");
        assert_eq!(said.iter().filter(bits).count(), 1, "{said:?}");
        // The program that is named must be there.
        assert!(claims(log.as_bytes(), &[PathBuf::from("/nowhere/a.out")]).is_err());
    }
}
