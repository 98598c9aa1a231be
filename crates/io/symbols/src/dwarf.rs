//! Debug information (DWARF 2 to 5), one compilation unit at a time.
//!
//! Of a linked kernel only the unit that is asked for is read from `.debug_info`, by far the largest section. Names
//! that lie in other units, or in the file that several have in common (`.gnu_debugaltlink`), are followed there.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use gimli::{
    AttributeValue, DebuggingInformationEntry, Dwarf, EndianSlice, RunTimeEndian, SectionId,
    UnitRef,
};

use crate::error::SymbolError;
use crate::image::Image;
use crate::unit::{NONE, Row, Scope, Unit};

type Slice<'a> = EndianSlice<'a, RunTimeEndian>;

/// The longest unit that is read, in bytes.
const MOST_UNIT: u64 = 512 << 20;
/// How often a name may lead on to another entry.
const MOST_STEPS: usize = 16;

/// The debug sections of an image.
#[derive(Debug)]
pub(crate) struct Debug {
    image: Arc<Image>,
    abbrev: Vec<u8>,
    addr: Vec<u8>,
    line: Vec<u8>,
    line_str: Vec<u8>,
    str: Vec<u8>,
    str_offsets: Vec<u8>,
    ranges: Vec<u8>,
    rnglists: Vec<u8>,
    info: Info,
    /// Where each unit starts.
    units: OnceLock<Vec<u64>>,
    /// What several files have in common.
    common: Option<Box<Self>>,
}

/// `.debug_info`.
#[derive(Debug)]
enum Info {
    /// In the file, at this offset, of this length.
    File(u64, u64),
    /// Unpacked or relocated.
    Memory(Vec<u8>),
}

/// Addresses of a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct UnitRange {
    pub(crate) begin: u64,
    pub(crate) end: u64,
    /// Where the unit starts in `.debug_info`.
    pub(crate) unit: u64,
}

impl Debug {
    pub(crate) fn new(image: Arc<Image>, common: Option<Arc<Image>>) -> Result<Self, SymbolError> {
        let of = |name| image.contents(name);
        let info = image.section(".debug_info").and_then(|section| image.plain(section));
        let info = match info {
            Some((offset, length)) => Info::File(offset, length),
            None => Info::Memory(of(".debug_info")?),
        };
        let common = common.map(|common| Self::new(common, None)).transpose()?.map(Box::new);
        Ok(Self {
            abbrev: of(".debug_abbrev")?,
            addr: of(".debug_addr")?,
            line: of(".debug_line")?,
            line_str: of(".debug_line_str")?,
            str: of(".debug_str")?,
            str_offsets: of(".debug_str_offsets")?,
            ranges: of(".debug_ranges")?,
            rnglists: of(".debug_rnglists")?,
            info,
            units: OnceLock::new(),
            common,
            image,
        })
    }

    fn dwarf<'a>(&'a self, info: &'a [u8]) -> Dwarf<Slice<'a>> {
        let load = |id| {
            let bytes: &[u8] = match id {
                SectionId::DebugAbbrev => &self.abbrev,
                SectionId::DebugAddr => &self.addr,
                SectionId::DebugInfo => info,
                SectionId::DebugLine => &self.line,
                SectionId::DebugLineStr => &self.line_str,
                SectionId::DebugStr => &self.str,
                SectionId::DebugStrOffsets => &self.str_offsets,
                SectionId::DebugRanges => &self.ranges,
                SectionId::DebugRngLists => &self.rnglists,
                _ => &[],
            };
            Ok::<_, std::convert::Infallible>(EndianSlice::new(bytes, self.image.endian))
        };
        match Dwarf::load(load) {
            Ok(dwarf) => dwarf,
            Err(never) => match never {},
        }
    }

    fn damaged(&self, reason: impl std::fmt::Display) -> SymbolError {
        SymbolError::damaged(&self.image.path, reason)
    }

    fn info_length(&self) -> u64 {
        match &self.info {
            Info::File(_, length) => *length,
            Info::Memory(bytes) => bytes.len() as u64,
        }
    }

    /// Bytes of `.debug_info`.
    fn info(&self, offset: u64, length: u64) -> Result<Vec<u8>, SymbolError> {
        let outside = || self.damaged("a unit lies outside of .debug_info");
        let end = offset.checked_add(length).filter(|end| *end <= self.info_length());
        let end = end.ok_or_else(outside)?;
        match &self.info {
            Info::File(start, _) => self.image.bytes(start + offset, length),
            Info::Memory(bytes) => Ok(bytes[offset as usize..end as usize].to_vec()),
        }
    }

    /// The length of the unit at an offset, with its header.
    fn unit_length(&self, offset: u64) -> Result<u64, SymbolError> {
        let room = self.info_length().saturating_sub(offset).min(12);
        let start = self.info(offset, room)?;
        let mut reader = EndianSlice::new(&start, self.image.endian);
        use gimli::Reader as _;
        let (length, format) =
            reader.read_initial_length().map_err(|_| self.damaged("a unit has no length"))?;
        let length = (length as u64).saturating_add(u64::from(format.initial_length_size()));
        if length > MOST_UNIT || length > self.info_length().saturating_sub(offset) {
            return Err(self.damaged("a unit is longer than .debug_info"));
        }
        Ok(length)
    }

    /// Where each unit starts, in order. Read once; damage ends the list.
    fn units(&self) -> &[u64] {
        self.units.get_or_init(|| {
            let mut units = Vec::new();
            let mut at = 0;
            while at < self.info_length() {
                let Ok(length) = self.unit_length(at) else { break };
                units.push(at);
                at += length;
            }
            units
        })
    }

    /// The addresses of all units, sorted: of `.debug_aranges`, and of the root entries of units that are not in it.
    pub(crate) fn unit_ranges(&self) -> Result<Vec<UnitRange>, SymbolError> {
        let bytes = self.image.contents(".debug_aranges")?;
        let section = gimli::DebugAranges::new(&bytes, self.image.endian);
        let mut ranges = Vec::new();
        let mut listed = std::collections::HashSet::new();
        let mut headers = section.headers();
        while let Some(header) = headers.next().map_err(|error| self.damaged(error))? {
            let unit = header.debug_info_offset().0 as u64;
            listed.insert(unit);
            let mut entries = header.entries();
            // The list of a unit without code may hold what is no range; it ends there.
            while let Ok(Some(entry)) = entries.next() {
                let range = entry.range();
                if range.begin < range.end && range.begin != 0 {
                    ranges.push(UnitRange { begin: range.begin, end: range.end, unit });
                }
            }
        }
        // With lists of addresses, the units without one hold no code. Where only some objects were made with
        // lists, the others are longer than the few entries of a file of names.
        if listed.is_empty() {
            for unit in self.units() {
                self.root_ranges(*unit, &mut ranges)?;
            }
        }
        ranges.sort_unstable();
        Ok(ranges)
    }

    fn root_ranges(&self, offset: u64, ranges: &mut Vec<UnitRange>) -> Result<(), SymbolError> {
        let bytes = self.info(offset, self.unit_length(offset)?)?;
        let dwarf = self.dwarf(&bytes);
        let mut headers = dwarf.units();
        let read = (|| -> gimli::Result<()> {
            let Some(header) = headers.next()? else { return Ok(()) };
            let unit = dwarf.unit(header)?;
            let mut found = dwarf.unit_ranges(&unit)?;
            while let Some(range) = found.next()? {
                if range.begin < range.end && range.begin != 0 {
                    ranges.push(UnitRange { begin: range.begin, end: range.end, unit: offset });
                }
            }
            Ok(())
        })();
        read.map_err(|error| self.damaged(error))
    }

    /// Reads the unit at an offset of `.debug_info`.
    pub(crate) fn unit(&self, offset: u64) -> Result<Unit, SymbolError> {
        let bytes = self.info(offset, self.unit_length(offset)?)?;
        let dwarf = self.dwarf(&bytes);
        let mut headers = dwarf.units();
        let header = headers.next().map_err(|error| self.damaged(error))?;
        let header = header.ok_or_else(|| self.damaged("a unit has no header"))?;
        let unit = dwarf.unit(header).map_err(|error| self.damaged(error))?;
        let mut walk = Walk {
            debug: self,
            unit: unit.unit_ref(&dwarf),
            out: Unit::default(),
            files: HashMap::new(),
            names: HashMap::new(),
            origins: HashMap::new(),
        };
        walk.lines().map_err(|error| self.damaged(error))?;
        walk.entries().map_err(|error| self.damaged(error))?;
        Ok(walk.out)
    }

    /// The name of the entry at an offset of `.debug_info`, in whatever unit it lies.
    fn name_at(&self, offset: u64, steps: usize) -> Option<String> {
        let units = self.units();
        let start = *units.get(units.partition_point(|unit| *unit <= offset).checked_sub(1)?)?;
        let bytes = self.info(start, self.unit_length(start).ok()?).ok()?;
        let dwarf = self.dwarf(&bytes);
        let header = dwarf.units().next().ok()??;
        let unit = dwarf.unit(header).ok()?;
        let at = gimli::UnitOffset(usize::try_from(offset - start).ok()?);
        self.name_in(unit.unit_ref(&dwarf), at, steps)
    }

    /// The name of an entry of a unit: its own, or that of the entry it was made from.
    fn name_in<'a>(
        &self,
        unit: UnitRef<'_, Slice<'a>>,
        at: gimli::UnitOffset,
        steps: usize,
    ) -> Option<String> {
        let entry = unit.entry(at).ok()?;
        if let Some(name) = self.own_name(unit, &entry) {
            return Some(name);
        }
        let steps = steps.checked_sub(1)?;
        let origin = entry
            .attr_value(gimli::DW_AT_abstract_origin)
            .or_else(|| entry.attr_value(gimli::DW_AT_specification))?;
        self.name_of(unit, origin, steps)
    }

    fn own_name<'a>(
        &self,
        unit: UnitRef<'_, Slice<'a>>,
        entry: &DebuggingInformationEntry<Slice<'a>>,
    ) -> Option<String> {
        let name = entry.attr_value(gimli::DW_AT_name)?;
        self.text(unit, name)
    }

    /// The name behind a reference.
    fn name_of<'a>(
        &self,
        unit: UnitRef<'_, Slice<'a>>,
        origin: AttributeValue<Slice<'a>>,
        steps: usize,
    ) -> Option<String> {
        match origin {
            AttributeValue::UnitRef(at) => self.name_in(unit, at, steps),
            AttributeValue::DebugInfoRef(at) => self.name_at(at.0 as u64, steps),
            AttributeValue::DebugInfoRefSup(at) => {
                self.common.as_ref()?.name_at(at.0 as u64, steps)
            }
            _ => None,
        }
    }

    fn text<'a>(
        &self,
        unit: UnitRef<'_, Slice<'a>>,
        value: AttributeValue<Slice<'a>>,
    ) -> Option<String> {
        if let AttributeValue::DebugStrRefSup(at) = value {
            let rest = self.common.as_ref()?.str.get(at.0..)?;
            let end = rest.iter().position(|byte| *byte == 0)?;
            return Some(String::from_utf8_lossy(&rest[..end]).into_owned());
        }
        let text = unit.attr_string(value).ok()?;
        Some(String::from_utf8_lossy(text.slice()).into_owned())
    }
}

/// A unit while it is read.
struct Walk<'a> {
    debug: &'a Debug,
    unit: UnitRef<'a, Slice<'a>>,
    out: Unit,
    /// Numbers of files in the line table, and in what is kept.
    files: HashMap<u64, u32>,
    names: HashMap<String, u32>,
    /// Names of entries that functions were made from.
    origins: HashMap<AttributeKey, u32>,
}

/// What a reference points at.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum AttributeKey {
    Unit(usize),
    Info(usize),
    Common(usize),
}

/// What is read of an entry of a function.
#[derive(Default)]
struct Function<'a> {
    low: Option<u64>,
    high: Option<u64>,
    size: Option<u64>,
    ranges: Option<AttributeValue<Slice<'a>>>,
    name: Option<AttributeValue<Slice<'a>>>,
    origin: Option<AttributeValue<Slice<'a>>>,
    call_file: Option<u64>,
    call_line: u32,
}

impl<'a> Walk<'a> {
    fn lines(&mut self) -> gimli::Result<()> {
        let folder = self.unit.comp_dir.map(|folder| String::from_utf8_lossy(folder.slice()));
        self.out.folder = folder.unwrap_or_default().into_owned();
        let Some(program) = self.unit.line_program.clone() else { return Ok(()) };
        let mut sequences: Vec<Vec<Row>> = Vec::new();
        let mut rows = program.rows();
        let mut sequence: Vec<(u64, u64, u32)> = Vec::new();
        let mut kept = Vec::new();
        while let Some((_, row)) = rows.next_row()? {
            let address = row.address();
            if row.end_sequence() {
                let read = std::mem::take(&mut sequence);
                // What the linker dropped starts at zero.
                if read.first().is_some_and(|first| first.0 != 0 && first.0 < address) {
                    kept.push((read, address));
                }
                continue;
            }
            let line = row.line().map_or(0, |line| u32::try_from(line.get()).unwrap_or(0));
            match sequence.last_mut() {
                // Of several rows for one address the last one counts.
                Some(last) if last.0 == address => *last = (address, row.file_index(), line),
                _ => sequence.push((address, row.file_index(), line)),
            }
        }
        let header = rows.header().clone();
        for (read, end) in kept {
            let mut sequence: Vec<Row> = Vec::new();
            for (address, file, line) in read {
                let file = self.file(&header, file);
                if sequence.last().is_none_or(|last| (last.file, last.line) != (file, line)) {
                    sequence.push(Row { address, file, line });
                }
            }
            sequence.push(Row { address: end, file: NONE, line: 0 });
            sequences.push(sequence);
        }
        sequences.sort_by_key(|sequence| sequence[0].address);
        for sequence in sequences {
            // The end of one sequence is the start of the next where they touch.
            if self.out.rows.last().is_some_and(|last| last.address >= sequence[0].address) {
                self.out.rows.pop();
            }
            if self.out.rows.last().is_none_or(|last| last.address <= sequence[0].address) {
                self.out.rows.extend(sequence);
            }
        }
        Ok(())
    }

    /// The kept number of a file of the line table.
    fn file(&mut self, header: &gimli::LineProgramHeader<Slice<'a>>, index: u64) -> u32 {
        if let Some(known) = self.files.get(&index) {
            return *known;
        }
        let number = match self.path(header, index) {
            Some(path) => {
                self.out.files.push(path);
                self.out.files.len() as u32 - 1
            }
            None => NONE,
        };
        self.files.insert(index, number);
        number
    }

    fn path(&self, header: &gimli::LineProgramHeader<Slice<'a>>, index: u64) -> Option<String> {
        let file = header.file(index)?;
        let name = self.debug.text(self.unit, file.path_name())?;
        let mut path = self.out.folder.clone();
        // Folder 0 is the one in which the compiler ran.
        if file.directory_index() != 0
            && let Some(folder) = file.directory(header)
        {
            path = join(&path, &self.debug.text(self.unit, folder)?);
        }
        Some(normal(&join(&path, &name)))
    }

    fn entries(&mut self) -> gimli::Result<()> {
        let header = self.unit.line_program.as_ref().map(|program| program.header().clone());
        let mut entries = self.unit.entries_raw(None)?;
        // The entries of functions around this one, with their depths in the tree and of inlining.
        let mut around: Vec<(isize, u32)> = Vec::new();
        while !entries.is_empty() {
            let depth = entries.next_depth();
            let Some(abbreviation) = entries.read_abbreviation()? else { continue };
            while around.last().is_some_and(|(outer, _)| *outer >= depth) {
                around.pop();
            }
            let inlined = match abbreviation.tag() {
                gimli::DW_TAG_subprogram => None,
                gimli::DW_TAG_inlined_subroutine => {
                    Some(around.last().map_or(1, |outer| outer.1 + 1))
                }
                _ => {
                    entries.skip_attributes(abbreviation.attributes())?;
                    continue;
                }
            };
            let mut function = Function::default();
            for specification in abbreviation.attributes() {
                let attribute = entries.read_attribute(*specification)?;
                function.take(self.unit, attribute.name(), attribute.value())?;
            }
            let inline_depth = inlined.unwrap_or(0);
            around.push((depth, inline_depth));
            let mut ranges = Vec::new();
            function.for_each_range(self.unit, |begin, end| ranges.push((begin, end)))?;
            if ranges.is_empty() {
                continue;
            }
            let name = self.name(&function);
            let call_file = match (&header, function.call_file) {
                (Some(header), Some(index)) => self.file(header, index),
                _ => NONE,
            };
            for (begin, end) in ranges {
                self.out.scopes.push(Scope {
                    begin,
                    end,
                    depth: inline_depth,
                    name,
                    call_file,
                    call_line: function.call_line,
                });
            }
        }
        Ok(())
    }

    /// The kept number of a function's name.
    fn name(&mut self, function: &Function<'a>) -> u32 {
        let key = match function.origin {
            Some(AttributeValue::UnitRef(at)) => Some(AttributeKey::Unit(at.0)),
            Some(AttributeValue::DebugInfoRef(at)) => Some(AttributeKey::Info(at.0)),
            Some(AttributeValue::DebugInfoRefSup(at)) => Some(AttributeKey::Common(at.0)),
            _ => None,
        };
        if let Some(known) = key.as_ref().and_then(|key| self.origins.get(key)) {
            return *known;
        }
        let own = function.name.and_then(|name| self.debug.text(self.unit, name));
        let read = own.or_else(|| {
            let origin = function.origin?;
            self.debug.name_of(self.unit, origin, MOST_STEPS)
        });
        let number = match read {
            None => NONE,
            Some(name) => {
                let next = self.out.names.len() as u32;
                let names = &mut self.out.names;
                *self.names.entry(name).or_insert_with_key(|name| {
                    names.push(name.clone());
                    next
                })
            }
        };
        if let Some(key) = key {
            self.origins.insert(key, number);
        }
        number
    }
}

impl<'a> Function<'a> {
    fn take(
        &mut self,
        unit: UnitRef<'a, Slice<'a>>,
        name: gimli::DwAt,
        value: AttributeValue<Slice<'a>>,
    ) -> gimli::Result<()> {
        match name {
            gimli::DW_AT_low_pc => self.low = unit.attr_address(value)?,
            gimli::DW_AT_high_pc => match value.udata_value() {
                Some(size) => self.size = Some(size),
                None => self.high = unit.attr_address(value)?,
            },
            gimli::DW_AT_ranges => self.ranges = Some(value),
            gimli::DW_AT_name => self.name = Some(value),
            gimli::DW_AT_abstract_origin | gimli::DW_AT_specification => self.origin = Some(value),
            gimli::DW_AT_call_file => {
                self.call_file = match value {
                    AttributeValue::FileIndex(index) => Some(index),
                    other => other.udata_value(),
                };
            }
            gimli::DW_AT_call_line => {
                self.call_line =
                    value.udata_value().and_then(|line| u32::try_from(line).ok()).unwrap_or(0);
            }
            _ => {}
        }
        Ok(())
    }

    fn for_each_range(
        &self,
        unit: UnitRef<'a, Slice<'a>>,
        mut take: impl FnMut(u64, u64),
    ) -> gimli::Result<()> {
        let mut one = |begin: u64, end: u64| {
            if begin < end && begin != 0 {
                take(begin, end);
            }
        };
        if let Some(ranges) = self.ranges {
            if let Some(mut ranges) = unit.attr_ranges(ranges)? {
                while let Some(range) = ranges.next()? {
                    one(range.begin, range.end);
                }
            }
            return Ok(());
        }
        if let Some(low) = self.low {
            match (self.high, self.size) {
                (Some(high), _) => one(low, high),
                (None, Some(size)) => one(low, low.saturating_add(size)),
                (None, None) => {}
            }
        }
        Ok(())
    }
}

fn join(folder: &str, path: &str) -> String {
    if path.starts_with('/') || folder.is_empty() {
        path.to_owned()
    } else {
        format!("{}/{path}", folder.trim_end_matches('/'))
    }
}

/// The path without `.` and, as far as folders stand before them, without `..`.
fn normal(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "." => {}
            "" if !parts.is_empty() => {}
            ".." if parts.last().is_some_and(|last| !matches!(*last, "" | "..")) => {
                let _ = parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lose_what_leads_nowhere() {
        for (path, wanted) in [
            ("/build/linux/../linux/./mm/slub.c", "/build/linux/mm/slub.c"),
            ("debian/build/../x/fs/xfs/./xfs.h", "debian/x/fs/xfs/xfs.h"),
            ("../a.c", "../a.c"),
            ("/../a.c", "/../a.c"),
            ("/build//a.c", "/build/a.c"),
        ] {
            assert_eq!(normal(path), wanted);
        }
        assert_eq!(join("/build", "mm/a.c"), "/build/mm/a.c");
        assert_eq!(join("/build", "/src/a.c"), "/src/a.c");
    }
}
