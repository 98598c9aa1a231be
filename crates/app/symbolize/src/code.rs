//! The bytes of a `Code:` line as instructions, each with its place.

use std::sync::Arc;

use analysis_registers::{
    Architecture, Instruction, code_lines, disassemble, disassemble_from, instruction_starts,
};
use analysis_symbolize::{Coded, Disassembly};
use parse_console::Line;

use crate::error::Error;
use crate::session::{Pointer, Session, source_places};

/// The most bytes of a function that are decoded to find where instructions start.
const MOST_FUNCTION: u64 = 1 << 20;

pub(crate) fn disassembly(
    session: &mut Session<'_>,
    line: &Line<'_>,
) -> Result<Option<Disassembly>, Error> {
    let Some(code) = code_lines(std::slice::from_ref(line)).into_iter().next() else {
        return Ok(None);
    };
    let Some(architecture) = session.architecture() else { return Ok(None) };
    let Some(mark) = code.mark else { return Ok(None) };
    let pointer = session.pointers.get(&line.caller).cloned();
    let (function, module, offset, size, address) = match pointer {
        Some(Pointer::User) => return Ok(None),
        Some(Pointer::Kernel { function, module, offset, size, address }) => {
            (Some(function), module, offset, size, address)
        }
        None => (None, None, 0, 0, None),
    };
    let begin = address.map(|address| address.wrapping_sub(mark as u64));
    let known = address
        .and_then(|address| starts(session, module.as_deref(), address, offset, architecture));
    // The first instruction of the function that lies whole in the dump.
    let from = known.as_ref().zip(begin).and_then(|(starts, begin)| {
        let first = starts.iter().find(|start| start.wrapping_sub(begin) <= mark as u64)?;
        usize::try_from(first.wrapping_sub(begin)).ok()
    });
    let aligned = from.and_then(|from| disassemble_from(&code, architecture, from));
    let mut instructions = aligned.unwrap_or_else(|| disassemble(&code, architecture));
    if instructions.is_empty() {
        return Ok(None);
    }
    // What stands before the function's first byte, and behind its last, belongs to others.
    if function.is_some() {
        let (first, last) = ((offset as i64).wrapping_neg(), size.saturating_sub(offset) as i64);
        instructions.retain(|one| one.offset >= first && (size == 0 || one.offset < last));
    }
    let mut differ = None;
    if let Some((binary, begin)) = session.binary(module.as_deref()).zip(begin)
        && let Some(own) = binary.instructions(begin, code.bytes.len() as u64)
    {
        differ = Some(own.iter().zip(&code.bytes).filter(|(own, printed)| own != printed).count());
    }
    let instructions = placed(session, module.as_deref(), instructions, address, offset)?;
    Ok(Some(Disassembly { lines: code.lines, function, module, instructions, differ }))
}

/// Where the instructions of a function start, up to an address in it, by the file.
fn starts(
    session: &mut Session<'_>,
    module: Option<&str>,
    address: u64,
    offset: u64,
    architecture: Architecture,
) -> Option<Vec<u64>> {
    let start = address.checked_sub(offset).filter(|_| offset <= MOST_FUNCTION)?;
    let bytes = session.binary(module)?.instructions(start, offset)?;
    Some(
        instruction_starts(&bytes, architecture)?.into_iter().map(|at| start + at as u64).collect(),
    )
}

fn placed(
    session: &mut Session<'_>,
    module: Option<&str>,
    instructions: Vec<Instruction>,
    address: Option<u64>,
    offset: u64,
) -> Result<Vec<Coded>, Error> {
    let mut coded: Vec<Coded> = Vec::new();
    for instruction in instructions {
        let at = address.map(|address| address.wrapping_add_signed(instruction.offset));
        let mut places = Vec::new();
        if let (Some(at), Some(binary)) = (at, session.binary(module)) {
            places = source_places(binary, at)?;
        }
        let places = match coded.last() {
            Some(before) if *before.places == places => Arc::clone(&before.places),
            _ => Arc::new(places),
        };
        let innermost = places.first().and_then(|place| Some((place.file.clone()?, place.line?)));
        let source = innermost.and_then(|(file, line)| session.tree.line(&file, line));
        coded.push(Coded {
            offset: instruction.offset.wrapping_add(offset as i64),
            bytes: instruction.bytes,
            text: instruction.text,
            marked: instruction.marked,
            places,
            source,
        });
    }
    Ok(coded)
}
