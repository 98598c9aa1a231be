//! What a dynamic program needs to start.

use object::elf;
use object::read::StringTable;
use object::read::elf::{Dyn as _, FileHeader as _, ProgramHeader as _};

use crate::header::{ENDIAN, Elf, ElfError};

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

impl Elf<'_> {
    /// Interpreter and libraries.
    ///
    /// # Errors
    /// When a table lies outside the file.
    pub fn dynamic(&self) -> Result<Dynamic, ElfError> {
        let outside = |what| move |_| ElfError::Outside(what);
        let segments = self
            .header
            .program_headers(ENDIAN, self.bytes)
            .map_err(outside("program header table"))?;
        let mut found = Dynamic::default();
        let mut entries = None;
        for segment in segments {
            if let Some(name) =
                segment.interpreter(ENDIAN, self.bytes).map_err(outside("interpreter's name"))?
            {
                found.interpreter.get_or_insert_with(|| String::from_utf8_lossy(name).into_owned());
            }
            let table = segment.dynamic(ENDIAN, self.bytes).map_err(outside("dynamic table"))?;
            entries = entries.or(table);
        }
        let entries = entries.unwrap_or_default();
        let used = entries.iter().take_while(|entry| entry.tag(ENDIAN) != elf::DT_NULL);
        let value = |wanted| used.clone().find(|entry| entry.tag(ENDIAN) == wanted);
        let (Some(address), Some(size)) = (value(elf::DT_STRTAB), value(elf::DT_STRSZ)) else {
            return Ok(found);
        };
        let names = segments
            .iter()
            .filter(|segment| segment.p_type(ENDIAN) == elf::PT_LOAD)
            .find_map(|segment| {
                let range =
                    segment.data_range(ENDIAN, self.bytes, address.val(ENDIAN), size.val(ENDIAN));
                range.ok().flatten()
            })
            .ok_or(ElfError::Outside("table of names"))?;
        let names = StringTable::new(names, 0, names.len() as u64);
        for entry in used {
            let Ok(name) = entry.string(ENDIAN, names) else { continue };
            let name = String::from_utf8_lossy(name).into_owned();
            match entry.tag(ENDIAN) {
                elf::DT_NEEDED => found.needed.push(name),
                elf::DT_RPATH | elf::DT_RUNPATH => found
                    .search
                    .extend(name.split(':').filter(|folder| !folder.is_empty()).map(str::to_owned)),
                _ => {}
            }
        }
        Ok(found)
    }
}
