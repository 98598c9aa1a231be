//! Bugs that may be the same. Only ever suggested.

use std::collections::BTreeSet;

use model::tracker::{Bug, Key, KeyKind};

/// How alike two bugs are.
#[derive(Clone, Debug, PartialEq)]
pub struct Likeness {
    /// From 0 to 1; for ranking only.
    pub score: f64,
    /// The keys that both have, the most telling first.
    pub shared: Vec<Key>,
    /// Whether the reproducers of both do the same in the lab.
    pub same_signature: bool,
}

/// How much a shared key tells.
const fn weight(kind: KeyKind) -> f64 {
    match kind {
        KeyKind::Title => 1.0,
        KeyKind::Alternative => 0.8,
        KeyKind::Group => 0.7,
        KeyKind::Frame => 0.5,
        KeyKind::Manifestation => 0.6,
        KeyKind::Follower => 0.3,
        KeyKind::Module => 0.2,
    }
}

/// Ranks other bugs by what they share with one, the most alike first. A title of one that follows in the logs of the
/// other counts as shared.
pub fn rank<'a>(
    own: (&Bug, &[Key]),
    others: &'a [(Bug, Vec<Key>)],
    most: usize,
) -> Vec<(&'a Bug, Likeness)> {
    let keys: BTreeSet<&Key> = own.1.iter().collect();
    let values: BTreeSet<&str> = own.1.iter().map(|key| key.value.as_str()).collect();
    let mut ranked: Vec<(&Bug, Likeness)> = others
        .iter()
        .filter(|(bug, _)| bug.id != own.0.id)
        .filter_map(|(bug, theirs)| {
            let mut shared: Vec<Key> = theirs
                .iter()
                .filter(|key| {
                    keys.contains(key)
                        || key.kind != KeyKind::Frame && values.contains(key.value.as_str())
                })
                .cloned()
                .collect();
            shared.sort();
            shared.dedup_by(|a, b| a.value == b.value);
            let score =
                1.0 - shared.iter().map(|key| 1.0 - 0.9 * weight(key.kind)).product::<f64>();
            (!shared.is_empty()).then_some((bug, Likeness { score, shared, same_signature: false }))
        })
        .collect();
    ranked.sort_by(|a, b| {
        b.1.score
            .total_cmp(&a.1.score)
            .then_with(|| b.0.last.cmp(&a.0.last))
            .then(a.0.id.cmp(&b.0.id))
    });
    ranked.truncate(most);
    ranked
}
