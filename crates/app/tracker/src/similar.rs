//! Bugs that may be the same.

use analysis_tracker::{Likeness, rank, same_signature};
use model::tracker::{Bug, Key, KeyKind};

use crate::reproduce::signature;
use crate::{Error, Tracker};

/// Bugs of one key that are looked at.
const LOOKED_AT: usize = 30;
/// Keys that are asked for.
const KEYS: usize = 40;

impl Tracker {
    /// Other bugs that share something telling, the most alike first.
    ///
    /// # Errors
    /// When the record cannot be read.
    pub fn similar(&self, bug: &Bug, most: usize) -> Result<Vec<(Bug, Likeness)>, Error> {
        let own = self.read().keys(bug.id)?;
        let asked: Vec<Key> = own
            .iter()
            .flat_map(|key| {
                // What follows in one log may be the first in another.
                let twins: &[KeyKind] = match key.kind {
                    KeyKind::Title => &[KeyKind::Follower, KeyKind::Manifestation],
                    KeyKind::Follower | KeyKind::Alternative | KeyKind::Manifestation => {
                        &[KeyKind::Title]
                    }
                    KeyKind::Group | KeyKind::Frame | KeyKind::Module => &[],
                };
                let twins = twins.iter().map(|kind| Key { kind: *kind, value: key.value.clone() });
                std::iter::once(key.clone()).chain(twins)
            })
            .take(KEYS)
            .collect();
        let others = self.read().bugs_with_keys(&asked, LOOKED_AT)?;
        let mut ranked: Vec<(Bug, Likeness)> = rank((bug, &own), &others, usize::MAX)
            .into_iter()
            .map(|(bug, likeness)| (bug.clone(), likeness))
            .collect();
        self.compare_signatures(bug, &mut ranked)?;
        ranked.truncate(most);
        Ok(ranked)
    }

    /// Puts the bugs first whose reproducers do the same in the lab.
    fn compare_signatures(&self, bug: &Bug, ranked: &mut [(Bug, Likeness)]) -> Result<(), Error> {
        let history = self.read().history(bug.id)?;
        let Some(own) = signature(&history) else { return Ok(()) };
        for (other, likeness) in ranked.iter_mut() {
            if likeness.shared.iter().any(|key| key.kind == KeyKind::Manifestation) {
                let history = self.read().history(other.id)?;
                let is_same = signature(&history).is_some_and(|other| same_signature(own, other));
                likeness.same_signature = is_same;
            }
        }
        // Sorting is stable: the others stay as they were ranked.
        ranked.sort_by_key(|(_, likeness)| !likeness.same_signature);
        Ok(())
    }
}
