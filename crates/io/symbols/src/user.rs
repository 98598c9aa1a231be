//! Functions and source lines of addresses in a program of user space, whose names are demangled.
//!
//! Invariant: an address outside of every executable segment gives an error, never the nearest symbol.

use std::path::Path;

use addr2line::Loader;
use object::read::ReadCache;
use object::{Object as _, ObjectSegment as _, SegmentFlags};

use crate::error::SymbolError;
use crate::unit::Place;

/// Where an instruction lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Location {
    /// At this offset of the file.
    File(u64),
    /// At this offset of an executable mapping of that length in bytes, whose place in the file is
    /// not known.
    Mapping {
        /// Bytes from the start of the mapping.
        offset: u64,
        /// Length of the mapping.
        length: u64,
    },
}

/// An executable segment.
struct Segment {
    address: u64,
    file_offset: u64,
    size: u64,
}

const PAGE: u64 = 4096;

/// The functions at a location of a program, the innermost inlined one first.
pub fn places(path: &Path, location: Location) -> Result<Vec<Place>, SymbolError> {
    let address = address_of(path, location)?;
    let unreadable = |reason: String| SymbolError::Read { path: path.to_owned(), reason };
    let loader = Loader::new(path).map_err(|error| unreadable(error.to_string()))?;
    let mut found = Vec::new();
    let mut frames = loader.find_frames(address).map_err(|error| unreadable(error.to_string()))?;
    while let Some(frame) = frames.next().map_err(|error| unreadable(error.to_string()))? {
        let function = frame
            .function
            .as_ref()
            .and_then(|f| f.demangle().ok().map(std::borrow::Cow::into_owned))
            .unwrap_or_default();
        found.push(Place {
            function,
            file: frame.location.as_ref().and_then(|l| l.file).map(str::to_owned),
            line: frame.location.as_ref().and_then(|l| l.line),
        });
    }
    // Without debug information the symbol table still names the function.
    if found.iter().all(|place| place.function.is_empty())
        && let Some(symbol) = loader.find_symbol(address)
    {
        let name = addr2line::demangle_auto(symbol.into(), None).into_owned();
        match found.first_mut() {
            Some(place) => place.function = name,
            None => found.push(Place { function: name, file: None, line: None }),
        }
    }
    Ok(found)
}

/// The address, as the program was linked, of a location.
fn address_of(path: &Path, location: Location) -> Result<u64, SymbolError> {
    let segments = executable_segments(path)?;
    match location {
        Location::File(offset) => segments
            .iter()
            .find(|s| offset >= s.file_offset && offset - s.file_offset < s.size)
            .map(|s| s.address + (offset - s.file_offset))
            .ok_or_else(|| SymbolError::Outside {
                path: path.to_owned(),
                what: format!("file offset {offset:#x}"),
            }),
        Location::Mapping { offset, length } => {
            let fitting: Vec<&Segment> = segments
                .iter()
                .filter(|s| {
                    let start = s.address & !(PAGE - 1);
                    let end = (s.address + s.size).div_ceil(PAGE) * PAGE;
                    end - start == length
                })
                .collect();
            // A mapping may be split by a change of protection; one segment alone still fits.
            let chosen = match (fitting.as_slice(), segments.as_slice()) {
                ([one], _) => *one,
                ([], [only]) => only,
                ([], _) => {
                    return Err(SymbolError::Outside {
                        path: path.to_owned(),
                        what: format!("a mapping of {length:#x} bytes"),
                    });
                }
                (several, _) => {
                    return Err(SymbolError::Ambiguous {
                        path: path.to_owned(),
                        count: several.len(),
                        length,
                    });
                }
            };
            let address = (chosen.address & !(PAGE - 1)) + offset;
            (address < chosen.address + chosen.size).then_some(address).ok_or_else(|| {
                SymbolError::Outside {
                    path: path.to_owned(),
                    what: format!("offset {offset:#x} of a mapping"),
                }
            })
        }
    }
}

fn executable_segments(path: &Path) -> Result<Vec<Segment>, SymbolError> {
    let file = std::fs::File::open(path)
        .map_err(|source| SymbolError::Open { path: path.to_owned(), source })?;
    let cache = ReadCache::new(file);
    let parsed = object::File::parse(&cache)
        .map_err(|error| SymbolError::Read { path: path.to_owned(), reason: error.to_string() })?;
    Ok(parsed
        .segments()
        .filter(|segment| match segment.flags() {
            SegmentFlags::Elf { p_flags, .. } => (p_flags & object::elf::PF_X).0 != 0,
            _ => false,
        })
        .map(|segment| {
            let (file_offset, size) = segment.file_range();
            Segment { address: segment.address(), file_offset, size }
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn own() -> PathBuf {
        std::env::current_exe().expect("the test knows its own program")
    }

    /// A function of this very program, whose address is known.
    #[inline(never)]
    fn landmark() -> u64 {
        std::hint::black_box(7)
    }

    #[test]
    fn a_function_of_this_program_is_found_by_file_offset() {
        assert_eq!(landmark(), 7);
        let file = std::fs::File::open(own()).unwrap();
        let cache = ReadCache::new(file);
        let parsed = object::File::parse(&cache).unwrap();
        use object::ObjectSymbol as _;
        let symbol = parsed
            .symbols()
            .find(|s| {
                s.name().is_ok_and(|name| name.contains("landmark") && name.contains("tests"))
            })
            .expect("the symbol table has the function");
        let address = symbol.address() + 1;
        let segment = executable_segments(&own())
            .unwrap()
            .into_iter()
            .find(|s| address >= s.address && address < s.address + s.size)
            .unwrap();
        let places =
            places(&own(), Location::File(address - segment.address + segment.file_offset))
                .unwrap();
        let outermost = places.last().unwrap();
        assert!(outermost.function.contains("landmark"), "{places:?}");
        assert!(outermost.file.as_deref().is_some_and(|f| f.ends_with("user.rs")), "{places:?}");
        // The same place by its mapping.
        let start = segment.address & !(PAGE - 1);
        let length = (segment.address + segment.size).div_ceil(PAGE) * PAGE - start;
        let mapped =
            super::places(&own(), Location::Mapping { offset: address - start, length }).unwrap();
        assert_eq!(mapped, places);
    }

    #[test]
    fn what_is_outside_or_no_program_is_an_error_that_names_the_file() {
        let outside = places(&own(), Location::File(u64::MAX / 2)).unwrap_err();
        assert!(matches!(outside, SymbolError::Outside { .. }), "{outside}");
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), b"no program").unwrap();
        let unreadable = places(file.path(), Location::File(0)).unwrap_err();
        assert!(unreadable.to_string().contains(&file.path().display().to_string()));
        let absent = places(Path::new("/nowhere/at/all"), Location::File(0)).unwrap_err();
        assert!(matches!(absent, SymbolError::Open { .. }));
    }
}
