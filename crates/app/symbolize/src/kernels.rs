//! Which vmlinux a log is symbolised with.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use analysis_symbolize::{Boot, BootKernel, Facts, FileFacts, Fit, Misfit, fit, kaslr};
use io_symbols::{Binary, Keep, Roots, SymbolError, find_kernel};

use crate::error::Error;
use crate::session::Session;
use crate::tree::Tree;

/// How deep the lab's folder is searched for kernels: `builds/NAME/vmlinux`, `bisections/N/build-0/vmlinux`.
const LAB_DEPTH: usize = 4;
/// The most kernels of the lab that are compared with a log.
const MOST_BUILDS: usize = 200;

/// What a log is symbolised with.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The kernel with names and lines; looked for unless given.
    pub vmlinux: Option<PathBuf>,
    /// Folders with modules.
    pub modules: Vec<PathBuf>,
    /// The source tree.
    pub tree: Option<PathBuf>,
    /// Use the given files though they are of another kernel.
    pub force: bool,
    /// Tell the lines of return addresses, as old versions of `decode_stacktrace.sh` do.
    pub return_addresses: bool,
    /// Where indexes are kept between calls.
    pub cache: Option<PathBuf>,
    /// The folder of the lab, with its own kernels.
    pub lab: Option<PathBuf>,
}

/// Symbolises logs; what was opened for one log serves the next.
#[derive(Debug)]
pub struct Symbolizer {
    pub(crate) options: Options,
    pub(crate) tree: Tree,
    kernels: HashMap<PathBuf, Loaded>,
}

/// A kernel that was opened, with its modules.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) kernel: Binary,
    pub(crate) keep: Keep,
    /// Modules by name; none where no file is found.
    pub(crate) modules: HashMap<String, Option<Binary>>,
}

impl Symbolizer {
    /// A symbolizer that has opened nothing yet.
    pub fn new(options: Options) -> Self {
        let tree = Tree::new(options.tree.clone());
        Self { options, tree, kernels: HashMap::new() }
    }

    /// Finds the kernel of a log and compares them.
    ///
    /// # Errors
    /// When there is none, it is another kernel, or it cannot be read.
    pub fn of(&mut self, facts: Facts) -> Result<Session<'_>, Error> {
        let (path, boots) = match self.options.vmlinux.clone() {
            Some(path) => {
                let boots = self.boots(&path, &facts)?;
                (path, boots)
            }
            None => self.search(&facts)?,
        };
        let Some(loaded) = self.kernels.get_mut(&path) else {
            return Err(no_kernel(&facts));
        };
        Ok(Session::new(&self.options, &mut self.tree, loaded, facts, boots))
    }

    /// Compares a file with each boot. One that fits is enough.
    fn boots(&mut self, path: &Path, facts: &Facts) -> Result<Vec<BootKernel>, Error> {
        let force = self.options.force;
        let kernel = &self.load(path)?.kernel;
        let mut compared = Vec::new();
        let mut first = None;
        for boot in &facts.boots {
            let found = compare(boot, kernel);
            if let Err(misfit) = &found {
                first.get_or_insert_with(|| misfit.clone());
            }
            let usable = found.is_ok() || force;
            let moved = kaslr(boot, |known| addresses(kernel, &known.function, known.size));
            let (fit, misfit) = match found {
                Ok(fit) => (Some(fit), None),
                Err(misfit) => (None, Some(misfit)),
            };
            compared.push(BootKernel { fit, misfit, usable, kaslr: moved.filter(|_| usable) });
        }
        let of_interest = |(boot, compared): &(&Boot, &BootKernel)| {
            compared.usable && (!boot.known.is_empty() || facts.boots.len() == 1)
        };
        let fits = facts.boots.iter().zip(&compared).any(|pair| of_interest(&pair));
        match first.filter(|_| !fits) {
            Some(misfit) => Err(Error::OtherKernel { path: path.to_owned(), misfit }),
            None => Ok(compared),
        }
    }

    fn load(&mut self, path: &Path) -> Result<&Loaded, SymbolError> {
        if !self.kernels.contains_key(path) {
            let keep = Keep { folder: self.options.cache.clone(), roots: Roots::around(path) };
            let kernel = Binary::open(path, &keep)?;
            let loaded = Loaded { kernel, keep, modules: HashMap::new() };
            self.kernels.insert(path.to_owned(), loaded);
        }
        Ok(&self.kernels[path])
    }

    /// Looks for the kernel of a log: where debug packages install it, among the lab's own.
    fn search(&mut self, facts: &Facts) -> Result<(PathBuf, Vec<BootKernel>), Error> {
        let mut candidates = Vec::new();
        for boot in facts.boots.iter().rev() {
            let release = boot.release.as_ref().map(|(release, _)| release.as_str());
            let id = boot.build_id.as_ref().map(|(id, _)| id.as_str());
            candidates.extend(find_kernel(release, id, &Roots::default()));
        }
        if let Some(lab) = &self.options.lab {
            builds(lab, LAB_DEPTH, &mut candidates);
        }
        candidates.dedup();
        let mut refused = None;
        for path in candidates {
            match self.boots(&path, facts) {
                Ok(boots) => return Ok((path, boots)),
                Err(error) => {
                    // A lab holds many kernels; that each is another one tells nothing.
                    refused = Some(error).filter(|_| refused.is_none()).or(refused);
                }
            }
        }
        match refused {
            Some(error @ Error::Symbols(_)) => Err(error),
            _ => Err(no_kernel(facts)),
        }
    }
}

fn no_kernel(facts: &Facts) -> Error {
    let last =
        facts.boots.iter().rev().find(|boot| boot.release.is_some() || boot.build_id.is_some());
    let text = |fact: &Option<(String, u64)>| fact.as_ref().map(|(text, _)| text.clone());
    Error::NoKernel {
        release: last.and_then(|boot| text(&boot.release)),
        build_id: last.and_then(|boot| text(&boot.build_id)),
    }
}

fn compare(boot: &Boot, kernel: &Binary) -> Result<Fit, Misfit> {
    let identity = kernel.identity();
    let file =
        FileFacts { build_id: identity.build_id.as_deref(), banner: identity.banner.as_deref() };
    fit(boot, file, |name| {
        kernel.table().named(name).flat_map(|symbol| [symbol.size, symbol.own_size]).collect()
    })
}

/// The addresses of all functions of a name and size.
pub(crate) fn addresses(binary: &Binary, function: &str, size: u64) -> Vec<u64> {
    let fits = |symbol: &io_symbols::Symbol<'_>| {
        size == 0 || symbol.size == size || symbol.own_size == size
    };
    let mut found: Vec<u64> =
        binary.table().named(function).filter(fits).map(|symbol| symbol.address).collect();
    found.dedup();
    found
}

/// Kernels that the lab and its bisections built, the newest first.
fn builds(folder: &Path, depth: usize, found: &mut Vec<PathBuf>) {
    let mut dated = Vec::new();
    walk(folder, depth, &mut dated);
    dated.sort();
    found.extend(dated.into_iter().rev().map(|(_, path)| path).take(MOST_BUILDS));
}

fn walk(folder: &Path, depth: usize, found: &mut Vec<(std::time::SystemTime, PathBuf)>) {
    let kernel = folder.join("vmlinux");
    // A folder with a kernel is a build's: what is below it is the build's own.
    if let Ok(metadata) = fs::metadata(&kernel)
        && metadata.is_file()
    {
        found.push((metadata.modified().unwrap_or(std::time::UNIX_EPOCH), kernel));
        return;
    }
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let skipped =
            ["sources", "kernels", "runs", "ccache"].iter().any(|skipped| name == *skipped);
        let is_tree = name.to_string_lossy().starts_with("tree-");
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if depth > 0 && is_folder && !skipped && !is_tree {
            walk(&entry.path(), depth - 1, found);
        }
    }
}
