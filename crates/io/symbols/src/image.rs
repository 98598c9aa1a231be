//! An ELF file: its sections, where they lie when it runs, and its build id.
//!
//! A module is not linked: all of its sections start at address zero. They get places one behind the other here, so
//! that an address means one place; relocations of debug sections are applied with them.

use std::io::{Read as _, Take};
use std::path::{Path, PathBuf};

use gimli::RunTimeEndian;
use object::read::ReadCache;
use object::{
    CompressionFormat, Object as _, ObjectKind, ObjectSection as _, ObjectSymbol as _,
    RelocationKind, RelocationTarget, SectionFlags, SectionIndex, SectionKind, SymbolIndex,
    SymbolKind, SymbolSection,
};

use crate::error::SymbolError;
use crate::source::{Cursor, Source};

/// The most bytes that a section may unpack to.
const MOST_SECTION: u64 = 2 << 30;
/// Where the first section of a module is placed: no address of a linked kernel.
const FIRST_PLACE: u64 = 0x1000_0000;
/// Free bytes between sections of a module, at least.
const GAP: u64 = 0x1000;

type Cache<'a> = ReadCache<Cursor<'a>>;

/// The machine a file is for, as far as its instructions can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Machine {
    /// 64-bit x86.
    X86_64,
    /// 32-bit x86.
    I386,
    /// 64-bit ARM.
    Arm64,
    /// 32-bit ARM.
    Arm,
    /// Any other.
    Other,
}

/// One section.
#[derive(Clone, Debug)]
pub(crate) struct Section {
    pub(crate) name: String,
    index: SectionIndex,
    /// Where it lies in memory; in a module the place it got here.
    pub(crate) address: u64,
    /// Bytes in memory.
    pub(crate) size: u64,
    /// Its bytes in the file.
    file: (u64, u64),
    /// How they are compressed, and how many they are unpacked.
    packed: Option<(CompressionFormat, u64)>,
    pub(crate) executable: bool,
    /// It has bytes in the file; those that a debug file lacks have none.
    pub(crate) has_bytes: bool,
}

/// One name of the symbol table.
#[derive(Debug)]
pub(crate) struct RawSymbol {
    pub(crate) name: String,
    pub(crate) address: u64,
    /// The size that the symbol table has, in bytes.
    pub(crate) size: u64,
    /// Its section holds instructions.
    pub(crate) executable: bool,
}

/// An opened ELF file.
#[derive(Debug)]
pub(crate) struct Image {
    pub(crate) path: PathBuf,
    source: Source,
    pub(crate) sections: Vec<Section>,
    pub(crate) endian: RunTimeEndian,
    pub(crate) machine: Machine,
    /// A module, not linked.
    pub(crate) relocatable: bool,
    pub(crate) build_id: Option<Vec<u8>>,
    /// `.gnu_debuglink`: the file with the debug information, and its checksum.
    pub(crate) debug_link: Option<(String, u32)>,
    /// `.gnu_debugaltlink`: the file with what several have in common, and its build id.
    pub(crate) alt_link: Option<(String, Vec<u8>)>,
}

impl Image {
    pub(crate) fn open(path: &Path) -> Result<Self, SymbolError> {
        Self::read(path, Source::open(path)?)
    }

    /// Reads a file that is in memory; `path` names it in errors.
    pub(crate) fn read(path: &Path, source: Source) -> Result<Self, SymbolError> {
        refuse_boot_image(path, &source)?;
        let parts = parts(&source).map_err(|error| SymbolError::read(path, error))?;
        let Parts { sections, endian, machine, relocatable, build_id, debug_link, alt_link } =
            parts;
        let path = path.to_owned();
        Ok(Self {
            path,
            source,
            sections,
            endian,
            machine,
            relocatable,
            build_id,
            debug_link,
            alt_link,
        })
    }

    /// A section by its name.
    pub(crate) fn section(&self, name: &str) -> Option<&Section> {
        // Old compilers mark compressed sections by their names.
        let old = name.strip_prefix(".debug_").map(|rest| format!(".zdebug_{rest}"));
        let is_it =
            |section: &&Section| section.name == name || Some(&section.name) == old.as_ref();
        self.sections.iter().find(is_it).filter(|section| section.has_bytes)
    }

    /// The file has debug information with lines.
    pub(crate) fn has_debug_information(&self) -> bool {
        self.section(".debug_info").is_some() && self.section(".debug_line").is_some()
    }

    /// Where the bytes of a section lie in the file, when they can be used as they are.
    pub(crate) fn plain(&self, section: &Section) -> Option<(u64, u64)> {
        (section.packed.is_none() && !self.relocatable).then_some(section.file)
    }

    /// Bytes of the file.
    pub(crate) fn bytes(&self, offset: u64, length: u64) -> Result<Vec<u8>, SymbolError> {
        self.source.read(offset, length).map_err(|error| SymbolError::damaged(&self.path, error))
    }

    /// Length of the file in bytes; of a compressed one unpacked.
    pub(crate) fn length(&self) -> u64 {
        self.source.length()
    }

    /// The contents of a section, unpacked and relocated; empty when there is none of the name.
    pub(crate) fn contents(&self, name: &str) -> Result<Vec<u8>, SymbolError> {
        let Some(section) = self.section(name) else { return Ok(Vec::new()) };
        let bytes = self.bytes(section.file.0, section.file.1)?;
        let mut bytes = match section.packed {
            None => bytes,
            Some((format, size)) => unpack(format, &bytes, size).map_err(|reason| {
                SymbolError::damaged(&self.path, format!("section {name} {reason}"))
            })?,
        };
        if self.relocatable {
            self.relocate(section, &mut bytes)?;
        }
        Ok(bytes)
    }

    /// Bytes at an address, as far as its section has them in the file.
    pub(crate) fn memory(&self, address: u64, length: u64) -> Option<Vec<u8>> {
        let section = self.sections.iter().find(|section| {
            let within = address.checked_sub(section.address);
            section.address != 0 && section.has_bytes && within.is_some_and(|at| at < section.size)
        })?;
        let at = address - section.address;
        let length = length.min(section.size - at).min(section.file.1.checked_sub(at)?);
        self.source.read(section.file.0 + at, length).ok()
    }

    /// The names of the symbol table.
    pub(crate) fn symbols(&self) -> Result<Vec<RawSymbol>, SymbolError> {
        let unreadable = |error: object::Error| SymbolError::read(&self.path, error);
        let cache = ReadCache::new(Cursor { source: &self.source, at: 0 });
        let file = object::File::parse(&cache).map_err(unreadable)?;
        let mut found = Vec::new();
        for symbol in file.symbols() {
            if matches!(symbol.kind(), SymbolKind::File | SymbolKind::Section) {
                continue;
            }
            let SymbolSection::Section(index) = symbol.section() else { continue };
            let Some(section) = self.at_index(index) else { continue };
            let name = symbol.name_bytes().map_err(unreadable)?;
            found.push(RawSymbol {
                name: String::from_utf8_lossy(name).into_owned(),
                address: self.placed(section, symbol.address()),
                size: symbol.size(),
                executable: section.executable,
            });
        }
        Ok(found)
    }

    fn at_index(&self, index: SectionIndex) -> Option<&Section> {
        self.sections
            .binary_search_by_key(&index.0, |section| section.index.0)
            .ok()
            .map(|at| &self.sections[at])
    }

    fn placed(&self, section: &Section, value: u64) -> u64 {
        if self.relocatable { section.address.wrapping_add(value) } else { value }
    }

    /// Applies the relocations of a section of a module.
    fn relocate(&self, section: &Section, bytes: &mut [u8]) -> Result<(), SymbolError> {
        let unreadable = |error: object::Error| SymbolError::damaged(&self.path, error);
        let cache: Cache<'_> = ReadCache::new(Cursor { source: &self.source, at: 0 });
        let file = object::File::parse(&cache).map_err(unreadable)?;
        let read = file.section_by_index(section.index).map_err(unreadable)?;
        let mut values: Vec<Option<u64>> = Vec::new();
        for (offset, relocation) in read.relocations() {
            let width = usize::from(relocation.size() / 8);
            if relocation.kind() != RelocationKind::Absolute || !matches!(width, 4 | 8) {
                let reason = format!(
                    "section {} has a relocation of a kind that is not known",
                    section.name
                );
                return Err(SymbolError::damaged(&self.path, reason));
            }
            let target = match relocation.target() {
                RelocationTarget::Symbol(symbol) => self.value(&file, symbol, &mut values),
                RelocationTarget::Section(index) => {
                    self.at_index(index).map(|target| self.placed(target, 0))
                }
                _ => Some(0),
            };
            let place = usize::try_from(offset).ok().and_then(|at| bytes.get_mut(at..at + width));
            let (Some(target), Some(place)) = (target, place) else {
                let reason = format!("a relocation of section {} leads outside", section.name);
                return Err(SymbolError::damaged(&self.path, reason));
            };
            let mut value = target.wrapping_add_signed(relocation.addend());
            if relocation.has_implicit_addend() {
                value = value.wrapping_add(self.number(place));
            }
            let little = value.to_le_bytes();
            place.copy_from_slice(&little[..width]);
            if self.endian == RunTimeEndian::Big {
                place.reverse();
            }
        }
        Ok(())
    }

    fn number(&self, bytes: &[u8]) -> u64 {
        let fold = |value: u64, byte: &u8| value << 8 | u64::from(*byte);
        match self.endian {
            RunTimeEndian::Little => bytes.iter().rev().fold(0, fold),
            RunTimeEndian::Big => bytes.iter().fold(0, fold),
        }
    }

    /// The value of a symbol; the values read so far are kept.
    fn value<'a>(
        &self,
        file: &object::File<'a, &'a Cache<'a>>,
        symbol: SymbolIndex,
        values: &mut Vec<Option<u64>>,
    ) -> Option<u64> {
        if let Some(Some(value)) = values.get(symbol.0) {
            return Some(*value);
        }
        let read = file.symbol_by_index(symbol).ok()?;
        let value = match read.section() {
            SymbolSection::Section(index) => self.placed(self.at_index(index)?, read.address()),
            _ => read.address(),
        };
        if values.len() <= symbol.0 {
            values.resize(symbol.0 + 1, None);
        }
        values[symbol.0] = Some(value);
        Some(value)
    }
}

/// What is read of a file when it is opened.
struct Parts {
    sections: Vec<Section>,
    endian: RunTimeEndian,
    machine: Machine,
    relocatable: bool,
    build_id: Option<Vec<u8>>,
    debug_link: Option<(String, u32)>,
    alt_link: Option<(String, Vec<u8>)>,
}

fn parts(source: &Source) -> Result<Parts, object::Error> {
    let cache = ReadCache::new(Cursor { source, at: 0 });
    let file = object::File::parse(&cache)?;
    let relocatable = file.kind() == ObjectKind::Relocatable;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let debug_link = file.gnu_debuglink().ok().flatten();
    let alt_link = file.gnu_debugaltlink().ok().flatten();
    Ok(Parts {
        sections: sections(&file, relocatable)?,
        endian: match file.is_little_endian() {
            true => RunTimeEndian::Little,
            false => RunTimeEndian::Big,
        },
        machine: match file.architecture() {
            object::Architecture::X86_64 => Machine::X86_64,
            object::Architecture::I386 => Machine::I386,
            object::Architecture::Aarch64 => Machine::Arm64,
            object::Architecture::Arm => Machine::Arm,
            _ => Machine::Other,
        },
        relocatable,
        build_id: file.build_id().ok().flatten().map(<[u8]>::to_vec).or_else(|| notes(&file)),
        debug_link: debug_link.map(|(name, checksum)| (text(name), checksum)),
        alt_link: alt_link.map(|(name, id)| (text(name), id.to_vec())),
    })
}

/// A compressed image that boots is often given for the file that it was made of.
fn refuse_boot_image(path: &Path, source: &Source) -> Result<(), SymbolError> {
    // arch/x86/boot/header.S: the magic of the boot protocol; arch/arm64/kernel/head.S: that of the image.
    let magic = |offset, wanted: &[u8]| {
        source.read(offset, wanted.len() as u64).is_ok_and(|bytes| bytes == wanted)
    };
    if magic(0x202, b"HdrS") || magic(0x38, b"ARM\x64") {
        return Err(SymbolError::BootImage { path: path.to_owned() });
    }
    Ok(())
}

fn sections<'a>(
    file: &object::File<'a, &'a Cache<'a>>,
    relocatable: bool,
) -> Result<Vec<Section>, object::Error> {
    let mut sections = Vec::new();
    let mut next = FIRST_PLACE;
    for section in file.sections() {
        let flags = match section.flags() {
            SectionFlags::Elf { sh_flags, .. } => sh_flags.0,
            _ => 0,
        };
        let allocated = flags & object::elf::SHF_ALLOC.0 != 0;
        let mut address = section.address();
        if relocatable && allocated {
            let alignment = section.align().clamp(16, 1 << 16);
            address = next.checked_next_multiple_of(alignment).unwrap_or(next);
            // A hostile size must not bring two sections to one place.
            let end = address.checked_add(section.size()).and_then(|end| end.checked_add(GAP));
            next = end.unwrap_or(address);
        }
        let has_bytes = !matches!(section.kind(), SectionKind::UninitializedData)
            && section.file_range().is_some();
        let packed = section.compressed_file_range()?;
        let compressed = packed.format != CompressionFormat::None;
        sections.push(Section {
            name: String::from_utf8_lossy(section.name_bytes()?).into_owned(),
            index: section.index(),
            address: if allocated { address } else { 0 },
            size: section.size(),
            file: (packed.offset, packed.compressed_size),
            packed: compressed.then_some((packed.format, packed.uncompressed_size)),
            executable: allocated && flags & object::elf::SHF_EXECINSTR.0 != 0,
            has_bytes,
        });
    }
    sections.sort_by_key(|section| section.index.0);
    Ok(sections)
}

/// The build id of a file whose notes are in one section, as those of a kernel are.
fn notes<'a>(file: &object::File<'a, &'a Cache<'a>>) -> Option<Vec<u8>> {
    let section =
        file.section_by_name(".notes").or_else(|| file.section_by_name(".note.gnu.build-id"))?;
    let data = section.data().ok()?;
    let number = |at: usize| -> Option<usize> {
        let bytes = data.get(at..at + 4)?.try_into().ok()?;
        let value = if file.is_little_endian() {
            u32::from_le_bytes(bytes)
        } else {
            u32::from_be_bytes(bytes)
        };
        usize::try_from(value).ok()
    };
    let mut at = 0;
    loop {
        let (name, description, kind) = (number(at)?, number(at + 4)?, number(at + 8)?);
        let name_end = at.checked_add(12)?.checked_add(name)?;
        let start = name_end.checked_next_multiple_of(4)?;
        let end = start.checked_add(description)?;
        // NT_GNU_BUILD_ID
        if kind == 3 && data.get(at + 12..name_end)?.starts_with(b"GNU") {
            return data.get(start..end).map(<[u8]>::to_vec);
        }
        at = end.checked_next_multiple_of(4)?;
    }
}

fn unpack(format: CompressionFormat, bytes: &[u8], size: u64) -> Result<Vec<u8>, String> {
    if size > MOST_SECTION {
        return Err(format!("unpacks to more than {} GiB", MOST_SECTION >> 30));
    }
    // What a header promises is asked for only as far as the bytes can hold it: no format packs denser than zlib's
    // 1 to 1032 on debug information.
    let room = size.min(bytes.len() as u64 * 32) as usize;
    let mut out = Vec::with_capacity(room);
    let read = match format {
        CompressionFormat::Zlib => {
            fill(flate2::read::ZlibDecoder::new(bytes).take(size + 1), &mut out)
        }
        CompressionFormat::Zstandard => match zstd::Decoder::new(bytes) {
            Ok(decoder) => fill(decoder.take(size + 1), &mut out),
            Err(error) => Err(error),
        },
        _ => return Err("is compressed in a form that is not known".to_owned()),
    };
    read.map_err(|error| format!("cannot be unpacked: {error}"))?;
    if out.len() as u64 != size {
        return Err("has another length than its header says".to_owned());
    }
    Ok(out)
}

fn fill(mut reader: Take<impl std::io::Read>, out: &mut Vec<u8>) -> std::io::Result<()> {
    reader.read_to_end(out).map(drop)
}
