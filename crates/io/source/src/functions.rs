//! Where the functions of a tree are defined.

use std::collections::HashMap;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use rayon::prelude::*;

use crate::store::{self, Entry, Known, Table};
use crate::{Error, SourceTree};

/// Top folders that hold no code of the kernel itself.
const NOT_THE_KERNEL: [&str; 5] = ["Documentation", "tools", "scripts", "usr", ".git"];
/// Longer files are tables.
const MAX_SOURCE: u64 = 8 << 20;
/// Deeper folders are not looked into.
const MAX_DEPTH: usize = 40;
/// What a checkout or an unpacking changes.
const SIGNS: [&str; 5] = [".git/HEAD", ".git/index", ".git/logs/HEAD", "Makefile", "MAINTAINERS"];

/// Where a function is defined.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The file, from the root of the tree.
    pub path: String,
    /// The line of its name, counted from 1.
    pub line: usize,
    /// The last line of its body.
    pub end: usize,
}

/// An index of the functions of a tree. What it answers was read in the files as they are at that moment; a function
/// that came to a file by hand, without a checkout, is found after [`Functions::refresh`].
#[derive(Debug)]
pub struct Functions {
    tree: SourceTree,
    kept: Option<PathBuf>,
    table: Table,
}

impl Functions {
    /// The index of a tree, kept in the file `kept` between calls; it is made where there is none and brought up to
    /// date where a checkout changed the tree.
    ///
    /// # Errors
    /// When the tree cannot be read or the index cannot be written.
    pub fn open(tree: &SourceTree, kept: Option<PathBuf>) -> Result<Self, Error> {
        let known = kept.as_deref().and_then(store::read);
        let mut own = Self { tree: tree.clone(), kept, table: known.unwrap_or_default() };
        if own.table.files.is_empty() || own.table.stamp != stamp(tree.root()) {
            own.refresh()?;
        }
        Ok(own)
    }

    /// How many functions and files it knows.
    pub fn size(&self) -> (usize, usize) {
        (self.table.entries.len(), self.table.files.len())
    }

    /// Reads what changed since the index was made.
    ///
    /// # Errors
    /// When the tree cannot be read or the index cannot be written.
    pub fn refresh(&mut self) -> Result<(), Error> {
        let stamp = stamp(self.tree.root());
        let files = walk(self.tree.root())?;
        let old: HashMap<&str, (u32, &Known)> = (0..)
            .zip(&self.table.files)
            .map(|(at, known)| (known.path.as_str(), (at, known)))
            .collect();
        let mut kept: HashMap<u32, u32> = HashMap::new();
        let mut fresh = Vec::new();
        for (at, file) in (0..).zip(&files) {
            match old.get(file.path.as_str()) {
                Some((before, known)) if *known == file => {
                    kept.insert(*before, at);
                }
                _ => fresh.push(at),
            }
        }
        let root = self.tree.root();
        let mut entries: Vec<Entry> = fresh
            .par_iter()
            .flat_map_iter(|&at| {
                files.get(at as usize).map(|file| read(root, file, at)).unwrap_or_default()
            })
            .collect();
        entries.extend(
            self.table.entries.iter().filter_map(|entry| {
                kept.get(&entry.file).map(|file| Entry { file: *file, ..*entry })
            }),
        );
        entries.par_sort_unstable();
        self.table = Table { stamp, files, entries };
        match &self.kept {
            Some(path) => store::write(path, &self.table),
            None => Ok(()),
        }
    }

    /// The places that define a function; `symbol` may be what a stack prints (`name.isra.0`, `__x64_sys_name`).
    ///
    /// # Errors
    /// When a file of the tree cannot be read.
    pub fn find(&mut self, symbol: &str) -> Result<Vec<Place>, Error> {
        let (found, stale) = self.look(symbol)?;
        if !stale {
            return Ok(found);
        }
        self.refresh()?;
        Ok(self.look(symbol)?.0)
    }

    /// The places as the files are now, and whether one was not where the index has it.
    fn look(&self, symbol: &str) -> Result<(Vec<Place>, bool), Error> {
        let (name, is_syscall) = parse_source::plain(symbol);
        let wanted = hash(name.as_bytes(), is_syscall);
        let all = &self.table.entries;
        let first = all.partition_point(|entry| entry.hash < wanted);
        let entries = all.iter().skip(first).take_while(|entry| entry.hash == wanted);
        let mut files: Vec<u32> = entries.map(|entry| entry.file).collect();
        files.dedup();
        let (mut found, mut stale) = (Vec::new(), false);
        for file in files {
            let Some(known) = self.table.files.get(file as usize) else { continue };
            let text = self.tree.read(&known.path)?.unwrap_or_default();
            let before = found.len();
            found.extend(
                parse_source::definitions(&known.path, &text)
                    .into_iter()
                    .filter(|d| d.name == name.as_bytes() && d.is_syscall == is_syscall)
                    .map(|d| Place { path: known.path.clone(), line: d.line, end: d.end }),
            );
            stale |= found.len() == before;
        }
        Ok((found, stale))
    }
}

fn read(root: &Path, file: &Known, at: u32) -> Vec<Entry> {
    let mut text = Vec::new();
    let opened = fs::File::open(root.join(&file.path));
    // A file that goes while the tree is read is not there.
    if opened.and_then(|f| f.take(MAX_SOURCE).read_to_end(&mut text)).is_err() {
        return Vec::new();
    }
    parse_source::definitions(&file.path, &text)
        .into_iter()
        .map(|d| Entry {
            hash: hash(d.name, d.is_syscall),
            file: at,
            line: u32::try_from(d.line).unwrap_or(u32::MAX),
        })
        .collect()
}

/// FNV-1a of 64 bits.
fn hash(name: &[u8], is_syscall: bool) -> u64 {
    name.iter().chain(&[u8::from(is_syscall)]).fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

fn stamp(root: &Path) -> u64 {
    let mut text = Vec::new();
    for sign in SIGNS {
        let changed = fs::metadata(root.join(sign)).map_or(0, |data| time(&data));
        text.extend_from_slice(&changed.to_le_bytes());
    }
    hash(&text, false)
}

fn time(data: &fs::Metadata) -> u64 {
    let since = data.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    since.and_then(|since| u64::try_from(since.as_nanos()).ok()).unwrap_or(0)
}

/// The source files of a tree, sorted. Links are not followed.
fn walk(root: &Path) -> Result<Vec<Known>, Error> {
    let mut files = list(root, "", 0)?;
    files.par_sort_unstable_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

fn list(root: &Path, below: &str, depth: usize) -> Result<Vec<Known>, Error> {
    let path = root.join(below);
    let failed = |source| Error::Read { path: path.clone(), source };
    let (mut files, mut folders) = (Vec::new(), Vec::new());
    for item in fs::read_dir(&path).map_err(failed)? {
        let item = item.map_err(failed)?;
        let Ok(name) = item.file_name().into_string() else { continue };
        let Ok(kind) = item.file_type() else { continue };
        let own = if below.is_empty() { name.clone() } else { format!("{below}/{name}") };
        if kind.is_dir() {
            let passed_over =
                name == ".git" || depth == 0 && NOT_THE_KERNEL.contains(&name.as_str());
            if !passed_over && depth < MAX_DEPTH {
                folders.push(own);
            }
        } else if kind.is_file() && [".c", ".h", ".S"].iter().any(|end| name.ends_with(end)) {
            let Ok(data) = item.metadata() else { continue };
            if data.len() <= MAX_SOURCE {
                files.push(Known { path: own, size: data.len(), changed: time(&data) });
            }
        }
    }
    let below: Result<Vec<Vec<Known>>, Error> =
        folders.par_iter().map(|folder| list(root, folder, depth + 1)).collect();
    files.extend(below?.into_iter().flatten());
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(files: &[(&str, &str)]) -> (tempfile::TempDir, SourceTree) {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let tree = SourceTree::open(folder.path()).unwrap();
        (folder, tree)
    }

    fn paths(functions: &mut Functions, symbol: &str) -> Vec<(String, usize)> {
        functions.find(symbol).unwrap().into_iter().map(|p| (p.path, p.line)).collect()
    }

    #[test]
    fn functions_are_found_by_what_stacks_call_them_and_the_index_is_kept() {
        let (_folder, tree) = tree(&[
            ("fs/a.c", "int run(void)\n{\n}\nSYSCALL_DEFINE0(pump)\n{\n}\n"),
            ("arch/x86/b.S", "SYM_FUNC_START(entry)\n"),
            ("tools/a.c", "int run(void)\n{\n}\n"),
        ]);
        let state = tempfile::tempdir().unwrap();
        let kept = state.path().join("f.idx");
        let functions = Functions::open(&tree, Some(kept.clone())).unwrap();
        assert_eq!(functions.size(), (3, 2));
        let before = fs::read(&kept).unwrap();
        let mut functions = Functions::open(&tree, Some(kept.clone())).unwrap();
        assert_eq!(paths(&mut functions, "run.constprop.0"), [("fs/a.c".into(), 1)]);
        assert_eq!(paths(&mut functions, "__x64_sys_pump"), [("fs/a.c".into(), 4)]);
        assert_eq!(paths(&mut functions, "entry"), [("arch/x86/b.S".into(), 1)]);
        assert_eq!(paths(&mut functions, "pump"), []);
        assert_eq!(fs::read(&kept).unwrap(), before);
    }

    #[test]
    fn a_function_that_moved_is_found_where_it_is_now() {
        let (folder, tree) = tree(&[("fs/a.c", "int run(void)\n{\n}\n"), ("fs/b.c", "\n")]);
        let mut functions = Functions::open(&tree, None).unwrap();
        fs::write(folder.path().join("fs/a.c"), "\n\n").unwrap();
        fs::write(folder.path().join("fs/b.c"), "\n\nint run(void)\n{\n}\n").unwrap();
        assert_eq!(paths(&mut functions, "run"), [("fs/b.c".into(), 3)]);
    }

    #[test]
    fn a_damaged_index_is_made_anew() {
        let (_folder, tree) = tree(&[("fs/a.c", "int run(void)\n{\n}\n")]);
        let state = tempfile::tempdir().unwrap();
        let kept = state.path().join("f.idx");
        fs::write(&kept, "ktriage functions 1\nrubbish").unwrap();
        let mut functions = Functions::open(&tree, Some(kept)).unwrap();
        assert_eq!(paths(&mut functions, "run").len(), 1);
    }
}
