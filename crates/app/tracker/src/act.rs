//! What people and programs do to a bug.

use analysis_tracker::{About, act};
use model::tracker::{Action, Bug, BugId, Change, Key, KeyKind, Read, Standing};

use crate::find::{chain, holder};
use crate::{Error, Tracker};

/// Characters of a note or reason.
const LONGEST_NOTE: usize = 16 << 10;
/// Characters of the name or value of a label.
const LONGEST_LABEL: usize = 100;

impl Tracker {
    /// Does something to a bug, and says in its history who did it and why. Gives the bug as it then stands.
    ///
    /// # Errors
    /// When the action does not fit where the bug stands; nothing was changed then.
    pub fn act(
        &self,
        bug: BugId,
        action: &Action,
        who: &str,
        why: &str,
        now: i64,
    ) -> Result<Bug, Error> {
        self.change(|change| self.act_within(change, bug, action, who, why, now))
    }

    /// The same by somebody who may not show or hide anything: whatever would, such as moving crashes between a bug
    /// that anybody may see and a private one, is refused.
    ///
    /// # Errors
    /// [`Error::Shows`], and as above; nothing was changed then.
    pub fn act_showing_nothing(
        &self,
        bug: BugId,
        action: &Action,
        who: &str,
        why: &str,
        now: i64,
    ) -> Result<Bug, Error> {
        self.change(|change| {
            let before = shown(change, bug)?;
            let after = self.act_within(change, bug, action, who, why, now)?;
            if before != shown(change, bug)? {
                return Err(Error::Shows(bug));
            }
            Ok(after)
        })
    }

    pub(crate) fn act_within(
        &self,
        change: &dyn Change,
        id: BugId,
        action: &Action,
        who: &str,
        why: &str,
        now: i64,
    ) -> Result<Bug, Error> {
        let why: String = why.chars().take(LONGEST_NOTE).collect();
        let bug = change.bug(id)?.ok_or_else(|| Error::NoBug(id.to_string()))?;
        match action {
            Action::Undo { entry } => return self.undo(change, bug, *entry, who, &why, now),
            Action::Split { title: Some(title), .. } => {
                return self.split_title(change, &bug, title, who, &why, now);
            }
            Action::Note { text } if text.trim().is_empty() || text.len() > LONGEST_NOTE => {
                return Err(Error::Text("a note needs some text, of at most 16 KiB"));
            }
            Action::Label { name, value } => {
                let fits = |text: &str| {
                    text.chars().count() <= LONGEST_LABEL && !text.chars().any(char::is_control)
                };
                if name.is_empty() || name.contains([':', ' ']) || !fits(name) || !fits(value) {
                    return Err(Error::Text(
                        "a label is a word and perhaps a value, of at most 100 characters",
                    ));
                }
                change.set_label(id, name, value)?;
            }
            Action::Unlabel { name } if !change.remove_label(id, name)? => {
                return Err(Error::Text("the bug has no such label"));
            }
            Action::Note { text } => change.add_text(id, text)?,
            Action::Fix { fixes } => {
                for fix in fixes {
                    change.add_text(id, &fix.title)?;
                }
            }
            _ => {}
        }
        let target = target(change, action)?;
        let was_reported =
            change.history(id)?.iter().any(|entry| matches!(entry.action, Action::Report { .. }));
        let about = About { id, was_reported, target: &target };
        let after = act(&bug.standing, action, &why, now, about)
            .map_err(|refusal| Error::Refused { bug: id, refusal })?;
        self.stand(change, bug, after, action, (who, &why), now)
    }

    /// Writes where a bug stands now, moves crashes where that asks for it, and appends to the history.
    fn stand(
        &self,
        change: &dyn Change,
        mut bug: Bug,
        after: Standing,
        action: &Action,
        (who, why): (&str, &str),
        now: i64,
    ) -> Result<Bug, Error> {
        let before = std::mem::replace(&mut bug.standing, after);
        bug.changed = now;
        change.set_bug(&bug)?;
        let said = (before != bug.standing).then_some(&before);
        change.append(bug.id, now, who, action, why, said)?;
        rehouse(change, &bug, &before)?;
        change.bug(bug.id)?.ok_or_else(|| Error::NoBug(bug.id.to_string()))
    }

    /// Undoes the newest change of where a bug stands.
    fn undo(
        &self,
        change: &dyn Change,
        bug: Bug,
        entry: i64,
        who: &str,
        why: &str,
        now: i64,
    ) -> Result<Bug, Error> {
        let history = change.history(bug.id)?;
        let undone: Vec<i64> = history
            .iter()
            .filter_map(|entry| match entry.action {
                Action::Undo { entry } => Some(entry),
                _ => None,
            })
            .collect();
        let newest = history
            .iter()
            .rev()
            .filter(|entry| !matches!(entry.action, Action::Undo { .. }))
            .find(|entry| entry.before.is_some() && !undone.contains(&entry.id));
        let Some(newest) = newest else {
            return Err(Error::NoUndo("nothing is left that could be undone"));
        };
        if entry != 0 && newest.id != entry {
            return Err(Error::NoUndo(
                "only the newest change can be undone; undo the later ones first",
            ));
        }
        let Some(before) = newest.before.clone() else {
            return Err(Error::NoUndo("nothing is left that could be undone"));
        };
        if let Some(of) = before.duplicate_of
            && chain(change, change.bug(of)?.ok_or_else(|| Error::NoBug(of.to_string()))?)?
                .iter()
                .any(|other| other.id == bug.id)
        {
            return Err(Error::NoUndo(
                "the other bug has become a duplicate of this one meanwhile",
            ));
        }
        self.stand(change, bug, before, &Action::Undo { entry: newest.id }, (who, why), now)
    }

    /// Lets the crashes of one title leave for a bug of their own. Gives that bug.
    fn split_title(
        &self,
        change: &dyn Change,
        bug: &Bug,
        title: &str,
        who: &str,
        why: &str,
        now: i64,
    ) -> Result<Bug, Error> {
        let no_title = || Error::NoTitle { bug: bug.id, title: title.to_owned() };
        let key = Key { kind: KeyKind::Title, value: title.to_owned() };
        if !change.keys(bug.id)?.contains(&key) {
            return Err(no_title());
        }
        if title == bug.title {
            return Err(Error::Text("the crashes of a bug's own title stay with it"));
        }
        let example = change.kept_crashes(bug.id)?.into_iter().find(|crash| crash.title == title);
        let time = example.map_or(bug.first, |crash| crash.time);
        let new = self.bug_for_title(change, title, bug, time, who, now)?;
        if change.move_crashes(bug.id, new.id, bug.id, Some(title), true)? == 0 {
            return Err(no_title());
        }
        change.remove_key(bug.id, &key)?;
        change.add_text(new.id, &key.value)?;
        change.add_keys(new.id, &[key])?;
        for id in [bug.id, new.id] {
            change.recount(id)?;
        }
        let split = Action::Split { title: Some(title.to_owned()), to: Some(new.id) };
        change.append(bug.id, now, who, &split, why, None)?;
        change.bug(new.id)?.ok_or_else(|| Error::NoBug(new.id.to_string()))
    }
}

/// Whether anybody may see a bug, and the bug in whose record its crashes stand.
fn shown(read: &dyn Read, id: BugId) -> Result<(bool, bool), Error> {
    let bug = read.bug(id)?.ok_or_else(|| Error::NoBug(id.to_string()))?;
    let own = bug.standing.public;
    let chain = chain(read, bug)?;
    Ok((own, holder(&chain).map_or(own, |holder| holder.standing.public)))
}

/// The bug that an action names and those that carry its record on.
fn target(read: &dyn Read, action: &Action) -> Result<Vec<BugId>, Error> {
    let (Action::Duplicate { of } | Action::Merge { into: of }) = action else {
        return Ok(Vec::new());
    };
    let bug = read.bug(*of)?.ok_or_else(|| Error::NoBug(of.to_string()))?;
    Ok(chain(read, bug)?.iter().map(|bug| bug.id).collect())
}

/// Moves the crashes of a bug to where they belong now: into the record of the bug that it was merged into, or back.
fn rehouse(change: &dyn Change, bug: &Bug, before: &Standing) -> Result<(), Error> {
    let merged = |standing: &Standing| standing.duplicate_of.filter(|_| standing.merged);
    if merged(before) == merged(&bug.standing) {
        return Ok(());
    }
    // The bug itself and all that were merged into it before.
    let mut family = vec![bug.id];
    let mut at = 0;
    while let Some(id) = family.get(at).copied() {
        let merged = change.duplicates(id)?.into_iter().filter(|other| other.standing.merged);
        let new: Vec<BugId> =
            merged.map(|other| other.id).filter(|id| !family.contains(id)).collect();
        family.extend(new);
        at += 1;
    }
    let house = |standing: &Standing| -> Result<BugId, Error> {
        let Some(of) = merged(standing) else { return Ok(bug.id) };
        let of = change.bug(of)?.ok_or_else(|| Error::NoBug(of.to_string()))?;
        let chain = chain(change, of)?;
        Ok(holder(&chain).map_or(bug.id, |holder| holder.id))
    };
    let (from, to) = (house(before)?, house(&bug.standing)?);
    if from != to {
        for origin in family {
            change.move_crashes(from, to, origin, None, false)?;
        }
        change.recount(from)?;
        change.recount(to)?;
    }
    Ok(())
}
