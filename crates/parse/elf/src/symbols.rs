//! The functions of a program by its symbol table.

use crate::{Elf, ElfError};

/// A function of the symbol table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    /// Its name.
    pub name: String,
    /// Its first address.
    pub address: u64,
    /// Its size, in bytes.
    pub size: u64,
}

/// Size of an entry of `.symtab`, in bytes: `Elf64_Sym`.
const ENTRY: usize = 24;
/// `STT_FUNC`.
const FUNCTION: u8 = 2;

impl Elf<'_> {
    /// The functions for which `wanted` holds that lie in the program itself, in the order of the table;
    /// none when the table was stripped.
    ///
    /// # Errors
    /// When the sections cannot be read.
    pub fn functions(&self, wanted: impl Fn(&str) -> bool) -> Result<Vec<Function>, ElfError> {
        let sections = self.sections()?;
        let data = |name: &str| {
            sections.iter().find(|section| section.name == name).map_or(&[][..], |found| found.data)
        };
        let (table, names) = (data(".symtab"), data(".strtab"));
        let mut functions = Vec::new();
        for entry in table.chunks_exact(ENTRY) {
            let number =
                |at: usize| u64::from_le_bytes(entry[at..at + 8].try_into().unwrap_or_default());
            let place = u32::from_le_bytes(entry[..4].try_into().unwrap_or_default());
            let section = u16::from_le_bytes(entry[6..8].try_into().unwrap_or_default());
            if entry[4] & 0xf != FUNCTION || section == 0 || number(16) == 0 {
                continue;
            }
            let name = names.get(place as usize..).unwrap_or_default();
            let end = name.iter().position(|byte| *byte == 0).unwrap_or(name.len());
            let Ok(name) = std::str::from_utf8(&name[..end]) else { continue };
            if wanted(name) {
                let (address, size) = (number(8), number(16));
                functions.push(Function { name: name.to_owned(), address, size });
            }
        }
        Ok(functions)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_functions_of_this_program_are_found() {
        let bytes = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        let found = Elf::parse(&bytes).unwrap().functions(|name| name == "main").unwrap();
        assert_eq!(found.len(), 1);
        assert!(found[0].address > 0 && found[0].size > 0);
    }
}
