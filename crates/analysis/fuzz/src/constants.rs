//! Constants of many files as one table.

use std::collections::{BTreeMap, HashMap};

use parse_syzlang::ConstantFile;

use crate::mistake::{Mistake, Wrong};

/// The file whose values yield to those of others: it is made by a program.
const YIELDS: &str = "auto.txt.const";

/// Values by name and architecture.
#[derive(Debug, Clone, Default)]
pub struct Constants {
    values: HashMap<String, BTreeMap<String, (u64, bool)>>,
}

impl Constants {
    /// Adds a file. Gives the constants that have another value already.
    pub fn add(&mut self, path: &str, file: &ConstantFile) -> Vec<Mistake> {
        let yields = path == YIELDS;
        let own: Vec<String> = path
            .strip_suffix(".const")
            .and_then(|stem| stem.rsplit('_').next())
            .map(str::to_owned)
            .into_iter()
            .collect();
        let architectures = if file.architectures.is_empty() { &own } else { &file.architectures };
        let mut mistakes = Vec::new();
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
        self.values.contains_key(name)
    }

    /// Its value on an architecture.
    #[must_use]
    pub fn get(&self, name: &str, architecture: &str) -> Option<u64> {
        self.values.get(name)?.get(architecture).map(|(value, _)| *value)
    }
}
