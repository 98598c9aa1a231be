//! Constants of many files as one table.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use parse_syzlang::ConstantFile;

use crate::mistake::{Mistake, Wrong};

/// The file whose values yield to those of others: it is made by a program.
const YIELDS: &str = "auto.txt.const";
/// The constant that no file defines: bytes of a pointer.
const PTR_SIZE: &str = "PTR_SIZE";
/// Architectures whose pointers have 4 bytes; those of all others have 8.
const NARROW: [&str; 2] = ["386", "arm"];

/// Values by name and architecture.
#[derive(Debug, Clone, Default)]
pub struct Constants {
    values: HashMap<String, BTreeMap<String, (u64, bool)>>,
}

impl Constants {
    /// Adds a file, by its name without folders. Gives the constants that have another value already, and says when
    /// neither header nor name tells the architecture.
    pub fn add(&mut self, path: &str, file: &ConstantFile) -> Vec<Mistake> {
        let yields = path == YIELDS;
        let own: Vec<String> = path
            .strip_suffix(".const")
            .and_then(|stem| stem.rsplit_once('_'))
            .map(|(_, architecture)| architecture.to_owned())
            .into_iter()
            .filter(|architecture| !architecture.is_empty() && !architecture.contains('.'))
            .collect();
        let architectures = if file.architectures.is_empty() { &own } else { &file.architectures };
        let mut mistakes = Vec::new();
        if let (true, Some(first)) = (architectures.is_empty(), file.lines.first()) {
            mistakes.push(Mistake {
                path: path.to_owned(),
                at: first.at,
                name: first.name.clone(),
                wrong: Wrong::NoArchitecture,
            });
        }
        for line in &file.lines {
            let known = self.values.entry(line.name.clone()).or_default();
            for architecture in architectures {
                let Some(value) = line.on(architecture) else { continue };
                match known.get(architecture) {
                    Some((_, false)) if yields => {}
                    Some((other, false)) if *other != value => mistakes.push(Mistake {
                        path: path.to_owned(),
                        at: line.at,
                        name: line.name.clone(),
                        wrong: Wrong::TwoValues,
                    }),
                    _ => {
                        known.insert(architecture.clone(), (value, yields));
                    }
                }
            }
        }
        mistakes
    }

    /// Whether any file names it.
    #[must_use]
    pub fn knows(&self, name: &str) -> bool {
        name == PTR_SIZE || self.values.contains_key(name)
    }

    /// Its value on an architecture.
    #[must_use]
    pub fn get(&self, name: &str, architecture: &str) -> Option<u64> {
        if name == PTR_SIZE {
            return Some(if NARROW.contains(&architecture) { 4 } else { 8 });
        }
        self.values.get(name)?.get(architecture).map(|(value, _)| *value)
    }

    /// The architectures on which some constant has a value.
    #[must_use]
    pub fn architectures(&self) -> BTreeSet<&str> {
        self.values.values().flat_map(BTreeMap::keys).map(String::as_str).collect()
    }
}
