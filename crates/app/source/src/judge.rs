//! Judges claims about the source and its history by a tree.

use analysis_tree::term::plain_title;
use analysis_tree::told::{Says, Told, Where, Why};
use io_git::Repository;
use model::{CommitId, Predicate};

use crate::{Error, Place, Tree};

/// Places that are cited for one claim.
const MOST: usize = 4;

impl Tree {
    /// What the tree says of a claim; `None` for one that is not about the source.
    ///
    /// # Errors
    /// When the tree or its history cannot be read.
    pub fn judge(&self, claim: &Predicate) -> Result<Option<Says>, Error> {
        Ok(Some(match claim {
            Predicate::DefinedIn { function, file } => self.defined_in(function, file)?,
            Predicate::Calls { caller, function } => self.calls(caller, function)?,
            Predicate::CommitExists { .. }
            | Predicate::CommitInRelease { .. }
            | Predicate::FirstInRelease { .. } => match self.repository() {
                Some(repository) => of_history(repository, claim)?,
                None => Says::NotShown(Why::NoHistory),
            },
            _ => return Ok(None),
        }))
    }

    /// What the tree says of the claims that a written text makes of the source and its history.
    ///
    /// # Errors
    /// When the tree or its history cannot be read.
    pub fn judge_text(&self, text: &str) -> Result<Vec<Told>, Error> {
        let mut all = Vec::new();
        for (line, claim) in analysis_tree::cited::claims(text) {
            if let Some(says) = self.judge(&claim)? {
                all.push(Told { claim, line, says });
            }
        }
        Ok(all)
    }

    fn defined_in(&self, function: &str, file: &str) -> Result<Says, Error> {
        let known = self.source().relative(std::path::Path::new(file)).ok();
        let text = match &known {
            Some(path) => self.source().read(path)?,
            None => None,
        };
        if let (Some(path), Some(text)) = (&known, &text) {
            let (name, is_syscall) = parse_source::plain(function);
            let here = parse_source::definitions(path, text)
                .into_iter()
                .find(|d| d.name == name.as_bytes() && (d.is_syscall == is_syscall || !is_syscall));
            if let Some(here) = here {
                return Ok(Says::Shown(vec![Where::Line { file: path.clone(), line: here.line }]));
            }
        }
        let elsewhere = self.places(function)?;
        if let Some(first) = elsewhere.first() {
            let found =
                Predicate::DefinedIn { function: function.to_owned(), file: first.path.clone() };
            return Ok(Says::Contradicted { found, at: lines(&elsewhere) });
        }
        let is_named = text.is_some_and(|text| {
            let wanted = function.as_bytes();
            !wanted.is_empty() && text.windows(wanted.len()).any(|part| part == wanted)
        });
        Ok(Says::NotShown(match (self.source().is_file(file), is_named) {
            (false, _) => Why::NoFile(file.to_owned()),
            (true, true) => Why::OnlyNamed(file.to_owned()),
            (true, false) => Why::NotDefined(function.to_owned()),
        }))
    }

    fn calls(&self, caller: &str, function: &str) -> Result<Says, Error> {
        let places = self.places(caller)?;
        let Some(first) = places.first() else {
            return Ok(Says::NotShown(Why::NotDefined(caller.to_owned())));
        };
        let mut found = Vec::new();
        for place in &places {
            let Some(text) = self.source().read(&place.path)? else { continue };
            let definitions = parse_source::definitions(&place.path, &text);
            let own = definitions.iter().find(|d| d.line == place.line);
            let line = own.and_then(|own| parse_source::call(&text, own, function));
            found.extend(line.map(|line| Where::Line { file: place.path.clone(), line }));
        }
        Ok(if found.is_empty() {
            let at = Where::Line { file: first.path.clone(), line: first.line };
            Says::NotShown(Why::NotInBody(at))
        } else {
            Says::Shown(found)
        })
    }
}

fn lines(places: &[Place]) -> Vec<Where> {
    places
        .iter()
        .take(MOST)
        .map(|place| Where::Line { file: place.path.clone(), line: place.line })
        .collect()
}

fn of_history(repository: &Repository, claim: &Predicate) -> Result<Says, Error> {
    let (Predicate::CommitExists { commit, .. }
    | Predicate::CommitInRelease { commit, .. }
    | Predicate::FirstInRelease { commit, .. }) = claim
    else {
        return Ok(Says::NotShown(Why::NoHistory));
    };
    let is_name = commit.len() >= 7 && commit.bytes().all(|b| b.is_ascii_hexdigit());
    let Some(id) = is_name.then(|| repository.resolve(commit).ok()).flatten() else {
        return Ok(Says::NotShown(Why::NoCommit(commit.clone())));
    };
    match claim {
        Predicate::CommitExists { title: Some(title), .. } => {
            let real = repository.details(&id)?.subject;
            let at = vec![Where::Commit(id.to_string())];
            if plain_title(&real) == plain_title(title) {
                return Ok(Says::Shown(at));
            }
            let found = Predicate::CommitExists { commit: commit.clone(), title: Some(real) };
            Ok(Says::Contradicted { found, at })
        }
        Predicate::CommitInRelease { release, .. } => {
            let Ok(tag) = repository.resolve(&format!("refs/tags/{release}")) else {
                return Ok(Says::NotShown(Why::NoTag(release.clone())));
            };
            if repository.is_ancestor(&id, &tag)? {
                return Ok(Says::Shown(vec![Where::Tag(release.clone())]));
            }
            first_release(repository, &id, commit)
        }
        Predicate::FirstInRelease { release, .. } => {
            let says = first_release(repository, &id, commit)?;
            Ok(match says {
                Says::Contradicted {
                    found: Predicate::FirstInRelease { release: first, .. },
                    at,
                } if first == *release || first.starts_with(&format!("{release}-rc")) => {
                    Says::Shown(at)
                }
                other => other,
            })
        }
        _ => Ok(Says::Shown(vec![Where::Commit(id.to_string())])),
    }
}

/// That another release is the first that holds a commit.
fn first_release(repository: &Repository, id: &CommitId, name: &str) -> Result<Says, Error> {
    let tags = repository.tags_with(id.as_str(), None)?;
    Ok(match tags.into_iter().next() {
        None => Says::NotShown(Why::InNoTag(name.to_owned())),
        Some(first) => {
            let at = vec![Where::Tag(first.clone())];
            let found = Predicate::FirstInRelease { commit: name.to_owned(), release: first };
            Says::Contradicted { found, at }
        }
    })
}
