//! What the patches change, by function.

use analysis_trial::{ChangedFunction, Reach, Reached, changed_functions};
use io_git::Repository;
use model::CommitId;

use crate::failure::Failure;
use crate::lab::Ran;

/// Functions and lines that a series changes, before it is known whether they run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Changed {
    pub(crate) functions: Vec<ChangedFunction>,
    outside: Vec<(String, usize)>,
    other: Vec<String>,
}

/// Reads what differs between two commits.
pub(crate) fn changed(
    own: &Repository,
    base: &CommitId,
    patched: &CommitId,
) -> Result<Changed, Failure> {
    let mut all = Changed::default();
    for (path, lines) in own.changed_lines(base, patched).map_err(Failure::from_error)? {
        if !path.ends_with(".c") && !path.ends_with(".h") {
            all.other.push(path);
            continue;
        }
        // A file that is gone has nothing to run.
        let Some(bytes) = own.file(patched, &path).map_err(Failure::from_error)? else { continue };
        let text = String::from_utf8_lossy(&bytes);
        let (functions, outside) = changed_functions(&path, &text, &lines);
        all.functions.extend(functions);
        if !outside.is_empty() {
            all.outside.push((path, outside.len()));
        }
    }
    Ok(all)
}

impl Changed {
    /// What is known of the changed functions when one side or both were looked at.
    pub(crate) fn reach(
        &self,
        base: Option<&Result<Ran, String>>,
        patched: Option<&Result<Ran, String>>,
    ) -> Reach {
        let unknown = [patched, base].into_iter().flatten().find_map(|side| side.as_ref().err());
        let base = base.and_then(|side| side.as_ref().ok());
        let patched = patched.and_then(|side| side.as_ref().ok());
        let has = |ran: Option<&Ran>, list: fn(&Ran) -> &Vec<String>, name: &str| {
            ran.map(|ran| list(ran).iter().any(|one| one == name))
        };
        let functions = self
            .functions
            .iter()
            .map(|function| {
                let name = function.name.as_str();
                Reached {
                    function: function.clone(),
                    is_there: has(patched, |ran| &ran.there, name) == Some(true),
                    base_boot: has(base, |ran| &ran.boot, name),
                    base_run: has(base, |ran| &ran.run, name),
                    patched_boot: has(patched, |ran| &ran.boot, name),
                    patched_run: has(patched, |ran| &ran.run, name),
                    lines: patched.and_then(|ran| lines_of(function, ran.lines.as_ref()?)),
                }
            })
            .collect();
        Reach {
            unknown: unknown.cloned(),
            functions,
            outside: self.outside.clone(),
            other_files: self.other.clone(),
        }
    }
}

/// The changed lines of a function among those that ran.
fn lines_of(function: &ChangedFunction, ran: &[(String, u64)]) -> Option<Vec<u64>> {
    let end = format!("/{}", function.file);
    let ran: Vec<u64> = ran
        .iter()
        .filter(|(file, _)| file.ends_with(&end) || *file == function.file)
        .map(|(_, line)| *line)
        .collect();
    Some(function.lines.iter().copied().filter(|line| ran.contains(line)).collect())
}
