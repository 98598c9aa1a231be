//! What registers, faults and code bytes of a log say, with the function and line in programs that the
//! user names.
//!
//! Invariant: the caller gives the start of a log only, so memory stays bounded.

use std::path::{Path, PathBuf};

use analysis_registers::UserFault;
use io_symbols::{Location, SymbolError, places};
use model::{Evidence, Grade, Predicate, RuleId, SourcePlace, Statement, Task};

/// Statements kept of one log.
const MOST_STATEMENTS: usize = 200;

/// The statements about the registers of a log, in the order of their lines, the same one once.
pub(crate) fn statements(log: &[u8], programs: &[PathBuf]) -> Result<Vec<Statement>, SymbolError> {
    let lines: Vec<_> = parse_console::lines(log).collect();
    let mut statements = analysis_registers::statements(&lines);
    if !programs.is_empty() {
        for fault in analysis_registers::user_faults(&lines) {
            statements.extend(in_program(&fault, programs)?);
        }
        statements.sort_by_key(|statement| statement.lines().first().copied());
    }
    statements.truncate(MOST_STATEMENTS);
    Ok(statements)
}

/// Where the instruction lies in the program of that name, if the user gave it.
fn in_program(fault: &UserFault, programs: &[PathBuf]) -> Result<Option<Statement>, SymbolError> {
    let Some(mapping) = &fault.mapping else { return Ok(None) };
    let named = |path: &&PathBuf| path.file_name().is_some_and(|name| *name == *mapping.file);
    let Some(path) = programs.iter().find(named) else { return Ok(None) };
    let location = match (mapping.file_offset, fault.offset_in_mapping()) {
        (Some(offset), _) => Location::File(offset),
        (None, Some(offset)) => Location::Mapping { offset, length: mapping.length },
        (None, None) => return Ok(None),
    };
    let places: Vec<SourcePlace> = places(path, location)?
        .into_iter()
        .map(|place| SourcePlace {
            function: if place.function.is_empty() { "?".into() } else { place.function },
            file: place.file,
            line: place.line,
        })
        .collect();
    let Some(evidence) = Evidence::new([fault.lines]).filter(|_| !places.is_empty()) else {
        return Ok(None);
    };
    let predicate = Predicate::UserFaultSource {
        task: Task { name: fault.task.clone(), pid: Some(fault.pid) },
        file: base_name(path),
        places,
    };
    Ok(Some(Statement::new(predicate, Grade::Inferred, RuleId::X08, evidence)))
}

fn base_name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_statement_is_made_once_and_other_programs_are_left_alone() {
        let line = "a.out[1]: segfault at 0 ip 0000000000401136 sp 00007ffe00000010 error 6 in a.out[401000+1000]\n";
        let log = format!("{line}{line}");
        let said = statements(log.as_bytes(), &[PathBuf::from("/nowhere/b.out")]).unwrap();
        let bits =
            |said: &&Statement| matches!(said.predicate(), Predicate::FaultBits { code: 6, .. });
        assert_eq!(said.iter().filter(bits).count(), 1, "{said:?}");
        // The program that is named must be there.
        assert!(statements(log.as_bytes(), &[PathBuf::from("/nowhere/a.out")]).is_err());
    }
}
