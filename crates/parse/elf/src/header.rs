//! File header, sections and segments.

use thiserror::Error;

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
    bytes: &'a [u8],
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

/// A program header.
pub(crate) struct Segment {
    pub(crate) kind: u32,
    pub(crate) offset: u64,
    pub(crate) address: u64,
    pub(crate) file_size: u64,
}

const SHT_NOBITS: u32 = 8;
const SHF_ALLOC: u64 = 2;

impl Section<'_> {
    /// Whether the section takes memory when the file runs.
    pub const fn is_allocated(&self) -> bool {
        self.flags & SHF_ALLOC != 0
    }

    /// Whether the section has no bytes in the file, such as `.bss`.
    pub const fn is_empty_in_file(&self) -> bool {
        self.kind == SHT_NOBITS
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
        let elf = Self { bytes };
        elf.slice(0, 64, "file header")?;
        Ok(elf)
    }

    /// The machine, `EM_…` (62 is x86-64).
    pub fn machine(&self) -> u16 {
        self.u16(18).unwrap_or(0)
    }

    /// The sections, in the order of the file.
    ///
    /// # Errors
    /// When the section table or a section lies outside the file.
    pub fn sections(&self) -> Result<Vec<Section<'a>>, ElfError> {
        const TABLE: ElfError = ElfError::Outside("section table");
        let table = self.u64(40).ok_or(TABLE)?;
        let entry = u64::from(self.u16(58).ok_or(TABLE)?);
        let count = u64::from(self.u16(60).ok_or(TABLE)?);
        let names_index = u64::from(self.u16(62).ok_or(TABLE)?);
        if count == 0 {
            return Ok(Vec::new());
        }
        let header = |index: u64| -> Result<usize, ElfError> {
            let offset =
                index.checked_mul(entry).and_then(|o| o.checked_add(table)).ok_or(TABLE)?;
            self.slice(offset, 64, "section table")?;
            usize::try_from(offset).map_err(|_| TABLE)
        };
        let names_at = header(names_index)?;
        let names = self.slice(
            self.u64(names_at + 24).ok_or(TABLE)?,
            self.u64(names_at + 32).ok_or(TABLE)?,
            "table of section names",
        )?;
        (0..count)
            .map(|index| {
                let at = header(index)?;
                let name = self.u32(at).ok_or(TABLE)? as usize;
                let kind = self.u32(at + 4).ok_or(TABLE)?;
                let offset = self.u64(at + 24).ok_or(TABLE)?;
                let size = self.u64(at + 32).ok_or(TABLE)?;
                let data =
                    if kind == SHT_NOBITS { &[][..] } else { self.slice(offset, size, "section")? };
                Ok(Section {
                    name: names.get(name..).map_or("", until_zero),
                    kind,
                    flags: self.u64(at + 8).ok_or(TABLE)?,
                    address: self.u64(at + 16).ok_or(TABLE)?,
                    size,
                    data,
                })
            })
            .collect()
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

    pub(crate) fn segments(&self) -> Result<Vec<Segment>, ElfError> {
        const TABLE: ElfError = ElfError::Outside("program header table");
        let table = self.u64(32).ok_or(TABLE)?;
        let entry = u64::from(self.u16(54).ok_or(TABLE)?);
        let count = u64::from(self.u16(56).ok_or(TABLE)?);
        (0..count)
            .map(|index| {
                let offset =
                    index.checked_mul(entry).and_then(|o| o.checked_add(table)).ok_or(TABLE)?;
                self.slice(offset, 56, "program header table")?;
                let at = usize::try_from(offset).map_err(|_| TABLE)?;
                Ok(Segment {
                    kind: self.u32(at).ok_or(TABLE)?,
                    offset: self.u64(at + 8).ok_or(TABLE)?,
                    address: self.u64(at + 16).ok_or(TABLE)?,
                    file_size: self.u64(at + 32).ok_or(TABLE)?,
                })
            })
            .collect()
    }

    pub(crate) fn slice(
        &self,
        offset: u64,
        size: u64,
        what: &'static str,
    ) -> Result<&'a [u8], ElfError> {
        usize::try_from(offset)
            .ok()
            .and_then(|start| Some(start..start.checked_add(usize::try_from(size).ok()?)?))
            .and_then(|range| self.bytes.get(range))
            .ok_or(ElfError::Outside(what))
    }

    fn array<const N: usize>(&self, at: usize) -> Option<[u8; N]> {
        self.bytes.get(at..at.checked_add(N)?)?.try_into().ok()
    }

    fn u16(&self, at: usize) -> Option<u16> {
        self.array(at).map(u16::from_le_bytes)
    }

    fn u32(&self, at: usize) -> Option<u32> {
        self.array(at).map(u32::from_le_bytes)
    }

    fn u64(&self, at: usize) -> Option<u64> {
        self.array(at).map(u64::from_le_bytes)
    }
}

/// The text up to the first zero byte.
pub(crate) fn until_zero(bytes: &[u8]) -> &str {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    std::str::from_utf8(&bytes[..end]).unwrap_or("")
}
