//! What the debug information says of one compilation unit: which line each address is of, and which functions were
//! inlined around it.

use crate::bytes::{Taker, put, put_signed, put_text};

/// One place, the innermost inlined function first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The function, demangled; empty when neither symbols nor debug information name it.
    pub function: String,
    /// The source file, where the program has debug information.
    pub file: Option<String>,
    /// The line in it.
    pub line: Option<u32>,
}

/// A compilation unit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unit {
    /// The folder in which the compiler ran.
    pub(crate) folder: String,
    /// Paths of source files, joined with their folders.
    pub(crate) files: Vec<String>,
    /// Names of functions.
    pub(crate) names: Vec<String>,
    /// From which address on which line holds, sorted.
    pub(crate) rows: Vec<Row>,
    /// Functions, each followed by what was inlined into it.
    pub(crate) scopes: Vec<Scope>,
}

/// From this address on, this line holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) address: u64,
    /// Index into the files; [`NONE`] where nothing is known.
    pub(crate) file: u32,
    /// 0 where the compiler names none.
    pub(crate) line: u32,
}

/// No file, no name.
pub(crate) const NONE: u32 = u32::MAX;

/// A range of addresses of a function, or of a function inlined into the one before with a smaller depth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Scope {
    pub(crate) begin: u64,
    pub(crate) end: u64,
    /// 0 of a function.
    pub(crate) depth: u32,
    pub(crate) name: u32,
    /// Where the call stood that was inlined.
    pub(crate) call_file: u32,
    pub(crate) call_line: u32,
}

impl Unit {
    /// The functions at an address, the innermost inlined one first; empty when the unit does not hold the address.
    pub fn places(&self, address: u64) -> Vec<Place> {
        let row = match self.rows.partition_point(|row| row.address <= address) {
            0 => None,
            at => Some(self.rows[at - 1]).filter(|row| row.file != NONE),
        };
        let mut chain: Vec<&Scope> = Vec::new();
        for scope in self.scopes.iter().filter(|s| (s.begin..s.end).contains(&address)) {
            match chain.last() {
                None if scope.depth > 0 => {}
                // The same instructions under a second name.
                Some(_) if scope.depth == 0 => break,
                Some(outer) if scope.depth <= outer.depth => {}
                _ => chain.push(scope),
            }
        }
        let mut at = row.map_or((None, None), |row| self.source(row.file, row.line));
        if chain.is_empty() {
            return match at {
                (None, None) => Vec::new(),
                (file, line) => vec![Place { function: String::new(), file, line }],
            };
        }
        let mut places = Vec::new();
        for scope in chain.into_iter().rev() {
            let function = self.names.get(scope.name as usize).cloned().unwrap_or_default();
            places.push(Place { function, file: at.0, line: at.1 });
            at = self.source(scope.call_file, scope.call_line);
        }
        places
    }

    fn source(&self, file: u32, line: u32) -> (Option<String>, Option<u32>) {
        (self.files.get(file as usize).cloned(), Some(line).filter(|line| *line > 0))
    }

    /// The folder in which the compiler ran.
    pub fn folder(&self) -> &str {
        &self.folder
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        put_text(&mut out, &self.folder);
        for texts in [&self.files, &self.names] {
            put(&mut out, texts.len() as u64);
            texts.iter().for_each(|text| put_text(&mut out, text));
        }
        put(&mut out, self.rows.len() as u64);
        let mut before = Row { address: 0, file: 0, line: 0 };
        for row in &self.rows {
            put(&mut out, row.address.wrapping_sub(before.address));
            put(&mut out, u64::from(row.file.wrapping_add(1)));
            put_signed(&mut out, i64::from(row.line) - i64::from(before.line));
            before = *row;
        }
        put(&mut out, self.scopes.len() as u64);
        let mut begin = 0_u64;
        for scope in &self.scopes {
            put_signed(&mut out, scope.begin.wrapping_sub(begin) as i64);
            put(&mut out, scope.end.wrapping_sub(scope.begin));
            put(&mut out, u64::from(scope.depth));
            put(&mut out, u64::from(scope.name.wrapping_add(1)));
            put(&mut out, u64::from(scope.call_file.wrapping_add(1)));
            put(&mut out, u64::from(scope.call_line));
            begin = scope.begin;
        }
        out
    }

    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut taker = Taker(bytes);
        let folder = taker.text()?.to_owned();
        let mut texts = || -> Option<Vec<String>> {
            let count = taker.count()?;
            (0..count).map(|_| taker.text().map(str::to_owned)).collect()
        };
        let (files, names) = (texts()?, texts()?);
        let mut rows = Vec::with_capacity(taker.count()?);
        let mut before = Row { address: 0, file: 0, line: 0 };
        for _ in 0..rows.capacity() {
            let address = before.address.wrapping_add(taker.number()?);
            let file = taker.small()?.wrapping_sub(1);
            let line = u32::try_from(i64::from(before.line).checked_add(taker.signed()?)?).ok()?;
            before = Row { address, file, line };
            rows.push(before);
        }
        let count = taker.count()?;
        let mut scopes = Vec::with_capacity(count);
        let mut begin = 0_u64;
        for _ in 0..count {
            begin = begin.wrapping_add(taker.signed()? as u64);
            let end = begin.wrapping_add(taker.number()?);
            let (depth, name) = (taker.small()?, taker.small()?.wrapping_sub(1));
            let (call_file, call_line) = (taker.small()?.wrapping_sub(1), taker.small()?);
            scopes.push(Scope { begin, end, depth, name, call_file, call_line });
        }
        Some(Self { folder, files, names, rows, scopes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit() -> Unit {
        let scope = |begin, end, depth, name, call_file, call_line| Scope {
            begin,
            end,
            depth,
            name,
            call_file,
            call_line,
        };
        Unit {
            folder: "/src".into(),
            files: vec!["/src/mm/a.c".into(), "/src/include/b.h".into()],
            names: vec!["outer".into(), "middle".into(), "inner".into()],
            rows: vec![
                Row { address: 0x100, file: 0, line: 10 },
                Row { address: 0x108, file: 1, line: 3 },
                Row { address: 0x110, file: 0, line: 12 },
                Row { address: 0x120, file: NONE, line: 0 },
            ],
            scopes: vec![
                scope(0x100, 0x120, 0, 0, NONE, 0),
                scope(0x104, 0x110, 1, 1, 0, 11),
                scope(0x108, 0x10c, 2, 2, 1, 20),
            ],
        }
    }

    fn short(places: &[Place]) -> Vec<(&str, &str, u32)> {
        places
            .iter()
            .map(|p| {
                (&*p.function, p.file.as_deref().unwrap_or_default(), p.line.unwrap_or_default())
            })
            .collect()
    }

    #[test]
    fn inlined_functions_come_innermost_first_each_with_the_line_it_is_at() {
        let unit = unit();
        assert_eq!(
            short(&unit.places(0x109)),
            [
                ("inner", "/src/include/b.h", 3),
                ("middle", "/src/include/b.h", 20),
                ("outer", "/src/mm/a.c", 11)
            ]
        );
        assert_eq!(short(&unit.places(0x111)), [("outer", "/src/mm/a.c", 12)]);
        assert!(unit.places(0x120).is_empty() && unit.places(0xff).is_empty());
    }

    #[test]
    fn a_kept_unit_is_the_same_and_a_damaged_one_is_none() {
        let unit = unit();
        let kept = unit.encode();
        assert_eq!(Unit::decode(&kept).as_ref(), Some(&unit));
        for cut in 0..kept.len() {
            assert_eq!(Unit::decode(&kept[..cut]), None, "cut at {cut}");
        }
        let mut random = fastrand::Rng::with_seed(1);
        for _ in 0..2_000 {
            let mut damaged = kept.clone();
            damaged[random.usize(..kept.len())] = random.u8(..);
            if let Some(unit) = Unit::decode(&damaged) {
                drop(unit.places(0x109));
            }
        }
    }
}
