//! Bugs that may be the same.

use analysis_tracker::{Likeness, rank};
use model::tracker::{Bug, Key, KeyKind};

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
                let twin = match key.kind {
                    KeyKind::Title => Some(KeyKind::Follower),
                    KeyKind::Follower | KeyKind::Alternative => Some(KeyKind::Title),
                    KeyKind::Group | KeyKind::Frame => None,
                };
                let twin = twin.map(|kind| Key { kind, value: key.value.clone() });
                std::iter::once(key.clone()).chain(twin)
            })
            .take(KEYS)
            .collect();
        let others = self.read().bugs_with_keys(&asked, LOOKED_AT)?;
        Ok(rank((bug, &own), &others, most)
            .into_iter()
            .map(|(bug, likeness)| (bug.clone(), likeness))
            .collect())
    }
}
