//! The sources of the workspace, read and parsed once.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use syn::Attribute;

/// Folders that hold no sources of ours.
const FOREIGN: &[&str] = &["target", ".git", "corpus", "artifacts"];

/// What a file belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    /// A program or library: below `src`.
    Code,
    /// A test, a benchmark or a fuzz target.
    Test,
}

/// A source file.
pub(super) struct File {
    /// Its path from the root of the workspace.
    pub(super) place: String,
    /// Its text.
    pub(super) text: String,
    /// Its items.
    pub(super) syntax: syn::File,
    /// What it belongs to.
    pub(super) scope: Scope,
}

impl File {
    /// The folder of the crate, such as `crates/io/vm`, and the path below its `src`.
    pub(super) fn in_crate(&self) -> Option<(&str, &str)> {
        self.place.split_once("/src/")
    }

    /// The lines before the file's own tests.
    pub(super) fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines = self.text.lines().take_while(|line| !line.starts_with("#[cfg(test)]"));
        lines.enumerate().map(|(at, line)| (at + 1, line))
    }
}

/// Every source file of the project, in the order of their paths.
pub(super) fn read_all(root: &Path) -> anyhow::Result<Vec<File>> {
    let mut found = Vec::new();
    for path in find(root)? {
        let text = std::fs::read_to_string(&path)
            .with_context(|| format!("cannot read {}", path.display()))?;
        let place = path.strip_prefix(root).unwrap_or(&path).display().to_string();
        found.push(parse(place, text)?);
    }
    Ok(found)
}

pub(super) fn parse(place: String, text: String) -> anyhow::Result<File> {
    let syntax = syn::parse_file(&text).with_context(|| format!("cannot parse {place}"))?;
    let scope = if place.contains("/src/") { Scope::Code } else { Scope::Test };
    Ok(File { place, text, syntax, scope })
}

fn find(root: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut open = vec![root.to_path_buf()];
    while let Some(directory) = open.pop() {
        let entries = std::fs::read_dir(&directory)
            .with_context(|| format!("cannot list {}", directory.display()))?;
        for entry in entries {
            let entry = entry.with_context(|| format!("cannot list {}", directory.display()))?;
            let (path, name) = (entry.path(), entry.file_name());
            if path.is_dir() {
                if !FOREIGN.iter().any(|foreign| name == *foreign) {
                    open.push(path);
                }
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Whether an item is there in tests only.
pub(super) fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("test")
            || attribute.path().is_ident("cfg")
                && attribute
                    .parse_args::<syn::Path>()
                    .is_ok_and(|condition| condition.is_ident("test"))
    })
}
