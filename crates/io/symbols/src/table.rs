//! The functions of an image by name and by address, in one run of bytes that is kept as it is.
//!
//! The size of a function is the kernel's own: bytes up to the next name (`get_symbol_pos` in kernel/kallsyms.c).

use std::collections::BTreeMap;

use crate::dwarf::UnitRange;
use crate::image::{Image, RawSymbol};

/// Functions and what else is kept of an image as a whole.
#[derive(Debug)]
pub struct SymbolTable {
    bytes: Vec<u8>,
    head: Head,
}

/// Counts and lengths, in the order of the parts behind them.
#[derive(Clone, Copy, Debug, Default)]
struct Head {
    symbols: usize,
    ranges: usize,
    names: usize,
    banner: usize,
    root: usize,
}

/// Bytes of [`Head`].
const HEAD: usize = 5 * 8;
/// Bytes of a symbol: address, size up to the next name, size of the symbol table, name's offset.
const SYMBOL: usize = 8 + 8 + 8 + 4;
/// Bytes of a range: begin, end, unit.
const RANGE: usize = 24;

/// A function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Symbol<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its first address; in a module that of this program's own placing.
    pub address: u64,
    /// Bytes up to the next name, which is the size that the kernel prints.
    pub size: u64,
    /// The size that the symbol table has; 0 where it has none.
    pub own_size: u64,
}

impl SymbolTable {
    /// Makes the table. `root` is the folder of the source, as compiled.
    pub(crate) fn new(
        symbols: Vec<RawSymbol>,
        image: &Image,
        ranges: &[UnitRange],
        banner: &str,
        root: &str,
    ) -> Self {
        let mut functions: Vec<RawSymbol> = symbols
            .into_iter()
            .filter(|symbol| symbol.executable && is_printed(&symbol.name))
            .collect();
        functions.sort_by(|a, b| (a.address, &a.name).cmp(&(b.address, &b.name)));
        let section_end = |address: u64| {
            image
                .sections
                .iter()
                .filter(|section| section.executable)
                .find(|section| {
                    address >= section.address && address - section.address < section.size
                })
                .map(|section| section.address + section.size)
        };
        let mut names = Vec::new();
        let mut offsets: BTreeMap<&str, u32> = BTreeMap::new();
        for function in &functions {
            offsets.entry(&function.name).or_insert_with(|| {
                let at = names.len() as u32;
                names.extend_from_slice(function.name.as_bytes());
                names.push(0);
                at
            });
        }
        let head = Head {
            symbols: functions.len(),
            ranges: ranges.len(),
            names: names.len(),
            banner: banner.len(),
            root: root.len(),
        };
        let mut bytes = Vec::with_capacity(head.length());
        for count in [head.symbols, head.ranges, head.names, head.banner, head.root] {
            bytes.extend_from_slice(&(count as u64).to_le_bytes());
        }
        let mut next = functions.iter().map(|f| f.address).collect::<Vec<_>>();
        next.dedup();
        for function in &functions {
            let at = next.partition_point(|address| *address <= function.address);
            let end = section_end(function.address);
            let end = match (next.get(at).copied(), end) {
                (Some(next), Some(end)) => next.min(end),
                (next, end) => next.or(end).unwrap_or(function.address),
            };
            bytes.extend_from_slice(&function.address.to_le_bytes());
            bytes.extend_from_slice(&(end - function.address).to_le_bytes());
            bytes.extend_from_slice(&function.size.to_le_bytes());
            bytes.extend_from_slice(&offsets[function.name.as_str()].to_le_bytes());
        }
        let mut by_name: Vec<u32> = (0..functions.len() as u32).collect();
        by_name.sort_by_key(|at| (&functions[*at as usize].name, *at));
        by_name.iter().for_each(|at| bytes.extend_from_slice(&at.to_le_bytes()));
        for range in ranges {
            for value in [range.begin, range.end, range.unit] {
                bytes.extend_from_slice(&value.to_le_bytes());
            }
        }
        bytes.extend_from_slice(&names);
        bytes.extend_from_slice(banner.as_bytes());
        bytes.extend_from_slice(root.as_bytes());
        Self { bytes, head }
    }

    /// The table of kept bytes; `None` when they are none.
    pub(crate) fn decode(bytes: Vec<u8>) -> Option<Self> {
        let field = |at: usize| -> Option<usize> {
            let value = u64::from_le_bytes(bytes.get(at * 8..at * 8 + 8)?.try_into().ok()?);
            usize::try_from(value).ok().filter(|value| *value <= bytes.len())
        };
        let head = Head {
            symbols: field(0)?,
            ranges: field(1)?,
            names: field(2)?,
            banner: field(3)?,
            root: field(4)?,
        };
        (head.length() == bytes.len()).then_some(Self { bytes, head })
    }

    pub(crate) fn encoded(&self) -> &[u8] {
        &self.bytes
    }

    /// How many functions there are.
    pub fn len(&self) -> usize {
        self.head.symbols
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.head.symbols == 0
    }

    /// What the kernel says of itself at boot (`Linux version …`); of a module the release it is for. Empty where
    /// the file does not hold it.
    pub fn banner(&self) -> &str {
        self.part(self.head.names_end(), self.head.banner)
    }

    /// The folder of the source, as compiled; empty where it is not known.
    pub(crate) fn root(&self) -> &str {
        self.part(self.head.names_end() + self.head.banner, self.head.root)
    }

    /// All functions of a name, by address.
    pub fn named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = Symbol<'a>> + 'a {
        let first =
            self.first(self.head.symbols, |at| self.by_name(at).is_some_and(|s| s.name < name));
        (first..self.head.symbols)
            .map_while(move |at| self.by_name(at).filter(|symbol| symbol.name == name))
    }

    /// The function that holds an address; of several names for one function the first.
    pub fn at(&self, address: u64) -> Option<Symbol<'_>> {
        let behind = self.first(self.head.symbols, |at| {
            self.symbol(at).is_some_and(|symbol| symbol.address <= address)
        });
        let mut symbol = self.symbol(behind.checked_sub(1)?)?;
        // The last of several names came; the first is the one that the kernel prints.
        for at in (0..behind - 1).rev() {
            match self.symbol(at).filter(|before| before.address == symbol.address) {
                Some(before) => symbol = before,
                None => break,
            }
        }
        (address - symbol.address < symbol.size).then_some(symbol)
    }

    /// The units that may hold an address, as offsets of `.debug_info`, the narrowest range first.
    pub(crate) fn units(&self, address: u64) -> Vec<u64> {
        let behind =
            self.first(self.head.ranges, |at| self.range(at).is_some_and(|r| r.begin <= address));
        let mut found: Vec<UnitRange> = (0..behind)
            .rev()
            // Ranges overlap only in odd files; a few steps back are enough.
            .take(8)
            .filter_map(|at| self.range(at))
            .filter(|range| address < range.end)
            .collect();
        found.sort_by_key(|range| range.end - range.begin);
        found.into_iter().map(|range| range.unit).collect()
    }

    /// The first number below `count` for which `before` does not hold.
    fn first(&self, count: usize, before: impl Fn(usize) -> bool) -> usize {
        let (mut low, mut high) = (0, count);
        while low < high {
            let middle = low.midpoint(high);
            if before(middle) { low = middle + 1 } else { high = middle }
        }
        low
    }

    fn by_name(&self, at: usize) -> Option<Symbol<'_>> {
        let start = HEAD + self.head.symbols * SYMBOL + at * 4;
        let index = u32::from_le_bytes(self.bytes.get(start..start + 4)?.try_into().ok()?);
        self.symbol(index as usize)
    }

    fn symbol(&self, at: usize) -> Option<Symbol<'_>> {
        if at >= self.head.symbols {
            return None;
        }
        let start = HEAD + at * SYMBOL;
        let name = u32::from_le_bytes(self.bytes.get(start + 24..start + 28)?.try_into().ok()?);
        let names = self.bytes.get(self.head.names_start()..self.head.names_end())?;
        let rest = names.get(name as usize..)?;
        let end = rest.iter().position(|byte| *byte == 0)?;
        Some(Symbol {
            name: std::str::from_utf8(&rest[..end]).ok()?,
            address: self.number(start)?,
            size: self.number(start + 8)?,
            own_size: self.number(start + 16)?,
        })
    }

    fn range(&self, at: usize) -> Option<UnitRange> {
        let start = self.head.ranges_start() + at * RANGE;
        let (begin, end) = (self.number(start)?, self.number(start + 8)?);
        Some(UnitRange { begin, end, unit: self.number(start + 16)? })
    }

    fn number(&self, at: usize) -> Option<u64> {
        Some(u64::from_le_bytes(self.bytes.get(at..at + 8)?.try_into().ok()?))
    }

    fn part(&self, start: usize, length: usize) -> &str {
        let part = self.bytes.get(start..start + length).unwrap_or_default();
        std::str::from_utf8(part).unwrap_or_default()
    }
}

impl Head {
    fn ranges_start(self) -> usize {
        HEAD.saturating_add(self.symbols.saturating_mul(SYMBOL + 4))
    }

    fn names_start(self) -> usize {
        self.ranges_start().saturating_add(self.ranges.saturating_mul(RANGE))
    }

    fn names_end(self) -> usize {
        self.names_start().saturating_add(self.names)
    }

    fn length(self) -> usize {
        self.names_end().saturating_add(self.banner).saturating_add(self.root)
    }
}

/// Whether the kernel knows the name: scripts/kallsyms.c leaves out what compilers and linkers need for themselves.
fn is_printed(name: &str) -> bool {
    const LEFT_OUT: &[&str] = &["$", ".L", "L0", "__crc_", "__kstrtab_", "__kstrtabns_"];
    !name.is_empty()
        && !name.contains('\0')
        && !LEFT_OUT.iter().any(|start| name.starts_with(start))
}
