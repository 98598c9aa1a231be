//! The calls that may be used, and how much they have to do with each other.

use std::collections::{BTreeSet, HashMap};

use fastrand::Rng;

use super::numbers::one_of;
use crate::program::{Program, Relation, relations};
use crate::types::{CallId, ResourceId, Target};

/// Weight of a resource that two calls share, by how far it is from the root of its chain.
const SHARED: u32 = 10;
/// Weight of calls that are drawn without regard to others.
const PLAIN: u32 = 1;

/// Calls that may be used.
#[derive(Debug, Clone)]
pub struct Catalog {
    /// Those that may be generated, in order.
    calls: Vec<CallId>,
    allowed: BTreeSet<CallId>,
    relations: Vec<Relation>,
    /// By resource, calls that make it or a descendant.
    makers: HashMap<ResourceId, Vec<CallId>>,
    /// By resource, calls that take it or an ancestor of it.
    takers: HashMap<ResourceId, Vec<(CallId, u32)>>,
    /// Ordered pairs of kinds of calls in the corpus, and how often.
    pairs: HashMap<CallId, HashMap<CallId, u32>>,
}

impl Catalog {
    /// A catalog of these calls.
    #[must_use]
    pub fn new(target: &Target, allowed: &BTreeSet<CallId>) -> Self {
        let relations = relations(target);
        let calls: Vec<CallId> = allowed
            .iter()
            .copied()
            .filter(|id| {
                let attributes = &target.call(*id).attributes;
                !attributes.no_generate && !attributes.disabled && !attributes.snapshot
            })
            .collect();
        let mut makers: HashMap<ResourceId, Vec<CallId>> = HashMap::new();
        let mut takers: HashMap<ResourceId, Vec<(CallId, u32)>> = HashMap::new();
        for id in &calls {
            let relation = &relations[id.0 as usize];
            let kinds: BTreeSet<ResourceId> = relation
                .made
                .iter()
                .flat_map(|kind| target.resource(*kind).chain.iter().copied())
                .collect();
            for kind in kinds {
                makers.entry(kind).or_default().push(*id);
            }
            for kind in &relation.taken {
                let depth = u32::try_from(target.resource(*kind).chain.len()).unwrap_or(1);
                // What is special to a few calls ties them closer than what all take.
                takers.entry(*kind).or_default().push((*id, SHARED * depth * depth));
            }
        }
        Self { calls, allowed: allowed.clone(), relations, makers, takers, pairs: HashMap::new() }
    }

    /// Whether a call may be used.
    #[must_use]
    pub fn allows(&self, id: CallId) -> bool {
        self.allowed.contains(&id)
    }

    /// Calls that may be generated.
    #[must_use]
    pub fn calls(&self) -> &[CallId] {
        &self.calls
    }

    /// Learns which calls stand together in a program that was kept.
    pub fn learn(&mut self, program: &Program) {
        for (index, first) in program.calls.iter().enumerate() {
            for second in &program.calls[index + 1..] {
                if first.kind != second.kind {
                    *self.pairs.entry(first.kind).or_default().entry(second.kind).or_default() += 1;
                }
            }
        }
    }

    /// Calls that make a resource or a descendant of it.
    pub(super) fn makers(&self, kind: ResourceId) -> &[CallId] {
        self.makers.get(&kind).map_or(&[], Vec::as_slice)
    }

    /// A call to follow one of those before.
    pub(super) fn choose(
        &self,
        target: &Target,
        rng: &mut Rng,
        before: &[CallId],
    ) -> Option<CallId> {
        if self.calls.is_empty() {
            return None;
        }
        let uniform = |rng: &mut Rng| self.calls[rng.usize(0..self.calls.len())];
        if before.is_empty() || one_of(rng, 20) {
            return Some(uniform(rng));
        }
        let bias = before[rng.usize(0..before.len())];
        let mut weights: Vec<(CallId, u32)> = Vec::new();
        let relation = &self.relations[bias.0 as usize];
        for kind in relation.made.iter().chain(&relation.taken) {
            for ancestor in &target.resource(*kind).chain {
                weights.extend(self.takers.get(ancestor).into_iter().flatten());
            }
        }
        if let Some(pairs) = self.pairs.get(&bias) {
            for (call, count) in pairs {
                weights.push((*call, 2 * count.isqrt().min(50)));
            }
        }
        // The order of a hash map is not the same in each run.
        weights.sort_unstable();
        let total: u64 = weights.iter().map(|(_, weight)| u64::from(*weight)).sum();
        let plain = u64::from(PLAIN) * self.calls.len() as u64;
        // A tenth goes to calls that share nothing.
        let all = total.max(1) + plain.min(total / 9 + 1);
        let mut chosen = rng.u64(0..all);
        for (call, weight) in weights {
            if chosen < u64::from(weight) {
                return Some(call);
            }
            chosen -= u64::from(weight);
        }
        Some(uniform(rng))
    }
}
