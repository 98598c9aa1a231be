//! The text of source lines, from the tree that the user gives.

use std::collections::HashMap;
use std::path::{Component, Path, PathBuf};

/// The largest source file that is read, in bytes.
const MOST_SOURCE: u64 = 8 << 20;

/// A source tree.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    root: Option<PathBuf>,
    files: HashMap<String, Option<Vec<String>>>,
}

impl Tree {
    pub(crate) fn new(root: Option<PathBuf>) -> Self {
        Self { root, files: HashMap::new() }
    }

    /// The text of a line, without blanks around it. Only files below the tree are read.
    pub(crate) fn line(&mut self, file: &str, line: u32) -> Option<String> {
        let root = self.root.as_ref()?;
        let below = Path::new(file).components().all(|part| matches!(part, Component::Normal(_)));
        if !below {
            return None;
        }
        let lines = self.files.entry(file.to_owned()).or_insert_with(|| {
            let path = root.join(file);
            let metadata = std::fs::metadata(&path).ok()?;
            if !metadata.is_file() || metadata.len() > MOST_SOURCE {
                return None;
            }
            let bytes = std::fs::read(path).ok()?;
            Some(
                String::from_utf8_lossy(&bytes)
                    .lines()
                    .map(|line| line.trim().to_owned())
                    .collect(),
            )
        });
        lines.as_ref()?.get(usize::try_from(line).ok()?.checked_sub(1)?).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_below_the_tree_are_read() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("tree")).unwrap();
        std::fs::write(folder.path().join("secret.c"), "one\n").unwrap();
        std::fs::write(folder.path().join("tree/a.c"), "int a;\n\treturn a;\n").unwrap();
        let mut tree = Tree::new(Some(folder.path().join("tree")));
        assert_eq!(tree.line("a.c", 2).as_deref(), Some("return a;"));
        assert_eq!(tree.line("a.c", 3), None);
        assert_eq!(tree.line("../secret.c", 1), None);
        let absolute = folder.path().join("secret.c");
        assert_eq!(tree.line(absolute.to_str().unwrap(), 1), None);
        assert_eq!(Tree::new(None).line("a.c", 1), None);
    }
}
