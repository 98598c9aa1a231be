//! File header and sections.

use object::elf::{self, FileHeader64};
use object::read::elf::{FileHeader as _, SectionHeader as _};
use object::{LittleEndian, ReadRef as _};
use thiserror::Error;

pub(crate) type Header = FileHeader64<LittleEndian>;
pub(crate) const ENDIAN: LittleEndian = LittleEndian;

/// Why bytes are not an ELF file that can be read.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ElfError {
    /// The magic bytes are missing.
    #[error("not an ELF file")]
    NotElf,
    /// 32-bit or big-endian.
    #[error("only 64-bit little-endian ELF files can be read")]
    OtherClass,
    /// A header or a table lies outside the file.
    #[error("the ELF file is cut short or damaged: its {0} lies outside the file")]
    Outside(&'static str),
}

/// An ELF file in memory.
#[derive(Clone, Copy, Debug)]
pub struct Elf<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) header: &'a Header,
}

/// One section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Section<'a> {
    /// Its name; bytes that are not UTF-8 give an empty name.
    pub name: &'a str,
    /// `SHT_…`.
    pub kind: u32,
    /// `SHF_…`.
    pub flags: u64,
    /// Virtual address.
    pub address: u64,
    /// Size in memory, in bytes.
    pub size: u64,
    /// Its bytes in the file; empty for `SHT_NOBITS`.
    pub data: &'a [u8],
}

impl Section<'_> {
    /// Whether the section takes memory when the file runs.
    pub const fn is_allocated(&self) -> bool {
        self.flags & elf::SHF_ALLOC.0 != 0
    }

    /// Whether the section has no bytes in the file, such as `.bss`.
    pub const fn is_empty_in_file(&self) -> bool {
        self.kind == elf::SHT_NOBITS.0
    }
}

impl<'a> Elf<'a> {
    /// Looks at the file header.
    ///
    /// # Errors
    /// When `bytes` are not a 64-bit little-endian ELF file.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ElfError> {
        if !bytes.starts_with(b"\x7fELF") {
            return Err(ElfError::NotElf);
        }
        if bytes.get(4) != Some(&2) || bytes.get(5) != Some(&1) {
            return Err(ElfError::OtherClass);
        }
        let header = bytes.read_at(0).map_err(|()| ElfError::Outside("file header"))?;
        Ok(Self { bytes, header })
    }

    /// The machine, `EM_…` (62 is x86-64).
    pub fn machine(&self) -> u16 {
        self.header.e_machine(ENDIAN).0
    }

    /// The sections, in the order of the file.
    ///
    /// # Errors
    /// When the section table or a section lies outside the file.
    pub fn sections(&self) -> Result<Vec<Section<'a>>, ElfError> {
        let outside = |what| move |_| ElfError::Outside(what);
        let table = self.header.sections(ENDIAN, self.bytes).map_err(outside("section table"))?;
        let section = |header: &'a _| {
            let header: &'a elf::SectionHeader64<LittleEndian> = header;
            let name = table.section_name(ENDIAN, header).unwrap_or_default();
            Ok(Section {
                name: std::str::from_utf8(name).unwrap_or_default(),
                kind: header.sh_type(ENDIAN).0,
                flags: header.sh_flags(ENDIAN).0,
                address: header.sh_addr(ENDIAN),
                size: header.sh_size(ENDIAN),
                data: header.data(ENDIAN, self.bytes).map_err(outside("section"))?,
            })
        };
        table.iter().map(section).collect()
    }

    /// The value of `key=` in a kernel module's `.modinfo`, such as `depends`.
    ///
    /// # Errors
    /// When the sections cannot be read.
    pub fn module_information(&self, key: &str) -> Result<Option<String>, ElfError> {
        let sections = self.sections()?;
        let Some(section) = sections.iter().find(|section| section.name == ".modinfo") else {
            return Ok(None);
        };
        Ok(section.data.split(|byte| *byte == 0).find_map(|entry| {
            let value = entry.strip_prefix(key.as_bytes())?.strip_prefix(b"=")?;
            Some(String::from_utf8_lossy(value).into_owned())
        }))
    }
}
