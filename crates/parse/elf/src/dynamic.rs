//! What a dynamic program needs to start.

use crate::header::{Elf, ElfError, until_zero};

/// Interpreter and libraries of a program or library.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dynamic {
    /// The program that loads it, such as `/lib64/ld-linux-x86-64.so.2`; none for a static program
    /// and for most libraries.
    pub interpreter: Option<String>,
    /// The libraries it names, without folder.
    pub needed: Vec<String>,
    /// Folders to look in first (`DT_RUNPATH`, `DT_RPATH`), possibly with `$ORIGIN`.
    pub search: Vec<String>,
}

const PT_LOAD: u32 = 1;
const PT_DYNAMIC: u32 = 2;
const PT_INTERP: u32 = 3;

const DT_NULL: u64 = 0;
const DT_NEEDED: u64 = 1;
const DT_STRTAB: u64 = 5;
const DT_STRSZ: u64 = 10;
const DT_RPATH: u64 = 15;
const DT_RUNPATH: u64 = 29;

impl Elf<'_> {
    /// Interpreter and libraries.
    ///
    /// # Errors
    /// When a table lies outside the file.
    pub fn dynamic(&self) -> Result<Dynamic, ElfError> {
        let segments = self.segments()?;
        let mut found = Dynamic::default();
        if let Some(segment) = segments.iter().find(|segment| segment.kind == PT_INTERP) {
            let bytes = self.slice(segment.offset, segment.file_size, "interpreter's name")?;
            found.interpreter = Some(until_zero(bytes).to_owned());
        }
        let Some(segment) = segments.iter().find(|segment| segment.kind == PT_DYNAMIC) else {
            return Ok(found);
        };
        let bytes = self.slice(segment.offset, segment.file_size, "dynamic table")?;
        let entries: Vec<(u64, u64)> = bytes
            .chunks_exact(16)
            .filter_map(|entry| {
                let tag = u64::from_le_bytes(entry[..8].try_into().ok()?);
                let value = u64::from_le_bytes(entry[8..].try_into().ok()?);
                Some((tag, value))
            })
            .take_while(|(tag, _)| *tag != DT_NULL)
            .collect();
        let value = |wanted| entries.iter().find(|(tag, _)| *tag == wanted).map(|(_, v)| *v);
        let (Some(address), Some(size)) = (value(DT_STRTAB), value(DT_STRSZ)) else {
            return Ok(found);
        };
        let offset = segments
            .iter()
            .filter(|segment| segment.kind == PT_LOAD)
            .find_map(|segment| {
                let inside = address.checked_sub(segment.address)?;
                (inside < segment.file_size).then(|| segment.offset.checked_add(inside))?
            })
            .ok_or(ElfError::Outside("table of names"))?;
        let names = self.slice(offset, size, "table of names")?;
        let name = |at: u64| {
            usize::try_from(at).ok().and_then(|at| names.get(at..)).map_or("", until_zero)
        };
        for (tag, value) in &entries {
            match *tag {
                DT_NEEDED => found.needed.push(name(*value).to_owned()),
                DT_RPATH | DT_RUNPATH => found.search.extend(
                    name(*value).split(':').filter(|folder| !folder.is_empty()).map(str::to_owned),
                ),
                _ => {}
            }
        }
        Ok(found)
    }
}
