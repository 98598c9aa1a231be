//! A kernel or a module with its names, its lines and what is kept of both between calls.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use crate::dwarf::Debug;
use crate::error::SymbolError;
use crate::image::{Image, Machine};
use crate::index::{Index, Kind, Record};
use crate::search::{self, Roots};
use crate::table::SymbolTable;
use crate::unit::{Place, Unit};

/// The longest banner that is read, in bytes.
const MOST_BANNER: u64 = 1_024;

/// Where things are kept and looked for.
#[derive(Clone, Debug, Default)]
pub struct Keep {
    /// The folder of what is kept between calls; nothing is kept without.
    pub folder: Option<PathBuf>,
    /// Where debug files are installed.
    pub roots: Roots,
}

/// Which build a file is of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// The build id in hexadecimal digits.
    pub build_id: Option<String>,
    /// What the kernel says of itself at boot, `Linux version …`; of a module the release that it is for.
    pub banner: Option<String>,
}

/// An opened kernel or module.
#[derive(Debug)]
pub struct Binary {
    /// The file that was named.
    path: PathBuf,
    /// The file that was named, for its instructions.
    image: Arc<Image>,
    /// The file with names and lines; the same one unless they were split off.
    debug_image: Arc<Image>,
    debug: OnceLock<Debug>,
    table: SymbolTable,
    index: Option<Index>,
    units: HashMap<u64, Arc<Unit>>,
    new: Vec<Record>,
}

impl Binary {
    /// Opens a kernel or a module, with the debug file that was split off from it.
    ///
    /// # Errors
    /// When the file cannot be read, has no symbols, or its debug information is damaged.
    pub fn open(path: &Path, keep: &Keep) -> Result<Self, SymbolError> {
        let image = Arc::new(Image::open(path)?);
        let debug_image = match image.has_debug_information() {
            true => Arc::clone(&image),
            false => {
                search::split_off(&image, &keep.roots).map_or_else(|| Arc::clone(&image), Arc::new)
            }
        };
        let index = keep.folder.as_ref().map(|folder| Index::open(folder.join(key(&debug_image))));
        Self::with(path, image, debug_image, index, &keep.roots)
    }

    /// Reads a kernel or a module that is in memory; nothing is kept of it.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn read(bytes: Vec<u8>) -> Result<Self, SymbolError> {
        let path = Path::new("-");
        let image = Arc::new(Image::read(path, crate::source::Source::Memory(bytes))?);
        Self::with(path, Arc::clone(&image), image, None, &Roots::none())
    }

    fn with(
        path: &Path,
        image: Arc<Image>,
        debug_image: Arc<Image>,
        index: Option<Index>,
        roots: &Roots,
    ) -> Result<Self, SymbolError> {
        let kept = index.as_ref().and_then(|index| index.get(Kind::Table, 0));
        let kept = kept.and_then(SymbolTable::decode);
        let (debug, mut new) = (OnceLock::new(), Vec::new());
        let table = match kept {
            Some(table) => table,
            None => {
                let lines = open_debug(&debug_image, roots)?;
                let table = table(&image, &debug_image, lines.as_ref())?;
                let contents = table.encoded().to_vec();
                new.push(Record { kind: Kind::Table, key: 0, contents });
                if let Some(lines) = lines {
                    let _ = debug.set(lines);
                }
                table
            }
        };
        let path = path.to_owned();
        Ok(Self { path, image, debug_image, debug, table, index, units: HashMap::new(), new })
    }

    /// The file that was named.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The file that lines come from, where it is another one.
    pub fn debug_path(&self) -> Option<&Path> {
        (!Arc::ptr_eq(&self.image, &self.debug_image)).then_some(&*self.debug_image.path)
    }

    /// Which build it is of.
    pub fn identity(&self) -> Identity {
        let build_id = self.image.build_id.as_ref().or(self.debug_image.build_id.as_ref());
        let banner = Some(self.table.banner()).filter(|banner| !banner.is_empty());
        Identity { build_id: build_id.map(|id| hexadecimal(id)), banner: banner.map(str::to_owned) }
    }

    /// The functions.
    pub fn table(&self) -> &SymbolTable {
        &self.table
    }

    /// The machine it is for.
    pub fn machine(&self) -> Machine {
        self.image.machine
    }

    /// Whether there is debug information with lines.
    pub fn has_lines(&self) -> bool {
        self.debug_image.has_debug_information()
    }

    /// Bytes of the program at an address, as compiled: the running kernel may have patched them. `None` where the
    /// file does not hold them.
    pub fn instructions(&self, address: u64, length: u64) -> Option<Vec<u8>> {
        self.image.memory(address, length)
    }

    /// The functions at an address with file and line, the innermost inlined one first. Paths are relative to the
    /// root of the source. Empty where the debug information does not know the address.
    ///
    /// # Errors
    /// When the debug information is damaged.
    pub fn places(&mut self, address: u64) -> Result<Vec<Place>, SymbolError> {
        for offset in self.table.units(address) {
            let unit = self.unit(offset)?;
            let mut places = unit.places(address);
            if places.is_empty() {
                continue;
            }
            for file in places.iter_mut().filter_map(|place| place.file.as_mut()) {
                *file = relative(file, &[self.table.root(), unit.folder()]).to_owned();
            }
            return Ok(places);
        }
        Ok(Vec::new())
    }

    fn unit(&mut self, offset: u64) -> Result<Arc<Unit>, SymbolError> {
        if let Some(unit) = self.units.get(&offset) {
            return Ok(Arc::clone(unit));
        }
        let kept = self.index.as_ref().and_then(|index| index.get(Kind::Unit, offset));
        let unit = match kept.and_then(|bytes| Unit::decode(&bytes)) {
            Some(unit) => Arc::new(unit),
            None => {
                let debug = self.lines()?;
                let unit = debug.unit(offset)?;
                self.new.push(Record { kind: Kind::Unit, key: offset, contents: unit.encode() });
                Arc::new(unit)
            }
        };
        self.units.insert(offset, Arc::clone(&unit));
        Ok(unit)
    }

    fn lines(&self) -> Result<&Debug, SymbolError> {
        if let Some(debug) = self.debug.get() {
            return Ok(debug);
        }
        let image = &self.debug_image;
        let common = search::common(image, &Roots::default());
        let debug = Debug::new(Arc::clone(image), common.map(Arc::new))?;
        Ok(self.debug.get_or_init(|| debug))
    }

    /// Keeps what was read newly. Without a folder nothing happens.
    ///
    /// # Errors
    /// When the file of the index cannot be written.
    pub fn keep(&mut self) -> std::io::Result<()> {
        let new = std::mem::take(&mut self.new);
        self.index.as_mut().map_or(Ok(()), |index| index.append(&new))
    }
}

fn open_debug(image: &Arc<Image>, roots: &Roots) -> Result<Option<Debug>, SymbolError> {
    if !image.has_debug_information() {
        return Ok(None);
    }
    let common = search::common(image, roots).map(Arc::new);
    Debug::new(Arc::clone(image), common).map(Some)
}

/// The table of an image that nothing is kept of.
fn table(
    image: &Image,
    debug_image: &Image,
    debug: Option<&Debug>,
) -> Result<SymbolTable, SymbolError> {
    let mut symbols = debug_image.symbols()?;
    if symbols.is_empty() {
        symbols = image.symbols()?;
    }
    if symbols.is_empty() {
        return Err(SymbolError::Stripped { path: image.path.clone() });
    }
    let address_of = |name| symbols.iter().find(|symbol| symbol.name == name).map(|s| s.address);
    let banner = address_of("linux_banner")
        .and_then(|address| image.memory(address, MOST_BANNER))
        .and_then(|bytes| line(&bytes).filter(|line| line.starts_with("Linux version ")));
    let banner = banner.or_else(|| {
        // A module says for which release it was built: `vermagic=6.12.0 SMP …`.
        let information = image.contents(".modinfo").ok()?;
        let mut entries = information.split(|byte| *byte == 0);
        let magic = entries.find_map(|entry| entry.strip_prefix(b"vermagic="))?;
        line(magic)?.split(' ').next().map(str::to_owned)
    });
    let ranges = debug.map(Debug::unit_ranges).transpose()?.unwrap_or_default();
    let mut root = String::new();
    if let (Some(debug), Some(start)) = (debug, address_of("start_kernel")) {
        // The kernel begins in init/main.c: what stands before it is the root of the source.
        let mut holding = ranges.iter().filter(|range| (range.begin..range.end).contains(&start));
        if let Some(range) = holding.next() {
            let unit = debug.unit(range.unit)?;
            let main = unit.files.iter().find_map(|file| file.strip_suffix("/init/main.c"));
            root = main.unwrap_or_default().to_owned();
        }
    }
    Ok(SymbolTable::new(symbols, debug_image, &ranges, &banner.unwrap_or_default(), &root))
}

/// The first line of bytes.
fn line(bytes: &[u8]) -> Option<String> {
    let end = bytes.iter().position(|byte| matches!(byte, 0 | b'\n')).unwrap_or(bytes.len());
    std::str::from_utf8(&bytes[..end]).ok().map(str::to_owned)
}

/// The path below the first of the folders that holds it.
fn relative<'a>(path: &'a str, folders: &[&str]) -> &'a str {
    folders
        .iter()
        .filter(|folder| !folder.is_empty())
        .find_map(|folder| path.strip_prefix(*folder)?.strip_prefix('/'))
        .unwrap_or(path)
}

/// The name of the file in which an image is kept.
fn key(image: &Image) -> String {
    match &image.build_id {
        Some(id) if id.len() >= 8 => format!("{}.index", hexadecimal(id)),
        _ => {
            let mut hash = blake3::Hasher::new();
            let path = image.path.canonicalize().unwrap_or_else(|_| image.path.clone());
            hash.update(path.as_os_str().as_encoded_bytes());
            hash.update(&image.length().to_le_bytes());
            let written = std::fs::metadata(&path).and_then(|metadata| metadata.modified());
            let since = written.ok().and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok());
            hash.update(&since.unwrap_or_default().as_nanos().to_le_bytes());
            format!("file-{}.index", &hash.finalize().to_hex()[..40])
        }
    }
}

pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
